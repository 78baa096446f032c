"""Every call of the contract once, as short as it can be: `python rpcs.py 127.0.0.1:50051`.

It needs a server that takes everybody for an administrator, as `genesis serve` does on this machine. Prints `ok` and the name of each
method; stops with the first error. docs/examples.md is made from what stands between the marks.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import SimpleQueue

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

import genesis
from genesis.v1.agent_service_pb2 import WorkAcknowledgement, WorkOpen, WorkRequest
from genesis.v1.plan_pb2 import Plan

GOAL = "Run the tests, and if they pass email the customers, otherwise fix the code"
Example = Callable[[genesis.Client, "Story"], None]
EXAMPLES: dict[str, Example] = {}


@dataclass
class Story:
    """What later examples take from earlier ones."""

    target: str
    plan: Plan = field(default_factory=Plan)
    decision_id: str = ""
    rulebook: str = ""
    session_id: str = ""
    flag_version: int = 0


def example(method: str) -> Callable[[Example], Example]:
    """Registers the example of a method."""

    def keep(function: Example) -> Example:
        EXAMPLES[method] = function
        return function

    return keep


@example("grpc.health.v1.Health/Check")
def check(_client: genesis.Client, story: Story) -> None:
    target = story.target
    # example: grpc.health.v1.Health/Check
    with grpc.insecure_channel(target) as channel:  # pip install grpcio-health-checking
        answer = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="readiness"), timeout=5)
    print("ready:", answer.status == health_pb2.HealthCheckResponse.SERVING)
    # end


@example("genesis.v1.OrchestratorService/Health")
def health(client: genesis.Client, _story: Story) -> None:
    # example: genesis.v1.OrchestratorService/Health
    answer = client.health()
    for component in answer.components:
        print(component.name, component.status, component.message)
    # end


@example("genesis.v1.OrchestratorService/Plan")
def plan(client: genesis.Client, story: Story) -> None:
    # example: genesis.v1.OrchestratorService/Plan
    answer = client.plan("Run the tests, and if they pass email the customers, otherwise fix the code")
    for task in answer.plan.tasks:
        print(task.id, task.goal)
    # end
    story.plan = answer.plan


@example("genesis.v1.OrchestratorService/PlanStream")
def plan_stream(client: genesis.Client, _story: Story) -> None:
    # example: genesis.v1.OrchestratorService/PlanStream
    for event in client.plan_stream("Translate the manual, then print it"):
        print(event.progress.message or event.result.plan.id)
    # end


@example("genesis.v1.OrchestratorService/Route")
def route(client: genesis.Client, story: Story) -> None:
    plan = story.plan
    # example: genesis.v1.OrchestratorService/Route
    answer = client.route(plan.id, budget="0.50 USD", explanation="summary")
    for one in answer.routes:
        print(one.task_id, one.assignment.target.id, one.assignment.reason)
    # end


@example("genesis.v1.OrchestratorService/Validate")
def validate(client: genesis.Client, story: Story) -> None:
    plan = story.plan
    # example: genesis.v1.OrchestratorService/Validate
    answer = client.validate(plan)
    print("passed:", answer.verdict.passed)
    for finding in answer.verdict.findings:
        print(finding.message)
    # end


@example("genesis.v1.OrchestratorService/Orchestrate")
def orchestrate(client: genesis.Client, story: Story) -> None:
    # example: genesis.v1.OrchestratorService/Orchestrate
    answer = client.orchestrate(
        "Run the tests, and if they pass email the customers, otherwise fix the code", budget="0.50 USD", deadline=8 * 3600
    )
    for route in answer.routes:
        print(route.task_id, route.assignment.target.id, route.assignment.reason)
    print("passed:", answer.verdict.passed)
    # end
    story.plan = answer.plan


@example("genesis.v1.OrchestratorService/GetPlan")
def get_plan(client: genesis.Client, story: Story) -> None:
    plan = story.plan
    # example: genesis.v1.OrchestratorService/GetPlan
    try:
        stored = client.get_plan(plan.id)
        print(stored.plan.goal, "is at version", stored.plan.version)
    except genesis.NotFound as error:
        print(error.reason, error.message)
    # end


@example("genesis.v1.OrchestratorService/ListPlans")
def list_plans(client: genesis.Client, _story: Story) -> None:
    # example: genesis.v1.OrchestratorService/ListPlans
    for summary in client.list_plans():  # fetches page after page
        print(summary.id, summary.task_count, summary.goal)
    # end


@example("genesis.v1.OrchestratorService/WatchPlan")
def watch_plan(client: genesis.Client, story: Story) -> None:
    plan = story.plan
    # example: genesis.v1.OrchestratorService/WatchPlan
    for news in client.watch_plan(plan.id, after_version=plan.version - 1, timeout=30):
        print(news.version, news.event)
        break  # leaving the loop ends the stream
    # end


@example("genesis.v1.OrchestratorService/UpdatePlan")
def update_plan(client: genesis.Client, story: Story) -> None:
    plan = story.plan
    # example: genesis.v1.OrchestratorService/UpdatePlan
    answer = client.update_plan(plan.id, done=plan.tasks[0].id)
    print("version", answer.version, "ready now:", list(answer.ready_task_ids))
    # end


@example("genesis.v1.OrchestratorService/Report")
def report(client: genesis.Client, story: Story) -> None:
    plan = story.plan
    # example: genesis.v1.OrchestratorService/Report
    # Work that was done elsewhere; workers report under their lease.
    client.report(plan.id, plan.tasks[1].id, done={}, agent_id="newsletter-tool", cost="0.02 USD")
    # end


@example("genesis.v1.OrchestratorService/ListDecisions")
def list_decisions(client: genesis.Client, story: Story) -> None:
    plan = story.plan
    # example: genesis.v1.OrchestratorService/ListDecisions
    for decision in client.list_decisions(plan_id=plan.id, kind="route"):
        print(decision.id, decision.time.ToDatetime())
        # end
        story.decision_id = decision.id


@example("genesis.v1.OrchestratorService/GetDecision")
def get_decision(client: genesis.Client, story: Story) -> None:
    decision_id = story.decision_id
    # example: genesis.v1.OrchestratorService/GetDecision
    answer = client.get_decision(decision_id, replay=True, explanation="full")
    print("the same again:", answer.replay.same)
    # end


@example("genesis.v1.OrchestratorService/Flag")
def flag(client: genesis.Client, _story: Story) -> None:
    # example: genesis.v1.OrchestratorService/Flag
    answer = client.flag("orchestration_enabled", targeting_key="run-17", attributes={"region": "eu"})
    print(answer.flags[0].value.bool_value, answer.flags[0].variant, answer.flags[0].source)
    # end


@example("genesis.v1.AgentService/Register")
def register(client: genesis.Client, story: Story) -> None:
    # example: genesis.v1.AgentService/Register
    card = {"id": "example-writer", "skills": [{"id": "docs.write", "description": "Write release notes"}]}
    joined = client.register(card)
    print("session", joined.session_id, "alive every", joined.heartbeat_interval.seconds, "s")
    # end
    story.session_id = joined.session_id


@example("genesis.v1.AgentService/Heartbeat")
def heartbeat(client: genesis.Client, story: Story) -> None:
    session_id = story.session_id
    # example: genesis.v1.AgentService/Heartbeat
    answer = client.heartbeat(session_id, load=0.2)
    print("leases hold for", answer.lease_duration.seconds, "s")
    # end


@example("genesis.v1.AgentService/Work")
def work(client: genesis.Client, story: Story) -> None:
    session_id = story.session_id
    client.orchestrate("Write release notes", dispatch=True)
    # example: genesis.v1.AgentService/Work
    # genesis.Worker does all of this, and what can go wrong, by itself.
    to_say: SimpleQueue[WorkRequest | None] = SimpleQueue()
    to_say.put(WorkRequest(open=WorkOpen(session_id=session_id, slots=1)))
    for message in client.work(iter(to_say.get, None)):
        lease = message.assignment.lease
        to_say.put(WorkRequest(acknowledge=WorkAcknowledgement(lease_id=lease.lease_id)))
        client.report(message.assignment.plan_id, message.assignment.task.id, done={"notes": "# 1.0"}, lease=lease)
        break
    to_say.put(None)  # ends the stream
    # end


@example("genesis.v1.AgentService/List")
def agents(client: genesis.Client, _story: Story) -> None:
    # example: genesis.v1.AgentService/List
    for entry in client.agents(skill_id="docs.write"):
        print(entry.card.id, [worker.session_id for worker in entry.workers])
    # end


@example("genesis.v1.AgentService/Deregister")
def deregister(client: genesis.Client, story: Story) -> None:
    session_id = story.session_id
    # example: genesis.v1.AgentService/Deregister
    client.deregister(session_id)  # what the worker held goes to others
    # end


@example("genesis.admin.v1.PolicyService/GetRulebook")
def get_rulebook(client: genesis.Client, story: Story) -> None:
    # example: genesis.admin.v1.PolicyService/GetRulebook
    rulebook = client.get_rulebook()
    print(rulebook.version, "has", rulebook.rule_count, "rules")
    # end
    story.rulebook = rulebook.text


@example("genesis.admin.v1.PolicyService/LintRulebook")
def lint_rulebook(client: genesis.Client, story: Story) -> None:
    text = story.rulebook
    # example: genesis.admin.v1.PolicyService/LintRulebook
    answer = client.lint_rulebook(text)
    print("valid:", answer.valid)
    for finding in answer.findings:
        print(f"line {finding.line}: {finding.message}")
    # end


@example("genesis.admin.v1.PolicyService/PreviewRulebook")
def preview_rulebook(client: genesis.Client, story: Story) -> None:
    text = story.rulebook
    # example: genesis.admin.v1.PolicyService/PreviewRulebook
    for page in client.preview_rulebook(text=text):
        for change in page.changes:
            print(change.task_id, change.before.id, "->", change.after.id, change.text)
    # end


@example("genesis.admin.v1.PolicyService/ActivateRulebook")
def activate_rulebook(client: genesis.Client, story: Story) -> None:
    text = story.rulebook
    # example: genesis.admin.v1.PolicyService/ActivateRulebook
    answer = client.activate_rulebook("the one we reviewed today", text=text)
    print(answer.change.from_version, "->", answer.change.to_version)
    # end


@example("genesis.admin.v1.PolicyService/ListRulebookChanges")
def rulebook_changes(client: genesis.Client, _story: Story) -> None:
    # example: genesis.admin.v1.PolicyService/ListRulebookChanges
    for change in client.rulebook_changes():
        print(change.sequence, change.actor, change.to_version, change.cause)
    # end


@example("genesis.admin.v1.PolicyService/ListBreakers")
def breakers(client: genesis.Client, _story: Story) -> None:
    # example: genesis.admin.v1.PolicyService/ListBreakers
    for breaker in client.breakers():
        print(breaker.agent_id, breaker.state, breaker.reason)
    # end


@example("genesis.admin.v1.PolicyService/ResetBreaker")
def reset_breaker(client: genesis.Client, _story: Story) -> None:
    # example: genesis.admin.v1.PolicyService/ResetBreaker
    answer = client.reset_breaker("example-writer", "its disk was replaced")
    print("failures now:", answer.breaker.failures)
    # end


@example("genesis.admin.v1.PolicyService/ListSecurityEvents")
def security_events(client: genesis.Client, _story: Story) -> None:
    # example: genesis.admin.v1.PolicyService/ListSecurityEvents
    for event in client.security_events():
        print(event.time.ToDatetime(), event.kind, event.actor, event.message)
    # end


@example("genesis.admin.v1.FlagAdminService/PutFlag")
def put_flag(client: genesis.Client, story: Story) -> None:
    # example: genesis.admin.v1.FlagAdminService/PutFlag
    definition = {
        "state": "ENABLED",
        "variants": {"on": True, "off": False},
        "defaultVariant": "off",
        "targeting": {"fractional": [["on", 10], ["off", 90]]},
    }
    answer = client.put_flag("new-checkout", definition, "try it on a tenth")
    print("version", answer.change.version)
    # end
    story.flag_version = answer.change.version


@example("genesis.admin.v1.FlagAdminService/GetFlag")
def get_flag(client: genesis.Client, _story: Story) -> None:
    # example: genesis.admin.v1.FlagAdminService/GetFlag
    flag = client.get_flag("new-checkout").flag
    print(flag.version, flag.definition_json)
    # end


@example("genesis.admin.v1.FlagAdminService/ListFlags")
def list_flags(client: genesis.Client, _story: Story) -> None:
    # example: genesis.admin.v1.FlagAdminService/ListFlags
    for flag in client.list_flags():
        print(flag.key, flag.layer, flag.description)
    # end


@example("genesis.admin.v1.FlagAdminService/PreviewFlag")
def preview_flag(client: genesis.Client, _story: Story) -> None:
    # example: genesis.admin.v1.FlagAdminService/PreviewFlag
    answer = client.preview_flag("new-checkout", percent=50, contexts=[{"targetingKey": "ann"}])
    print(answer.diff)
    print(f"{answer.moved_share:.0%} would get another variant")
    # end


@example("genesis.admin.v1.FlagAdminService/SetFlagWeight")
def set_flag_weight(client: genesis.Client, story: Story) -> None:
    version = story.flag_version
    # example: genesis.admin.v1.FlagAdminService/SetFlagWeight
    client.set_flag_weight("new-checkout", 50, "a day without complaints", expected_version=version)
    # end


@example("genesis.admin.v1.FlagAdminService/DisableFlag")
def disable_flag(client: genesis.Client, _story: Story) -> None:
    # example: genesis.admin.v1.FlagAdminService/DisableFlag
    client.disable_flag("new-checkout", "complaints")
    # end


@example("genesis.admin.v1.FlagAdminService/EnableFlag")
def enable_flag(client: genesis.Client, _story: Story) -> None:
    # example: genesis.admin.v1.FlagAdminService/EnableFlag
    client.enable_flag("new-checkout", "it was something else")
    # end


@example("genesis.admin.v1.FlagAdminService/DeleteFlag")
def delete_flag(client: genesis.Client, _story: Story) -> None:
    # example: genesis.admin.v1.FlagAdminService/DeleteFlag
    client.delete_flag("new-checkout", "it is the checkout now")
    # end


@example("genesis.admin.v1.FlagAdminService/SetEmergencyFlag")
def set_emergency_flag(client: genesis.Client, _story: Story) -> None:
    # example: genesis.admin.v1.FlagAdminService/SetEmergencyFlag
    client.set_emergency_flag("maintenance_mode", "the disk is moved")
    # end


@example("genesis.admin.v1.FlagAdminService/ClearEmergencyFlag")
def clear_emergency_flag(client: genesis.Client, _story: Story) -> None:
    # example: genesis.admin.v1.FlagAdminService/ClearEmergencyFlag
    client.clear_emergency_flag("maintenance_mode", "the disk was moved")
    # end


@example("genesis.admin.v1.FlagAdminService/ListAuditEntries")
def audit_entries(client: genesis.Client, _story: Story) -> None:
    # example: genesis.admin.v1.FlagAdminService/ListAuditEntries
    for entry in client.audit_entries(key="new-checkout", oldest_first=True):
        print(entry.sequence, entry.actor, entry.action, entry.cause)
    # end


@example("genesis.v1.OrchestratorService/DeletePlan")
def delete_plan(client: genesis.Client, story: Story) -> None:
    plan = story.plan
    # example: genesis.v1.OrchestratorService/DeletePlan
    client.delete_plan(plan.id)
    # end


def main() -> None:
    """Run them all against the server that is named."""
    target = sys.argv[1]
    with genesis.connect(target) as client:
        story = Story(target)
        for method, run in EXAMPLES.items():
            run(client, story)
            print("ok", method, flush=True)


if __name__ == "__main__":
    main()
