"""Breakers in front of agents, and security events."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import RenderableType
from rich.text import Text

from genesis.admin.v1 import policy_service_pb2 as policy
from genesis_server.cli.show.rows import Rows
from genesis_server.cli.text import enum_word, plain

_STYLES = {policy.BREAKER_STATE_CLOSED: "green", policy.BREAKER_STATE_OPEN: "bold red", policy.BREAKER_STATE_HALF_OPEN: "yellow"}


def breakers_table(breakers: Sequence[policy.AgentBreaker]) -> RenderableType:
    """Each breaker with what opened it and when the next trial is."""
    if not breakers:
        return Text("no agent has reported yet, so there is no breaker", style="dim")
    table = Rows("agent", "breaker", "failures in a row", "opened", "next trial", "why", right=("failures in a row",))
    for breaker in breakers:
        state = enum_word(policy.BreakerState, breaker.state, "BREAKER_STATE_")
        opened = f"{breaker.opened_time.ToDatetime():%H:%M:%S} UTC" if breaker.HasField("opened_time") else ""
        again = f"{breaker.retry_time.ToDatetime():%H:%M:%S} UTC" if breaker.HasField("retry_time") else ""
        table.add(
            Text(plain(breaker.agent_id), "bold"),
            Text(state, _STYLES.get(breaker.state, "")),
            Text(str(breaker.failures)),
            Text(opened),
            Text(again),
            Text(plain(breaker.reason)),
        )
    return table


def security_table(events: Sequence[policy.SecurityEvent]) -> RenderableType:
    """Each event with who, what, and how often."""
    if not events:
        return Text("no security events", style="dim")
    table = Rows("when", "what", "who", "times", "about", right=("times",))
    for event in events:
        facts = ", ".join(f"{plain(name)} {plain(event.facts[name])}" for name in sorted(event.facts))
        table.add(
            Text(f"{event.time.ToDatetime():%Y-%m-%d %H:%M:%S} UTC"),
            Text(plain(event.kind), "bold red"),
            Text(plain(event.actor)),
            Text(str(max(event.count, 1))),
            Text.assemble(plain(event.message), (f"\n{facts}" if facts else "", "dim")),
        )
    return table
