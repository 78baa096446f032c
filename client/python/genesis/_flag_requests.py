"""Keyword arguments into the requests of flags: what they are, what steers them, and the audit log of that."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any, Unpack

from genesis import _values as values
from genesis._requests import known, request_id
from genesis.admin.v1.flag_admin_service_pb2 import (
    ClearEmergencyFlagRequest,
    DeleteFlagRequest,
    DisableFlagRequest,
    EnableFlagRequest,
    GetFlagRequest,
    ListAuditEntriesRequest,
    ListFlagsRequest,
    PreviewFlagRequest,
    PutFlagRequest,
    SetEmergencyFlagRequest,
    SetFlagWeightRequest,
)
from genesis.options import (
    AuditOptions,
    CallOptions,
    EmergencyOptions,
    FlagChangeOptions,
    FlagContextLike,
    FlagLike,
    FlagOptions,
    FlagPreviewOptions,
    PageOptions,
)
from genesis.v1.flags_pb2 import FlagContext
from genesis.v1.orchestrator_service_pb2 import FlagRequest

_CHANGES = ("definition", "percent", "enabled", "deleted")


def flag(keys: Iterable[str], **options: Unpack[FlagOptions]) -> FlagRequest:
    """The request for flags.

    Raises:
        ValueError: when an attribute is none that JSON has.
    """
    known(options, FlagOptions)
    who, attributes = options.get("targeting_key", ""), options.get("attributes", {})
    return FlagRequest(
        keys=keys,
        context=FlagContext(targeting_key=who, attributes=values.struct(attributes)) if who or attributes else None,
        run_id=options.get("run_id", ""),
        explain=options.get("explain", False),
    )


def get_flag(key: str, **options: Unpack[CallOptions]) -> GetFlagRequest:
    """The request to read a flag's definitions."""
    known(options, CallOptions)
    return GetFlagRequest(key=key)


def list_flags(**options: Unpack[PageOptions]) -> ListFlagsRequest:
    """The request for the first page of flags."""
    known(options, PageOptions)
    return ListFlagsRequest(page_size=options.get("page_size", 0))


def put_flag(key: str, definition: FlagLike, cause: str, **options: Unpack[FlagChangeOptions]) -> PutFlagRequest:
    """The request to write a definition.

    Raises:
        ValueError: when the definition has a value that JSON does not have.
    """
    return PutFlagRequest(key=key, definition_json=_definition(definition), **_change(cause, options))


def delete_flag(key: str, cause: str, **options: Unpack[FlagChangeOptions]) -> DeleteFlagRequest:
    """The request to take a written definition away."""
    return DeleteFlagRequest(key=key, **_change(cause, options))


def set_flag_weight(key: str, percent: float, cause: str, **options: Unpack[FlagChangeOptions]) -> SetFlagWeightRequest:
    """The request to give a flag's first variant a share."""
    return SetFlagWeightRequest(key=key, percent=percent, **_change(cause, options))


def enable_flag(key: str, cause: str, **options: Unpack[FlagChangeOptions]) -> EnableFlagRequest:
    """The request to turn a flag on."""
    return EnableFlagRequest(key=key, **_change(cause, options))


def disable_flag(key: str, cause: str, **options: Unpack[FlagChangeOptions]) -> DisableFlagRequest:
    """The request to turn a flag off."""
    return DisableFlagRequest(key=key, **_change(cause, options))


def preview_flag(key: str, **options: Unpack[FlagPreviewOptions]) -> PreviewFlagRequest:
    """The request to try a change.

    Raises:
        TypeError: when the options name no change, or more than one.
        ValueError: when the definition or a context has a value that JSON does not have.
    """
    known(options, FlagPreviewOptions)
    definition, percent, enabled = options.get("definition"), options.get("percent"), options.get("enabled")
    given: dict[str, Any] = {
        "definition_json": None if definition is None else _definition(definition),
        "percent": percent,
        "enabled": enabled,
        "deleted": options.get("deleted") or None,
    }
    said = {name: value for name, value in given.items() if value is not None}
    if len(said) != 1:
        raise TypeError(f"name the change to try, one of {', '.join(_CHANGES)}; not {', '.join(said) or 'none'}")
    return PreviewFlagRequest(key=key, contexts=[_context(one) for one in options.get("contexts", ())], **said)


def set_emergency_flag(key: str, cause: str, **options: Unpack[EmergencyOptions]) -> SetEmergencyFlagRequest:
    """The request to set an emergency flag."""
    known(options, EmergencyOptions)
    return SetEmergencyFlagRequest(request_id=request_id(options), key=key, cause=cause)


def clear_emergency_flag(key: str, cause: str, **options: Unpack[EmergencyOptions]) -> ClearEmergencyFlagRequest:
    """The request to clear an emergency flag."""
    known(options, EmergencyOptions)
    return ClearEmergencyFlagRequest(request_id=request_id(options), key=key, cause=cause)


def list_audit_entries(**options: Unpack[AuditOptions]) -> ListAuditEntriesRequest:
    """The request for the first page of the audit log."""
    known(options, AuditOptions)
    return ListAuditEntriesRequest(
        page_size=options.get("page_size", 0), oldest_first=options.get("oldest_first", False), key=options.get("key", "")
    )


def _change(cause: str, options: FlagChangeOptions) -> dict[str, Any]:
    known(options, FlagChangeOptions)
    return {"request_id": request_id(options), "expected_version": options.get("expected_version"), "cause": cause}


def _definition(definition: FlagLike) -> str:
    if isinstance(definition, str):
        return definition
    try:
        return json.dumps(dict(definition), allow_nan=False, ensure_ascii=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise ValueError(f"the definition has a value that JSON does not have: {error}") from error


def _context(context: FlagContextLike) -> FlagContext:
    if isinstance(context, FlagContext):
        return context
    attributes: Mapping[str, Any] = {name: value for name, value in context.items() if name != "targetingKey"}
    who = context.get("targetingKey", "")
    if not isinstance(who, str):
        raise ValueError(f"targetingKey is {who!r}: it must be a text")  # noqa: TRY004 (it is data, like the attributes beside it)
    return FlagContext(targeting_key=who, attributes=values.struct(attributes))
