"""Two processes and any order of joins, beats, silence, looks, leaving, restarts and faults, against what is stored."""

from __future__ import annotations

import asyncio
import contextlib
from collections import defaultdict
from unittest.mock import patch

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from roster_cases import LEASE_SECONDS, TENANT, MemoryDocuments, Process, View, card

from genesis_server.agents import roster as roster_module
from genesis_server.agents.session_store import KIND, read_session
from genesis_server.model.work import Session, SessionState
from genesis_server.resilience.errors import GenesisError
from genesis_server.storage.base import SERVER

PROCESSES = st.sampled_from([0, 1])
AGENTS = st.sampled_from(["build", "qa"])


class Workers(RuleBasedStateMachine):
    """What is stored is the truth; beside it stand the times of the last beats that were taken."""

    def __init__(self) -> None:
        super().__init__()
        self.patch = patch.multiple(roster_module, LOOK_SECONDS=1e6, RETRY_SECONDS=0.0)
        self.patch.start()
        self.runner = asyncio.Runner()
        self.memory = MemoryDocuments()
        self.time = 0.0
        self.beats: dict[str, float] = {}
        """When each session beat last, or joined."""
        self.over: set[str] = set()
        self.told: dict[int, dict[str, Session]] = defaultdict(dict)
        self.views: list[View] = [self.memory.view(), self.memory.view()]
        self.processes: list[Process] = []
        self.tasks: list[asyncio.Task[None]] = []
        for number in (0, 1):
            process, task = self.start(number)
            self.processes.append(process)
            self.tasks.append(task)

    def start(self, number: int) -> tuple[Process, asyncio.Task[None]]:
        async def begin() -> tuple[Process, asyncio.Task[None]]:
            process = Process(self.views[number], lease_seconds=LEASE_SECONDS)
            process.clock.now = 1000.0 * number + self.time
            told = self.told[number] = {}

            def note(_: str, session: Session) -> None:
                if session.state is SessionState.LIVE:
                    assert session.id not in told
                    told[session.id] = session
                else:
                    del told[session.id]

            process.roster.on_change(note)
            return process, asyncio.create_task(process.roster.follow())

        return self.run(begin())

    def run(self, call):
        async def settled():
            try:
                return await call
            finally:
                for _ in range(12):
                    await asyncio.sleep(0)

        return self.runner.run(settled())

    def stored(self) -> dict[str, Session]:
        found = [document for key, document in self.memory.documents.items() if key.kind == KIND and key.tenant != SERVER]
        return {document.key.id: read_session(document).session for document in found}

    def attempt(self, call) -> object:
        """What came of a call: a session or a reason."""
        try:
            return self.run(call)
        except GenesisError as error:
            return error.reason

    def _some(self, data: st.DataObject) -> str:
        return data.draw(st.sampled_from(sorted(self.beats)))

    @rule(number=PROCESSES, agent=AGENTS)
    def join(self, number: int, agent: str) -> None:
        session = self.attempt(self.processes[number].roster.register(TENANT, card(agent)))
        if isinstance(session, Session):
            self.beats[session.id] = self.time
        else:
            assert self.memory.failing

    @precondition(lambda self: self.beats)
    @rule(number=PROCESSES, data=st.data())
    def beat(self, number: int, data: st.DataObject) -> None:
        name = self._some(data)
        live = self.stored()[name].state is SessionState.LIVE
        came = self.attempt(self.processes[number].roster.beat(TENANT, name, agent_id=None, load=0.5))
        if isinstance(came, Session):
            assert live
            self.beats[name] = self.time
        else:
            assert came == "STORAGE_UNAVAILABLE" if self.memory.failing else (came == "SESSION_NOT_FOUND" and not live)

    @precondition(lambda self: self.beats)
    @rule(number=PROCESSES, data=st.data())
    def leave(self, number: int, data: st.DataObject) -> None:
        name = self._some(data)
        came = self.attempt(self.processes[number].roster.leave(TENANT, name, agent_id=None))
        if isinstance(came, Session):
            assert self.stored()[name].state is SessionState.LEFT

    @rule(seconds=st.sampled_from([1.0, 14.0, 29.0, 31.0]))
    def wait(self, seconds: float) -> None:
        self.time += seconds
        for process in self.processes:
            process.clock.now += seconds

    @rule(number=PROCESSES)
    def hear(self, number: int) -> None:
        self.run(self.views[number].let_through())

    @rule(number=PROCESSES)
    def look(self, number: int) -> None:
        before = self.stored()
        self.attempt(self.processes[number].roster.expire())
        for name, session in self.stored().items():
            if session.state is not before[name].state:
                assert session.state is SessionState.LOST
                assert self.time - self.beats[name] >= LEASE_SECONDS

    @rule(number=PROCESSES)
    def restart(self, number: int) -> None:
        self.run(self._stop(number))
        self.processes[number], self.tasks[number] = self.start(number)

    @rule()
    def fail(self) -> None:
        self.memory.failing = True
        for view in self.views:
            self.run(view.let_through())

    @rule()
    def mend(self) -> None:
        self.memory.failing = False

    @rule(number=PROCESSES)
    def nobody_beats_for_long(self, number: int) -> None:
        self.mend()
        self.hear(number)
        self.wait(LEASE_SECONDS)
        self.look(number)
        self.look(number)
        assert all(session.state is not SessionState.LIVE for session in self.stored().values())

    @rule()
    def everybody_hears_everything(self) -> None:
        self.mend()
        live = {name: session for name, session in self.stored().items() if session.state is SessionState.LIVE}
        for number, process in enumerate(self.processes):
            self.hear(number)
            assert process.roster.sessions(TENANT) == live
            assert set(process.roster.live_agents(TENANT)) == {session.agent_id for session in live.values()}

    @invariant()
    def who_is_over_stays_so(self) -> None:
        over = {name for name, session in self.stored().items() if session.state is not SessionState.LIVE}
        assert self.over <= over
        self.over = over

    @invariant()
    def what_is_told_is_what_is_known(self) -> None:
        for number, process in enumerate(self.processes):
            known = process.roster.sessions(TENANT)
            assert self.told[number].keys() == known.keys()
            assert set(process.roster.live_agents(TENANT)) == {session.agent_id for session in known.values()}
            index = process.roster.index(TENANT)
            assert {agent.id for agent in index.catalogue.agents if agent.live} == set(process.roster.live_agents(TENANT))

    async def _stop(self, number: int) -> None:
        self.tasks[number].cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self.tasks[number]

    def teardown(self) -> None:
        for number in (0, 1):
            self.run(self._stop(number))
        self.runner.close()
        self.patch.stop()


def test_whoever_beats_in_time_is_never_lost_and_whoever_is_lost_never_comes_back() -> None:
    run_state_machine_as_test(Workers, settings=settings(max_examples=60, stateful_step_count=30, deadline=None))
