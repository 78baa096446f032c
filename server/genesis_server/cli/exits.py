"""What the command's exit codes mean."""

from __future__ import annotations

from enum import IntEnum
from typing import Self


class ExitCode(IntEnum):
    """The exit codes; the text of each stands in `genesis --help`."""

    OK = 0, "done"
    FAILED = 1, "done, but the verdict or the plan failed, a task has nobody to do it, or the server is not well"
    USAGE = 2, "the command line, a file or the settings are wrong"
    UNREACHABLE = 3, "no server answers there"
    REFUSED = 4, "the server refused the request"
    SERVER_FAULT = 5, "the server failed or took too long"
    FAULT = 70, "a fault of the command itself"
    INTERRUPTED = 130, "interrupted"
    CLOSED = 141, "whoever read the output went away"

    meaning: str

    def __new__(cls, number: int, meaning: str) -> Self:
        """Give each number its meaning."""
        code = int.__new__(cls, number)
        code._value_ = number
        code.meaning = meaning
        return code


EPILOG = "Exit codes: " + ", ".join(f"{code.value} {code.meaning}" for code in ExitCode).replace(", but", " but") + "."
