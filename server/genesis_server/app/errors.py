"""Why the server cannot start."""

from __future__ import annotations

from collections.abc import Sequence


class StartError(Exception):
    """The server cannot start; every message is a sentence for people."""

    def __init__(self, *messages: str) -> None:
        """Keep the messages."""
        super().__init__("\n".join(messages))
        self.messages: Sequence[str] = messages
