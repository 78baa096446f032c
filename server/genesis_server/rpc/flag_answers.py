"""The answer of `Flag`: what flags are for somebody, and why.

A flag that is the same for everybody is answered with bytes that were made once; of a context only what the rules of the asked flags may
read is decoded.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from functools import cached_property

from genesis.v1 import orchestrator_service_pb2 as pb
from genesis_server.flags.contexts import context_of, own_key
from genesis_server.flags.definition import built_in_flags
from genesis_server.flags.pins import Pins
from genesis_server.flags.snapshot import Evaluation, FlagSnapshot
from genesis_server.model.flags import FlagContext, FlagReason
from genesis_server.resilience.errors import invalid_field
from genesis_server.resilience.remembering import remembering
from genesis_server.rpc.context import current_caller
from genesis_server.rpc.convert.flag_explanations import explanation_to_proto
from genesis_server.rpc.convert.flags import attributes_from_proto, evaluation_to_proto
from genesis_server.rpc.deserialisation import small_request
from genesis_server.rpc.known_requests import KnownRequests

MAX_EXPLAINED = 20
"""Flags that are explained in one answer."""
MAX_ANSWERED = 5_000
"""Flags in one answer: more would not fit into the message that clients take by default."""
_KEPT = 10_000
"""Messages that are kept ready."""
_MOST_KEYS = 50
_MOST_BYTES = 20_000
"""Flags that are asked for, and bytes of a context, on the event loop; a thread looks at more, which takes milliseconds."""
_MADE_ANEW = frozenset({FlagReason.GROUP, FlagReason.ERROR})
"""Reasons of evaluations that a snapshot makes for each question; all others it hands out again."""


class FlagAnswers:
    """Tells what the flags are."""

    def __init__(
        self,
        *,
        flags: Callable[[], FlagSnapshot],
        pins: Pins,
        environment: str,
        now: Callable[[], float],
        observe: Callable[[Evaluation, str], None],
    ) -> None:
        """Answer from these parts.

        Args:
            flags: gives the flags in use.
            pins: the flags of runs.
            environment: value of GENESIS_ENV.
            now: seconds since the epoch.
            observe: told of each evaluation, and of the targeting key it was for.
        """
        self._flags = flags
        self._pins = pins
        self._environment = environment
        self._now = now
        self._observe = observe
        self._ready = _Ready(flags())

    async def flags(self, request: pb.FlagRequest) -> pb.FlagResponse | bytes:
        """The flags asked for, or all. Raises ResourceError FLAG_NOT_FOUND, ValidationError INVALID_FIELD, and what the storage raises."""
        live = self._flags()
        ready = self._ready_for(live)
        data = small_request(request)
        known = None if data is None else ready.for_everybody.get(data)
        if known is not None:
            evaluation, answer = known
            self._observe(evaluation, own_key(current_caller()))
            return answer
        if len(request.keys) == 1 and not (request.explain or request.run_id or request.HasField("context")):
            return self._one(request.keys[0], live, ready, data)
        if request.explain and len(request.keys or live.keys) > MAX_EXPLAINED:
            told = f"can be explained for at most {MAX_EXPLAINED} flags at once; name them"
            raise invalid_field("keys", told, "max_items")
        if not request.keys and len(live.keys) > MAX_ANSWERED:
            told = f"must be named, at most 200 a call: there are more than {MAX_ANSWERED} flags; ListFlags lists them"
            raise invalid_field("keys", told, "min_items")
        if request.run_id or request.HasField("context"):
            return await self._for_somebody(request, live)
        return await self._answered(request, live, live, self._caller())

    def _one(self, key: str, live: FlagSnapshot, ready: _Ready, data: bytes | None) -> bytes:
        """One flag for the caller itself: what is asked most. `data` is what the request was read from, where that is known."""
        evaluation = live.evaluate_on(key, lambda: self._caller().data())
        self._observe(evaluation, own_key(current_caller()))
        answer = ready.answer(evaluation)
        if data is not None and evaluation is live.for_everybody(key):
            ready.for_everybody.add(data, (evaluation, answer))
        return answer

    def _caller(self) -> FlagContext:
        return context_of(current_caller(), environment=self._environment, now=self._now())

    async def _for_somebody(self, request: pb.FlagRequest, live: FlagSnapshot) -> pb.FlagResponse:
        """The flags for a run, or for whom the request names."""
        # A pin keeps the whole context: later calls of the run may ask for any flag.
        reads = None if request.run_id else self._ready_for(live).reads(request.keys)
        attributes = (
            await asyncio.to_thread(attributes_from_proto, request.context, "context", reads=reads)
            if request.context.ByteSize() > _MOST_BYTES
            else attributes_from_proto(request.context, "context", reads=reads)
        )
        context = context_of(
            current_caller(),
            environment=self._environment,
            now=self._now(),
            run_id=request.run_id,
            targeting_key=request.context.targeting_key,
            attributes=attributes,
        )
        if not request.run_id:
            return await self._answered(request, live, live, context)
        snapshot, pinned = await self._pins.snapshot_for(current_caller().tenant, request.run_id, context)
        return await self._answered(request, snapshot, live, pinned)

    async def _answered(self, request: pb.FlagRequest, snapshot: FlagSnapshot, live: FlagSnapshot, context: FlagContext) -> pb.FlagResponse:
        ready = self._ready_for(live) if snapshot is live else _Ready(snapshot)
        many = len(request.keys or snapshot.keys) > _MOST_KEYS
        if many or request.explain or request.context.ByteSize() > _MOST_BYTES:
            return await asyncio.to_thread(self._answer, request, snapshot, live, context, ready)
        return self._answer(request, snapshot, live, context, ready)

    def _answer(
        self, request: pb.FlagRequest, snapshot: FlagSnapshot, live: FlagSnapshot, context: FlagContext, ready: _Ready
    ) -> pb.FlagResponse:
        data = context.data()
        messages: list[pb.FlagEvaluation] = []
        for key in request.keys or snapshot.keys:
            if request.explain:
                explained = snapshot.explain(key, context)
                evaluation, explanation = explained.evaluation, explanation_to_proto(explained)
                message = pb.FlagEvaluation(explanation=explanation)
                message.MergeFrom(ready.message(evaluation))
            else:
                evaluation = snapshot.evaluate_on(key, lambda: data)
                message = ready.message(evaluation)
            self._observe(evaluation, context.targeting_key)
            messages.append(message)
        return pb.FlagResponse(flags=messages, snapshot_id=snapshot.snapshot_id, current_snapshot_id=live.snapshot_id)

    def _ready_for(self, live: FlagSnapshot) -> _Ready:
        if not remembering():
            return _Ready(live)
        if self._ready.snapshot is not live:
            self._ready = _Ready(live)
        return self._ready


class _Ready:
    """Messages of a snapshot's evaluations, made once."""

    def __init__(self, snapshot: FlagSnapshot) -> None:
        self.snapshot = snapshot
        # By identity: evaluations are compared value by value otherwise. They are kept, so that no other gets their place.
        self._messages: dict[int, tuple[Evaluation, pb.FlagEvaluation]] = {}
        self._answers: dict[int, tuple[Evaluation, bytes]] = {}
        self.for_everybody = KnownRequests[tuple[Evaluation, bytes]](_KEPT)
        """The answers to requests for one flag that is the same for everybody."""

    def reads(self, keys: Sequence[str]) -> frozenset[str] | None:
        """Names that the rules of these flags, or of all, may read; None: any."""
        return _reads(self.snapshot, keys) if keys else self._all_reads

    @cached_property
    def _all_reads(self) -> frozenset[str] | None:
        return _reads(self.snapshot, self.snapshot.keys)

    def message(self, evaluation: Evaluation) -> pb.FlagEvaluation:
        """The message of an evaluation of this snapshot."""
        found = self._messages.get(id(evaluation))
        if found is not None:
            return found[1]
        definition = self.snapshot.definition(evaluation.key)
        message = evaluation_to_proto(evaluation, type_name="" if definition is None else definition.type)
        if evaluation.reason not in _MADE_ANEW and len(self._messages) < _KEPT:
            self._messages[id(evaluation)] = (evaluation, message)
        return message

    def answer(self, evaluation: Evaluation) -> bytes:
        """The serialised answer that holds just this evaluation."""
        found = self._answers.get(id(evaluation))
        if found is not None:
            return found[1]
        own = self.snapshot.snapshot_id
        answer = pb.FlagResponse(flags=[self.message(evaluation)], snapshot_id=own, current_snapshot_id=own).SerializeToString()
        if evaluation.reason not in _MADE_ANEW and len(self._answers) < _KEPT:
            self._answers[id(evaluation)] = (evaluation, answer)
        return answer


def _reads(snapshot: FlagSnapshot, keys: Sequence[str]) -> frozenset[str] | None:
    names: set[str] = set()
    built_in = built_in_flags()
    for key in keys:
        asked = key
        while asked:
            definition = snapshot.definition(asked)
            compiled = None if definition is None else definition.compiled
            if compiled is not None:
                if compiled.reads is None:
                    return None
                names |= compiled.reads
            # A group is asked for the same subject.
            asked = built_in[asked].group if asked in built_in else ""
    return frozenset(names)
