"""The HTTP edge."""

from __future__ import annotations

import json
import urllib.error
import urllib.request

from prometheus_client.parser import text_string_to_metric_families

from genesis.v1 import orchestrator_service_pb2, orchestrator_service_pb2_grpc
from servers import Server


def get(server: Server, path: str, accept: str = "*/*") -> tuple[int, str, str]:
    """Status, content type, body."""
    request = urllib.request.Request(f"http://{server.http}{path}", headers={"Accept": accept})
    try:
        with urllib.request.urlopen(request, timeout=10) as answer:  # noqa: S310  (the address is ours)
            return answer.status, answer.headers["Content-Type"], answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.headers["Content-Type"], refused.read().decode()


def test_probes_answer(server: Server) -> None:
    assert get(server, "/livez")[0] == 200
    assert get(server, "/readyz")[0] == 200


def test_health_is_json_with_components(server: Server) -> None:
    status, kind, body = get(server, "/health")
    assert status == 200
    assert kind.startswith("application/json")
    health = json.loads(body)
    assert health["status"] == "healthy"
    assert "storage" in {component["name"] for component in health["components"]}


def test_metrics_count_calls_by_method_and_code(
    server: Server, orchestrator: orchestrator_service_pb2_grpc.OrchestratorServiceStub
) -> None:
    def handled() -> float:
        families = text_string_to_metric_families(get(server, "/metrics")[2])
        return sum(
            sample.value
            for family in families
            for sample in family.samples
            if sample.name == "grpc_server_handled_total" and sample.labels["grpc_method"] == "Flag" and sample.labels["grpc_code"] == "OK"
        )

    before = handled()
    orchestrator.Flag(orchestrator_service_pb2.FlagRequest())
    assert handled() == before + 1


def test_metrics_are_there_at_zero_from_the_start(server: Server) -> None:
    body = get(server, "/metrics")[2]
    for name in ("grpc_server_started_total", "grpc_server_handling_seconds_bucket", "genesis_request_duration_seconds_bucket"):
        assert name in body


def test_openmetrics_is_given_to_those_who_ask(server: Server) -> None:
    status, kind, body = get(server, "/metrics", "application/openmetrics-text; version=1.0.0")
    assert status == 200
    assert kind.startswith("application/openmetrics-text")
    assert body.endswith("# EOF\n")


def test_an_unknown_path_is_not_found(server: Server) -> None:
    assert get(server, "/etc/passwd")[0] == 404
