"""What a server knows of itself: health, agents, plans."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.text import Text

from genesis.v1 import agent_service_pb2, common_pb2, orchestrator_service_pb2, plan_pb2
from genesis_server.cli.show.rows import Rows
from genesis_server.cli.text import amount, counted, enum_word, plain, seconds, span

_STYLES = {
    orchestrator_service_pb2.HEALTH_STATUS_HEALTHY: "green",
    orchestrator_service_pb2.HEALTH_STATUS_DEGRADED: "yellow",
    orchestrator_service_pb2.HEALTH_STATUS_UNHEALTHY: "bold red",
}


def health_view(health: orchestrator_service_pb2.HealthResponse) -> RenderableType:
    """The server's state and that of its parts."""
    level = enum_word(common_pb2.DegradationLevel, health.degradation_level, "DEGRADATION_LEVEL_")
    head = Text.assemble(_status(health.status), f"  up {span(seconds(health.uptime))} · best level {level}")
    table = Rows("component", "status", "breaker", "why")
    for part in health.components:
        breaker = plain(part.breaker_state)
        if part.HasField("retry_time"):
            breaker += f", again at {part.retry_time.ToDatetime():%H:%M:%S} UTC"
        table.add(Text(plain(part.name)), _status(part.status), Text(breaker), Text(plain(part.message)))
    snapshots = " · ".join(f"{plain(name)} {plain(health.snapshot_ids[name])}" for name in sorted(health.snapshot_ids))
    lines = [Text(f"server {plain(health.server_version)} · contract {plain(health.contract_version)} · {snapshots}", style="dim")]
    if health.flags_not_built:
        lines.append(Text("flags of features that are not built: " + ", ".join(plain(key) for key in health.flags_not_built), style="dim"))
    return Group(head, table, *lines)


def agents_table(agents: Sequence[agent_service_pb2.AgentEntry]) -> RenderableType:
    """Each agent with its workers, what they do just now, its skills and the prices of its models."""
    table = Rows("agent", "state", "at once", "skills", "models: price of a million tokens in / out", ruled=True)
    for entry in agents:
        card = entry.card
        models = "\n".join(
            f"{plain(model.id)}: {amount(model.input_price_per_million_tokens)} / {amount(model.output_price_per_million_tokens)}"
            for model in card.models
        )
        place = f"\n{plain(card.region)}" if card.region else ""
        busy = f"{entry.running_tasks} of {card.max_concurrent_tasks or 1}" if entry.workers else str(card.max_concurrent_tasks or 1)
        table.add(
            Text.assemble((plain(card.id), "bold"), (place, "dim")),
            _presence(entry),
            Text(busy),
            Text(", ".join(plain(skill.id) for skill in card.skills)),
            Text(models),
        )
    return table


def _presence(entry: agent_service_pb2.AgentEntry) -> Text:
    """How the agent is known, and how busy its workers are."""
    live = entry.state == agent_service_pb2.AGENT_STATE_LIVE
    text = Text(enum_word(agent_service_pb2.AgentState, entry.state, "AGENT_STATE_"), style="green" if live else "dim")
    if entry.workers:
        load = max(worker.load for worker in entry.workers)
        text.append(f"\n{counted(len(entry.workers), 'worker')}, load {load:.0%}".replace("%", " %"), style="dim")
    return text


def plans_table(plans: Sequence[orchestrator_service_pb2.PlanSummary]) -> RenderableType:
    """Stored plans in short."""
    table = Rows("plan", "state", "made", "tasks", "level", "goal", right=("tasks",), whole=("plan",))
    for plan in plans:
        level = enum_word(common_pb2.DegradationLevel, plan.level, "DEGRADATION_LEVEL_")
        made = f"{plan.create_time.ToDatetime():%Y-%m-%d %H:%M} UTC"
        state = enum_word(plan_pb2.PlanState, plan.state, "PLAN_STATE_")
        named = Text(f"{plain(plan.id)} v{plan.version}")
        table.add(named, Text(state), Text(made), Text(str(plan.task_count)), Text(level), Text(plain(plan.goal)))
    return table


def _status(status: orchestrator_service_pb2.HealthStatus) -> Text:
    name = enum_word(orchestrator_service_pb2.HealthStatus, status, "HEALTH_STATUS_")
    return Text(name, style=_STYLES.get(status, ""))
