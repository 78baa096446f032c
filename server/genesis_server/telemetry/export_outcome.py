"""What can become of spans on their way to the collector."""

from __future__ import annotations

from typing import Literal

ExportResult = Literal["exported", "failed", "refused"]
"""Sent, lost to a failure, or dropped because the breaker is open."""


class ExportFailedError(Exception):
    """The collector did not take the spans."""
