"""Make docs/images from the real thing: a server is started, the demo's goal is sent to it, and what it answers is drawn.

python docs/make_images.py    write docs/images/demo.svg (what `make demo` shows: most rows of the answer left out, the tree as it stands
                              while one worker fails, the summary), plan.svg (`--svg` of the plan, with the agents that ship) and
                              repaired.svg (`--svg` of the plan that the README follows, at its end)
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import cast

from rich.console import Console, Group, RenderableType
from rich.segment import Segment, Segments
from rich.style import Style
from rich.terminal_theme import TerminalTheme

import genesis
from genesis.v1.orchestrator_service_pb2 import OrchestrateResponse
from genesis.v1.work_pb2 import WAITING_FOR_BREAKER, WAITING_FOR_RETRY
from genesis_server.agents.loading import load_agents
from genesis_server.cli.demo import AGENTS, DEFAULT_BUDGET, DEFAULT_GOAL, FAILING_AGENT
from genesis_server.cli.demo_processes import running_server, running_workers
from genesis_server.cli.drawing.graph import PlanGraph
from genesis_server.cli.drawing.svg import to_svg
from genesis_server.cli.following import follow
from genesis_server.cli.picture import RunPicture
from genesis_server.cli.show.assignments import assignment_notes
from genesis_server.cli.show.demo_summary import DemoSummary, summary_view
from genesis_server.cli.show.run_tree import run_view
from genesis_server.cli.show.whole import show_orchestration
from genesis_server.rpc.convert import catalogue_to_proto

IMAGES = Path(__file__).resolve().parent / "images"
README = IMAGES.parents[1] / "README.md"
STORY_GOAL = "Run the tests, and if they pass email the customers, otherwise fix the code"
COLUMNS = 120
ROWS = 2
"""Assignments that are shown; the others are counted."""
THEME = TerminalTheme(
    (13, 17, 23),
    (201, 209, 217),
    [(72, 79, 88), (255, 123, 114), (63, 185, 80), (210, 153, 34), (88, 166, 255), (188, 140, 255), (57, 197, 207), (177, 186, 196)],
)
# Rich's own form fetches a font from elsewhere; every reader has a fixed-width one.
SVG = """<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg" role="img" aria-label="What the demo prints">
<style>
.{unique_id}-matrix {{ font: {char_height}px ui-monospace, SFMono-Regular, Menlo, Consolas, "Liberation Mono", monospace; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal"><rect x="0" y="0" width="{terminal_width}" height="{terminal_height}"/></clipPath>
{lines}
</defs>
<rect width="{width}" height="{height}" rx="8" fill="#0d1117"/>
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


@dataclass(frozen=True)
class Demo:
    """What a demo showed."""

    answer: OrchestrateResponse
    midway: RunPicture
    """The last one in which a task waits because somebody failed."""
    seen: float
    """When that was, in seconds since the epoch."""
    summary: DemoSummary


def carried_out() -> Demo:
    """The demo, without what it prints."""
    cards = catalogue_to_proto(load_agents(AGENTS.read_text("utf-8"), AGENTS.name)).agents
    with (
        running_server(AGENTS) as server,
        running_workers(server, [card.id for card in cards], {}) as workers,
        genesis.connect(server.address) as client,
    ):
        server.await_serving()
        workers.join(client, cards, {FAILING_AGENT: 2})
        began = time.monotonic()
        answer = client.orchestrate(DEFAULT_GOAL, budget=DEFAULT_BUDGET, dispatch=True, run_budget={"cost": DEFAULT_BUDGET})
        midway = picture = begin = RunPicture.of(client.get_plan(answer.plan.id))
        seen = time.time()
        for _, after, _ in follow(client, begin):
            picture = after
            if any(run.waiting_for in (WAITING_FOR_RETRY, WAITING_FOR_BREAKER) for run in after.runs.values()):
                midway, seen = after, time.time()
        routed = {route.task_id: route.assignment.target.id for route in answer.routes}
        sizes = {file.name: file.stat().st_size for file in sorted(workers.folder.iterdir())}
        took = time.monotonic() - began
        summary = DemoSummary(picture=picture, routed=routed, breakers=list(client.breakers()), files=sizes, took=took)
    return Demo(answer, midway, seen, summary)


def demo_picture(demo: Demo) -> str:
    """The terminal with the demo's answer in it, and how it went."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="standard", legacy_windows=False)
    printed = _Printed()
    show_orchestration(cast("Console", printed), demo.answer)
    lines = console.render_lines(Group(*printed.renderables), pad=False)
    texts = ["".join(segment.text for segment in line) for line in lines]
    table, total, provenance = (
        next(number for number, text in enumerate(texts) if text.startswith(word))
        for word in ("Assignments", "expected total", "Provenance")
    )
    rules = [number for number in range(table, total) if texts[number].strip().startswith("──")]
    left_out = len(rules) - 2 - ROWS
    rest = [Segment(f"  … and {left_out} more rows", Style(dim=True))]
    shown = [*lines[:2], [Segment("  …", Style(dim=True))], [], *lines[table : rules[1 + ROWS] + 1], rest, *lines[total:provenance]]
    view = Group(run_view(demo.midway, demo.seen), summary_view(demo.summary, time.time()))
    for line in [*shown, *console.render_lines(view, pad=False)]:
        console.print(Segments([*line, Segment.line()]), end="")
    return console.export_svg(title="", theme=THEME, code_format=SVG, unique_id="demo")


class _Printed:
    """Stands in for a console and keeps what is printed."""

    def __init__(self) -> None:
        self.renderables: list[RenderableType] = []

    def print(self, *renderables: RenderableType) -> None:
        """Keep it; a print of nothing is an empty line."""
        self.renderables.extend(renderables or ("",))


def plan_picture(answer: OrchestrateResponse) -> str:
    """The plan as `--svg` draws it."""
    return to_svg(PlanGraph(answer.plan), assignment_notes(answer.routes), answer.verdict.schedule.critical_path)


def repaired_picture(client: genesis.Client) -> str:
    """The plan that the README follows: planned, its rule activated, the tests failed, the fix failed, another one done."""
    answer = client.orchestrate(STORY_GOAL, deadline=8 * 3600)
    before = client.get_rulebook()
    [rule] = re.findall(r"<!-- file: strong-fixes.toml -->\n```toml\n(.*?)```", README.read_text("utf-8"), re.DOTALL)
    client.activate_rulebook("the README's example", text=before.text.replace("\n[end]\n", f"\n{rule}"))
    tests, _, fix = (task.id for task in answer.plan.tasks)
    client.update_plan(answer.plan.id, done=tests, outputs={"test_report": "failed"})
    [other_fix] = client.update_plan(answer.plan.id, failed=fix, error="The patch does not compile").ready_task_ids
    client.update_plan(answer.plan.id, done=other_fix)
    client.activate_rulebook("the example is over", version=before.version)
    stored = client.get_plan(answer.plan.id)
    return to_svg(PlanGraph(stored.plan), assignment_notes(stored.routes), stored.verdict.schedule.critical_path)


def main() -> None:
    """Write them."""
    with running_server() as server, genesis.connect(server.address) as client:
        server.await_serving()
        planned = plan_picture(client.orchestrate(DEFAULT_GOAL, budget=DEFAULT_BUDGET))
        repaired = repaired_picture(client)
    IMAGES.mkdir(exist_ok=True)
    for name, text in (("demo.svg", demo_picture(carried_out())), ("plan.svg", planned), ("repaired.svg", repaired)):
        (IMAGES / name).write_text(text, "utf-8")
        print(f"wrote images/{name}: {len(text) / 1024:.0f} kB")


if __name__ == "__main__":
    main()
