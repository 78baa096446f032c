"""Rulebooks, what is found in them, and what they change."""

from __future__ import annotations

from collections.abc import Iterable
from types import MappingProxyType

from genesis.admin.v1 import policy_service_pb2 as policy
from genesis_server.orchestration.policy.desk import Linted, RulebookView
from genesis_server.orchestration.policy.preview import DecisionChange, Preview
from genesis_server.orchestration.policy.versions import RulebookChange
from genesis_server.routing.rules.lint import LintFinding, LintKind
from genesis_server.rpc.convert.explanations import facts_to_proto
from genesis_server.rpc.convert.values import number, target_to_proto, time_to_proto
from genesis_server.text.toml_file import Mistake

_KINDS = MappingProxyType(
    {
        LintKind.UNREACHABLE: policy.RULEBOOK_FINDING_KIND_UNREACHABLE,
        LintKind.SHADOWED: policy.RULEBOOK_FINDING_KIND_SHADOWED,
        LintKind.CONFLICTING: policy.RULEBOOK_FINDING_KIND_CONFLICT,
        LintKind.NOT_CHECKED: policy.RULEBOOK_FINDING_KIND_NOT_CHECKED,
    }
)


def view_to_proto(view: RulebookView) -> policy.GetRulebookResponse:
    """A rulebook as it is shown."""
    return policy.GetRulebookResponse(
        version=view.rulebook.version,
        text=view.rulebook.text,
        source=number(view.source),
        in_use=view.in_use,
        rule_count=len(view.rulebook.rules),
        change=None if view.change is None else change_to_proto(view.change),
    )


def linted_to_proto(linted: Linted) -> policy.LintRulebookResponse:
    """What a check found, by line."""
    found = [*mistakes_to_proto(linted.mistakes), *findings_to_proto(linted.findings)]
    return policy.LintRulebookResponse(
        valid=linted.rulebook is not None,
        version=linted.rulebook.version if linted.rulebook is not None else "",
        findings=sorted(found, key=lambda finding: finding.line),
    )


def mistakes_to_proto(mistakes: Iterable[Mistake]) -> list[policy.RulebookFinding]:
    """Why a rulebook cannot be used."""
    return [
        policy.RulebookFinding(
            kind=policy.RULEBOOK_FINDING_KIND_MISTAKE,
            line=mistake.line,
            message=f"{mistake.key}: {mistake.message}" if mistake.key else mistake.message,
        )
        for mistake in mistakes
    ]


def findings_to_proto(findings: Iterable[LintFinding]) -> list[policy.RulebookFinding]:
    """Rules that cannot do what somebody wrote them for."""
    return [
        policy.RulebookFinding(
            kind=_KINDS[finding.kind],
            line=finding.line,
            rule_ids=finding.rule_ids,
            message=finding.message,
            witness=facts_to_proto(finding.witness),
        )
        for finding in findings
    ]


def preview_to_proto(preview: Preview, next_page_token: str) -> policy.PreviewRulebookResponse:
    """What another rulebook would change."""
    return policy.PreviewRulebookResponse(
        version=preview.version,
        decision_count=preview.decision_count,
        changed_count=preview.changed_count,
        changes=[_decision_change(change) for change in preview.changes],
        skipped_decision_ids=preview.skipped,
        next_page_token=next_page_token,
    )


def _decision_change(change: DecisionChange) -> policy.DecisionChange:
    return policy.DecisionChange(
        decision_id=change.decision_id,
        plan_id=change.plan_id,
        task_id=change.task_id,
        before=None if change.before is None else target_to_proto(change.before),
        after=None if change.after is None else target_to_proto(change.after),
        rule_ids=change.rule_ids,
        text=change.text,
    )


def change_to_proto(change: RulebookChange) -> policy.RulebookChange:
    """One change of the rulebook in use."""
    return policy.RulebookChange(
        sequence=change.sequence,
        time=time_to_proto(change.time),
        actor=change.actor,
        from_version=change.from_version,
        to_version=change.to_version,
        cause=change.cause,
        roll_back=change.roll_back,
    )
