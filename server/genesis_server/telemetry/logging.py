"""Structured logs: one JSON object a line, or readable coloured lines on a terminal.

Modules log with the standard library: `log.info("what happened", extra={"fields": {"plan_id": id}})`. The call's ids are added here, and
every text goes through the redaction that was passed in before it is written.
"""

from __future__ import annotations

import asyncio
import json
import logging
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import nullcontext, suppress
from typing import Any, Literal, TextIO, cast

from genesis_server.telemetry import names
from genesis_server.telemetry.context import CallContext, current_call

GATHER_SECONDS = 0.1
MOST_GATHERED = 200
"""Records that are gathered: making their lines holds the loop for about a millisecond."""
HARMLESS_CHARACTERS = 64
MAX_HARMLESS = 1_000
"""Texts without a secret that are known again, and their greatest length."""

Redact = Callable[[str], str]
Style = Literal["auto", "json", "console"]

_SAFE_FIELDS = frozenset({names.ATTR_RPC_METHOD, names.ATTR_RPC_STATUS, names.ATTR_ERROR_TYPE, names.LOG_DURATION_MS})
"""Fields whose values are from a fixed set, not worth a look for secrets."""

_CALL = "genesis_call"
"""Attribute of a record: the call that ran when it was made."""

_encode = json.JSONEncoder(default=str, separators=(",", ":")).encode


class _Redaction:
    """Redaction that knows short texts it left as they are: event, tenant and caller come again with every call."""

    def __init__(self, redact: Redact) -> None:
        self._redact = redact
        self._harmless: set[str] = set()

    def __call__(self, text: str) -> str:
        if text in self._harmless:
            return text
        told = self._redact(text)
        if told == text and len(text) <= HARMLESS_CHARACTERS:
            if len(self._harmless) >= MAX_HARMLESS:
                self._harmless.clear()
            self._harmless.add(text)
        return told


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON."""

    def __init__(self, *, version: str, redact: Redact) -> None:
        """`version` goes into every line; `redact` takes secrets out of texts."""
        super().__init__()
        self._service = {names.ATTR_SERVICE_NAME: names.SERVICE_NAME, names.ATTR_SERVICE_VERSION: version}
        self._redact = _Redaction(redact)
        self._second = (-1, "")

    def format(self, record: logging.LogRecord) -> str:
        """The line, without a newline inside or at its end."""
        line: dict[str, Any] = {
            names.LOG_TIMESTAMP: self._timestamp(record),
            names.LOG_LEVEL: record.levelname,
            names.LOG_EVENT: self._redact(record.getMessage()),
            **self._service,
            names.LOG_LOGGER: record.name,
        }
        call: CallContext | None = record.__dict__[_CALL] if _CALL in record.__dict__ else current_call()
        if call is not None:
            line[names.LOG_TRACE_ID] = call.trace_id
            if call.span_id:
                line[names.LOG_SPAN_ID] = call.span_id
            line[names.LOG_CORRELATION_ID] = call.correlation_id
            line[names.ATTR_RPC_METHOD] = call.method
        line.update(redacted_fields(record, self._redact))
        if record.exc_info and record.exc_info[0] is not None:
            line.setdefault(names.ATTR_ERROR_TYPE, record.exc_info[0].__name__)
            line[names.LOG_EXCEPTION] = self._redact(self.formatException(record.exc_info))
        return _encode(line)

    def _timestamp(self, record: logging.LogRecord) -> str:
        """RFC 3339 in UTC with milliseconds."""
        second = int(record.created)
        if self._second[0] != second:
            self._second = (second, time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)))
        return f"{self._second[1]}.{int(record.msecs):03d}Z"


class ConsoleFormatter(logging.Formatter):
    """A record as a readable line: what happened, then its fields."""

    def __init__(self, *, redact: Redact) -> None:
        """`redact` takes secrets out of texts."""
        super().__init__()
        self._redact = redact

    def format(self, record: logging.LogRecord) -> str:
        """The line; a traceback stands below it."""
        fields = redacted_fields(record, self._redact)
        call = current_call()
        if call is not None:
            fields.setdefault(names.LOG_CORRELATION_ID, call.correlation_id)
        text = " ".join([self._redact(record.getMessage()), *(f"{key}={value}" for key, value in fields.items())])
        if record.exc_info and record.exc_info[0] is not None:
            text += "\n" + self._redact(self.formatException(record.exc_info))
        return text


def redacted_fields(record: logging.LogRecord, redact: Redact) -> dict[str, Any]:
    """The record's own fields, texts redacted."""
    fields: Mapping[str, Any] | None = getattr(record, "fields", None)
    if not fields:
        return {}
    return {key: value if key in _SAFE_FIELDS else _redacted(value, redact) for key, value in fields.items()}


def _redacted(value: Any, redact: Redact) -> Any:
    """The value without secrets; what is neither a number nor a list becomes its text."""
    if value is None or isinstance(value, int | float):
        return value
    if isinstance(value, list | tuple):
        return [_redacted(item, redact) for item in cast("Iterable[Any]", value)]
    return redact(str(value))


class LinesHandler(logging.StreamHandler[TextIO]):
    """Writes lines; on an event loop, records below WARNING that need no arguments are gathered for a tenth of a second.

    Each write lets another thread have the interpreter, which costs a busy server several times the line itself, and lines cost half when
    many are made one after the other. What is more serious is written at once, after what was gathered before it; a process that
    is killed or crashes loses the last tenth of a second.
    """

    def __init__(self, stream: TextIO) -> None:
        """Write to `stream`."""
        super().__init__(stream)
        self._records: list[logging.LogRecord] = []
        self._promised: asyncio.AbstractEventLoop | None = None
        """The loop that will write what was gathered."""

    def emit(self, record: logging.LogRecord) -> None:
        """Gather the record or write it."""
        record.__dict__[_CALL] = current_call()
        self._records.append(record)
        loop = _running_loop() if record.levelno < logging.WARNING and record.exc_info is None and not record.args else None
        if loop is None or len(self._records) >= MOST_GATHERED:
            self.flush()
        elif self._promised is not loop:
            self._promised = loop
            loop.call_later(GATHER_SECONDS, self._keep_promise)

    def flush(self) -> None:
        """Write what was gathered; what cannot be written (a full disk, nobody reads) is lost, and the server goes on."""
        with self.lock or nullcontext():
            records, self._records = self._records, []
            lines = [line for line in map(self._line, records) if line]
            if lines and not self.stream.closed:
                with suppress(OSError):
                    self.stream.write("\n".join(lines) + "\n")
                    self.stream.flush()

    def _line(self, record: logging.LogRecord) -> str:
        try:
            return self.format(record)
        except Exception:  # noqa: BLE001
            self.handleError(record)
            return ""

    def _keep_promise(self) -> None:
        self._promised = None
        self.flush()


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def configure_logging(*, level: str, style: Style, version: str, redact: Redact, stream: TextIO | None = None) -> None:
    """Send every log of the process to `stream` (default: standard error), in one style; replaces what was configured before.

    `level` is a name such as "INFO". With "auto", a terminal gets readable lines and everything else JSON. Warnings of Python are logged.
    """
    out = sys.stderr if stream is None else stream
    if style == "console" or (style == "auto" and out.isatty()):
        handler = _console_handler(out)
        handler.setFormatter(ConsoleFormatter(redact=redact))
    else:
        handler = LinesHandler(out)
        handler.setFormatter(JsonFormatter(version=version, redact=redact))
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.captureWarnings(capture=True)
    # What no format here shows need not be looked up for every record.
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False


def _console_handler(stream: TextIO) -> logging.Handler:
    from rich.console import Console  # noqa: PLC0415
    from rich.logging import RichHandler  # noqa: PLC0415

    return RichHandler(console=Console(file=stream), show_path=False, markup=False, log_time_format="%H:%M:%S")
