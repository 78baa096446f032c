"""The load balancers that ship, in front of two server processes on one SQLite file."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from string import Template

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from programs import installed, running_program
from servers import START_SECONDS, Server, clean_environment, free_port, start

DEPLOY = Path(__file__).resolve().parents[2] / "server" / "deploy"
KINDS = ("haproxy", "envoy")
STOP_SECONDS = 60.0


class Pair:
    """Two servers that share a data folder, and restart one at a time on the addresses they have."""

    def __init__(self, folder: Path, *, lame_duck_seconds: float) -> None:
        """Settle their addresses; `start` starts each."""
        self._folder = folder
        self._settings = {
            "GENESIS_DATA_DIR": str(folder / "data"),
            "GENESIS_LAME_DUCK_SECONDS": str(lame_duck_seconds),
        }
        self._addresses: dict[str, dict[str, str]] = {}
        self.servers: dict[str, Server] = {}
        port = free_port(neighbours=3)
        for name, first in (("a", port), ("b", port + 2)):
            self._addresses[name] = {"GENESIS_LISTEN": f"127.0.0.1:{first}", "GENESIS_HTTP_LISTEN": f"127.0.0.1:{first + 1}"}

    def start(self, name: str) -> Server:
        """Start the server of that name; it serves when this returns."""
        folder = self._folder / name
        folder.mkdir(exist_ok=True)
        self.servers[name] = start(folder, settings=self._settings | self._addresses[name])
        return self.servers[name]

    def stop(self, name: str) -> int:
        """Ask that server to stop and wait until it has; its exit code. Slow calls may take their time on a busy machine."""
        process = self.servers[name].process
        process.terminate()
        return process.wait(STOP_SECONDS)

    def variables(self, port: int) -> dict[str, str]:
        """The addresses as the configuration files of the load balancers name them; calls come in at `port`."""
        found = {"GENESIS_LB_HOST": "127.0.0.1", "GENESIS_LB_PORT": str(port)}
        for name, server in self.servers.items():
            host, _, grpc_port = server.address.rpartition(":")
            found[f"GENESIS_{name.upper()}_HOST"] = host
            found[f"GENESIS_{name.upper()}_PORT"] = grpc_port
            found[f"GENESIS_{name.upper()}_HTTP_PORT"] = server.http.rpartition(":")[2]
        return found

    def faults(self) -> list[str]:
        """What the servers logged as an error, whole: the cause of an answer with INTERNAL is told nowhere else."""
        lines = [line for server in self.servers.values() for line in server.log.read_text("utf-8").splitlines()]
        return [line for line in lines if '"level":"ERROR"' in line or '"level":"CRITICAL"' in line]

    def kill(self) -> None:
        """End whatever still runs."""
        for server in self.servers.values():
            if server.process.poll() is None:
                server.process.kill()
            server.process.wait()


@contextmanager
def balanced(kind: str, pair: Pair, folder: Path) -> Iterator[str]:
    """The load balancer `kind` in front of the pair; yields the address that callers use. Skips where it is not installed."""
    program = installed(kind)
    port = free_port()
    variables = pair.variables(port)
    if kind == "haproxy":
        command = [program, "-db", "-f", str(DEPLOY / "haproxy.cfg")]
    else:
        filled = folder / "envoy.yaml"
        # What envsubst does.
        filled.write_text(Template((DEPLOY / "envoy.yaml").read_text("utf-8")).substitute(variables), "utf-8")
        command = [program, "--config-path", str(filled), "--use-dynamic-base-id", "--concurrency", "1", "--log-level", "warning"]
    address, environment = f"127.0.0.1:{port}", clean_environment(**variables)
    log = folder / f"{kind}.log"
    with running_program(command, log, lambda: _passes_on(address), seconds=START_SECONDS, environment=environment):
        yield address


def _passes_on(address: str) -> bool:
    """Whether a call comes to a server."""
    with grpc.insecure_channel(address) as channel:
        try:
            health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.RpcError:
            return False
    return True
