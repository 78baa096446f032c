"""Starts, runs and stops the server process."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Mapping, Sequence

from genesis_server import __version__
from genesis_server.app.parts import Parts, StartError, build
from genesis_server.app.workers import run_workers, worker_number
from genesis_server.rpc.ports import split_address
from genesis_server.rpc.stop_signals import StopSignals
from genesis_server.security.redaction import redact
from genesis_server.settings import Settings
from genesis_server.settings.fields import LogFormat
from genesis_server.telemetry.logging import Style, configure_logging

_STYLES: Mapping[LogFormat, Style] = {LogFormat.AUTO: "auto", LogFormat.JSON: "json", LogFormat.TEXT: "console"}
_LOG = logging.getLogger("genesis_server")


def serve(settings: Settings, *, arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Serve until a signal comes; the exit code of the process.

    `arguments` are those this process was started with, from `serve` on: worker processes are started with the same. Raises StartError
    with a sentence for people when the server cannot start.
    """
    configure_logging(level=settings.log_level.upper(), style=_style(settings), version=__version__, redact=redact)
    worker = worker_number(environ)
    try:
        if settings.workers > 1 and worker is None:
            return run_workers(arguments, count=settings.workers, listen=settings.listen, environ=environ)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(settings, worker=worker, environ=environ))
    except OSError as error:
        raise StartError(str(error.strerror or error)) from error
    return os.EX_OK


async def _run(settings: Settings, *, worker: int | None, environ: Mapping[str, str]) -> None:
    signals = StopSignals()
    signals.install()
    parts = await build(settings, worker=worker or 0, shared_port=worker is not None, environ=environ)
    try:
        await parts.grpc.start()
        await parts.http.start()
        watchers = [asyncio.create_task(watch(), name="watcher") for watch in parts.watchers]
        parts.grpc.health.set_ready(True)
        # What is alive now stays: freezing it keeps full collections from walking it.
        gc.collect()
        gc.freeze()
        _tell_started(settings, parts)
        await signals.requested.wait()
        _LOG.info("stopping: health says NOT_SERVING, calls are served for %g s more", settings.lame_duck_seconds)
        await parts.grpc.stop(signals.forced)
        for watcher in watchers:
            watcher.cancel()
        await asyncio.gather(*watchers, return_exceptions=True)
        await parts.http.stop()
    finally:
        await parts.close()
        signals.uninstall()
    _LOG.info("stopped")


def _tell_started(settings: Settings, parts: Parts) -> None:
    place = split_address(settings.listen)
    address = settings.listen if place is None else f"{place[0]}:{parts.grpc.port}"
    host = split_address(settings.http_listen)
    fields = {"listen": address, "http_listen": f"{host[0] if host else ''}:{parts.http.port}", "version": __version__}
    _LOG.info("serving", extra={"fields": fields})
    for hint in settings.hints():
        _LOG.warning(hint)


def _style(settings: Settings) -> Style:
    return _STYLES[settings.log_format]


def _loop_factory() -> type[asyncio.AbstractEventLoop]:
    if sys.platform == "win32":
        return asyncio.ProactorEventLoop
    import uvloop  # noqa: PLC0415  # not on Windows

    return uvloop.Loop
