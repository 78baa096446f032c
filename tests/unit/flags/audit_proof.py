"""Holds the audit log as the server has it to the client's proof, as whoever audits it does."""

from __future__ import annotations

from collections.abc import Iterable

from genesis.admin.v1.flag_admin_service_pb2 import ListAuditEntriesResponse
from genesis.audit import BrokenChainError, proven
from genesis_server.flags.audit import AuditEntry, AuditHead
from genesis_server.rpc.convert.flags import entry_to_proto


def broken_at(entries: Iterable[AuditEntry], head: AuditHead) -> int:
    """Number of the first of `entries`, oldest first, that is not part of one whole chain up to `head`; 0 when all are."""
    page = ListAuditEntriesResponse(
        entries=[entry_to_proto(entry) for entry in entries], head_sequence=head.sequence, head_hash=head.hash if head.sequence else ""
    )
    try:
        proven([page])
    except BrokenChainError as error:
        return error.sequence
    return 0
