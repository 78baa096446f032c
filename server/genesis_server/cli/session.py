"""The global options of one run: where the server is, and how answers are shown."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from genesis_server.cli.failure import usage_errors

if TYPE_CHECKING:
    from google.protobuf.message import Message
    from rich.console import Console

    import genesis
    from genesis.options import ConnectOptions

CALL_ATTEMPTS = 3
"""Tries of each call: who waits at a terminal learns soon that no server answers."""
FALLBACK_WIDTH = 100
"""Columns where there is no terminal to ask."""
NARROWEST = 20
"""Columns below which nothing could be read."""


@dataclass(frozen=True, kw_only=True)
class Session:
    """One run of the command."""

    server: str
    token: str | None = field(default=None, repr=False)
    insecure_token: bool = False
    tls: bool = False
    tls_ca: Path | None = None
    tls_certificate: Path | None = None
    tls_key: Path | None = None
    tls_server_name: str | None = None
    timeout: float | None = None
    """Deadline of each call in seconds; None: each method's own."""
    json: bool = False
    """Print answers in the contract's JSON form."""
    no_color: bool = False

    @cached_property
    def out(self) -> Console:
        """Where answers go."""
        return self._console(stderr=False)

    @cached_property
    def err(self) -> Console:
        """Where progress and failures go."""
        return self._console(stderr=True)

    def _console(self, *, stderr: bool) -> Console:
        from rich.console import Console

        stream = sys.stderr if stderr else sys.stdout
        columns = os.environ.get("COLUMNS", "")
        asked = int(columns) if columns.isascii() and columns.isdecimal() else 0
        width = None if stream.isatty() else max(asked, NARROWEST) if asked else FALLBACK_WIDTH

        class Output(Console):
            def on_broken_pipe(self) -> None:
                """Leave it to the command's own end, which knows the exit code."""
                raise  # noqa: PLE0704  (rich calls it while it handles the error)

        return Output(stderr=stderr, width=width, no_color=self.no_color or None, highlight=False, soft_wrap=False, emoji=False)

    @contextmanager
    def client(self, *, health_checking: bool = True) -> Generator[genesis.Client]:
        """A client of the server; what it refuses is a usage error."""
        import genesis

        options: ConnectOptions = {
            **self.connect_options(),
            "timeout": self.timeout,
            "retry": genesis.Retry(attempts=CALL_ATTEMPTS),
            "health_checking": health_checking,
        }
        with usage_errors():
            client = genesis.connect(self.server, **options)
        with client, usage_errors():
            yield client

    def connect_options(self) -> ConnectOptions:
        """How to reach the server, and who the caller is."""
        return {
            "token": self.token,
            "insecure_token": self.insecure_token,
            "tls": True if self.tls else None,
            "root_certificates": self.tls_ca,
            "client_certificate": self.tls_certificate,
            "client_key": self.tls_key,
            "server_name": self.tls_server_name,
        }

    @contextmanager
    def waiting(self, words: str) -> Generator[None]:
        """A spinner while something takes long, on a terminal only."""
        if not self.err.is_terminal:
            yield
            return
        with self.err.status(words):
            yield

    def answer(self, message: Message, show: Callable[[Console], None]) -> None:
        """Print an answer: in JSON when that was asked for, else as `show` does."""
        if self.json:
            typer.echo(as_json(message))
        else:
            show(self.out)

    def note(self, words: str) -> None:
        """Say on the side what was done."""
        from rich.text import Text

        self.err.print(Text(words))


def as_json(message: Message, *, indent: int | None = 2) -> str:
    """A message in the contract's JSON form (https://protobuf.dev/programming-guides/json/); fields at their default are written too."""
    from google.protobuf import json_format

    fields: dict[str, Any] = json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
    # What standard output cannot write is escaped, so that the JSON stays whole.
    return json.dumps(fields, indent=indent, ensure_ascii=(sys.stdout.encoding or "").lower() != "utf-8")


def of(ctx: typer.Context) -> Session:
    """The session that the global options made."""
    session = ctx.find_object(Session)
    if session is None:
        raise RuntimeError("the global options were not read")
    return session
