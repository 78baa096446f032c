"""Starts, runs and stops the server process."""

from __future__ import annotations

import asyncio
import gc
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING

from genesis_server import __version__
from genesis_server.app.errors import StartError
from genesis_server.app.workers import Worker, heed_signals, run_workers, this_worker
from genesis_server.resilience.errors import GenesisError
from genesis_server.rpc.ports import split_address
from genesis_server.rpc.stop_signals import StopSignals
from genesis_server.security.redaction import redact
from genesis_server.settings import Settings
from genesis_server.settings.fields import LogFormat
from genesis_server.telemetry.logging import Style, configure_logging

if TYPE_CHECKING:
    from genesis_server.app.parts import Parts

_STYLES: Mapping[LogFormat, Style] = {LogFormat.AUTO: "auto", LogFormat.JSON: "json", LogFormat.TEXT: "console"}
_PARENT_SECONDS = 1.0
_TELLING_SECONDS = 0.001
_LOG = logging.getLogger("genesis_server")


def serve(settings: Settings, *, arguments: Sequence[str], environ: Mapping[str, str] = os.environ) -> int:
    """Serve until a signal comes; the exit code of the process.

    `arguments` are those this process was started with, from `serve` on: worker processes are started with the same. Raises StartError
    with a sentence for people when the server cannot start.
    """
    configure_logging(level=settings.log_level.upper(), style=_style(settings), version=__version__, redact=redact)
    worker = this_worker(environ)
    try:
        if settings.workers > 1 and worker is None:
            return run_workers(arguments, count=settings.workers, listen=settings.listen, environ=environ)
        with asyncio.Runner(loop_factory=_loop_factory()) as runner:
            runner.run(_run(settings, worker=worker, environ=environ))
    except OSError as error:
        raise StartError(str(error.strerror or error)) from error
    return os.EX_OK


async def _run(settings: Settings, *, worker: Worker | None, environ: Mapping[str, str]) -> None:
    """Start, serve and stop. Told to stop before it serves, it ends when what it is at is done; a second signal does not hasten that."""
    signals = StopSignals()
    signals.install()
    if worker is not None:
        heed_signals()
    try:
        parts = await _built(settings, worker, environ, signals)
        if parts is not None:
            try:
                # Told to stop by now, it has nobody to drain.
                if not signals.requested.is_set():
                    await _serve_until_told(parts, settings, worker, signals)
            finally:
                await parts.close()
    finally:
        signals.uninstall()
    _LOG.info("stopped")


async def _built(settings: Settings, worker: Worker | None, environ: Mapping[str, str], signals: StopSignals) -> Parts | None:
    """Load and put together what serves, None when told to stop meanwhile. The parent of workers needs none of it."""
    # What a start makes stays: looking for garbage in it took an eighth of the time.
    gc.disable()
    try:
        from genesis_server.app.parts import build  # noqa: PLC0415  (see above)

        # Loading held the loop up: now it tells of signals that came.
        await asyncio.sleep(_TELLING_SECONDS)
        if signals.requested.is_set():
            return None
        parts = await build(settings, worker=worker.number if worker else 0, shared_port=worker is not None, environ=environ)
        # Half a megabyte is garbage and would take 70 ms to find. Frozen, all of it is never walked again.
        gc.freeze()
    except GenesisError as error:
        raise StartError(error.message) from error
    finally:
        gc.enable()
    return parts


async def _serve_until_told(parts: Parts, settings: Settings, worker: Worker | None, signals: StopSignals) -> None:
    try:
        await parts.grpc.start()
        await parts.http.start()
    except OSError:
        await parts.grpc.abandon()
        raise
    watchers: list[asyncio.Task[None]] = [asyncio.create_task(parts.watch(), name="watcher")]
    if worker is not None:
        watchers.append(asyncio.create_task(_stop_without_parent(worker, signals), name="parent watcher"))
    for watcher in watchers:
        watcher.add_done_callback(partial(_watcher_ended, signals=signals))
    parts.grpc.health.set_ready(True)
    favour_the_loop()
    _tell_started(settings, parts)
    await signals.requested.wait()
    _LOG.info("stopping: health says NOT_SERVING, calls are served for %g s more", settings.lame_duck_seconds)
    await parts.grpc.stop(signals.forced)
    for watcher in watchers:
        watcher.cancel()
    ends = await asyncio.gather(*watchers, return_exceptions=True)
    await parts.http.stop()
    for fault in ends:
        if isinstance(fault, Exception):
            raise fault


def _watcher_ended(watcher: asyncio.Task[None], *, signals: StopSignals) -> None:
    """A watcher ends by a fault only: without it the server would go on blind, so it stops, for whoever started it to start it again."""
    fault = None if watcher.cancelled() else watcher.exception()
    if fault is not None:
        _LOG.critical("the %s failed; the server stops", watcher.get_name(), exc_info=fault)
        signals.requested.set()


def favour_the_loop() -> None:
    """Keep computing threads and the garbage collector from holding the event loop up.

    Measured while catalogues of 45 000 skills and tools were indexed on a thread: the median of other calls fell from 350 ms to 3 ms.
    """
    # A call hands the interpreter's lock to and fro several times; each time it waits this long for a thread that computes.
    sys.setswitchinterval(0.0005)
    # Every call leaves a cycle, grpcio's own. Looked for at 50 000 new objects, memory rose for minutes where little is done, and what
    # outlived a look stayed for half an hour; at 5 000, looking costs 2.5 % of the CPU under full load instead of 1 %.
    gc.set_threshold(5_000, 20, 100)


async def _stop_without_parent(worker: Worker, signals: StopSignals) -> None:
    """Ask for a stop when the process that passes signals on is gone."""
    while True:
        await asyncio.sleep(_PARENT_SECONDS)
        if worker.orphaned:
            _LOG.error("the process that started this worker is gone; stopping")
            return signals.requested.set()


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
