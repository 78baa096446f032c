"""Another caller, in a process of its own, at a pace of its own: what others wait while the service has much to do.

As a program it asks Health of the server at the address it is given until its input ends, and prints the seconds of each wait as JSON.
"""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from typing import Self

import genesis

CALLS_A_SECOND = 100
_FIRST_CALLS = 20
_BEGUN = "asking"


class Others:
    """Asks for as long as the block lasts; then `waits` has the seconds, counted from when a call was meant to go."""

    def __init__(self, address: str) -> None:
        """Nobody asks yet."""
        self.waits: list[float] = []
        self._address = address

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._address], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1
        )
        assert self._process.stdout is not None
        if self._process.stdout.readline().strip() != _BEGUN:
            self._process.kill()
            self._process.wait()
            raise RuntimeError("the other caller did not begin")
        return self

    def __exit__(self, *_: object) -> None:
        told, _nothing = self._process.communicate()
        self.waits = json.loads(told)


def main(address: str) -> None:
    """Ask, each call when it is meant to go or as soon after as the one before lets it."""
    waits: list[float] = []
    enough = threading.Event()
    with genesis.connect(address) as client:
        for _ in range(_FIRST_CALLS):
            client.health()
        print(_BEGUN, flush=True)
        threading.Thread(target=lambda: (sys.stdin.read(), enough.set()), daemon=True).start()
        meant = time.perf_counter()
        while not waits or not enough.wait(max(0.0, meant - time.perf_counter())):
            client.health()
            waits.append(time.perf_counter() - meant)
            meant += 1 / CALLS_A_SECOND
    print(json.dumps(waits))


if __name__ == "__main__":
    main(sys.argv[1])
