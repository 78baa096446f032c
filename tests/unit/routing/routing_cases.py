"""Catalogues and plans for tests of the router, drawn and made by hand."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from itertools import pairwise

from hypothesis import strategies as st

from genesis_server.agents.index import CatalogueIndex
from genesis_server.model.caller import Caller, Role
from genesis_server.model.catalogue import AgentCard, Catalogue, DataClass, Model, Skill, Tool
from genesis_server.model.money import Money
from genesis_server.model.plan import Edge, Plan, Task, TaskConstraints, TaskKind
from genesis_server.model.routing import Routing, RoutingConstraints, RuleEffect
from genesis_server.routing.router import NO_CONSTRAINTS, route_plan
from genesis_server.routing.rules.condition import ALWAYS, And, Atom, Condition, Not, Operator, Or
from genesis_server.routing.rules.rule import Rule
from genesis_server.routing.rules.rulebook import EMPTY_RULEBOOK, Rulebook, compile_rulebook

CAPABILITIES = ("code.review", "code.fix", "text.write")
GOALS = ("review the change", "fix the crash", "write a text about cats", "quantum", "")
REGIONS = ("", "eu", "us")


def model(name: str, price: float, prior: float = 0.8) -> Model:
    """A model with one price for input and output."""
    return Model(name, Money.of(price), Money.of(price), prior)


def agent(name: str, *models: Model, skill: str = "do", seconds: float = 60.0, **keys: object) -> AgentCard:
    """An agent with one skill."""
    return AgentCard(name, (Skill(skill, expected_seconds=seconds),), models=models, **keys)  # type: ignore[arg-type]


def index_of(*owners: AgentCard | Tool) -> CatalogueIndex:
    """An index over some agents and tools."""
    agents = tuple(owner for owner in owners if isinstance(owner, AgentCard))
    return CatalogueIndex(Catalogue(agents, tuple(owner for owner in owners if isinstance(owner, Tool))))


def chain(*tasks: Task) -> Plan:
    """The tasks one after the other."""
    return Plan("g", tasks, tuple(Edge(a.id, b.id) for a, b in pairwise(tasks)))


def side_by_side(*tasks: Task) -> Plan:
    """The tasks with nothing between them."""
    return Plan("g", tasks)


def chosen(routing: Routing) -> list[str]:
    """`agent/model` for each task, `-` for nobody."""
    return [f"{r.assignment.target.id}/{r.assignment.target.model_id}" if r.assignment else "-" for r in routing.routes]


MODELS = st.builds(
    lambda name, input_price, output_price, prior: Model(f"m{name}", Money(input_price), Money(output_price), prior),
    st.integers(0, 3),
    st.sampled_from([0, 10**8, 10**9, 5 * 10**9, 10**19]),
    st.sampled_from([0, 10**8, 4 * 10**9]),
    st.sampled_from([0.3, 0.7, 0.9, 1.0]),
)
SKILLS = st.builds(
    Skill,
    id=st.sampled_from(CAPABILITIES),
    description=st.sampled_from(GOALS),
    expected_seconds=st.sampled_from([0.0, 30.0, 60.0, 200.0]),
)
AGENTS = st.builds(
    AgentCard,
    id=st.sampled_from([f"agent{n}" for n in range(6)]),
    skills=st.lists(SKILLS, min_size=1, max_size=3, unique_by=lambda skill: skill.id).map(tuple),
    models=st.lists(MODELS, max_size=3, unique_by=lambda found: found.id).map(tuple),
    max_concurrent_tasks=st.integers(1, 3),
    region=st.sampled_from(REGIONS),
    max_data_class=st.sampled_from([member for member in DataClass if member]),
)
TOOLS = st.builds(
    Tool,
    name=st.sampled_from(["code.fix", "text.write", "search"]),
    description=st.sampled_from(GOALS),
    cost_per_call=st.sampled_from([Money(), Money(10**7)]),
    expected_seconds=st.sampled_from([1.0, 100.0]),
)
CATALOGUES = st.builds(
    lambda agents, tools: Catalogue(tuple(agents), tuple(tools)),
    st.lists(AGENTS, max_size=5, unique_by=lambda card: card.id),
    st.lists(TOOLS, max_size=2, unique_by=lambda tool: tool.name),
)
TASK_CONSTRAINTS = st.builds(
    TaskConstraints,
    regions=st.sampled_from([(), (), (), ("eu",), ("eu", "us")]),
    data_class=st.sampled_from(DataClass),
    max_cost=st.sampled_from([None, None, None, Money(0), Money(10**7)]),
    deadline_seconds=st.sampled_from([None, None, None, 0.0, 60.0, 250.0]),
)


@st.composite
def plans(draw: st.DrawFn) -> Plan:
    """Plans of up to eight tasks, some of them headings with children."""
    count = draw(st.integers(0, 8))
    tasks: list[Task] = []
    headings: list[str] = []
    for number in range(count):
        is_heading = draw(st.integers(0, 4)) == 0
        tasks.append(
            Task(
                id=f"t{number}",
                goal=draw(st.sampled_from(GOALS)),
                kind=TaskKind.COMPOUND if is_heading else TaskKind.PRIMITIVE,
                capability=draw(st.sampled_from(["", "unknown", *CAPABILITIES, *CAPABILITIES])),
                difficulty=draw(st.sampled_from([None, 0.0, 0.4, 1.0])),
                expected_seconds=draw(st.sampled_from([None, None, 45.0])),
                constraints=draw(TASK_CONSTRAINTS),
                parent_id=draw(st.sampled_from(["", *headings])),
            )
        )
        if is_heading:
            headings.append(f"t{number}")
    parents = {task.id: task.parent_id for task in tasks}
    pairs = draw(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7)), max_size=8))
    edges = [Edge(f"t{a}", f"t{b}") for a, b in pairs if a < b < count and parents[f"t{a}"] == parents[f"t{b}"]]
    return Plan("g", tuple(tasks), tuple(edges))


CALL_CONSTRAINTS = st.builds(
    RoutingConstraints,
    regions=st.sampled_from([(), (), ("eu",), ("us", "eu")]),
    data_class=st.sampled_from(DataClass),
    deadline_seconds=st.sampled_from([None, None, 100.0, 400.0]),
    excluded_targets=st.sampled_from([frozenset[str](), frozenset({"agent1", "search"})]),
)


def ends_of(plan: Plan, routing: Routing) -> dict[str, float]:
    """When each task ends with the chosen targets; found without the router's own timeline. Tasks nobody does take no time."""
    seconds = {r.task_id: r.assignment.expected_seconds for r in routing.routes if r.assignment}
    children: dict[str, list[str]] = {}
    for task in plan.tasks:
        children.setdefault(task.parent_id, []).append(task.id)
    parents = {task.id: task.parent_id for task in plan.tasks}
    ends: dict[str, float] = {}

    def begin(name: str) -> float:
        before = [end(edge.from_id) for edge in plan.edges if edge.to_id == name]
        return max([*before, begin(parents[name]) if parents[name] else 0.0])

    def end(name: str) -> float:
        if name not in ends:
            ends[name] = max([begin(name) + seconds.get(name, 0.0), *[end(child) for child in children.get(name, [])]])
        return ends[name]

    return {task.id: end(task.id) for task in plan.tasks}


_ALL_SKILLS = tuple([Skill(name, description=goal) for name, goal in zip(CAPABILITIES, GOALS, strict=False)])
CLIENT = Caller("acme", "someone", frozenset({Role.CLIENT}))

_TASK_ATOMS = st.sampled_from(
    [
        Atom("task.difficulty", Operator.AT_LEAST, 0.4),
        Atom("task.difficulty", Operator.LESS, 0.9),
        Atom("task.capability", Operator.EQUAL, "code.review"),
        Atom("task.data_class", Operator.AT_LEAST, "confidential"),
        Atom("task.words", Operator.CONTAINS, "crash"),
        Atom("task.max_cost", Operator.AT_MOST, 0.01),
        Atom("task.deadline_seconds", Operator.LESS, 100.0),
        Atom("plan.budget", Operator.LESS, 1.0),
        Atom("caller.roles", Operator.CONTAINS, "client"),
        Atom("time.hour", Operator.LESS, 12.0),
    ]
)
_WHO_ATOMS = st.sampled_from(
    [
        Atom("agent.id", Operator.IN, ("agent0", "agent1")),
        Atom("agent.id", Operator.EQUAL, "agent2"),
        Atom("agent.region", Operator.EQUAL, "eu"),
        Atom("agent.model", Operator.EQUAL, "m1"),
        Atom("agent.kind", Operator.EQUAL, "tool"),
        Atom("agent.success_prior", Operator.AT_LEAST, 0.8),
    ]
)


def _conditions(atoms: st.SearchStrategy[Atom]) -> st.SearchStrategy[Condition]:
    pairs = st.lists(atoms, min_size=2, max_size=2, unique=True).map(tuple)
    return st.one_of(st.just(ALWAYS), atoms, atoms, atoms.map(Not), pairs.map(And), pairs.map(Or))


RULES = st.builds(
    Rule,
    id=st.sampled_from([f"rule{number}" for number in range(6)]),
    effect=st.sampled_from([effect for effect in RuleEffect if effect]),
    when=_conditions(_TASK_ATOMS),
    who=_conditions(_WHO_ATOMS),
    priority=st.integers(0, 3),
    weight=st.sampled_from([-0.3, 0.05, 0.2]),
    explanation=st.just("because of {task.difficulty}"),
)
RULEBOOKS = st.lists(RULES, max_size=4, unique_by=lambda rule: rule.id).map(compile_rulebook)


CAPABLE_CATALOGUES = st.builds(
    lambda cards, tools: Catalogue(tuple([replace(card, skills=_ALL_SKILLS) for card in cards]), tuple(tools)),
    st.lists(AGENTS, min_size=2, max_size=6, unique_by=lambda card: card.id),
    st.lists(TOOLS, max_size=2, unique_by=lambda tool: tool.name),
)
"""Every agent has every skill."""


@st.composite
def one_task_plans(draw: st.DrawFn, *, loose: bool = False) -> Plan:
    """Plans of one task; a loose one has hardly any limits."""
    task = Task(
        id="t",
        goal=draw(st.sampled_from(GOALS)),
        capability=draw(st.sampled_from(["", "unknown", *CAPABILITIES, *CAPABILITIES])),
        difficulty=draw(st.sampled_from([None, 0.0, 0.4, 1.0])),
        expected_seconds=draw(st.sampled_from([None, None, 45.0])),
        constraints=TaskConstraints(data_class=DataClass.PUBLIC) if loose else draw(TASK_CONSTRAINTS),
    )
    return Plan("g", (task,))


@dataclass(frozen=True)
class Call:
    """All arguments of a routing but the level of its explanation."""

    plan: Plan
    index: CatalogueIndex
    constraints: RoutingConstraints = NO_CONSTRAINTS
    rulebook: Rulebook = EMPTY_RULEBOOK
    seed: int = 0
    load: Mapping[str, int] = field(default_factory=dict)
    unhealthy: frozenset[str] = frozenset()
    now: float = 1_800_000_000.0

    def route(self, **changes: object) -> Routing:
        """The routing, with some arguments otherwise."""
        arguments: dict[str, object] = {
            "index": self.index,
            "constraints": self.constraints,
            "rulebook": self.rulebook,
            "seed": self.seed,
            "load": self.load,
            "unhealthy": self.unhealthy,
            "now": self.now,
            "caller": CLIENT,
        }
        return route_plan(self.plan, **{**arguments, **changes})  # type: ignore[arg-type]
