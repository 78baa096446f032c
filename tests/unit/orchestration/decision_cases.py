"""What tests of recorded decisions and rulebook versions share: snapshots, plans and stores, drawn and made by hand."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from hypothesis import strategies as st
from routing_cases import CAPABILITIES, GOALS

from genesis_server.agents.index import CatalogueIndex
from genesis_server.agents.snapshot_id import make_catalogue
from genesis_server.model.caller import Caller, Role
from genesis_server.model.catalogue import AgentCard, Model, Skill, Tool
from genesis_server.model.decision import RouteInput
from genesis_server.model.money import Money
from genesis_server.model.plan import Plan, Task
from genesis_server.model.provenance import DegradationLevel, Provenance
from genesis_server.model.routing import ExplanationLevel, Routing, RoutingConstraints
from genesis_server.orchestration.decisions.making import Materials, make_routing
from genesis_server.orchestration.decisions.materials import StoredMaterials
from genesis_server.orchestration.decisions.recorder import Circumstances, DecisionRecorder, Made
from genesis_server.orchestration.decisions.replay import Replayer
from genesis_server.orchestration.decisions.store import DecisionStore
from genesis_server.orchestration.ids import decision_id
from genesis_server.planning.method_files import shipped_methods
from genesis_server.routing.policy import default_policy
from genesis_server.routing.rules.loading import load_rulebook
from genesis_server.routing.rules.rulebook import Rulebook
from genesis_server.storage.base import Store
from genesis_server.storage.opening import open_store

ANN = Caller("acme", "ann", frozenset({Role.CLIENT}))
DAY = 86_400.0
NOON = 1_750_000_000.0
BIG, SMALL = Model("big", Money.of(10), Money.of(30), 0.95), Model("small", Money.of(1), Money.of(2), 0.6)
WRITERS = (
    AgentCard("writer", (Skill("text.write"),), models=(BIG, SMALL)),
    AgentCard("poet", (Skill("text.write"),), models=(SMALL,)),
)


def rule(name: str, effect: str, *, when: str = "", who: str = "", priority: int = 100, weight: float | None = None) -> str:
    """A rule as a rulebook has it."""
    lines = ["[[rules]]", f'id = "{name}"', f"priority = {priority}", f'effect = "{effect}"']
    lines += [f"when = '{when}'"] if when else []
    lines += [f"who = '{who}'"] if who else []
    lines += [f"weight = {weight}"] if weight is not None else []
    return "\n".join([*lines, f'explanation = "{name} speaks."', ""])


def book_text(*rules: str) -> str:
    """The text of a rulebook."""
    return "\n".join([*rules, "[end]", ""])


def book(*rules: str) -> Rulebook:
    """A rulebook."""
    return load_rulebook(book_text(*rules))


def index_of(agents: Sequence[AgentCard] = (), tools: Sequence[Tool] = ()) -> CatalogueIndex:
    """An index over a catalogue that knows its id."""
    return CatalogueIndex(make_catalogue(agents, tools))


def materials(agents: CatalogueIndex | None = None, rulebook: Rulebook | None = None) -> Materials:
    """Snapshots to decide on; by default two writers and no rule."""
    return Materials(agents or index_of(WRITERS), shipped_methods(), rulebook or book(), default_policy())


NO_POET = rule("no-poet", "deny", when='task.goal contains "contract"', who='agent.id == "poet"')
NO_WRITER = rule("no-writer", "deny", who='agent.id == "writer"')

RULES = st.builds(
    lambda number, effect, when, who, priority, weight: rule(
        f"r{number}", effect, when=when, who=who, priority=priority, weight=weight if effect == "weight" else None
    ),
    st.integers(0, 5),
    st.sampled_from(["allow", "deny", "require", "prefer", "weight"]),
    st.sampled_from(
        ["", *(f'task.capability == "{name}"' for name in CAPABILITIES), 'task.data_class >= "confidential"', "task.difficulty > 0.3"]
    ),
    st.sampled_from(['agent.id in ["agent0", "agent1"]', 'agent.model == "m1"', 'agent.region == "eu"', 'agent.kind == "tool"']),
    st.integers(0, 3),
    st.sampled_from([-0.5, 0.25, 1.0]),
)
BOOKS = st.lists(RULES, max_size=5, unique_by=lambda text: text.split('"')[1]).map(lambda rules: book(*rules))
ASKED = st.builds(
    RouteInput,
    constraints=st.builds(
        RoutingConstraints,
        budget=st.sampled_from([None, None, Money.of(0.05)]),
        regions=st.sampled_from([(), ("eu",)]),
        excluded_targets=st.sampled_from([frozenset[str](), frozenset({"agent1"})]),
        sticky_key=st.sampled_from(["", "session 7"]),
    ),
    seed=st.sampled_from([0, 7, 2**64 - 1]),
    now=st.sampled_from([NOON, NOON + 0.123456789]),
    load=st.sampled_from([{}, {"agent0": 3, "agent2": 1}]),
    unhealthy=st.sampled_from([frozenset[str](), frozenset({"agent2"})]),
    repaired=st.booleans(),
    structural_only=st.booleans(),
)
LEVELS = st.sampled_from([ExplanationLevel.NONE, ExplanationLevel.SUMMARY, ExplanationLevel.FULL])
PLAN_GOALS = st.sampled_from(
    [*GOALS[:3], "Review the change, then fix the crash and write a text about cats", "write a text if it is late"]
)


@dataclass
class Office:
    """A recorder with the readers, over one store."""

    store: Store
    observed: list[str] = field(default_factory=list[str])
    retention: float = 30 * DAY

    def __post_init__(self) -> None:
        self.recorder = DecisionRecorder(self.store, retention_seconds=self.retention, new_id=_counted_ids(), observe=self.observed.append)
        self.decisions = DecisionStore(self.store)
        self.replayer = Replayer(StoredMaterials(self.store))

    async def routed(
        self,
        plan: Plan | None = None,
        *,
        on: Materials | None = None,
        now: float = NOON,
        caller: Caller = ANN,
        level: ExplanationLevel = ExplanationLevel.NONE,
    ) -> str:
        """The id of a recorded routing, by default of one task for a writer."""
        plan, on = plan or writing(), on or materials()
        asked = RouteInput(RoutingConstraints(), now=now)
        routing = make_routing(plan, asked, caller=caller, materials=on, explanation=level)
        return await self.recorder.record(under(on, caller=caller, level=level), Made(plan, now, asked=asked, routing=routing))


def _counted_ids() -> Callable[[float], str]:
    """Ids of one millisecond in the order they are made."""
    count = iter(range(1_000_000))
    return lambda now: decision_id(now, lambda _: next(count))


def writing(*goals: str, plan_id: str = "") -> Plan:
    """A plan of texts to write."""
    tasks = [Task(f"t{number}", goal, capability="text.write") for number, goal in enumerate(goals or ("write a contract",))]
    return Plan("texts", tuple(tasks), id=plan_id)


def under(on: Materials, *, caller: Caller = ANN, own: bool = False, level: ExplanationLevel = ExplanationLevel.NONE) -> Circumstances:
    """The circumstances of a decision on some snapshots."""
    provenance = Provenance(
        DegradationLevel.HEURISTIC,
        agents_snapshot_id=on.agents.catalogue.snapshot_id,
        methods_snapshot_id=on.methods.snapshot_id,
        rulebook_version=on.rulebook.version,
        server_version="1.2.3",
    )
    return Circumstances(caller, on, provenance, own, level)


def targets(routing: Routing | None) -> list[str]:
    """Who does each task, `-` for nobody."""
    return [route.assignment.target.id if route.assignment else "-" for route in (routing.routes if routing else ())]


@asynccontextmanager
async def opened(folder: Path, clock: Callable[[], float] = lambda: NOON) -> AsyncIterator[Store]:
    """The store in a folder, as one process opens it."""
    store = open_store(f"sqlite://{folder / 'store.db'}", clock=clock)
    try:
        yield store
    finally:
        await store.close()
