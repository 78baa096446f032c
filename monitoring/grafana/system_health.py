"""The dashboard `system-health`: is the service well, and if not, where to look. Thirteen panels, each with its number."""

from __future__ import annotations

from building import OWN, SERVICE, Face, Panel, Query, lines, rows, single, states, variables
from grafana_foundation_sdk.builders import dashboard as boards
from grafana_foundation_sdk.models import dashboard

UID = "genesis-system-health"
GREEN, YELLOW, RED = "green", "yellow", "red"
WHAT_CALLERS_WAIT_FOR = f'{OWN}, method=~"OrchestratorService/.+"'


def overall_health() -> Panel:
    """Panel 1."""
    face = Face(
        number=1,
        title="Overall health",
        description="The worst of: a server that is down, errors against the SLO, P95 against 200 and 500 ms, breakers not closed, "
        "storage out of use, an emergency flag that is on. `genesis:health:level` tells which.",
        unit="none",
        width=6,
        height=6,
    )
    query = Query(f"max(genesis:health:level{{{SERVICE}}})", "health")
    return single(face, query, start=GREEN, steps={1: YELLOW, 2: RED}, words={0: "green", 1: "yellow", 2: "red"})


def request_rate() -> Panel:
    """Panel 2."""
    face = Face(
        number=2, title="Request rate by RPC", description="Calls that ended, by method, whatever their status.", unit="reqps", width=12
    )
    rate = f"sum by (grpc_service, grpc_method) (rate(grpc_server_handled_total{{{OWN}}}[$__rate_interval]))"
    return lines(face, Query(f"{rate} > 0", "{{grpc_service}}/{{grpc_method}}"), stacked=True)


def error_ratio() -> Panel:
    """Panel 3."""
    face = Face(
        number=3,
        title="Error ratio against the SLO",
        description="Calls that ended in a fault of the server. The lines are the SLO of 0.1 %, and the 1 % at which it becomes an alert. "
        "Mistakes of callers and planned refusals are no faults.",
        unit="percentunit",
        width=12,
    )
    faults, calls = (f"sum(rate({name}{{{OWN}}}[$__rate_interval]))" for name in ("genesis_server_faults_total", "genesis_calls_total"))
    told = Query(f"max(genesis_error_rate{{{OWN}}})", "worst server, its last five minutes")
    return lines(face, Query(f"{faults} / {calls}", "all servers"), told, limits={0.001: YELLOW, 0.01: RED})


def latency() -> Panel:
    """Panel 4."""
    face = Face(
        number=4,
        title="Latency P50, P95, P99",
        description="Time of unary calls to OrchestratorService. P95 should stay below 200 ms; 500 ms wakes somebody.",
        unit="s",
        width=12,
    )
    buckets = f"sum by (le) (rate(genesis_request_duration_seconds_bucket{{{WHAT_CALLERS_WAIT_FOR}}}[$__rate_interval]))"
    shares = {"P50": 0.5, "P95": 0.95, "P99": 0.99}
    queries = [Query(f"histogram_quantile({share}, {buckets})", name) for name, share in shares.items()]
    return lines(face, *queries, limits={0.2: YELLOW, 0.5: RED})


def error_budget() -> Panel:
    """Panel 5."""
    face = Face(
        number=5,
        title="Error budget left",
        description="What is left of the 0.1 % of the calls of 30 days that may fail. Below zero the SLO is broken.",
        unit="percentunit",
        width=6,
        height=6,
    )
    query = Query(f"min(slo:period_error_budget_remaining:ratio{{{SERVICE}}})", "left of 30 days")
    return single(face, query, start=RED, steps={0: YELLOW, 0.25: GREEN})


def phases() -> Panel:
    """Panel 6."""
    face = Face(
        number=6, title="Planning, routing and validation time (P95)", description="Time of each phase of a call.", unit="s", width=12
    )
    chosen = f'{OWN}, phase=~"plan|route|validate"'
    buckets = f"sum by (phase, le) (rate(genesis_phase_duration_seconds_bucket{{{chosen}}}[$__rate_interval]))"
    return lines(face, Query(f"histogram_quantile(0.95, {buckets})", "{{phase}}"), limits={0.2: YELLOW})


def tasks() -> Panel:
    """Panel 7."""
    face = Face(
        number=7,
        title="Tasks completed and failed",
        description="Tasks per second that agents completed, and that were given up after their attempts.",
        unit="ops",
        width=12,
    )
    ends = {"completed": "genesis_tasks_completed_total", "failed": "genesis_tasks_failed_total"}
    return lines(face, *[Query(f"sum(rate({metric}{{{OWN}}}[$__rate_interval]))", end) for end, metric in ends.items()])


def degradation() -> Panel:
    """Panel 8."""
    face = Face(
        number=8,
        title="Degradation level used",
        description="Plans per second by the level that made them: language model, heuristics, minimal. Minimal means that planning failed "
        "or is switched off.",
        unit="ops",
        width=12,
    )
    return lines(face, Query(f"sum by (level) (rate(genesis_plans_total{{{OWN}}}[$__rate_interval]))", "{{level}}"), stacked=True)


def breakers() -> Panel:
    """Panel 9."""
    face = Face(
        number=9,
        title="Breaker states",
        description="Open: out of use for a minute after five faults in a row. Half-open: one trial. Only breakers of agents and of parts.",
        unit="none",
        width=12,
        height=10,
    )
    query = Query(f"max by (breaker) (genesis_breaker_state{{{OWN}}})", "{{breaker}}")
    return states(face, query, words={0: "closed", 1: "half-open", 2: "open"}, start=GREEN, colours={1: YELLOW, 2: RED})


def agents() -> Panel:
    """Panel 10."""
    face = Face(
        number=10,
        title="Agents live and load",
        description="Agents with a worker that is there, the tasks that the ten busiest of them hold, and workers that fell silent.",
        unit="short",
        width=12,
        height=10,
    )
    return lines(
        face,
        Query(f"max(genesis_agents_live{{{OWN}}})", "agents live"),
        Query(f"topk(10, max by (agent) (genesis_agent_running_tasks{{{OWN}}}))", "{{agent}} holds"),
        Query(f"max(increase(genesis_workers_lost_total{{{OWN}}}[$__rate_interval]))", "workers lost"),
    )


def flags() -> Panel:
    """Panel 11."""
    face = Face(
        number=11,
        title="Flag version and evaluations by reason",
        description="Evaluations per second by reason, and on the right the version of the definitions: it grows with every change.",
        unit="ops",
        width=12,
    )
    evaluations = Query(f"sum by (reason) (rate(genesis_flag_evaluations_total{{{OWN}}}[$__rate_interval]))", "{{reason}}")
    return lines(face, evaluations, Query(f"max(genesis_flag_definition_version{{{OWN}}})", "version", unit="none"))


def process() -> Panel:
    """Panel 12."""
    face = Face(
        number=12,
        title="CPU, memory, file descriptors",
        description="CPU in cores, share of the file descriptors that may be open, and on the right the memory of each server process.",
        unit="percentunit",
        width=12,
    )
    return lines(
        face,
        Query(f"sum by (instance) (rate(process_cpu_seconds_total{{{OWN}}}[$__rate_interval]))", "CPU {{instance}}"),
        Query(f"process_open_fds{{{OWN}}} / process_max_fds{{{OWN}}}", "file descriptors {{instance}}"),
        Query(f"process_resident_memory_bytes{{{OWN}}}", "memory {{instance}}", unit="bytes"),
    )


def build() -> Panel:
    """Panel 13."""
    face = Face(
        number=13,
        title="Build version, uptime, rollout step",
        description="Which version each server process runs, and since when. This release has no rollouts, so their step is none.",
        unit="none",
        width=12,
        height=6,
    )
    return rows(
        face,
        Query(f'label_replace(genesis_build_info{{{OWN}}}, "rollout", "none", "", "")', ""),
        Query(f"time() - process_start_time_seconds{{{OWN}}}", ""),
        columns={"instance": "Process", "version": "Version", "python_version": "Python", "rollout": "Rollout step", "Value #B": "Uptime"},
        hidden=("Time", "Time 1", "Time 2", "__name__", "job", "job 1", "job 2", "Value #A"),
        units={"Uptime": "s"},
    )


LAYOUT = (
    overall_health,
    error_budget,
    build,
    request_rate,
    error_ratio,
    latency,
    phases,
    tasks,
    degradation,
    breakers,
    agents,
    flags,
    process,
)
"""From left to right and from top to bottom."""


def system_health() -> dashboard.Dashboard:
    """The dashboard."""
    board = boards.Dashboard("Genesis: system health").uid(UID).tags(["genesis"]).readonly()
    board.description("Is the service well, and if not, where to look. Made by generate.py: change it there.")
    board.time("now-1h", "now").refresh("30s").timezone("browser").tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    board.variables(variables())
    for panel in LAYOUT:
        board.with_panel(panel())
    return board.build()
