"""The examples of every call in every language, cut out of the programs that tests/conformance runs."""

from __future__ import annotations

import re
import textwrap
from pathlib import Path

CLIENTS = Path(__file__).resolve().parent.parent / "client"
LANGUAGES = {
    "python": ("Python", ".py"),
    "go": ("Go", ".go"),
    "typescript": ("TypeScript", ".ts"),
    "java": ("Java", ".java"),
    "rust": ("Rust", ".rs"),
}
"""By folder: the name, and how its files end; it is also what follows the fence."""
_EXAMPLE = re.compile(r"^[ \t]*(?://|#) example: (?P<method>\S+)\n(?P<code>.*?)^[ \t]*(?://|#) end[ \t]*$", re.DOTALL | re.MULTILINE)
_BUILT = {"node_modules", "target", "build", "dist", "gen"}


def examples_of(language: str) -> dict[str, str]:
    """The code by method, `package.Service/Method`. Raises ValueError when a method has two examples."""
    found: dict[str, str] = {}
    for path in sorted((CLIENTS / language / "examples").rglob(f"*{LANGUAGES[language][1]}")):
        if _BUILT & set(path.parts):
            continue
        for example in _EXAMPLE.finditer(path.read_text("utf-8")):
            if example["method"] in found:
                raise ValueError(f"{path.name}: {example['method']} has two examples")
            found[example["method"]] = textwrap.dedent(example["code"].expandtabs(4)).strip()
    return found


def examples() -> str:
    """A part for each method, with its example in each language that has one."""
    code = {language: examples_of(language) for language in LANGUAGES}
    named = dict.fromkeys(method for one in code.values() for method in one)
    services = list(dict.fromkeys(method.partition("/")[0] for method in named))
    methods = sorted(named, key=lambda method: services.index(method.partition("/")[0]))
    lines: list[str] = []
    service = ""
    for method in methods:
        if method.partition("/")[0] != service:
            service = method.partition("/")[0]
            lines += [f"## {service}", ""]
        lines += [f"### {method.partition('/')[2]}", ""]
        for language, (name, _) in LANGUAGES.items():
            if method in code[language]:
                is_open = " open" if language == "python" else ""
                lines += [f"<details{is_open}><summary>{name}</summary>", "", "<!-- not run: tests/conformance runs it -->"]
                lines += [f"```{language}", code[language][method], "```", "", "</details>", ""]
    return "\n".join(lines)
