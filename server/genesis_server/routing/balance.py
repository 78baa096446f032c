"""How load is spread over candidates that are about as good.

Of two drawn the less loaded one gets the task, which keeps the load nearly even without a look at everybody (power of two choices:
Azar, Broder, Karlin, Upfal 1999; Mitzenmacher 2001). With a sticky key the key names one of them instead, and names the same one as
long as that one is among them, whoever else comes or goes (rendezvous hashing: Thaler and Ravishankar 1998).
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import blake2b

from genesis_server.model.routing import TargetKind
from genesis_server.routing.pool import Pool


@dataclass(frozen=True, slots=True)
class Balance:
    """A choice among candidates that are about as good: the best of each agent or tool; places as in a field."""

    near_best: tuple[int, ...]
    """Best first."""
    compared: tuple[int, ...]
    """The two drawn, the better one first; or the one the key names."""
    loads: tuple[float, ...]
    """Of the compared, in tasks for each slot."""
    is_sticky: bool

    @property
    def chosen(self) -> int:
        """Who gets the task."""
        return self.compared[1] if len(self.loads) > 1 and self.loads[1] < self.loads[0] else self.compared[0]

    @property
    def is_by_load(self) -> bool:
        """Whether one of the two has less to do."""
        return not self.is_sticky and self.loads[0] != self.loads[1]


class Workload:
    """Tasks of each agent: those in flight and those given on a level of the plan."""

    def __init__(self, pool: Pool, in_flight: Mapping[str, int]) -> None:
        """`in_flight` counts tasks by id of the agent."""
        self._capacities: list[float] = pool.capacities.tolist()
        self._in_flight = [float(in_flight.get(name, 0)) if kind is TargetKind.AGENT else 0.0 for kind, name in pool.owner_ids]
        self.idle = [count / capacity for count, capacity in zip(self._in_flight, self._capacities, strict=True)]
        """Tasks for each slot of every owner before any is given."""
        self._counts: dict[int, int] = {}
        # By level and owner: how many tasks of the level had been given each time the owner was given one.
        self._turns: dict[int, dict[int, list[int]]] = {}

    def give(self, level: int, owner: int) -> None:
        """Note a task given to an owner."""
        count = self._counts.get(level, 0)
        self._counts[level] = count + 1
        self._turns.setdefault(level, {}).setdefault(owner, []).append(count)

    def given_on(self, level: int) -> int:
        """How many tasks of a level were given so far."""
        return self._counts.get(level, 0)

    def load(self, level: int, count: int, owner: int) -> float:
        """Tasks for each slot of an owner when `count` tasks of a level had been given."""
        if not count:
            return self.idle[owner]
        turns = self._turns[level].get(owner, ())
        return (self._in_flight[owner] + bisect_left(turns, count)) / self._capacities[owner]

    def loads(self, level: int, count: int) -> list[float]:
        """The same of every owner."""
        found = self.idle.copy()
        for owner in self._turns.get(level, ()):
            found[owner] = self.load(level, count, owner)
        return found


@dataclass(frozen=True, slots=True)
class Balancer:
    """Chooses among candidates that are about as good."""

    seed: int
    sticky_key: str
    owner_ids: Sequence[tuple[TargetKind, str]]

    def choose(self, near_best: Sequence[int], owners: Sequence[int], loads: Sequence[float], task_id: str) -> Balance:
        """The choice among two or more places; `owners` and `loads` go along with them."""
        if self.sticky_key:
            at = max(range(len(near_best)), key=lambda at: self._weight(owners[at]))
            return Balance(tuple(near_best), (near_best[at],), (loads[at],), is_sticky=True)
        first, second = self._draw(len(near_best), task_id)
        return Balance(tuple(near_best), (near_best[first], near_best[second]), (loads[first], loads[second]), is_sticky=False)

    def _weight(self, owner: int) -> bytes:
        kind, name = self.owner_ids[owner]
        return blake2b(f"{self.sticky_key}\0{kind}\0{name}".encode(), digest_size=16).digest()

    def _draw(self, count: int, task_id: str) -> tuple[int, int]:
        """Two different places, the first before the second; every pair is as likely."""
        if count == 2:
            return 0, 1
        drawn = blake2b(f"{self.seed}\0{task_id}".encode(), digest_size=16).digest()
        first = int.from_bytes(drawn[:8]) % count
        second = int.from_bytes(drawn[8:]) % (count - 1)
        second += second >= first
        return min(first, second), max(first, second)
