"""Rulebooks and recorded decisions, put together."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from genesis_server.orchestration.decisions.materials import StoredMaterials
from genesis_server.orchestration.decisions.recorder import DecisionRecorder
from genesis_server.orchestration.decisions.replay import Replayer
from genesis_server.orchestration.decisions.store import DecisionStore
from genesis_server.orchestration.ids import decision_id
from genesis_server.orchestration.policy.active import ActiveRulebook
from genesis_server.orchestration.policy.desk import PolicyDesk
from genesis_server.orchestration.policy.file import RulebookFile
from genesis_server.orchestration.policy.preview import Previewer
from genesis_server.orchestration.policy.versions import RulebookVersions
from genesis_server.storage.base import Documents

_DAY_SECONDS = 86_400.0


@dataclass(frozen=True, slots=True)
class DecisionParts:
    """What records decisions, reads them, makes them again, and says by which rulebook they are made."""

    rulebook: ActiveRulebook
    recorder: DecisionRecorder | None
    """None: the operator wants none recorded."""
    store: DecisionStore
    replayer: Replayer
    desk: PolicyDesk


def decision_parts(documents: Documents, file: RulebookFile, *, retention_days: float, observe: Callable[[str], None]) -> DecisionParts:
    """The parts over a store; `observe` is told what became of each decision that should be recorded."""
    versions = RulebookVersions(documents)
    active = ActiveRulebook(file, versions, clock=time.time)
    recorder = None
    if retention_days > 0:
        recorder = DecisionRecorder(documents, retention_seconds=retention_days * _DAY_SECONDS, new_id=decision_id, observe=observe)
    store = DecisionStore(documents)
    replayer = Replayer(StoredMaterials(documents))
    desk = PolicyDesk(active=active, versions=versions, previewer=Previewer(store, replayer), now=time.time)
    return DecisionParts(active, recorder, store, replayer, desk)
