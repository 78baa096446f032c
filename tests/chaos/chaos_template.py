"""Starts servers and workers for test_work_survives_kills.py at the price of a fork.

A template process imports everything once, has no threads and no connections, and forks a process for each line it reads: a JSON object
with `name`, `role` ("server" or "worker"), `log` (a file for what the process says), `environment` and `arguments`. It answers with the
name and the process id. Nobody outlives it, and it ends with its standard input.
"""

from __future__ import annotations

import ctypes
import json
import os
import signal
import sys
from pathlib import Path
from typing import Any

import chaos_worker

import genesis_server.app.parts
from genesis_server.cli import main as cli
from genesis_server.cli.commands import Commands
from genesis_server.planning.method_files import shipped_methods
from genesis_server.security.tripwire_rules import shipped_rules

_DIE_WITH_PARENT = 1
"""PR_SET_PDEATHSIG of Linux's prctl."""


def run(order: dict[str, Any]) -> None:
    """Be the process that was ordered."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_DIE_WITH_PARENT, signal.SIGKILL)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with Path(order["log"]).open("a") as log, Path(os.devnull).open() as nothing:
        os.dup2(nothing.fileno(), 0)
        os.dup2(log.fileno(), 1)
        os.dup2(log.fileno(), 2)
    os.environ.update(order["environment"])
    if order["role"] == "server":
        sys.argv = ["genesis", "serve", *order["arguments"]]
        cli.main()
    else:
        chaos_worker.main(*order["arguments"])


def main() -> None:
    assert genesis_server.app.parts.build  # which takes long to import, and these files long to read
    assert Commands()["serve"]
    shipped_methods()
    shipped_rules()
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    for line in iter(sys.stdin.readline, ""):
        order = json.loads(line)
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                run(order)
                code = 0
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else 0
            except BaseException as error:  # noqa: BLE001  (it goes to the log of the process)
                print(f"{type(error).__name__}: {error}", file=sys.stderr)
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(code)
        os.write(1, f"{order['name']} {pid}\n".encode())


if __name__ == "__main__":
    main()
