"""A start does not pay for what it does not use."""

from __future__ import annotations

import subprocess
import sys


def test_a_server_without_redis_does_not_load_its_client() -> None:
    told = "import sys, genesis_server.app.parts; print('redis' in sys.modules); import redis; print(redis.__name__)"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.split() == ["False", "redis"], "it is not loaded, and can be"


def test_a_client_that_is_loaded_already_stays() -> None:
    told = "import sys, redis; import genesis_server.resilience.breakers; print(sys.modules['redis'] is redis)"
    ran = subprocess.run([sys.executable, "-c", told], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "True"
