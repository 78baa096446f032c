"""`genesis breakers` and `genesis security`: agents kept out of work, and what should not have happened."""

from __future__ import annotations

from itertools import islice
from typing import Annotated

import typer

from genesis_server.cli import options as o
from genesis_server.cli import session

app = typer.Typer(invoke_without_command=True, help="Circuit breakers in front of agents: list, reset.")


@app.callback()
def list_breakers(ctx: typer.Context) -> None:
    """List the breakers in front of agents, those that keep work away first."""
    if ctx.invoked_subcommand is not None:
        return
    from genesis.admin.v1.policy_service_pb2 import ListBreakersResponse
    from genesis_server.cli.show.breakers import breakers_table

    run = session.of(ctx)
    with run.client() as client:
        breakers = list(client.breakers())
    run.answer(ListBreakersResponse(breakers=breakers), lambda console: console.print(breakers_table(breakers)))


@app.command("reset")
def reset_breaker(
    ctx: typer.Context,
    agent: Annotated[str, typer.Argument(metavar="AGENT", help="Id of the agent.", show_default=False)],
    *,
    cause: Annotated[str, typer.Option(metavar="TEXT", help="Why, for the record.", show_default=False)],
    request_id: o.RequestId = None,
) -> None:
    """Close an agent's breaker now, so that it gets work again."""
    from genesis_server.cli.show.breakers import breakers_table

    run = session.of(ctx)
    with run.client() as client:
        answer = client.reset_breaker(agent, cause, request_id=request_id or "")
    run.answer(answer, lambda console: console.print(breakers_table([answer.breaker])))


def security(ctx: typer.Context, limit: Annotated[int, typer.Option(min=1, help="At most this many.")] = 50) -> None:
    """List what should not have happened, newest first: late or foreign leases, replayed credentials, and the like."""
    from genesis.admin.v1.policy_service_pb2 import ListSecurityEventsResponse
    from genesis_server.cli.show.breakers import security_table

    run = session.of(ctx)
    with run.client() as client:
        events = list(islice(client.security_events(page_size=min(limit, 200)), limit))
    run.answer(ListSecurityEventsResponse(events=events), lambda console: console.print(security_table(events)))
