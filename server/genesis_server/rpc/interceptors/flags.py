"""Lets each call see its flags, and refuses what an emergency flag forbids."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from genesis_server.flags.bound import BoundFlags, bind_flags
from genesis_server.flags.emergency import Modes
from genesis_server.model.caller import Caller
from genesis_server.resilience.errors import invalid_field
from genesis_server.resilience.remembering import remember
from genesis_server.rpc.context import current_caller, current_metadata
from genesis_server.rpc.interceptors.layer import Context, Entry, EntryLayer
from genesis_server.rpc.methods import HEALTH_METHOD, WAITING, contract_methods
from genesis_server.rpc.modes import check_modes, may_be_refused, refusal
from genesis_server.telemetry.context import current_call
from genesis_server.telemetry.names import METADATA_RUN_ID

MAX_RUN_ID_CHARACTERS = 128

FlagsOfCaller = Callable[[Caller], BoundFlags]
"""The flags of a caller, as they are now."""
FlagsOfRun = Callable[[Caller, str], Awaitable[BoundFlags]]
"""The flags of a caller in a run: (caller, run id)."""


class FlagsInterceptor(EntryLayer):
    """Stands inside authorization: who calls is known, and may."""

    def __init__(self, *, modes: Callable[[], Modes], flags_of: FlagsOfCaller, flags_of_run: FlagsOfRun) -> None:
        """Compare the table of modes with the descriptors. Raises ValueError naming every method one of them lacks."""
        check_modes(contract_methods())
        self._modes = modes
        self._flags_of = flags_of
        self._flags_of_run = flags_of_run

    def entry(self, method: str) -> Entry | None:
        """Refuse or bind, for the methods of the contract."""
        if method not in contract_methods():
            return None
        refusable, in_run, waits = may_be_refused(method), _in_run(method), method in WAITING

        async def enter(_: Context) -> None:
            if refusable and (error := refusal(method, self._modes())) is not None:
                raise error
            run_id = _run_id() if in_run else ""
            flags = await self._flags_of_run(current_caller(), run_id) if run_id else self._flags_of(current_caller())
            call = current_call()
            if call is not None and call.sampled:
                call.withheld = not flags.enabled("otel_enabled")
            if not waits:  # those last for hours, and see the flags of each moment
                bind_flags(flags)
                if not flags.enabled("performance_optimizations_enabled"):
                    remember(allowed=False)

        return enter


def _in_run(method: str) -> bool:
    """Whether a call may belong to a run; who looks after the server, or waits for hours, must not depend on what is stored of one."""
    return method not in WAITING and method != HEALTH_METHOD and not method.startswith("/genesis.admin.")


def _run_id() -> str:
    text = current_metadata().get(METADATA_RUN_ID)
    if text is None:
        return ""
    if not 0 < len(text) <= MAX_RUN_ID_CHARACTERS:
        raise invalid_field(f"metadata {METADATA_RUN_ID}", f"must have 1 to {MAX_RUN_ID_CHARACTERS} characters")
    return text
