"""Who waits for changes of a topic hears of all of them, and is not woken for others'."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from hypothesis import given
from hypothesis import strategies as st

from genesis_server.storage.sqlite.watching import Watchers
from genesis_server.storage.sqlite.writing import Written

MINE, OTHERS = ("acme", "plan"), ("acme", "decision")


@dataclass
class World:
    """A store's changes: the topic of each revision, from 1 on."""

    poll_seconds: float
    topics: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    heard: list[int] = field(default_factory=list[int])
    looks: int = 0

    def __post_init__(self) -> None:
        """Nobody watches yet."""
        self.watchers = Watchers(self.head, poll_seconds=self.poll_seconds)

    async def head(self) -> int:
        """The last revision."""
        return len(self.topics)

    async def watch(self) -> None:
        """Look for changes of MINE whenever there may be some."""
        self.watchers.join()
        position = 0
        while not self.watchers.closed:
            self.looks += 1
            self.heard += [revision for revision, topic in enumerate(self.topics, 1) if topic == MINE and revision > position]
            position = await self.watchers.beyond(MINE, len(self.topics))

    def write(self, topic: tuple[str, str], *, foreign: bool) -> None:
        """A change, told when it is this process's."""
        self.topics.append(topic)
        if not foreign:
            self.watchers.notify([Written(len(self.topics) - 1, len(self.topics), frozenset([topic]))])

    async def settle(self) -> None:
        """Let everybody do what they can do now."""
        for _ in range(8):
            await asyncio.sleep(0)

    def changes(self) -> list[int]:
        """The revisions of MINE."""
        return [revision for revision, topic in enumerate(self.topics, 1) if topic == MINE]


@dataclass(frozen=True)
class Step:
    """A write, and whether there is time before the next."""

    topic: tuple[str, str]
    foreign: bool
    pause: bool


async def lived(world: World, steps: list[Step]) -> World:
    watching = asyncio.create_task(world.watch())
    await world.settle()
    for step in steps:
        world.write(step.topic, foreign=step.foreign)
        if step.pause:
            await world.settle()
    await world.settle()
    world.watchers.close()
    await watching
    return world


topics = st.sampled_from([MINE, OTHERS])


@given(st.lists(st.builds(Step, topics, st.booleans(), st.booleans()), max_size=12))
def test_every_change_is_heard_once(steps: list[Step]) -> None:
    """Whoever writes, this process or another one, and however writes follow each other."""
    world = asyncio.run(lived(World(poll_seconds=0), steps))
    assert world.heard == world.changes()


@given(st.lists(st.builds(Step, topics, st.just(value=False), st.booleans()), max_size=12))
def test_nobody_looks_for_others_changes(steps: list[Step]) -> None:
    """Without a poll and without other processes, there is one look at the beginning and at most one for each change."""
    world = asyncio.run(lived(World(poll_seconds=1000), steps))
    assert world.heard == world.changes()
    assert world.looks <= 1 + len(world.changes())


@given(st.lists(st.builds(Step, topics, st.booleans(), st.just(value=True)), max_size=12))
def test_a_write_of_ours_uncovers_those_of_others(steps: list[Step]) -> None:
    """A change by another process between two of ours is not taken for one of ours."""
    ours = [*steps, Step(OTHERS, foreign=False, pause=True)]
    world = asyncio.run(lived(World(poll_seconds=1000), ours))
    assert world.heard == world.changes()
