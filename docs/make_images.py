"""Make docs/images from the real thing: a server is started, the demo's goal is sent to it, and what it answers is drawn.

python docs/make_images.py    write docs/images/demo.svg (what `make demo` prints, most rows left out), plan.svg (`--svg` of that) and
                              repaired.svg (`--svg` of the plan that the README follows, at its end)
"""

from __future__ import annotations

import re
from io import StringIO
from pathlib import Path
from typing import cast

from rich.console import Console, Group, RenderableType
from rich.segment import Segment, Segments
from rich.style import Style
from rich.terminal_theme import TerminalTheme

import genesis
from genesis.v1.orchestrator_service_pb2 import OrchestrateResponse
from genesis_server.cli.demo import DEFAULT_BUDGET, DEFAULT_GOAL
from genesis_server.cli.demo_processes import running_server
from genesis_server.cli.drawing.graph import PlanGraph
from genesis_server.cli.drawing.svg import to_svg
from genesis_server.cli.show.assignments import assignment_notes
from genesis_server.cli.show.whole import show_orchestration

IMAGES = Path(__file__).resolve().parent / "images"
README = IMAGES.parents[1] / "README.md"
STORY_GOAL = "Run the tests, and if they pass email the customers, otherwise fix the code"
COLUMNS = 120
ROWS = 4
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


def demo_picture(answer: OrchestrateResponse) -> str:
    """The terminal with the demo's answer in it."""
    console = Console(record=True, width=COLUMNS, file=StringIO(), force_terminal=True, color_system="standard", legacy_windows=False)
    printed = _Printed()
    show_orchestration(cast("Console", printed), answer)
    lines = console.render_lines(Group(*printed.renderables), pad=False)
    texts = ["".join(segment.text for segment in line) for line in lines]
    table, total = (
        next(number for number, text in enumerate(texts) if text.startswith(word)) for word in ("Assignments", "expected total")
    )
    rules = [number for number in range(table, total) if texts[number].strip().startswith("──")]
    left_out = len(rules) - 2 - ROWS
    if left_out > 0:
        rest = [Segment(f"  … and {left_out} more rows", Style(dim=True))]
        lines = [*lines[: rules[1 + ROWS] + 1], rest, *lines[rules[-1] + 1 :]]
    for line in lines:
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
        answer = client.orchestrate(DEFAULT_GOAL, budget=DEFAULT_BUDGET)
        repaired = repaired_picture(client)
    IMAGES.mkdir(exist_ok=True)
    for name, text in (("demo.svg", demo_picture(answer)), ("plan.svg", plan_picture(answer)), ("repaired.svg", repaired)):
        (IMAGES / name).write_text(text, "utf-8")
        print(f"wrote images/{name}: {len(text) / 1024:.0f} kB")


if __name__ == "__main__":
    main()
