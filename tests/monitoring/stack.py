"""A real Prometheus and a real Alertmanager with the shipped configuration, for tests; a sink for what they send; what there is to ask."""

from __future__ import annotations

import functools
import http.server
import json
import math
import re
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import promql_parser
import pytest
import yaml

from programs import installed, running_program
from servers import free_port

ROOT = Path(__file__).resolve().parent.parent.parent / "monitoring"
PROMETHEUS = ROOT / "prometheus"
ALERTMANAGER = ROOT / "alertmanager"
RUNBOOKS = ROOT / "runbooks"
DASHBOARDS = ROOT / "grafana" / "dashboards"
RULE_FILES = tuple(sorted((PROMETHEUS / "rules").glob("*.yaml")))
START_SECONDS = 30.0


def program(*names: str) -> str:
    """The first of these programs that is there; the test is skipped when none is."""
    return installed(*names, hint="Debian packages prometheus and prometheus-alertmanager")


def checked(*command: str) -> str:
    """What a program that must succeed has written."""
    done = subprocess.run(command, cwd=ROOT, check=False, capture_output=True, text=True, timeout=110)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@functools.cache
def rules(*, alerts: bool) -> list[dict[str, Any]]:
    """The shipped rules of one kind."""
    groups = [group for path in RULE_FILES for group in yaml.safe_load(path.read_text("utf-8"))["groups"]]
    key = "alert" if alerts else "record"
    return [rule for group in groups for rule in group["rules"] if key in rule]


@functools.cache
def dashboards() -> list[dict[str, Any]]:
    """The shipped dashboards."""
    return [json.loads(path.read_text("utf-8")) for path in sorted(DASHBOARDS.glob("*.json"))]


def dashboard_ids() -> set[str]:
    """What Grafana calls them in addresses."""
    return {board["uid"] for board in dashboards()}


def panels() -> list[dict[str, Any]]:
    """The panels of all dashboards."""
    return [panel for board in dashboards() for panel in board["panels"]]


def concrete(expr: str, interval: str = "5m") -> str:
    """A dashboard's expression as Grafana sends it when everything is chosen."""
    chosen = {"$job": ".+", "$instance": ".+", "$__rate_interval": interval}
    for name, value in chosen.items():
        expr = expr.replace(name, value)
    return expr


def nodes(expr: str) -> list[promql_parser.Expr]:
    """The nodes of an expression, the outermost first."""
    found: list[promql_parser.Expr] = []
    promql_parser.walk(promql_parser.parse(expr), found.append)
    return found


def metric_names(expr: str) -> set[str]:
    """The metrics and recorded series an expression reads."""
    return {node.name for node in nodes(expr) if isinstance(node, promql_parser.VectorSelector) and node.name}


def rates(expr: str) -> int:
    """How many rates and increases of counters an expression takes."""
    return sum(isinstance(node, promql_parser.Call) and node.func.name in {"rate", "increase"} for node in nodes(expr))


def renamed(expr: str, metric: str) -> str:
    """The expression as if the metric had another name."""
    return re.sub(rf"(?<![\w:]){re.escape(metric)}(?![\w:])", f"{metric}_by_another_name", expr)


def _answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310  (the address is ours)
            return answer.status == 200
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class Prometheus:
    """A running Prometheus."""

    address: str

    def ask(self, expr: str) -> list[tuple[dict[str, str], float]]:
        """The series of an instant query, each with its value; the test fails when the query does."""
        query = urllib.parse.urlencode({"query": expr})
        try:
            with urllib.request.urlopen(f"http://{self.address}/api/v1/query?{query}", timeout=10) as answer:
                found = json.load(answer)
        except urllib.error.HTTPError as refused:
            pytest.fail(f"{expr}: {refused.read().decode()}")
        data = found["data"]
        if data["resultType"] == "scalar":
            return [({}, float(data["result"][1]))]
        return [(series["metric"], float(series["value"][1])) for series in data["result"]]

    def finite(self, expr: str) -> list[tuple[dict[str, str], float]]:
        """Those of the series that are numbers."""
        return [(labels, value) for labels, value in self.ask(expr) if math.isfinite(value)]


@contextmanager
def prometheus(
    folder: Path,
    *,
    genesis: str,
    alertmanager: str | None = None,
    interval: str = "1s",
    change: Callable[[dict[str, Any]], None] = lambda _rule: None,
) -> Iterator[Prometheus]:
    """The shipped configuration and rules, with other targets and shorter intervals; `change` may shorten the patience of a rule."""
    folder.mkdir()
    address = f"127.0.0.1:{free_port()}"
    for path in RULE_FILES:
        content = yaml.safe_load(path.read_text("utf-8"))
        for group in content["groups"]:
            group.pop("interval", None)
            for rule in group["rules"]:
                change(rule)
        (folder / path.name).write_text(yaml.safe_dump(content), "utf-8")
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text("utf-8"))
    config["global"] = {"scrape_interval": interval, "scrape_timeout": interval, "evaluation_interval": interval}
    config["rule_files"] = [str(folder / path.name) for path in RULE_FILES]
    config["alerting"]["alertmanagers"][0]["static_configs"][0]["targets"] = [alertmanager] if alertmanager else []
    targets: Mapping[str, list[str]] = {"genesis": [genesis], "prometheus": [address]}
    for job in config["scrape_configs"]:
        if "static_configs" in job:
            job["static_configs"][0]["targets"] = targets.get(job["job_name"], [])
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    options = {
        "config.file": file,
        "storage.tsdb.path": folder / "data",
        "web.listen-address": address,
        # What is sent before it has found the Alertmanager is lost: it is sent again soon, not after a minute.
        "rules.alert.resend-delay": "2s",
    }
    command = [program("prometheus"), *[f"--{name}={value}" for name, value in options.items()]]
    with running_program(command, folder / "log", lambda: _answers(f"http://{address}/-/ready"), seconds=START_SECONDS):
        yield Prometheus(address)


@contextmanager
def alertmanager(folder: Path, sink: str, *, patience: str = "1s") -> Iterator[str]:
    """The shipped routes and inhibitions, sooner, with a webhook at `sink`/NAME in the place of each receiver's own; its address."""
    folder.mkdir()
    address = f"127.0.0.1:{free_port()}"
    config = yaml.safe_load((ALERTMANAGER / "alertmanager.yml").read_text("utf-8"))
    del config["global"], config["templates"]
    for route in (config["route"], *config["route"]["routes"]):
        route.update(group_wait=patience, group_interval=patience)
    config["receivers"] = [
        {"name": one["name"], "webhook_configs": [{"url": f"{sink}/{one['name']}", "send_resolved": True}]} for one in config["receivers"]
    ]
    file = folder / "alertmanager.yml"
    file.write_text(yaml.safe_dump(config), "utf-8")
    listen = (f"--web.listen-address={address}", "--cluster.listen-address=")
    command = [program("alertmanager", "prometheus-alertmanager"), f"--config.file={file}", f"--storage.path={folder / 'data'}", *listen]
    with running_program(command, folder / "log", lambda: _answers(f"http://{address}/-/ready"), seconds=START_SECONDS):
        yield address


class Sink:
    """Whoever is told of alerts: keeps what came, by receiver."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, dict[str, Any]]] = []
        """Receiver and alert, in the order they came."""

    def alerts(self, receiver: str, name: str, status: str = "firing") -> list[dict[str, Any]]:
        """The alerts of a name that a receiver was told of."""
        return [
            alert for told, alert in self.heard if told == receiver and alert["labels"]["alertname"] == name and alert["status"] == status
        ]

    @contextmanager
    def listening(self) -> Iterator[str]:
        """Its address, as long as the block lasts."""
        sink = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                sink.heard += [(self.path.strip("/"), alert) for alert in body["alerts"]]
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """It says nothing."""

        with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
            thread = threading.Thread(target=server.serve_forever, daemon=True)
            thread.start()
            try:
                yield f"http://127.0.0.1:{server.server_port}"
            finally:
                server.shutdown()
                thread.join()
