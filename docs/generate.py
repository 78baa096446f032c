"""Write the parts of docs/ that other files say already, so that no document has to be kept in step by hand.

    python docs/generate.py          write them
    python docs/generate.py --check  fail when a document is not what its sources say

A generated part stands between `<!-- generated: NAME -->` and `<!-- end of NAME -->`; everything else in a document is written by hand.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))

import from_clients
import from_contract
import from_server

DOCS = Path(__file__).resolve().parent
PARTS: dict[str, Callable[[], str]] = {
    "agents": from_server.agents,
    "errors": from_contract.errors,
    "examples": from_clients.examples,
    "exit codes": from_server.exit_codes,
    "facts": from_server.facts,
    "flags": from_server.flags,
    "messages": from_contract.messages,
    "methods": from_server.methods,
    "modes": from_server.modes,
    "metrics": from_server.metrics,
    "permissions": from_server.permissions,
    "rule grammar": from_server.rule_grammar,
    "rules": from_server.rules,
    "routing numbers": lambda: from_server.data_file("routing.toml"),
    "services": from_contract.services,
    "settings": from_server.settings,
    "tripwire families": from_server.tripwire_families,
    "validation numbers": lambda: from_server.data_file("validation.toml"),
}
_PART = re.compile(r"(<!-- generated: (?P<name>[a-z ]+) -->\n).*?(<!-- end of (?P=name) -->)", re.DOTALL)


def fresh(document: str) -> str:
    """A document with its generated parts as its sources say now."""
    return _PART.sub(lambda part: f"{part[1]}\n{PARTS[part['name']]().strip()}\n\n{part[3]}", document)


def stale(folder: Path = DOCS) -> list[Path]:
    """The documents that are not what their sources say."""
    return [path for path in sorted(folder.glob("*.md")) if fresh(text := path.read_text("utf-8")) != text]


def main() -> None:
    """Do what the command line says."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="compare, write nothing")
    asked = parser.parse_args()
    found = stale()
    if asked.check:
        if found:
            raise SystemExit("stale documents, run `python docs/generate.py`: " + ", ".join(path.name for path in found))
        print(f"{len(PARTS)} generated parts")
        return
    for path in found:
        path.write_text(fresh(path.read_text("utf-8")), "utf-8")
        print(f"wrote {path.name}")


if __name__ == "__main__":
    main()
