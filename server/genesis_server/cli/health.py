"""`genesis health`: how the server is."""

from __future__ import annotations

import typer

from genesis_server.cli import session
from genesis_server.cli.exits import ExitCode


def health(ctx: typer.Context) -> None:
    """Show how the server is: components, degradation level, versions. Exit code 1 when it is unhealthy."""
    from genesis.v1.orchestrator_service_pb2 import HEALTH_STATUS_UNHEALTHY
    from genesis_server.cli.show.server import health_view

    run = session.of(ctx)
    # A server that says NOT_SERVING can still tell why.
    with run.client(health_checking=False) as client:
        answer = client.health()
    run.answer(answer, lambda console: console.print(health_view(answer)))
    raise typer.Exit(ExitCode.FAILED if answer.status == HEALTH_STATUS_UNHEALTHY else ExitCode.OK)
