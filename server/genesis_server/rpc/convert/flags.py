"""Flags as messages: what they are, how they are defined, what changes them, and whom they are asked for."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from google.protobuf.struct_pb2 import Struct

from genesis.admin.v1 import flag_admin_service_pb2 as admin
from genesis.v1 import flags_pb2
from genesis.v1 import orchestrator_service_pb2 as pb
from genesis_server.flags.audit import AuditEntry
from genesis_server.flags.contexts import RESERVED
from genesis_server.flags.definition import type_word
from genesis_server.flags.desk import FlagAction, FlagChange, FlagEdit, FlagView
from genesis_server.flags.emergency import EmergencyState
from genesis_server.flags.preview import Difference, Preview
from genesis_server.flags.snapshot import Evaluation
from genesis_server.model.flags import JsonValue, Scalar
from genesis_server.resilience.errors import invalid_field
from genesis_server.rpc.convert.json_values import json_from_proto, json_to_proto
from genesis_server.rpc.convert.values import number, time_to_proto

MAX_CONTEXT_BYTES = 1_000_000
"""The most that the attributes of a context take as a message."""
_TYPES = {
    "boolean": pb.FLAG_TYPE_BOOLEAN,
    "string": pb.FLAG_TYPE_STRING,
    "number": pb.FLAG_TYPE_NUMBER,
    "object": pb.FLAG_TYPE_OBJECT,
}


def evaluation_to_proto(evaluation: Evaluation, *, type_name: str) -> pb.FlagEvaluation:
    """What a flag is; `type_name` is the type of its values in the words of `type_word`."""
    return pb.FlagEvaluation(
        key=evaluation.key,
        value=None if evaluation.value is None else json_to_proto(evaluation.value),
        variant=evaluation.variant,
        reason=number(evaluation.reason),
        source=evaluation.source,
        description=evaluation.description,
        layer=number(evaluation.layer),
        version=evaluation.version,
        metadata=None if evaluation.metadata is None else _metadata(evaluation.metadata),
        type=_TYPES.get(type_word(evaluation.value) or type_name, pb.FLAG_TYPE_UNSPECIFIED),
        error=evaluation.error,
    )


def _metadata(metadata: Mapping[str, Scalar]) -> Struct:
    return Struct(fields={name: json_to_proto(value) for name, value in metadata.items()})


def attributes_from_proto(
    context: flags_pb2.FlagContext, field: str, *, reads: Collection[str] | None = None, reserved: Collection[str] = RESERVED
) -> dict[str, JsonValue]:
    """What a context says by name; with `reads` only what is named there.

    Raises ValidationError INVALID_FIELD for attributes that are too large, that the server sets itself (`reserved`), or that JSON does not
    have.
    """
    attributes = context.attributes
    if attributes.ByteSize() > MAX_CONTEXT_BYTES:
        raise invalid_field(f"{field}.attributes", f"takes {attributes.ByteSize()} bytes, more than {MAX_CONTEXT_BYTES}", "max_bytes")
    values = attributes.fields
    for name in reserved:
        if name in values:
            raise invalid_field(f"{field}.attributes.{name}", "is set by the server; leave it out", "reserved")
    if "targetingKey" in values:
        raise invalid_field(f"{field}.attributes.targetingKey", "goes into targeting_key beside the attributes", "reserved")
    wanted = values if reads is None else (name for name in reads if name in values)
    return {name: json_from_proto(values[name], f"{field}.attributes.{name}") for name in wanted}


def view_to_proto(view: FlagView) -> admin.Flag:
    """A flag as it is defined."""
    last = view.last_write
    return admin.Flag(
        key=view.key,
        definition_json=view.text,
        layer=number(view.layer),
        version=view.version,
        written=view.written,
        update_time=None if last is None else time_to_proto(last.time),
        actor="" if last is None else last.actor,
        hidden=[admin.FlagLayerDefinition(layer=number(one.layer), definition_json=one.text) for one in view.hidden],
        mistakes=view.mistakes,
        built_in=view.built_in,
        description=view.description,
    )


def change_to_proto(change: FlagChange) -> admin.FlagChange:
    """A change that was made."""
    return admin.FlagChange(
        key=change.key,
        version=change.version,
        before_json=change.before,
        after_json=change.after,
        audit_sequence=change.audit_sequence,
        time=time_to_proto(change.time),
    )


def edit_from_proto(request: admin.PreviewFlagRequest) -> FlagEdit:
    """The change that a preview names."""
    match request.WhichOneof("change"):
        case "definition_json":
            return FlagEdit(FlagAction.PUT, text=request.definition_json)
        case "percent":
            return FlagEdit(FlagAction.SET_WEIGHT, percent=request.percent)
        case "enabled":
            return FlagEdit(FlagAction.ENABLE if request.enabled else FlagAction.DISABLE)
        case _:
            return FlagEdit(FlagAction.DELETE)


def preview_to_proto(preview: Preview) -> admin.PreviewFlagResponse:
    """What a change would do."""
    return admin.PreviewFlagResponse(
        before_json=preview.before,
        after_json=preview.after,
        diff=preview.diff,
        differences=[_difference(one) for one in preview.differences],
        moved_share=preview.moved_share,
    )


def _difference(difference: Difference) -> admin.FlagDifference:
    before, after = difference.before, difference.after
    return admin.FlagDifference(
        context_index=difference.index,
        before_variant="" if before is None else before.variant,
        after_variant="" if after is None else after.variant,
        before=None if before is None or before.value is None else json_to_proto(before.value),
        after=None if after is None or after.value is None else json_to_proto(after.value),
    )


def emergency_to_proto(state: EmergencyState) -> admin.EmergencyFlag:
    """An emergency flag."""
    return admin.EmergencyFlag(
        key=state.key,
        set=state.set,
        cause=state.cause,
        actor=state.actor,
        time=None if state.time is None else time_to_proto(state.time),
    )


def entry_to_proto(entry: AuditEntry) -> admin.AuditEntry:
    """An entry of the audit log."""
    draft = entry.draft
    return admin.AuditEntry(
        sequence=entry.sequence,
        hash=entry.hash,
        previous_hash=entry.previous_hash,
        content=entry.content,
        time=time_to_proto(draft.time),
        actor=draft.actor,
        action=draft.action,
        key=draft.key,
        cause=draft.cause,
        version=draft.version,
        before_json=draft.before,
        after_json=draft.after,
        correlation_id=draft.correlation_id,
    )
