"""Plans, routings and catalogues from files."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from genesis_server.cli.failure import CommandError

if TYPE_CHECKING:
    from genesis.v1.plan_pb2 import Plan
    from genesis.v1.routing_pb2 import TaskRoute

STDIN = "-"


@dataclass(frozen=True, slots=True)
class PlanFile:
    """A plan, and its routing when the file holds one."""

    plan: Plan
    routes: Sequence[TaskRoute]


def read_text(path: Path) -> str:
    """The file's text; `-` is standard input."""
    try:
        return sys.stdin.read() if str(path) == STDIN else path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise CommandError(f"{path} is not UTF-8: {error.reason} at byte {error.start}") from error


def read_json(path: Path) -> dict[str, Any]:
    """The object in a JSON file."""
    try:
        value: object = json.loads(read_text(path))
    except (json.JSONDecodeError, RecursionError) as error:
        raise CommandError(f"{path} is no JSON: {error}") from error
    if not isinstance(value, dict):
        raise CommandError(f"{path} holds no JSON object")
    return cast("dict[str, Any]", value)


def read_plan(path: Path) -> PlanFile:
    """The plan of a file in the contract's JSON form: a plan, or an answer of plan, orchestrate or plans get with --json."""
    from google.protobuf import json_format

    from genesis.v1.orchestrator_service_pb2 import GetPlanResponse

    value = read_json(path)
    answer = {"plan": value["plan"], "routes": value.get("routes", [])} if "plan" in value else {"plan": value}
    try:
        message = json_format.ParseDict(answer, GetPlanResponse())
    except json_format.ParseError as error:
        raise CommandError(f"{path} holds no plan in the contract's form: {error}") from error
    return PlanFile(message.plan, message.routes)


def read_routes(path: Path) -> Sequence[TaskRoute]:
    """The routes of a file, as `genesis route --json` wrote them."""
    from google.protobuf import json_format

    from genesis.v1.orchestrator_service_pb2 import RouteResponse

    try:
        return json_format.ParseDict({"routes": read_json(path).get("routes", [])}, RouteResponse()).routes
    except json_format.ParseError as error:
        raise CommandError(f"{path} holds no routes in the contract's form: {error}") from error


def write_text(path: Path | None, text: str) -> None:
    """Write to a file, or to standard output."""
    if path is None or str(path) == STDIN:
        sys.stdout.write(text)
    else:
        path.write_text(text, encoding="utf-8")
