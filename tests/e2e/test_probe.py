"""`genesis probe health` against a real server: what a container's health check sees."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from pathlib import Path

from servers import clean_environment, free_port, running


def probe(address: str, *arguments: str) -> int:
    """The exit code, with the address where the container has it."""
    command = [sys.executable, "-m", "genesis_server", "probe", "health", *arguments]
    environment = clean_environment(GENESIS_HEALTH_LISTEN=address)
    return subprocess.run(command, env=environment, capture_output=True, timeout=30, check=False).returncode


def test_a_server_is_well_until_it_drains_and_alive_until_it_is_gone(tmp_path: Path) -> None:
    """On the port that tells health only."""
    port = free_port()
    settings = {"GENESIS_HEALTH_LISTEN": f"127.0.0.1:{port}", "GENESIS_LAME_DUCK_SECONDS": "60"}
    with running(tmp_path, settings=settings) as server:
        assert probe(f"0.0.0.0:{port}") == 0
        server.process.send_signal(signal.SIGTERM)
        end = time.monotonic() + 20
        while probe(f"0.0.0.0:{port}") == 0:
            assert time.monotonic() < end
        assert probe(f"0.0.0.0:{port}", "--service", "liveness") == 0
        assert server.process.poll() is None
        server.process.send_signal(signal.SIGTERM)
        server.process.wait(20)
    assert probe(f"0.0.0.0:{port}") == 1
