"""A real Redis on a loopback port, for tests: started, killed, frozen and started again as they like."""

from __future__ import annotations

import shutil
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis

from servers import free_port

START_SECONDS = 20.0
PROGRAM = "redis-server"
DURABLE = ("--appendonly", "yes", "--appendfsync", "always")
"""Options with which nothing that was acknowledged is lost when the process is killed."""


class RedisServer:
    """One Redis with its data in a folder."""

    def __init__(self, folder: Path, *options: str) -> None:
        self.port = free_port()
        self.options = options
        self._folder = folder
        self._process: subprocess.Popen[str] | None = None

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"redis://127.0.0.1:{self.port}/0"

    def client(self) -> Redis:
        """Somebody who does things by hand."""
        return Redis(port=self.port, socket_timeout=5)

    def start(self) -> None:
        """Start it, and return when it takes connections; its data are those of before."""
        listen = [] if "--port" in self.options else ["--port", str(self.port)]
        fixed = ["--bind", "127.0.0.1", "--dir", str(self._folder), "--save", "", "--daemonize", "no", "--logfile", ""]
        process = subprocess.Popen([PROGRAM, *listen, *fixed, *self.options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self._process = process
        said: list[str] = []
        too_late = threading.Timer(START_SECONDS, process.kill)
        too_late.start()
        try:
            assert process.stdout is not None
            for line in process.stdout:
                said.append(line)
                if "eady to accept connections" in line:
                    return
        finally:
            too_late.cancel()
        process.wait()
        process.stdout.close()
        pytest.fail(f"{PROGRAM} does not start:\n{''.join(said)[-2000:]}")

    def kill(self) -> None:
        """End it at once, as a crash does."""
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            process.wait()
            if process.stdout is not None:
                process.stdout.close()

    def freeze(self) -> None:
        """Let it answer nothing, with its connections open."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)


@contextmanager
def running_redis(folder: Path, *options: str) -> Iterator[RedisServer]:
    """A Redis for as long as the block lasts; the test skips where the program is missing."""
    if shutil.which(PROGRAM) is None:
        pytest.skip(f"{PROGRAM} is not installed (apt-get install {PROGRAM})")
    folder.mkdir(parents=True, exist_ok=True)
    server = RedisServer(folder, *options)
    server.start()
    try:
        yield server
    finally:
        server.kill()
