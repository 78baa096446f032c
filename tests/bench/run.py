"""`make bench`: how quick and how large the server is, next to a bare echo server in the same run.

Prints every figure with its spread, what was wanted of it and whether it was met, and what got worse since the last recorded runs; how
far it is, it tells on standard error. The plots go to build/bench. With --record the run is added to history.jsonl, and the plot of
the history is drawn again for the documentation: record on a quiet machine. Exit code 1 when something got worse or failed; a missed aim
is told.
"""

from __future__ import annotations

import argparse
import datetime as dt
import importlib
import json
import os
import platform
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "e2e"))

from bench import Bench, echoing
from figures import ECHO_MICROSECONDS, Figure
from history import LAST, Worse, append, entry, read, worse
from picture import draw_history, draw_run
from table import told

ROOT = Path(__file__).resolve().parents[2]
HISTORY = ROOT / "tests" / "bench" / "history.jsonl"
PLOTS = ROOT / "build" / "bench"
HISTORY_PLOT = ROOT / "docs" / "images" / "bench.svg"
MEASUREMENTS = {
    "start": "cold start, idle memory",
    "layers": "what each layer around a call costs",
    "calls": "CPU of Flag, Health, Plan and Orchestrate, times the echo's",
    "orchestrate": "how long Orchestrate takes",
    "plans_of_200": "Route and Validate of 200 tasks",
    "rule_matching": "which rules fire for a task",
    "large_plan": "Validate of 100 000 tasks, and what others wait meanwhile",
    "telemetry": "the same calls with and without telemetry",
    "flag_rules": "evaluations of flags a second",
    "flag_writes": "durable writes of flags",
    "dispatch": "1 000 workers and 10 000 tasks, next to bare streams",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure and print."""
    options = _parser().parse_args(arguments)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    figures: list[Figure] = []
    failed: list[str] = []
    with tempfile.TemporaryDirectory() as folder, echoing() as echo:
        bench = Bench(Path(folder), echo)
        for name in options.only or MEASUREMENTS:
            print(f"{name}: {MEASUREMENTS[name]}", file=sys.stderr, flush=True)
            begin = time.monotonic()
            bench.sample_echo()
            try:
                figures += importlib.import_module(name).measure(bench)
            except Exception as error:  # noqa: BLE001  (what the others have measured is not to be lost)
                failed.append(f"{name} failed: {type(error).__name__}: {error}")
            bench.tell(f"{time.monotonic() - begin:.0f} s")
        bench.sample_echo()
    microseconds = echo.microseconds
    about = {
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
        "python": platform.python_version(),
        "load": round(os.getloadavg()[1], 1),
    }
    recorded = read(HISTORY)
    slower = worse(figures, echo_microseconds=microseconds, recorded=recorded)
    print(told(figures, microseconds))
    print("", _compared(slower, len(recorded)), *failed, sep="\n")
    if options.json:
        options.json.write_text(_as_json(figures, microseconds, about))
    draw_run(figures, microseconds, PLOTS / "run.svg")
    if options.record and not failed:
        recorded.append(entry(figures, echo_microseconds=microseconds, **about))
        append(HISTORY, recorded[-1])
    if recorded:
        draw_history(recorded, figures, HISTORY_PLOT if options.record else PLOTS / "history.svg")
    return bool(slower or failed)


def _compared(slower: Sequence[Worse], runs: int) -> str:
    if slower:
        return "\n".join(["worse than the last recorded runs:", *map(str, slower)])
    return f"nothing is worse than in the last {min(runs, LAST)} recorded runs" if runs else "no run is recorded to compare with"


def _as_json(figures: Sequence[Figure], microseconds: float, about: dict[str, object]) -> str:
    found = [{**asdict(one), "scaled": asdict(one.scaled(microseconds)), "met": one.scaled(microseconds).met} for one in figures]
    scale = ECHO_MICROSECONDS / microseconds
    return (
        json.dumps({**about, "echo_cpu_us_per_call": microseconds, "scale": scale, "figures": found}, indent=2, ensure_ascii=False) + "\n"
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.epilog = "measurements:\n" + "\n".join(f"  {name:<14} {what}" for name, what in MEASUREMENTS.items())
    parser.add_argument("--only", nargs="+", choices=MEASUREMENTS, metavar="NAME", help="only these measurements")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here, too")
    parser.add_argument("--record", action="store_true", help="add this run to the history")
    return parser


if __name__ == "__main__":
    sys.exit(main())
