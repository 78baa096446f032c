"""Rulebooks: what is in one, what is wrong with one, what one would change, and which was in use when."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Literal

from rich.console import Group, RenderableType
from rich.text import Text

from genesis.admin.v1 import policy_service_pb2 as policy
from genesis_server.cli.text import counted, enum_word, plain

_STYLES = {
    policy.RULEBOOK_FINDING_KIND_MISTAKE: "bold red",
    policy.RULEBOOK_FINDING_KIND_CONFLICT: "yellow",
    policy.RULEBOOK_FINDING_KIND_SHADOWED: "yellow",
    policy.RULEBOOK_FINDING_KIND_UNREACHABLE: "yellow",
}


def findings_view(findings: Sequence[policy.RulebookFinding], *, valid: bool, version: str) -> RenderableType:
    """What was found, line by line, and whether the rulebook can be used."""
    lines = [line for finding in findings for line in _finding(finding)]
    what = counted(len(findings), "finding") if findings else "nothing found"
    end = Text.assemble(("usable ", "green"), plain(version), f" · {what}") if valid else Text(f"cannot be used · {what}", "bold red")
    return Group(*lines, end)


def _finding(finding: policy.RulebookFinding) -> Iterator[Text]:
    kind = enum_word(policy.RulebookFindingKind, finding.kind, "RULEBOOK_FINDING_KIND_")
    line = f"line {finding.line} " if finding.line else ""
    yield Text.assemble((f"{line}{kind} ", _STYLES.get(finding.kind, "dim")), plain(finding.message))
    if finding.witness:
        facts = " · ".join(f"{plain(fact.name)} = {plain(fact.value) or 'missing'}" for fact in finding.witness)
        yield Text(f"  for example {facts}", style="dim")


def preview_view(pages: Iterable[policy.PreviewRulebookResponse]) -> RenderableType:
    """The tasks that would go to somebody else, and why."""
    decisions = changed = skipped = 0
    lines: list[Text] = []
    for page in pages:
        decisions += page.decision_count
        changed += page.changed_count
        skipped += len(page.skipped_decision_ids)
        for change in page.changes:
            lines.append(Text.assemble(f"{plain(change.decision_id)} ", (plain(change.task_id), "cyan")))
            lines.append(Text.assemble(f"  {_who(change, 'before')} → ", (_who(change, "after"), "bold")))
            lines.append(Text(f"  {plain(change.text)}", style="dim"))
    count = Text(f"{changed} of {counted(decisions, 'recorded routing')} would change")
    if skipped:
        count.append(f"; {skipped} could not be made again", style="yellow")
    return Group(*lines, count)


def _who(change: policy.DecisionChange, when: Literal["before", "after"]) -> str:
    if not change.HasField(when):
        return "nobody"
    target = change.before if when == "before" else change.after
    return " · ".join(filter(None, (plain(target.id), plain(target.model_id))))


def changes_view(changes: Sequence[policy.RulebookChange]) -> RenderableType:
    """Which rulebook was in use when, and why."""
    lines: list[Text] = []
    for change in changes:
        when = f"{change.time.ToDatetime():%Y-%m-%d %H:%M:%S} UTC"
        lines.append(Text.assemble((f"{change.sequence} ", "cyan"), f"{plain(change.from_version)} → ", (plain(change.to_version), "bold")))
        lines.append(
            Text.assemble((f"  {when} by {plain(change.actor)}: ", "dim"), "rolled back: " if change.roll_back else "", plain(change.cause))
        )
    return Group(*lines)
