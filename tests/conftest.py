"""What holds for every test."""

from __future__ import annotations

import os

# Programs that tests start run as users run them: measured for coverage, e2e tests would take half as long again.
if "PYTEST_XDIST_WORKER" in os.environ:
    os.environ.pop("COVERAGE_PROCESS_CONFIG", None)
