"""One seed's servers, workers and plans for test_work_survives_kills.py, and what kills and starts them again."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chaos_worker import SKILLS, WORDS, output_type

from genesis.admin.v1.policy_service_pb2 import BREAKER_STATE_CLOSED
from genesis.aio import AsyncClient, connect
from genesis.errors import Cancelled, DeadlineExceeded, FailedPrecondition, Unavailable
from genesis.v1 import plan_pb2
from genesis.v1.orchestrator_service_pb2 import GetPlanResponse
from genesis_server.app.workers import WORKER_VARIABLE
from servers import clean_environment, free_port

LEASE_SECONDS = 1.0
TROUBLE_SECONDS = 1.6
CALM_SECONDS = 40.0
"""How long everything may take after the last kill; what takes longer is stuck."""
POLL_SECONDS = 0.1
UNHEARD = (Unavailable, DeadlineExceeded, Cancelled)
"""What a caller hears when the server is killed; anything else is a fault."""
ENDED = (plan_pb2.PLAN_STATE_DONE, plan_pb2.PLAN_STATE_FAILED, plan_pb2.PLAN_STATE_CANCELLED)
_SETTINGS = {
    "GENESIS_HTTP_LISTEN": "127.0.0.1:0",
    "GENESIS_LAME_DUCK_SECONDS": "0",
    "GENESIS_STORAGE_TEST_MODE": "true",
    "GENESIS_WORKER_LEASE_SECONDS": str(LEASE_SECONDS),
    "GENESIS_ACKNOWLEDGE_SECONDS": "0.5",
    "GENESIS_REROUTE_SECONDS": "0.3",
    "GENESIS_DECISION_RETENTION_DAYS": "0",
    "GENESIS_RATE_PER_SECOND": "100000",
    "GENESIS_RATE_BURST": "100000",
    "GENESIS_LOG_FORMAT": "json",
    "GENESIS_LOG_LEVEL": "warning",
}


class Template:
    """The process that forks all others (chaos_template.py)."""

    def __init__(self) -> None:
        command = [sys.executable, str(Path(__file__).with_name("chaos_template.py"))]
        path = os.pathsep.join(one for one in sys.path if one)
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=clean_environment(PYTHONPATH=path)
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def start(self, **order: Any) -> int:
        """Start a process; its id."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the template process ended"
        return int(answer.split()[1])

    def close(self) -> None:
        """End it, and with it all that is left of its processes."""
        with self._process:
            self._process.kill()


@contextmanager
def template() -> Iterator[Template]:
    """A template for as long as the block lasts."""
    made = Template()
    try:
        yield made
    finally:
        made.close()


@dataclass(slots=True)
class Child:
    """A process that is started again when it is gone."""

    name: str
    role: str
    arguments: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    pid: int = 0
    due: float | None = None
    """When to start it, by the monotonic clock; None: it runs."""
    starts: int = 0

    @property
    def alive(self) -> bool:
        return bool(self.pid) and _is_there(self.pid)


def _is_there(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Chore:
    """A task of a plan."""

    id: str
    way: str
    amount: int = 20
    needs: tuple[str, ...] = ()
    max_attempts: int = 100
    per_agent: int = 100

    @property
    def doomed(self) -> bool:
        """Whether its work never succeeds."""
        return self.way in {"hopeless", "deadly"}

    def edits(self) -> list[dict[str, Any]]:
        """What puts it into a plan."""
        retry = {"max_attempts": self.max_attempts, "max_attempts_per_agent": self.per_agent, "initial_backoff": "0.02s"}
        task = {
            "id": self.id,
            "goal": f"{self.amount} {WORDS[self.way]}",
            "kind": "TASK_KIND_PRIMITIVE",
            "capability": f"chore.{self.way}",
            "retry": retry,
            "outputs": [{"name": f"{self.id}_result", "type": output_type(self.way)}],
        }
        waits = [{"from_task_id": need, "to_task_id": self.id, "kind": "EDGE_KIND_ORDER"} for need in self.needs]
        return [{"add_task": task}, *({"add_edge": edge} for edge in waits)]


@dataclass(frozen=True, slots=True)
class Wish:
    """A plan that somebody wants carried out."""

    name: str
    delay: float
    chores: tuple[Chore, ...]
    tasks: int | None = None
    """The most attempts its budget allows; None: enough."""


def wishes(seed: int) -> list[Wish]:
    """The plans of a seed."""
    draw = random.Random(seed)

    def good(number: int) -> Chore:
        way = draw.choice(("steady", "steady", "slow", "flaky"))
        amount = {"steady": draw.randrange(5, 60), "slow": draw.randrange(100, 400), "flaky": draw.randrange(1, 3)}[way]
        needs = tuple(f"t{other}" for other in range(number) if draw.random() < 0.3)
        return Chore(f"t{number}", way, amount, needs, per_agent=draw.choice((2, 100)))

    bad = draw.choice((Chore("bad", "hopeless", max_attempts=3), Chore("bad", "deadly", max_attempts=2)))
    after = Chore("after", "steady", needs=("bad",))
    made = [
        Wish("pure", 0.0, tuple(map(good, range(draw.randrange(4, 8))))),
        Wish("mixed", draw.uniform(0, 0.8), (*map(good, range(draw.randrange(2, 5))), bad, after)),
        Wish("mended", draw.uniform(0, 0.8), (Chore("bad", "poison", max_attempts=2, per_agent=1), after)),
    ]
    if seed % 2:
        return [*made, Wish("fussy", draw.uniform(0, 0.8), (Chore("t0", "picky"),))]
    return [*made, Wish("tight", draw.uniform(0, 0.5), tuple(Chore(f"t{number}", "steady") for number in range(6)), tasks=3)]


def agents_file() -> str:
    """The agents as servers know them before a worker joins."""
    lines: list[str] = []
    for agent, ways in SKILLS.items():
        lines += ["[[agents]]", f'id = "{agent}"', 'description = "Helps in house and garden."']
        for way in ways:
            lines += ["[[agents.skills]]", f'id = "chore.{way}"', f'description = "Can {WORDS[way]}."']
            lines += [f'outputs = [{{ name = "result", type = "{output_type(way)}" }}]']
    return "\n".join([*lines, "[end]", ""])


class Arena:
    """What runs for one seed."""

    def __init__(self, seed: int, folder: Path, forge: Template, *, watch: Any) -> None:
        """`watch` is told of every GetPlanResponse, with the plan's wish."""
        self.seed, self.folder = seed, folder
        self.plans: dict[str, Wish] = {}
        """What was handed to agents, by plan id."""
        self._draw = random.Random(seed + 1_000_000)
        self._looking = asyncio.Lock()
        """Held from asking for a plan to its being looked at, so that looks come in order."""
        self._forge, self._watch = forge, watch
        self._address = f"127.0.0.1:{free_port()}"
        self._servers = self._of_servers()
        staff = [*SKILLS, self._draw.choice(sorted(SKILLS))]
        self._workers = [
            Child(f"{agent}{number}", "worker", (agent, self._address, str(folder / f"{agent}{number}.diary")))
            for number, agent in enumerate(staff)
        ]
        self.kills = 0

    def _of_servers(self) -> list[Child]:
        environment = {
            **_SETTINGS,
            "GENESIS_LISTEN": self._address,
            "GENESIS_DATA_DIR": str(self.folder / "data"),
            "GENESIS_AGENTS_FILE": str(self.folder / "agents.toml"),
        }
        if self.seed % 25 == 5:
            return [Child("server", "server", ("--workers", "2"), environment)]
        if self.seed % 3 == 1:
            return [Child(f"server{n}", "server", (), environment | {WORKER_VARIABLE: f"{n}:{self._forge.pid}"}) for n in range(2)]
        return [Child("server", "server", (), environment)]

    async def run(self) -> None:
        """Carry the plans out under kills, then in peace, until all have ended or CALM_SECONDS are over; then kill everybody."""
        self.folder.mkdir(parents=True)
        (self.folder / "agents.toml").write_text(agents_file())
        everybody = (*self._servers, *self._workers)
        for child in everybody:
            self._start(child)
        try:
            async with self._client() as client, _in_background(self._keep(), self._look(client)):
                async with asyncio.TaskGroup() as group:
                    group.create_task(self._make_trouble())
                    for wish in wishes(self.seed):
                        group.create_task(self._hand_out(client, wish))
                await self._come_to_rest(client)
        finally:
            for child in everybody:
                self._kill(child)

    def _client(self) -> AsyncClient:
        return connect(self._address, timeout=5.0, retry=None)

    # Those who run.

    async def _keep(self) -> None:
        """Start whoever is gone, a moment later."""
        while True:
            now = time.monotonic()
            for child in (*self._servers, *self._workers):
                if child.due is None and not child.alive:
                    child.due = now + self._draw.uniform(0.02, 0.3)
                elif child.due is not None and child.due <= now:
                    self._start(child)
            await asyncio.sleep(0.02)

    def _start(self, child: Child) -> None:
        child.starts += 1
        child.due = None
        child.pid = self._forge.start(
            name=child.name,
            role=child.role,
            log=str(self.folder / f"{child.name}.log"),
            environment=dict(child.environment),
            arguments=list(child.arguments),
        )

    def _kill(self, child: Child) -> None:
        if child.alive:
            os.kill(child.pid, signal.SIGKILL)

    async def _make_trouble(self) -> None:
        """Kill servers and workers at random moments."""
        draw, begin = random.Random(self.seed + 2_000_000), time.monotonic()
        victims = [self._servers] * draw.randrange(1, 3) + [self._workers] * draw.randrange(2, 5)
        moments = sorted((draw.uniform(0.3, TROUBLE_SECONDS), draw.random(), who) for who in victims)
        for moment, _, group in moments:
            await asyncio.sleep(max(0.0, begin + moment - time.monotonic()))
            alive = [child for child in group if child.alive]
            if alive:
                self._kill(draw.choice(alive))
                self.kills += 1

    # Those who want something.

    async def _hand_out(self, client: AsyncClient, wish: Wish) -> None:
        """Have a plan made, shaped and carried out; who gets no answer begins again, and what is half-made stays behind."""
        await asyncio.sleep(wish.delay)
        budget: Any = {"cost": "5 USD"} | ({} if wish.tasks is None else {"tasks": wish.tasks})
        plan_id = ""
        while not plan_id:
            with contextlib.suppress(*UNHEARD):
                made = await client.orchestrate("do the chores", run_budget=budget)
                edits = [edit for chore in wish.chores for edit in chore.edits()]
                edits += [{"remove_task_id": task.id} for task in made.plan.tasks]
                await client.update_plan(made.plan.id, edits=edits)
                plan_id = made.plan.id
                break
            await asyncio.sleep(0.05)
        self.plans[plan_id] = wish
        while True:
            try:
                await client.update_plan(plan_id, dispatch=True)
            except FailedPrecondition:
                return  # an earlier try came through, and the plan has ended
            except UNHEARD:
                await asyncio.sleep(0.05)
            else:
                return

    async def _look(self, client: AsyncClient) -> None:
        """Look at every plan again and again."""
        while True:
            with contextlib.suppress(*UNHEARD):
                await self._look_once(client)
            await asyncio.sleep(POLL_SECONDS)

    async def _look_once(self, client: AsyncClient) -> None:
        async with self._looking:
            for plan_id, wish in list(self.plans.items()):
                self._watch(wish, await client.get_plan(plan_id, contents=True))

    async def _come_to_rest(self, client: AsyncClient) -> None:
        """Wait until everything has ended. An operator closes breakers, and ends what has no budget."""
        end = time.monotonic() + CALM_SECONDS
        while time.monotonic() < end:
            with contextlib.suppress(*UNHEARD):
                found = {plan_id: await client.get_plan(plan_id) for plan_id in self.plans}
                left = [plan_id for plan_id, answer in found.items() if answer.plan.state not in ENDED]
                if not left:
                    await self._look_once(client)
                    break
                if all(self._is_spent(found[plan_id], self.plans[plan_id]) for plan_id in left):
                    for plan_id in left:
                        await client.update_plan(plan_id, cancel=True)
                async for breaker in client.breakers():
                    if breaker.state != BREAKER_STATE_CLOSED:
                        await client.reset_breaker(breaker.agent_id, "the workers are back")
            await asyncio.sleep(POLL_SECONDS)

    @staticmethod
    def _is_spent(answer: GetPlanResponse, wish: Wish) -> bool:
        return wish.tasks is not None and answer.balance.spent.tasks >= wish.tasks and not answer.balance.reserved.tasks


@asynccontextmanager
async def _in_background(*work: Any) -> AsyncGenerator[None]:
    tasks = [asyncio.create_task(one) for one in work]
    try:
        yield
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
