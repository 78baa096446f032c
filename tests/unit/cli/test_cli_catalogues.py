"""Anybody's tools and agents, for one call or for the server."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from fake_server import FakeServer

from genesis.v1 import orchestrator_service_pb2 as pb2
from genesis_server.agents.loading import load_agents

MCP = {
    "tools": [
        {
            "name": "get_weather",
            "description": "Weather of a place",
            "inputSchema": {"type": "object", "properties": {"place": {"type": "string"}}},
        }
    ]
}
OPENAI = [{"type": "function", "function": {"name": "send_mail", "description": "Sends a mail", "parameters": {"type": "object"}}}]


def _file(tmp_path: Path, value: object) -> str:
    path = tmp_path / "tools.json"
    path.write_text(json.dumps(value), encoding="utf-8")
    return str(path)


@pytest.mark.parametrize(("value", "name"), [(MCP, "get_weather"), (OPENAI, "send_mail")])
@pytest.mark.parametrize("command", ["plan", "orchestrate"])
def test_a_catalogue_travels_with_the_request(*, fake: FakeServer, run, tmp_path: Path, value: object, name: str, command: str) -> None:
    """MCP and OpenAI forms are understood; what was read is said on the side."""
    fake.on("Plan", pb2.PlanResponse())
    fake.on("Orchestrate", pb2.OrchestrateResponse())
    result = run(command, "go", "--catalogue", _file(tmp_path, value))
    assert result.exit_code in {0, 1}, result.output
    [request] = fake.asked(command.capitalize())
    assert [tool.name for tool in request.catalogue.tools] == [name]
    assert "0 agents and 1 tool (" in " ".join(result.stderr.split())


def test_imported_tools_become_an_agents_file_that_the_server_reads(run, tmp_path: Path) -> None:
    """And that file is a catalogue for --catalogue too."""
    target = tmp_path / "agents.toml"
    result = run("agents", "import", _file(tmp_path, MCP), "--output", str(target))
    assert result.exit_code == 0, result.output
    assert [tool.name for tool in load_agents(target.read_text(encoding="utf-8")).tools] == ["get_weather"]


def test_an_agents_file_is_a_catalogue(fake: FakeServer, run, tmp_path: Path) -> None:
    """In TOML."""
    target = tmp_path / "agents.toml"
    run("agents", "import", _file(tmp_path, MCP), "-o", str(target))
    fake.on("Route", pb2.RouteResponse())
    assert run("route", "-", "-c", str(target), stdin='{"goal": "g"}').exit_code == 0
    assert fake.asked("Route")[0].catalogue.tools[0].name == "get_weather"


def test_json_is_the_contracts_form(run) -> None:
    """From standard input to standard output."""
    result = run("agents", "import", "-", "--json", stdin=json.dumps(MCP))
    assert json.loads(result.stdout)["tools"][0]["name"] == "get_weather"


@pytest.mark.parametrize(("name", "text"), [("x.json", "{"), ("x.json", '{"tools": [{}]}'), ("x.json", "3"), ("x.toml", "[[agents]]\n")])
def test_what_is_no_catalogue_is_exit_code_2_with_every_mistake(run, tmp_path: Path, name: str, text: str) -> None:
    """And its place."""
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    result = run("agents", "import", str(path))
    assert result.exit_code == 2
    assert "holds no catalogue" in " ".join(result.stderr.split())
    assert len(result.stderr.splitlines()) > 1
