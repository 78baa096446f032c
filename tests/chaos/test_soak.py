"""Minutes of load (tests/bench/soak.py): the server's memory stays where it is. Runs when GENESIS_SOAK_SECONDS says how long is measured.

The warm-up before it takes WARM_UP_SECONDS more, and its docstring says why it is there.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from servers import clean_environment

pytestmark = pytest.mark.chaos

SECONDS = float(os.environ.get("GENESIS_SOAK_SECONDS", "0"))
WARM_UP_SECONDS = 450.0
SCRIPT = Path(__file__).resolve().parents[1] / "bench" / "soak.py"
MOST_MB_PER_10_MIN = 1.0


@pytest.mark.skipif(not SECONDS, reason="takes minutes: set GENESIS_SOAK_SECONDS, 300 for the figures that are told, after a warm-up")
@pytest.mark.timeout(WARM_UP_SECONDS + SECONDS + 120)
def test_memory_stays_where_it_is_under_load(tmp_path: Path) -> None:
    figures = tmp_path / "soak.json"
    asked = ["--seconds", str(SECONDS), "--warm-up", str(WARM_UP_SECONDS), "--json", str(figures)]
    subprocess.run([sys.executable, str(SCRIPT), *asked], check=True, env=clean_environment())
    found = json.loads(figures.read_text())
    assert found["tasks_done"] > SECONDS
    assert found["rss_slope_mb_per_10_min"] <= MOST_MB_PER_10_MIN, found
