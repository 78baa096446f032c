"""`make quality`: how good the answers are on other people's data, through the public API of one real server.

Prints each figure with its least and most over folds, draws or sources, and the same of a plain baseline made in the same run; how far
it is, it tells on standard error. The data sets are looked for in GENESIS_DATA (default ../shared/data beside the project; `make data`
says where each comes from). Exit code 1 when a bar of bars.toml does not hold, 2 without the data. The server stops with it, also when
it is told to stop.
"""

from __future__ import annotations

import argparse
import importlib
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from bars import broken, load_bars
from measurement import Figure, Run
from report import draw, heading, row, to_json, to_markdown

from servers import running

MEASUREMENTS = {
    "gold": "gold plans are sound",
    "ultratool": "plans from a catalogue of tools alone",
    "nestful": "the same on tools that nothing was tuned on",
    "asynchow": "finish time of given plans",
    "metatool": "which of 159 agents gets a request",
    "clinc150": "150 intents as agents, the rest refused",
    "bfcl": "is there a tool for this, and which",
    "mutants": "mutants of gold plans found by Validate",
    "tripwire": "attacks found, and false alarms",
    "wfinstances": "real workflows, and 100 000 tasks",
}
NEEDS = {
    "gold": ("asynchow", "worfbench", "ultratool", "wfinstances"),
    "bfcl": ("bfcl", "metatool"),
    "mutants": ("ultratool", "worfbench"),
    "tripwire": ("injection", "ultratool", "metatool", "clinc150", "worfbench"),
}
"""Folders a measurement reads, where that is not one of its own name."""
SETTINGS = {
    "GENESIS_RATE_PER_SECOND": "100000",
    "GENESIS_RATE_BURST": "100000",
    "GENESIS_MAX_CONCURRENT_CALLS": "1000",
    "GENESIS_DECISION_RETENTION_DAYS": "0",
    "GENESIS_TRIPWIRE_MODE": "annotate",
}


def data_folder() -> Path:
    """Where the data sets are."""
    return Path(os.environ.get("GENESIS_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def missing(name: str, data: Path) -> list[str]:
    """Folders a measurement reads that are not there."""
    return [folder for folder in NEEDS.get(name, (name,)) if not (data / folder).is_dir()]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = _parser().parse_args(arguments)
    data = data_folder()
    if options.list:
        for name, what in MEASUREMENTS.items():
            lacking = missing(name, data)
            print(f"  {name:<12} {what}" + (f" (not here: {', '.join(lacking)})" if lacking else ""))
        return 0
    chosen = [name for name in options.only or MEASUREMENTS if _is_here(name, data)]
    if not chosen:
        print("the data sets are not here: name their folder with GENESIS_DATA", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    print(heading())
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "server", settings=SETTINGS) as server:
        measured = dict(_measured(Run(data, server.address, options.limit, options.seed), chosen))
    if options.json:
        command = ["tests/quality/run.py", *(sys.argv[1:] if arguments is None else arguments)]
        options.json.write_text(to_json(measured, seed=options.seed, limit=options.limit, command=command), "utf-8")
    if options.markdown:
        options.markdown.write_text(to_markdown(measured, MEASUREMENTS), "utf-8")
    if options.plots:
        draw(measured, MEASUREMENTS, options.plots)
    failed = broken(load_bars(), measured)
    for line in failed:
        print(f"does not hold: {line}", file=sys.stderr)
    return bool(failed)


def _is_here(name: str, data: Path) -> bool:
    """Whether a measurement has what it reads; says so when not."""
    folders = missing(name, data)
    if folders:
        print(f"{name}: left out, not in GENESIS_DATA: {', '.join(folders)}; `make data` says where it is from", file=sys.stderr)
    return not folders


def _measured(run: Run, names: Sequence[str]) -> Iterator[tuple[str, list[Figure]]]:
    """The figures of each measurement, printed as they come."""
    for name in names:
        start = time.perf_counter()
        figures: list[Figure] = importlib.import_module(name).measure(run)
        print(f"{name}: {MEASUREMENTS[name]} ({time.perf_counter() - start:.0f} s, load {os.getloadavg()[0]:.1f})")
        for figure in figures:
            print(row(figure), flush=True)
        yield name, figures


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make quality", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", action="append", choices=list(MEASUREMENTS), help="take only this measurement; may be repeated")
    parser.add_argument("--limit", type=_positive, help="the most records a measurement takes of each set")
    parser.add_argument("--seed", type=int, default=Run.seed, help="what all that is drawn begins with (default %(default)s)")
    parser.add_argument("--list", action="store_true", help="list the measurements and stop")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write them there as tables")
    parser.add_argument("--plots", type=Path, metavar="FOLDER", help="draw them there")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


if __name__ == "__main__":
    sys.exit(main())
