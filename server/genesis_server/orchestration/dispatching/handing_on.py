"""The next task for a worker that did well, in the write that takes its report: one write ends the one and hands out the other."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping

from genesis_server.orchestration.dispatching.commands import HandOut
from genesis_server.orchestration.dispatching.entry import Entry
from genesis_server.orchestration.dispatching.ready_tasks import ReadyTasks
from genesis_server.orchestration.dispatching.stream import WorkStream
from genesis_server.orchestration.dispatching.turn import Turn


def next_tasks(entry: Entry, turn: Turn, *, streams: Mapping[str, WorkStream], ready: ReadyTasks) -> list[HandOut]:
    """What to hand out in the places of the tasks that `turn` ends as done, while it is this plan's turn at their agents.

    Where it is another plan's turn, or another task of the agent failed, the place is matched when it is free.
    """
    waiting = set(turn.verdicts.failing)
    left = Counter(attempt.agent_id for _, attempt in turn.done)
    ended = Counter[str]()
    found: list[HandOut] = []
    for report, attempt in turn.done:
        agent_id, stream = attempt.agent_id, streams.get(attempt.session_id)
        if stream is None or agent_id in waiting or attempt.lease.lease_id not in stream.held:
            continue
        ended[stream.session_id] += 1
        if stream.closed or stream.free + ended[stream.session_id] <= 0:
            continue
        hand_out = ready.offer_instead(entry, report, stream, fewer=left[agent_id])
        if hand_out is None:
            waiting.add(agent_id)
            continue
        left[agent_id] -= 1
        found.append(hand_out)
    return found
