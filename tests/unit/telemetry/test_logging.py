"""Logs that machines and people can read."""

from __future__ import annotations

import asyncio
import io
import json
import logging
import re
from collections.abc import Iterator
from typing import Any

import pytest

from genesis_server.telemetry.context import begin_call, set_call
from genesis_server.telemetry.logging import LinesHandler, configure_logging


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    root = logging.getLogger()
    before = root.handlers[:], root.level, logging.logThreads, logging.logProcesses, logging.logMultiprocessing
    yield
    root.handlers[:], level, logging.logThreads, logging.logProcesses, logging.logMultiprocessing = before
    root.setLevel(level)
    logging.captureWarnings(capture=False)


def hide(text: str) -> str:
    return text.replace("hunter2", "***")


def written(style: Any = "json", level: str = "INFO") -> io.StringIO:
    stream = io.StringIO()
    configure_logging(level=level, style=style, version="1.2.3", redact=hide, stream=stream)
    return stream


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_line_has_the_documented_fields() -> None:
    stream = written()
    logging.getLogger("genesis_server.x").warning("agents file is broken", extra={"fields": {"line": 7}})
    (line,) = lines(stream)
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line.pop("timestamp"))
    assert line == {
        "level": "WARNING",
        "event": "agents file is broken",
        "service.name": "genesis",
        "service.version": "1.2.3",
        "logger": "genesis_server.x",
        "line": 7,
    }


async def test_a_line_in_a_call_has_its_ids() -> None:
    stream = written()
    call = begin_call("genesis.v1.OrchestratorService/Plan", {"x-correlation-id": "c1"})
    call.span_id = "ab" * 8
    set_call(call)
    logging.getLogger("x").error("no")
    (line,) = lines(stream)
    assert (line["correlation_id"], line["trace_id"], line["span_id"]) == ("c1", call.trace_id, "ab" * 8)
    assert line["rpc.method"] == "genesis.v1.OrchestratorService/Plan"


def test_secrets_are_taken_out_of_texts_fields_and_tracebacks() -> None:
    for style in ("json", "console"):
        stream = written(style)
        try:
            raise ValueError("hunter2")
        except ValueError:
            logging.getLogger("x").exception(
                "with %s", "hunter2", extra={"fields": {"token": "hunter2", "count": 1, "tried": ["hunter2"], "cause": OSError("hunter2")}}
            )
        assert "hunter2" not in stream.getvalue()
        assert "***" in stream.getvalue()
        assert "ValueError" in stream.getvalue()


def test_the_kind_of_an_exception_is_a_field() -> None:
    stream = written()
    try:
        raise KeyError("k")
    except KeyError:
        logging.getLogger("x").exception("no")
    assert lines(stream)[0]["error.type"] == "KeyError"
    assert "Traceback" in lines(stream)[0]["exception"]


def test_a_line_stays_one_line_whatever_is_in_it() -> None:
    stream = written()
    logging.getLogger("x").info("a\nb\r\x1b[31m \udc80", extra={"fields": {"odd": object()}})
    assert len(stream.getvalue().splitlines()) == 1
    assert lines(stream)[0]["event"].startswith("a\nb")


async def test_a_terminal_gets_readable_lines_and_a_pipe_gets_json() -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    set_call(begin_call("/m", {"x-correlation-id": "c1"}))
    terminal = Terminal()
    configure_logging(level="INFO", style="auto", version="1", redact=hide, stream=terminal)
    logging.getLogger("x").info("serving", extra={"fields": {"port": 50051}})
    shown = re.sub(r"\x1b\[[0-9;]*m", "", terminal.getvalue())
    assert "serving port=50051 correlation_id=c1" in shown
    assert "\x1b[" in terminal.getvalue()
    pipe = written("auto")
    logging.getLogger("x").warning("serving")
    assert lines(pipe)[0]["event"] == "serving"


def test_what_is_below_the_level_is_not_written() -> None:
    stream = written(level="WARNING")
    logging.getLogger("x").info("quiet")
    assert not stream.getvalue()


async def test_on_a_loop_lines_are_gathered_and_errors_are_written_at_once_in_order() -> None:
    stream = written()
    log = logging.getLogger("x")
    log.info("first")
    log.info("second")
    assert not stream.getvalue()
    log.warning("third")
    assert [line["event"] for line in lines(stream)] == ["first", "second", "third"]
    log.info("fourth")
    await asyncio.sleep(0.15)
    assert lines(stream)[-1]["event"] == "fourth"
    log.info("fifth")
    logging.getLogger().handlers[0].flush()
    assert lines(stream)[-1]["event"] == "fifth"


async def test_a_gathered_line_has_the_ids_of_its_own_call_or_none() -> None:
    """Whichever call happens to write it."""
    stream = written()
    logging.getLogger("x").info("of nobody")
    set_call(begin_call("genesis.v1.OrchestratorService/Plan", {"x-correlation-id": "c1"}))
    logging.getLogger("x").warning("of a call")
    nobody, somebody = lines(stream)
    assert "correlation_id" not in nobody
    assert somebody["correlation_id"] == "c1"


async def test_a_line_from_a_thread_is_written_at_once() -> None:
    stream = written()
    await asyncio.to_thread(logging.getLogger("x").info, "from a thread")
    assert lines(stream)[0]["event"] == "from a thread"


def test_a_record_that_cannot_be_formatted_does_not_break_the_caller(capsys: pytest.CaptureFixture[str]) -> None:
    stream = written()
    logging.getLogger("x").error("%d", "no number")
    assert not stream.getvalue()
    assert "Logging error" in capsys.readouterr().err


def test_flushing_after_the_stream_is_closed_is_harmless() -> None:
    stream = io.StringIO()
    handler = LinesHandler(stream)
    handler._records.append(logging.makeLogRecord({"msg": "late"}))
    stream.close()
    handler.flush()


def test_a_stream_that_takes_nothing_costs_lines_and_no_caller() -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(28, "No space left on device")

    configure_logging(level="INFO", style="json", version="1.2.3", redact=str, stream=Full())
    logging.getLogger("x").error("this is lost")
