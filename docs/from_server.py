"""The server as documents: settings, permissions, metrics, flags, methods and numbers, from the code and data that ship."""

from __future__ import annotations

import types
from collections.abc import Iterator
from enum import Enum
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Union, get_args, get_origin

import grpc
from prometheus_client import Metric
from pydantic import ByteSize, SecretStr
from pydantic.fields import FieldInfo

from genesis_server.agents.loading import load_agents
from genesis_server.cli.exits import ExitCode
from genesis_server.flags.definition import built_in_flags
from genesis_server.flags.overrides import ALIASES
from genesis_server.llm.gateway import OUTCOMES
from genesis_server.planning.method_files import shipped_methods
from genesis_server.routing.rules import parsing
from genesis_server.routing.rules.condition import print_condition
from genesis_server.routing.rules.facts import FACTS, FactKind
from genesis_server.routing.rules.loading import default_rulebook
from genesis_server.routing.rules.rule import Rule
from genesis_server.rpc import modes as modes_of_calls
from genesis_server.rpc.methods import all_methods
from genesis_server.security.authorization import as_markdown
from genesis_server.security.tripwire_rules import shipped_rules
from genesis_server.settings.fields import Fields
from genesis_server.telemetry.metrics import Metrics
from genesis_server.telemetry.model_metrics import ModelMetrics

MOST_LABEL_VALUES = 8


def permissions() -> str:
    """Who may call what."""
    return as_markdown()


def modes() -> str:
    """What each method answers while an emergency flag holds."""
    return modes_of_calls.as_markdown()


def settings() -> str:
    """Every setting."""
    rows = ["| setting | takes | default | meaning |", "| --- | --- | --- | --- |"]
    rows += [f"| `{name}` | {_takes(field)} | {_default(field)} | {field.description} |" for name, field in Fields.model_fields.items()]
    return "\n".join(rows)


def _takes(field: FieldInfo) -> str:
    kind, numbers = _bare(field.annotation), _bounds(field)
    if isinstance(kind, type) and issubclass(kind, Enum):
        return ", ".join(f"`{member.value}`" for member in kind)
    words = {bool: "`true`, `false`", ByteSize: "bytes", int: "whole number", float: "number", Path: "path", SecretStr: "secret text"}
    plain = words.get(kind, "list" if get_origin(kind) is tuple else "text")
    return f"{plain} {numbers}".strip()


def _bare(annotation: Any) -> Any:
    """A type without "or None" and without what is noted with it."""
    if get_origin(annotation) is Annotated:
        return _bare(get_args(annotation)[0])
    if get_origin(annotation) in {Union, types.UnionType}:
        return next(_bare(one) for one in get_args(annotation) if one is not type(None))
    return annotation


def _bounds(field: FieldInfo) -> str:
    least = most = above = None
    for one in _flat(field.metadata):
        least, most, above = getattr(one, "ge", least), getattr(one, "le", most), getattr(one, "gt", above)
    low = "" if least is None and above is None else f"from {_number(least)}" if least is not None else f"above {_number(above)}"
    return f"{low}{', ' if low and above is not None else ' ' if low else ''}{'' if most is None else f'to {_number(most)}'}".strip(", ")


def _flat(metadata: list[Any]) -> Iterator[Any]:
    for one in metadata:
        if isinstance(one, FieldInfo):
            yield from one.metadata
        else:
            yield one


def _number(value: Any) -> str:
    return f"{value:,}".replace(",", " ") if isinstance(value, int) else f"{value:g}"


def _default(field: FieldInfo) -> str:
    value = field.default
    if field.default_factory is not None or value is None or value in {"", ()}:
        return ""
    if isinstance(value, ByteSize):
        return f"`{value.human_readable().replace('.0', '')}`"
    shown = value.value if isinstance(value, Enum) else str(value).lower() if isinstance(value, bool) else value
    return f"`{shown}`"


def metrics() -> str:
    """Every metric of Genesis's own."""
    made = Metrics(
        methods=all_methods().values(),
        codes=[code.name for code in grpc.StatusCode],
        clock=lambda: 0.0,
        version="",
        security_families=[family.name for family in shipped_rules().families],
    )
    for kind in ("agents", "methods", "flags"):
        made.know_snapshot(kind, "…")
    for breaker in ("storage", "trace_exporter"):
        made.know_breaker(breaker)
    made.rpc.count_outcome(fault=False)
    ModelMetrics(made.registry, model="…", outcomes=OUTCOMES)
    rows = ["| metric | type | labels | meaning |", "| --- | --- | --- | --- |"]
    families = sorted(made.registry.collect(), key=lambda family: family.name)
    for family in families:
        if family.name.startswith(("genesis_", "grpc_server_")):
            name = f"{family.name}_total" if family.type == "counter" else family.name
            rows.append(f"| `{name}` | {family.type} | {', '.join(_labels(family))} | {family.documentation} |")
    return "\n".join(rows)


def _labels(family: Metric) -> Iterator[str]:
    values: dict[str, dict[str, None]] = {}
    for sample in family.samples:
        for label, value in sample.labels.items():
            values.setdefault(label, {})[value] = None
    for label, seen in values.items():
        if label == "le":
            continue
        telling = len(seen) <= MOST_LABEL_VALUES and not {"", "…", "unknown"} & seen.keys() and label != "python_version"
        yield f"`{label}`" + (f" ({', '.join(seen)})" if telling else "")


def flags() -> str:
    """Every flag that switches something."""
    older = {flag: variable for variable, flag in ALIASES.items()}
    rows = ["| flag | default | group | what it switches | older variable |", "| --- | --- | --- | --- | --- |"]
    for flag in built_in_flags().values():
        group = f"`{flag.group}`" if flag.group else ""
        alias = f"`{older[flag.key]}`" if flag.key in older else ""
        rows.append(f"| `{flag.key}` | {flag.default_variant} | {group} | {flag.description} | {alias} |")
    return "\n".join(rows)


def methods() -> str:
    """The method library that ships."""
    rows = ["| method | title | tasks | what it is for |", "| --- | --- | ---: | --- |"]
    rows += [
        f"| `{method.id}` | {method.title} | {sum(1 for _ in method.leaves())} | {method.description} |"
        for method in shipped_methods().methods
    ]
    return "\n".join(rows)


def agents() -> str:
    """The agents that ship."""
    text = (files("genesis_server") / "data" / "agents.toml").read_text("utf-8")
    rows = ["| agent | region | data up to | at once | skills |", "| --- | --- | --- | ---: | --- |"]
    for agent in load_agents(text).agents:
        skills = ", ".join(f"`{skill.id}`" for skill in agent.skills)
        rows.append(f"| `{agent.id}` | {agent.region} | {agent.max_data_class.name.lower()} | {agent.max_concurrent_tasks} | {skills} |")
    return "\n".join(rows)


def tripwire_families() -> str:
    """The families of the injection tripwire."""
    return ", ".join(f"`{family.name}`" for family in shipped_rules().families)


def exit_codes() -> str:
    """What the command's exit codes mean."""
    return "\n".join(["| code | meaning |", "| ---: | --- |", *(f"| {code.value} | {code.meaning} |" for code in ExitCode)])


def data_file(name: str) -> str:
    """A data file as it ships."""
    return f"```toml\n{(files('genesis_server') / 'data' / name).read_text('utf-8').strip()}\n```"


def rule_grammar() -> str:
    """How conditions are written."""
    lines = (parsing.__doc__ or "").splitlines()
    return "\n".join(["```ebnf", *(line[4:] for line in lines if line.startswith("    ")), "```"])


def facts() -> str:
    """What rules may read."""
    rows = ["| fact | type | missing | meaning |", "| --- | --- | --- | --- |"]
    rows += [f"| `{fact.name}` | {_fact_type(fact)} | {'never' if fact.always else 'may be'} | {fact.meaning} |" for fact in FACTS.values()]
    return "\n".join(rows)


def _fact_type(fact: FactKind) -> str:
    if fact.choices:
        return (" < " if fact.ordered else ", ").join(f"`{choice}`" for choice in fact.choices)
    least = "" if fact.lowest is None else f" from {fact.lowest:g}" + ("" if fact.highest is None else f" to {fact.highest:g}")
    return f"{'whole ' if fact.whole else ''}{fact.type.value}{least}"


def rules() -> str:
    """The rules that ship, the first to be asked first."""
    found = sorted(default_rulebook().rules, key=lambda rule: rule.order)
    rows = [f"{len(found)} rules.", "", "| priority | rule | effect | when | who | why |", "| ---: | --- | --- | --- | --- | --- |"]
    return "\n".join([*rows, *map(_rule, found)])


def _rule(rule: Rule) -> str:
    effect = f"{rule.effect.name.lower()}{f' {rule.weight:+g}' if rule.weight else ''}"
    when, who = (f"`{text}`" if (text := print_condition(part)) else "" for part in (rule.when, rule.who))
    return f"| {rule.priority} | `{rule.id}` | {effect} | {when or 'always'} | {who or 'everybody'} | {rule.explanation} |"
