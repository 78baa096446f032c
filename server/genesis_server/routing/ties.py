"""What decides between equal scores: the cheaper, the likelier, the faster, then the order of the ids.

A seed other than 0 draws among those that are equal in all of that but the id.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from itertools import takewhile

from genesis_server.model.routing import Target
from genesis_server.routing.candidates import Candidates

SCORE_SCALE = 1e9
"""Scores that agree to so many parts of one are equal, and the tie-break decides."""

BY_ID = "equal in score, cost, success and time: the first by id"
BY_SEED = "equal in score, cost, success and time: drawn by the seed"


@dataclass(frozen=True, slots=True)
class TieBreaker:
    """Settles ties."""

    seed: int

    def settle(
        self, order: Sequence[int], candidates: Candidates, first: int, score: Sequence[float], task_id: str
    ) -> tuple[Sequence[int], str]:
        """The order with the tie at its head settled, and what settled it in words; empty when there was none."""
        words = self.between(candidates, first, score, order[0], order[1])
        if not self.seed or words != BY_SEED:
            return order, words
        tied = list(takewhile(lambda place: self.between(candidates, first, score, order[0], place) == BY_SEED, order))
        targets, rows = candidates.pool.targets, candidates.values.rows
        tied.sort(key=lambda place: self.draw(task_id, targets[rows[first + place]]))
        return [*tied, *order[len(tied) :]], words

    def between(self, candidates: Candidates, first: int, score: Sequence[float], one: int, other: int) -> str:
        """What puts one candidate before another of the same preference and score, in words; empty when these differ."""
        if round(score[one] * SCORE_SCALE) != round(score[other] * SCORE_SCALE):
            return ""
        values = candidates.values
        one, other = first + one, first + other
        if values.preference[one] != values.preference[other]:
            return ""
        keys = (values.costs, values.success, values.seconds)
        for name, key in zip(("the cheaper one", "the likelier one", "the faster one"), keys, strict=True):
            if float(key[one]) != float(key[other]):
                return f"equal scores: {name}"
        return BY_SEED if self.seed else BY_ID

    def draw(self, task_id: str, target: Target) -> bytes:
        """What the seed draws for a candidate; the smallest goes first."""
        text = f"{self.seed}\0{task_id}\0{target.kind}\0{target.id}\0{target.model_id}\0{target.skill_id}"
        return blake2b(text.encode(), digest_size=16).digest()
