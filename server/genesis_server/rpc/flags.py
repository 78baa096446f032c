"""FlagAdminService: definitions of flags, emergency flags, and the audit log of both."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import grpc.aio

from genesis.admin.v1 import flag_admin_service_pb2 as admin
from genesis.admin.v1 import flag_admin_service_pb2_grpc
from genesis_server.flags.contexts import context_of
from genesis_server.flags.desk import FlagAction, FlagDesk, FlagEdit
from genesis_server.model.caller import Caller
from genesis_server.model.flags import FlagContext
from genesis_server.rpc.context import current_caller
from genesis_server.rpc.convert.flags import (
    attributes_from_proto,
    change_to_proto,
    edit_from_proto,
    emergency_to_proto,
    entry_to_proto,
    preview_to_proto,
    view_to_proto,
)
from genesis_server.rpc.paging import PageTokens, page_size
from genesis_server.telemetry.context import current_call

_Context = grpc.aio.ServicerContext[Any, Any]
_Change = (
    admin.PutFlagRequest
    | admin.DeleteFlagRequest
    | admin.SetFlagWeightRequest
    | admin.EnableFlagRequest
    | admin.DisableFlagRequest
)  # fmt: skip


class FlagAdminServicer(flag_admin_service_pb2_grpc.FlagAdminServiceServicer):
    """The service over a desk."""

    def __init__(self, *, desk: FlagDesk, tokens: PageTokens, environment: str, now: Callable[[], float]) -> None:
        """Answer from `desk`; `environment` is the value of GENESIS_ENV, `now` gives seconds since the epoch."""
        self._desk = desk
        self._tokens = tokens
        self._environment = environment
        self._now = now

    async def GetFlag(self, request: admin.GetFlagRequest, context: _Context) -> admin.GetFlagResponse:
        """Read a flag."""
        return admin.GetFlagResponse(flag=view_to_proto(self._desk.get(request.key)))

    async def ListFlags(self, request: admin.ListFlagsRequest, context: _Context) -> admin.ListFlagsResponse:
        """List the flags, by key."""
        scope = (current_caller().tenant, "flags")
        page = self._desk.list(after=self._tokens.read(request.page_token, *scope), limit=page_size(request.page_size))
        return admin.ListFlagsResponse(
            flags=[view_to_proto(view) for view in page.flags],
            next_page_token=self._tokens.make(page.following, *scope) if page.following else "",
            emergency_flags=[emergency_to_proto(state) for state in self._desk.emergency_flags],
        )

    async def PutFlag(self, request: admin.PutFlagRequest, context: _Context) -> admin.PutFlagResponse:
        """Write a definition."""
        return admin.PutFlagResponse(change=await self._changed(request, FlagEdit(FlagAction.PUT, text=request.definition_json)))

    async def DeleteFlag(self, request: admin.DeleteFlagRequest, context: _Context) -> admin.DeleteFlagResponse:
        """Take a written definition away."""
        return admin.DeleteFlagResponse(change=await self._changed(request, FlagEdit(FlagAction.DELETE)))

    async def SetFlagWeight(self, request: admin.SetFlagWeightRequest, context: _Context) -> admin.SetFlagWeightResponse:
        """Give a flag's first variant a share."""
        return admin.SetFlagWeightResponse(change=await self._changed(request, FlagEdit(FlagAction.SET_WEIGHT, percent=request.percent)))

    async def EnableFlag(self, request: admin.EnableFlagRequest, context: _Context) -> admin.EnableFlagResponse:
        """Turn a flag on."""
        return admin.EnableFlagResponse(change=await self._changed(request, FlagEdit(FlagAction.ENABLE)))

    async def DisableFlag(self, request: admin.DisableFlagRequest, context: _Context) -> admin.DisableFlagResponse:
        """Turn a flag off."""
        return admin.DisableFlagResponse(change=await self._changed(request, FlagEdit(FlagAction.DISABLE)))

    async def PreviewFlag(self, request: admin.PreviewFlagRequest, context: _Context) -> admin.PreviewFlagResponse:
        """Try a change."""
        # A thousand contexts may hold as much as a message may: more than the loop should be held for.
        contexts = await asyncio.to_thread(self._contexts, request, current_caller())
        return preview_to_proto(await self._desk.preview(request.key, edit_from_proto(request), contexts))

    async def SetEmergencyFlag(self, request: admin.SetEmergencyFlagRequest, context: _Context) -> admin.SetEmergencyFlagResponse:
        """Set an emergency flag."""
        state = await self._desk.set_emergency(current_caller(), request.key, cause=request.cause, correlation_id=_correlation_id())
        return admin.SetEmergencyFlagResponse(flag=emergency_to_proto(state))

    async def ClearEmergencyFlag(self, request: admin.ClearEmergencyFlagRequest, context: _Context) -> admin.ClearEmergencyFlagResponse:
        """Clear an emergency flag."""
        state = await self._desk.clear_emergency(current_caller(), request.key, cause=request.cause, correlation_id=_correlation_id())
        return admin.ClearEmergencyFlagResponse(flag=emergency_to_proto(state))

    async def ListAuditEntries(self, request: admin.ListAuditEntriesRequest, context: _Context) -> admin.ListAuditEntriesResponse:
        """List the audit log."""
        scope = (current_caller().tenant, "flag audit", str(request.oldest_first), request.key)
        page = await self._desk.audit(
            after=int(self._tokens.read(request.page_token, *scope) or 0),
            limit=page_size(request.page_size),
            oldest_first=request.oldest_first,
            key=request.key,
        )
        return admin.ListAuditEntriesResponse(
            entries=[entry_to_proto(entry) for entry in page.entries],
            next_page_token=self._tokens.make(str(page.following), *scope) if page.following else "",
            head_sequence=page.head.sequence,
            head_hash=page.head.hash if page.head.sequence else "",
        )

    async def _changed(self, request: _Change, edit: FlagEdit) -> admin.FlagChange:
        change = await self._desk.change(
            current_caller(),
            request.key,
            edit,
            expected_version=request.expected_version if request.HasField("expected_version") else None,
            cause=request.cause,
            correlation_id=_correlation_id(),
        )
        return change_to_proto(change)

    def _contexts(self, request: admin.PreviewFlagRequest, caller: Caller) -> list[FlagContext]:
        """Whom the preview is for: an operator may look as any tenant and caller in any environment."""
        now = self._now()
        contexts: list[FlagContext] = []
        for at, one in enumerate(request.contexts):
            given = attributes_from_proto(one, f"contexts[{at}]", reserved=())
            own = context_of(caller, environment=self._environment, now=now, targeting_key=one.targeting_key)
            contexts.append(FlagContext(own.targeting_key, {**own.attributes, **given}, now))
        return contexts


def _correlation_id() -> str:
    running = current_call()
    return running.correlation_id if running else ""
