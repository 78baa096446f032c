"""`genesis probe`: what orchestrators run to learn whether a server is well."""

from __future__ import annotations

from typing import Annotated, Any, cast

import typer

from genesis_server.cli.exits import ExitCode

app = typer.Typer(no_args_is_help=True, help="Checks for containers and scripts.")

_EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}  # noqa: S104  (addresses to ask, not to listen on)
"""What is listened on, and where it is asked on the same machine."""


@app.callback()
def group() -> None:
    """Keep `genesis probe` a group while it has one command."""


@app.command("health")
def probe_health(
    address: Annotated[
        str,
        typer.Argument(metavar="HOST:PORT", envvar="GENESIS_HEALTH_LISTEN", help="A gRPC port without TLS, such as health_listen."),
    ] = "127.0.0.1:50051",
    *,
    service: Annotated[str, typer.Option(metavar="NAME", help="What to ask for: readiness, liveness, or a service.")] = "readiness",
    within: Annotated[float, typer.Option("--within", min=0.01, metavar="SECONDS", help="How long an answer may take.")] = 2.0,
) -> None:
    """Ask grpc.health.v1, without TLS and credentials. Exit code 0 when it says SERVING, else 1."""
    # Nothing else is imported: a container runs this every few seconds.
    import grpc
    from grpc_health.v1 import health_pb2, health_pb2_grpc

    host, colon, port = address.rpartition(":")
    target = f"{_EVERY_ADDRESS.get(host, host)}{colon}{port}"
    with grpc.insecure_channel(target, options=[("grpc.enable_http_proxy", 0)]) as channel:
        # The published stubs lack the stub of the service.
        stub: Any = cast("Any", health_pb2_grpc).HealthStub(channel)
        try:
            status = stub.Check(health_pb2.HealthCheckRequest(service=service), timeout=within).status
        except grpc.RpcError as error:
            said = cast("grpc.Call", error).code().name
        else:
            said = health_pb2.HealthCheckResponse.ServingStatus.Name(status)
    typer.echo(f"{target} {service}: {said}")
    raise typer.Exit(ExitCode.OK if said == "SERVING" else ExitCode.FAILED)
