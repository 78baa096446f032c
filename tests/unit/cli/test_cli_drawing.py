"""Plans as DOT, Mermaid and SVG, whatever is in them."""

from __future__ import annotations

import re
from itertools import combinations
from xml.etree import ElementTree as ET

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from genesis.v1 import plan_pb2
from genesis_server.cli.drawing.dot import to_dot
from genesis_server.cli.drawing.graph import MAX_SHOWN_DEPTH, PlanGraph
from genesis_server.cli.drawing.graphml import to_graphml
from genesis_server.cli.drawing.labels import goal_words, guard_words
from genesis_server.cli.drawing.layout import Box, generations, lay_out
from genesis_server.cli.drawing.mermaid import to_mermaid
from genesis_server.cli.drawing.svg import to_svg

NASTY = [
    'say "hello" \\ and \\" more',
    "a [b] (c) {d} |e| <f> `g` #h; end",
    "<script>alert(1)</script> & &amp; ]]>",
    "שלום עולם \u202ehidden\u202c",
    "مرحبا",
    "日本語のとても長いタスクの説明文です 🎉👩‍👩‍👧",
    "line\nbreak\ttab\x00\x1b[31m\x7f",
    "",
    "end",
    "x" * 5000,
    "-->",
    "%% comment",
    "\ufffe\uffff",
]
_IDS = st.sampled_from("abcdefgh")


@st.composite
def plans(draw: st.DrawFn) -> plan_pb2.Plan:
    """Any plan: circles, gaps, repeated ids and odd texts included."""
    texts = st.sampled_from(NASTY) | st.text(max_size=40)
    tasks = [
        plan_pb2.Task(id=draw(_IDS), goal=draw(texts), parent_id=draw(st.sampled_from(["", "", "a", "b", "c", "zz"])))
        for _ in range(draw(st.integers(0, 9)))
    ]
    edges = [
        plan_pb2.Edge(from_task_id=draw(_IDS), to_task_id=draw(_IDS), kind=draw(st.sampled_from([0, 1, 2])), artefact=draw(texts)[:200])
        for _ in range(draw(st.integers(0, 12)))
    ]
    return plan_pb2.Plan(goal=draw(texts), tasks=tasks, edges=edges)


def _nasty_plan() -> plan_pb2.Plan:
    tasks = [plan_pb2.Task(id=f"t{i}", goal=text, parent_id="t0" if i % 3 else "") for i, text in enumerate(NASTY)]
    edges = [plan_pb2.Edge(from_task_id=f"t{i}", to_task_id=f"t{i + 1}", artefact=text[:200]) for i, text in enumerate(NASTY)]
    return plan_pb2.Plan(goal=NASTY[0], tasks=tasks, edges=edges)


def _check_dot(text: str) -> None:
    strings = re.compile(r'"(?:[^"\\\n]|\\.)*"')
    bare = strings.sub("", text)
    assert '"' not in bare
    assert bare.count("{") == bare.count("}")
    assert bare.count("[") == bare.count("]")
    assert not re.search(r"&(?!amp;)", "".join(strings.findall(text)))
    assert set(re.findall(r"^\s*(\w+) \[label", bare, re.MULTILINE)) >= set(re.findall(r"(t\d+) ->", bare))


def _check_mermaid(text: str) -> None:
    head, *lines = text.splitlines()
    assert head == "flowchart LR"
    node = r't\d+\["[^"`<>\\]*"\]'
    for line in lines:
        line = re.sub("<br/>", "", line).strip()  # noqa: PLW2901
        assert re.fullmatch(
            rf'{node}(:::\w+)?|subgraph {node}|end|classDef \w+ fill:#\w+,stroke:#\w+|t\d+ (-->|-\.->)(\|"[^"`<>\\]*"\|)? t\d+', line
        ), line
    assert sum(line.strip() == "end" for line in lines) == sum(line.strip().startswith("subgraph") for line in lines)


def _check_svg(text: str) -> ET.Element:
    root = ET.fromstring(text)  # noqa: S314
    assert root.tag == "{http://www.w3.org/2000/svg}svg"
    assert not [element for element in root.iter() if element.tag.endswith("script")]
    assert "nan" not in text.lower() or any("nan" in goal.lower() for goal in NASTY)
    return root


def _check_graphml(text: str, plan: plan_pb2.Plan) -> None:
    """What networkx reads back is the plan."""
    read = nx.parse_graphml(text)
    assert sorted(read.nodes) == sorted(f"t{n}" for n in range(len(plan.tasks)))
    known = {task.id for task in plan.tasks}
    sound = [edge for edge in plan.edges if {edge.from_task_id, edge.to_task_id} <= known and edge.from_task_id != edge.to_task_id]
    assert read.number_of_edges() == len(sound)


@settings(max_examples=60)
@given(plans())
def test_any_plan_gives_sound_documents(plan: plan_pb2.Plan) -> None:
    """Quotes, brackets, markup, right-to-left and control characters break no form, nor do circles and gaps."""
    graph = PlanGraph(plan)
    notes = {task.id: task.goal[:30] for task in plan.tasks}
    _check_dot(to_dot(graph, notes))
    _check_mermaid(to_mermaid(graph, notes))
    _check_graphml(to_graphml(graph, notes), plan)
    _check_svg(to_svg(graph, notes, [task.id for task in plan.tasks], [task.id for task in plan.tasks[:1]]))
    assert sorted(node.index for node in graph.walk()) == list(range(len(plan.tasks)))
    assert len({node.number for node in graph.walk()}) == len(plan.tasks)


def test_odd_texts_are_all_drawn() -> None:
    """Each in each form."""
    graph = PlanGraph(_nasty_plan())
    _check_dot(to_dot(graph, {}))
    _check_mermaid(to_mermaid(graph, {}))
    root = _check_svg(to_svg(graph, {}))
    text = "".join(root.itertext())
    assert "שלום" in text
    assert "<script>alert(1)</script>" in text.replace(" ", "")


def test_the_drawings_of_a_known_plan_stay_as_they_are(plan: plan_pb2.Plan) -> None:
    """A change of the form is a decision, not an accident."""
    graph = PlanGraph(plan)
    assert to_mermaid(graph, {"a": "agent-a"}) == (
        "flowchart LR\n"
        '  subgraph t0["1 Build it"]\n'
        '    t1["1.1 Write the code<br/>agent-a"]\n'
        '    t2["1.2 Test the code"]\n'
        "  end\n"
        '  subgraph t3["2 Ship it"]\n'
        '    t4["2.1 Deploy"]\n'
        '    t5["2.2 Tell the customers"]\n'
        "  end\n"
        '  t1 -->|"patch"| t2\n'
        "  t0 -.-> t3\n"
    )
    dot = to_dot(graph, {})
    assert '  t1 -> t2 [label="patch"];' in dot
    assert "  t2 -> t4 [style=dashed, ltail=cluster_0, lhead=cluster_3];" in dot
    root = _check_svg(to_svg(graph, {"a": "agent-a · small-1"}, ["a", "b", "c"], ["d"]))
    classes = [element.get("class") for element in root.iter() if element.tag.endswith(("rect", "path")) and element.get("class")]
    assert classes == [
        "group",
        "group",
        "arrow critical",
        "arrow order critical",
        "task critical",
        "task critical",
        "task critical",
        "task nobody",
    ]
    words = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert {"1 Build it", "Write the code", "agent-a · small-1", "level 1", "level 3"} <= set(words)


def test_levels_follow_the_work_through_headings(plan: plan_pb2.Plan) -> None:
    """What waits for a heading waits for all that is in it."""
    graph = PlanGraph(plan)
    assert {node.task.id: node.level for node in graph.nodes} == {"h1": 0, "a": 1, "b": 2, "h2": 0, "c": 3, "d": 3}
    assert graph.label("b") == "1.2"
    assert graph.label("gone") == "gone"


def test_a_plan_with_a_circle_has_no_levels() -> None:
    """And is drawn all the same."""
    task, edge = plan_pb2.Task, plan_pb2.Edge
    graph = PlanGraph(
        plan_pb2.Plan(
            tasks=[task(id="a"), task(id="b")], edges=[edge(from_task_id="a", to_task_id="b"), edge(from_task_id="b", to_task_id="a")]
        )
    )
    assert [node.level for node in graph.nodes] == [0, 0]
    assert "<svg" in to_svg(graph, {})


def test_very_deep_plans_are_shown_flat_at_the_end() -> None:
    """Ten thousand levels are no crash."""
    count = 10_000
    graph = PlanGraph(plan_pb2.Plan(tasks=[plan_pb2.Task(id=str(i), parent_id=str(i - 1) if i else "") for i in range(count)]))
    assert max(node.depth for node in graph.nodes) == MAX_SHOWN_DEPTH
    assert len(list(graph.walk())) == count
    assert to_dot(graph, {}).count("subgraph") == MAX_SHOWN_DEPTH - 1


def _overlap(one: Box, other: Box) -> bool:
    return (
        one.x < other.x + other.width - 0.01
        and other.x < one.x + one.width - 0.01
        and one.y < other.y + other.height - 0.01
        and other.y < one.y + one.height - 0.01
    )


@settings(max_examples=60)
@given(plans())
def test_boxes_lie_inside_their_heading_and_never_on_each_other(plan: plan_pb2.Plan) -> None:
    """The picture can be read."""
    graph = PlanGraph(plan)
    drawing = lay_out(graph, lambda node: (100.0 + node.index, 40.0 + node.index), lambda _: (150.0, 24.0))
    stack = [drawing.root]
    while stack:
        box = stack.pop()
        for child in box.children:
            assert box.x < child.x
            assert child.x + child.width < box.x + box.width
            assert box.y < child.y
            assert child.y + child.height < box.y + box.height
        assert not any(_overlap(one, other) for one, other in combinations(box.children, 2))
        stack.extend(box.children)


@given(
    st.integers(0, 8).flatmap(
        lambda n: st.tuples(
            st.just(n), st.lists(st.tuples(st.integers(0, max(n - 1, 0)), st.integers(0, max(n - 1, 0))), max_size=12 if n else 0)
        )
    )
)
def test_generations_put_everything_once_and_follow_the_arrows(case: tuple[int, list[tuple[int, int]]]) -> None:
    """Where there is no circle, what comes first stands first."""
    count, pairs = case
    layers = generations(count, pairs)
    assert sorted(item for layer in layers for item in layer) == list(range(count))
    place = {item: number for number, layer in enumerate(layers) for item in layer}
    forward = [(start, end) for start, end in pairs if start < end]
    place = {item: number for number, layer in enumerate(generations(count, forward)) for item in layer}
    assert all(place[start] < place[end] for start, end in forward)


@pytest.mark.parametrize("count", [0, 1, 5])
def test_plans_without_dependencies_are_drawn_as_a_grid(count: int) -> None:
    """Not as one long column."""
    graph = PlanGraph(plan_pb2.Plan(tasks=[plan_pb2.Task(id=str(i)) for i in range(count)]))
    drawing = lay_out(graph, lambda _: (100.0, 50.0), lambda _: (0.0, 24.0))
    assert len({box.y for box in drawing.root.children}) == {0: 0, 1: 1, 5: 2}[count]


def test_an_arrow_that_passes_a_generation_goes_around_its_boxes() -> None:
    """It can be followed with the eye."""
    task, edge = plan_pb2.Task, plan_pb2.Edge
    steps = [edge(from_task_id=a, to_task_id=b) for a, b in ("ab", "bc", "cd", "ad")]
    drawing = lay_out(
        PlanGraph(plan_pb2.Plan(tasks=[task(id=name) for name in "abcd"], edges=steps)), lambda _: (100.0, 50.0), lambda _: (0.0, 24.0)
    )
    [long] = [arrow for arrow in drawing.arrows if arrow.via]
    assert (long.start.node.task.id, long.end.node.task.id) == ("a", "d")  # type: ignore[union-attr]
    passed = [drawing.boxes[index] for index in (1, 2)]
    assert len(long.via) == 4
    assert not any(box.x < x < box.x + box.width and box.y < y < box.y + box.height for box in passed for x, y in long.via)


def test_a_parent_circle_is_drawn_flat() -> None:
    """Every task is shown once, whatever its parents are."""
    task = plan_pb2.Task
    graph = PlanGraph(plan_pb2.Plan(tasks=[task(id="a", parent_id="b"), task(id="b", parent_id="a"), task(id="c", parent_id="c")]))
    assert sorted(node.task.id for node in graph.walk()) == ["a", "b", "c"]


def _lived() -> plan_pb2.Plan:
    """A plan under conditions, some of whose tasks have ended."""
    passed = plan_pb2.Guard(task_id="a", operator=plan_pb2.GUARD_OPERATOR_IS_TRUE, text="if they pass")
    bare = plan_pb2.Guard(task_id="a", artefact="errors", operator=plan_pb2.GUARD_OPERATOR_AT_MOST, value="3")
    task, state = plan_pb2.Task, plan_pb2.TaskState
    tasks = [
        task(id="a", goal="Run the tests", state=state.TASK_STATE_DONE),
        task(id="b", goal="If they pass, deploy & tell <all>", guards=[passed, passed], state=state.TASK_STATE_SKIPPED),
        task(id="c", goal="Fix the code", guards=[bare], state=state.TASK_STATE_FAILED),
        task(id="d", goal="if they pass ship it", guards=[passed]),
        task(id="e", goal="Pack", parent_id="d", state=state.TASK_STATE_CANCELLED),
    ]
    edges = [plan_pb2.Edge(from_task_id="a", to_task_id=other) for other in "bcd"]
    return plan_pb2.Plan(goal="Ship it when it works", tasks=tasks, edges=edges)


def test_conditions_are_told_once_beside_the_words() -> None:
    """The reader sees under which condition a task is done, not the same words twice."""
    plan = _lived()
    assert guard_words(plan.tasks[1]) == ["if they pass"]
    assert goal_words(plan.tasks[1]) == "deploy & tell <all>"
    assert guard_words(plan.tasks[2]) == ["if errors at most 3"]
    assert goal_words(plan.tasks[2]) == "Fix the code"
    assert goal_words(plan_pb2.Task(goal="if they pass", guards=plan.tasks[1].guards)) == "if they pass"
    assert goal_words(plan_pb2.Task(id="bare")) == "bare"


def test_every_form_shows_conditions_and_how_tasks_ended() -> None:
    """A picture of a plan under way tells how far it is."""
    graph = PlanGraph(_lived())
    svg = to_svg(graph, {}, ["a", "b"])
    root = _check_svg(svg)
    words = [element.text for element in root.iter() if element.tag.endswith("text")]
    assert words.count("◇ if they pass") == 2
    assert {"◇ if errors at most 3", "✓ done", "» skipped", "✗ failed", "– cancelled", "deploy & tell <all>", "4 ship it"} <= set(words)
    assert "only under this condition" in "".join(word or "" for word in words)
    assert 'class="task skipped"' in svg
    mermaid = to_mermaid(graph, {})
    _check_mermaid(mermaid)
    assert 't1["◇ if they pass<br/>» 2 deploy #38; tell #60;all#62;"]:::skipped' in mermaid
    assert '  subgraph t3["◇ if they pass<br/>4 ship it"]' in mermaid
    assert "  classDef failed fill:#fef2f2,stroke:#b91c1c" in mermaid
    dot = to_dot(graph, {})
    _check_dot(dot)
    assert 'label="◇ if they pass\\n» 2 deploy &amp; tell <all>", fillcolor="#f8fafc"' in dot
    read = nx.parse_graphml(to_graphml(graph, {}))
    assert read.nodes["t2"]["guards"] == "if errors at most 3"
    assert read.nodes["t2"]["state"] == "failed"


def test_every_form_shows_what_awaits_approval() -> None:
    """Whoever is to approve sees where, and the critical path is still that of the whole plan."""
    waiting = plan_pb2.Task(id="a", goal="Deploy", state=plan_pb2.TASK_STATE_AWAITING_APPROVAL)
    graph = PlanGraph(plan_pb2.Plan(goal="Deploy it", tasks=[waiting, plan_pb2.Task(id="b", goal="Tell")]))
    svg = to_svg(graph, {}, ["b"])
    assert "? unapproved" in [element.text for element in _check_svg(svg).iter()]
    assert 'class="task unapproved"' in svg
    assert 'class="task critical"' in svg
    mermaid = to_mermaid(graph, {})
    _check_mermaid(mermaid)
    assert '  t0["? 1 Deploy"]:::unapproved' in mermaid
    assert "  classDef unapproved fill:#fffbeb,stroke:#b45309" in mermaid
    dot = to_dot(graph, {})
    _check_dot(dot)
    assert 'label="? 1 Deploy", fillcolor="#fffbeb", color="#b45309"' in dot


def test_a_plan_without_conditions_says_nothing_of_them(plan: plan_pb2.Plan) -> None:
    """The legend explains only what is there."""
    assert "◇" not in to_svg(PlanGraph(plan), {})
    assert ".task.done" not in to_svg(PlanGraph(plan), {})


def test_an_arrow_to_a_short_box_bends_before_its_neighbours_begin() -> None:
    """It runs over no box that stands beside its end."""
    task, edge = plan_pb2.Task, plan_pb2.Edge
    tasks = [task(id="a"), task(id="wide", goal="tall"), task(id="c", goal="short")]
    graph = PlanGraph(plan_pb2.Plan(tasks=tasks, edges=[edge(from_task_id="a", to_task_id="wide"), edge(from_task_id="a", to_task_id="c")]))
    drawing = lay_out(graph, lambda node: (400.0, 400.0) if node.task.goal == "tall" else (100.0, 50.0), lambda _: (0.0, 24.0))
    tall, short = drawing.boxes[1], drawing.boxes[2]
    [arrow] = [arrow for arrow in drawing.arrows if arrow.end is short]
    [(x, y)] = arrow.via
    if arrow.across:
        assert (x, y) == (tall.x, short.center[1])
    else:
        assert (x, y) == (short.center[0], tall.y)
