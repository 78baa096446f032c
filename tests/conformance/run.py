"""`python tests/conformance/run.py`: the same scenarios by every client against one live server, one table.

Each client is built, then does what tests/conformance/scenarios say, runs its example of every call, and its worker. A language whose
toolchain is missing is left out, with a message. Exit code 1 when something is wrong.

    run.py                                    all languages
    run.py --language go --language rust      these
    run.py --scenario plan_of_a_goal          these scenarios only
    run.py --json FILE                        the table there, too
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from rich.console import Console
from rich.table import Table

from arena import arena
from languages import languages
from running import BUILD, EXAMPLES, RETURN, WORKER, Outcome, run
from scenarios import load


def table(outcomes: Sequence[Outcome], left_out: Mapping[str, str]) -> Table:
    """Scenarios by languages."""
    shown = Table(title="Conformance", title_justify="left")
    shown.add_column("scenario")
    for name in [*(one.language for one in outcomes), *left_out]:
        shown.add_column(name, justify="center")
    for scenario in [BUILD, *(one["name"] for one in load()), EXAMPLES, WORKER, RETURN]:
        if any(scenario in one.wrong for one in outcomes):
            marks = ["–" if scenario not in one.wrong else "[red]✗[/]" if one.wrong[scenario] else "[green]✓[/]" for one in outcomes]
            shown.add_row(scenario, *marks, *("–" for _ in left_out))
    shown.add_row("seconds", *(f"{one.seconds:.1f}" for one in outcomes), *("–" for _ in left_out))
    return shown


def main() -> int:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--language", action="append", choices=list(languages()), help="only this one; may be repeated")
    parser.add_argument("--scenario", action="append", default=[], help="only this one; may be repeated")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the outcome there, too")
    options = parser.parse_args()
    outcomes: list[Outcome] = []
    left_out: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as folder, arena(Path(folder)) as there:
        for name, language in languages().items():
            if options.language and name not in options.language:
                continue
            if language.missing:
                left_out[name] = f"{language.missing} not on PATH"
                print(f"{name}: left out, {left_out[name]}", file=sys.stderr)
                continue
            print(f"{name}: building", file=sys.stderr)
            try:
                language.prepare()
            except RuntimeError as error:
                outcomes.append(Outcome(name, {BUILD: [str(error)]}))
                continue
            print(f"{name}: running", file=sys.stderr)
            outcomes.append(run(language, there, options.scenario))
    Console(width=140 if not sys.stdout.isatty() else None).print(table(outcomes, left_out))
    for one in outcomes:
        for scenario, wrong in one.wrong.items():
            for sentence in wrong:
                print(f"{one.language}: {scenario}: {sentence}")
    if options.json:
        record = {"outcomes": {one.language: {"seconds": one.seconds, "wrong": one.wrong} for one in outcomes}, "left_out": left_out}
        options.json.write_text(json.dumps(record, indent=1) + "\n")
    return 0 if all(one.passed for one in outcomes) else 1


if __name__ == "__main__":
    sys.exit(main())
