"""Which nodes can be reached from which, many questions at a time: one bit for each question, carried along the flow."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from genesis_server.validation.flow import Flow, arcs_in_order

QUESTIONS_AT_ONCE = 2_048


class Reach:
    """Answers for one flow in its order."""

    def __init__(self, flow: Flow, order: Sequence[int]) -> None:
        """Order the arcs once."""
        self._flow = flow
        sources, targets = arcs_in_order(flow, order)
        self._arcs: list[tuple[int, int]] = list(zip(sources.tolist(), targets.tolist(), strict=True))

    def reached(self, questions: Sequence[tuple[Iterable[int], Iterable[int]]]) -> list[list[bool]]:
        """For each question (rows from, rows to): of each row to, whether it comes after at least one of the rows from.

        A row comes after another when it begins only once the other has ended; never after itself.
        """
        answers: list[list[bool]] = []
        for start in range(0, len(questions), QUESTIONS_AT_ONCE):
            answers.extend(self._batch(questions[start : start + QUESTIONS_AT_ONCE]))
        return answers

    def _batch(self, questions: Sequence[tuple[Iterable[int], Iterable[int]]]) -> list[list[bool]]:
        flow = self._flow
        seeds = [0] * flow.size
        for bit, (rows, _) in enumerate(questions):
            for row in rows:
                seeds[int(flow.ends[row])] |= 1 << bit
        masks = [0] * flow.size
        for source, target in self._arcs:
            mask = masks[source] | seeds[source]
            if mask:
                masks[target] |= mask
        return [[bool(masks[int(flow.begins[row])] >> bit & 1) for row in rows] for bit, (_, rows) in enumerate(questions)]


def redundant_arcs(flow: Flow, order: Sequence[int], count: int) -> list[int]:
    """Of the first `count` arcs, those that another way already implies (transitive reduction, which is unique without circles).

    One mask of reachable nodes for each node, so memory and time grow with nodes times arcs: callers bound the size.
    """
    followers: list[list[int]] = [[] for _ in range(flow.size)]
    sources: list[int] = flow.sources.tolist()
    targets: list[int] = flow.targets.tolist()
    for source, target in zip(sources, targets, strict=True):
        followers[source].append(target)
    beyond = [0] * flow.size
    reach = [0] * flow.size
    for node in reversed(order):
        for target in followers[node]:
            beyond[node] |= reach[target]
            reach[node] |= 1 << target
        reach[node] |= beyond[node]
    arcs = zip(sources[:count], targets[:count], strict=True)
    return [number for number, (source, target) in enumerate(arcs) if beyond[source] >> target & 1]
