"""`make quality`: how good the answers are on other people's data, through the public API of one real server.

Prints, and with --json FILE writes, each figure with its least and most over folds or seeds; how far it is, it tells on standard
error. The data sets are looked for in `GENESIS_DATA` (default ../shared/data beside the project). `--only NAME` takes some of the
measurements, `--limit N` the first N records of each. The server stops with it, also when it is told to stop.
"""

from __future__ import annotations

import argparse
import dataclasses
import importlib
import json
import os
import platform
import signal
import sys
import tempfile
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from measurement import Figure

from servers import running

MEASUREMENTS = {
    "ultratool": "plans from a catalogue of tools alone",
    "nestful": "the same on tools that nothing was tuned on",
    "mutants": "mutants of gold plans found by Validate",
}
SETTINGS = {
    "GENESIS_RATE_PER_SECOND": "100000",
    "GENESIS_RATE_BURST": "100000",
    "GENESIS_MAX_CONCURRENT_CALLS": "1000",
}


def data_folder() -> Path:
    """Where the data sets are."""
    return Path(os.environ.get("GENESIS_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))


def row(figure: Figure) -> str:
    """A figure as a line of the table."""
    spread = f"{figure.low:.1f} to {figure.high:.1f}"
    return f"  {figure.name:<58} {figure.value:>8.1f} {figure.unit:<3} {spread:>17} {figure.records:>7}  {figure.aim}"


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(prog="make quality", description=__doc__)
    parser.add_argument("--only", action="append", choices=list(MEASUREMENTS), help="take only this measurement; may be repeated")
    parser.add_argument("--limit", type=int, help="the most records a measurement takes")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there, too")
    options = parser.parse_args()
    data = data_folder()
    if not data.is_dir():
        print("the data sets are not here: name their folder with GENESIS_DATA", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    results: dict[str, list[dict[str, object]]] = {}
    print(f"  {'figure':<58} {'value':>8} {'':<3} {'least to most':>17} {'records':>7}  aim")
    with tempfile.TemporaryDirectory() as folder, running(Path(folder) / "server", settings=SETTINGS) as server:
        for name, what in MEASUREMENTS.items():
            if options.only and name not in options.only:
                continue
            start = time.perf_counter()
            figures: list[Figure] = importlib.import_module(name).measure(data, server.address, options.limit)
            print(f"{name}: {what} ({time.perf_counter() - start:.0f} s)")
            for figure in figures:
                print(row(figure), flush=True)
            results[name] = [dataclasses.asdict(figure) for figure in figures]
    if options.json:
        machine = {"python": platform.python_version(), "system": platform.platform(), "cores": os.cpu_count()}
        options.json.write_text(json.dumps({"machine": machine, "limit": options.limit, "figures": results}, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
