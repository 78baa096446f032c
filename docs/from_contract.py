"""The contract as documents: services, messages and errors, from the comments and constraints of the .proto files."""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "protos"))

import contract

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("genesis.v1", "genesis.admin.v1")
_Field = descriptor_pb2.FieldDescriptorProto
_SCALARS = {number: name.removeprefix("TYPE_").lower() for name, number in _Field.Type.items()}
_FILE_MESSAGES, _FILE_ENUMS, _FILE_SERVICES, _MEMBERS = 4, 5, 6, 2


@dataclass(frozen=True)
class Contract:
    """Genesis's own files with the comment of everything in them."""

    files: tuple[descriptor_pb2.FileDescriptorProto, ...]
    pool: descriptor_pool.DescriptorPool
    comments: dict[tuple[str, tuple[int, ...]], str] = field(default_factory=dict)

    def comment(self, file: str, *path: int) -> str:
        """What stands above something, on one line."""
        return " ".join(self.comments.get((file, path), "").split())


@cache
def the_contract() -> Contract:
    """The contract as the .proto files say it now."""
    image = contract.image()
    pool = descriptor_pool.DescriptorPool()
    waiting = list(image.file)
    while waiting:
        ready = [file for file in waiting if not any(other.name in file.dependency for other in waiting)]
        for file in ready:
            pool.Add(file)
        waiting = [file for file in waiting if file not in ready]
    own = tuple(file for file in image.file if file.package in PACKAGES)
    comments = {(file.name, tuple(place.path)): place.leading_comments for file in own for place in file.source_code_info.location}
    return Contract(own, pool, comments)


def errors() -> str:
    """Every reason with status, category, meaning, facts and what to do."""
    advice = tomllib.loads((ROOT / "docs" / "what_to_do.toml").read_text("utf-8"))
    rows = ["| reason | status | category | meaning | more metadata | what to do |", "| --- | --- | --- | --- | --- | --- |"]
    for name, comment in _reasons():
        text, _, example = comment.partition("Example:")
        meaning, _, status = text.partition("Status ")
        facts = [key for key in re.findall(r"(\w+):", example.partition("metadata:")[2]) if key not in {"category", "correlation_id"}]
        category = re.search(r"category: \"(\w+)\"", example)
        rows.append(
            f"| `{name}` | `{re.match(r'[A-Z_]+', status)[0]}` | {category[1]} | {_cell(meaning)} "  # type: ignore[index]
            f"| {', '.join(f'`{fact}`' for fact in facts)} | {_cell(advice.pop(name))} |"
        )
    if advice:
        raise ValueError(f"what_to_do.toml names reasons that do not exist: {', '.join(advice)}")
    return "\n".join(rows)


def _reasons() -> Iterator[tuple[str, str]]:
    known = the_contract()
    for file in known.files:
        for number, enum in enumerate(file.enum_type):
            if enum.name == "ErrorReason":
                for place, value in enumerate(enum.value):
                    if value.number:
                        yield value.name.removeprefix("ERROR_REASON_"), known.comment(file.name, _FILE_ENUMS, number, _MEMBERS, place)


def services() -> str:
    """Every RPC with its comment, request and answer."""
    known = the_contract()
    parts: list[str] = []
    for file in known.files:
        for number, service in enumerate(file.service):
            parts.append(f"## {service.name}\n\n`{file.package}.{service.name}`. {_code(known.comment(file.name, _FILE_SERVICES, number))}")
            for place, method in enumerate(service.method):
                comment = known.comment(file.name, _FILE_SERVICES, number, _MEMBERS, place)
                request, answer = _link(method.input_type), _link(method.output_type)
                level = method.options.IdempotencyLevel.Name(method.options.idempotency_level)
                sends = f"{'a stream of ' if method.server_streaming else ''}{answer}"
                repeats = {"NO_SIDE_EFFECTS": " Changes nothing.", "IDEMPOTENT": " A repeat changes nothing more."}.get(level, "")
                parts.append(f"### {service.name}/{method.name}\n\n{request} → {sends}.{repeats}\n\n{_code(comment)}")
    return "\n\n".join(parts)


def messages() -> str:
    """Every message and enum."""
    known = the_contract()
    parts: list[str] = []
    for file in known.files:
        if file.name.endswith("errors.proto"):
            continue
        parts.append(f"## {file.name.removeprefix('genesis/').removeprefix('v1/')}")
        for number, message in enumerate(file.message_type):
            parts.append(_message(known, file.name, message, (_FILE_MESSAGES, number)))
        for number, enum in enumerate(file.enum_type):
            rows = [
                f"| {value.number} | `{value.name}` | {_cell(known.comment(file.name, _FILE_ENUMS, number, _MEMBERS, place))} |"
                for place, value in enumerate(enum.value)
            ]
            comment = known.comment(file.name, _FILE_ENUMS, number)
            parts.append(
                "\n".join([f"### {enum.name}\n\n{_code(comment)}\n", "| number | value | meaning |", "| ---: | --- | --- |", *rows])
            )
    return "\n\n".join(parts)


def _message(known: Contract, file: str, message: descriptor_pb2.DescriptorProto, path: tuple[int, ...]) -> str:
    head = f"### {message.name}\n\n{_code(known.comment(file, *path))}"
    if not message.field:
        return head
    maps = {nested.name: nested for nested in message.nested_type if nested.options.map_entry}
    rows: list[str] = []
    for place, one in enumerate(message.field):
        kind = _type(one, maps)
        if one.HasField("oneof_index") and not one.proto3_optional:
            kind += f", one of `{message.oneof_decl[one.oneof_index].name}`"
        limits = "; ".join(_constraints(known, one))
        meaning = _cell(known.comment(file, *path, _MEMBERS, place))
        rows.append(f"| {one.number} | `{one.name}` | {kind} | {meaning} | {limits} |")
    return "\n".join([head + "\n", "| number | field | type | meaning | constraints |", "| ---: | --- | --- | --- | --- |", *rows])


def _type(one: descriptor_pb2.FieldDescriptorProto, maps: dict[str, descriptor_pb2.DescriptorProto]) -> str:
    entry = maps.get(one.type_name.rpartition(".")[2])
    if entry is not None:
        return f"map from {_type(entry.field[0], {})} to {_type(entry.field[1], {})}"
    name = _link(one.type_name) if one.type_name else f"`{_SCALARS[one.type]}`"
    prefix = "repeated " if one.label == _Field.LABEL_REPEATED else "optional " if one.proto3_optional else ""
    return prefix + name


def _constraints(known: Contract, one: descriptor_pb2.FieldDescriptorProto) -> Iterator[str]:
    """The field's protovalidate rules, as `rule = value`."""
    options = message_factory.GetMessageClass(known.pool.FindMessageTypeByName("google.protobuf.FieldOptions"))
    rules = known.pool.FindExtensionByName("buf.validate.field")
    message_factory.GetMessageClassesForFiles(["buf/validate/validate.proto"], known.pool)
    parsed = options.FromString(one.options.SerializeToString())
    if parsed.HasExtension(rules):
        yield from _rules(parsed.Extensions[rules], "")


_IGNORE_ALWAYS = 3
"""Value of protovalidate's Ignore."""


def _rules(rules: Any, prefix: str) -> Iterator[str]:
    for one, value in rules.ListFields():
        if one.name == "ignore":
            yield "not checked" if value == _IGNORE_ALWAYS else "unset: not checked"
        elif one.message_type is None:
            yield f"`{prefix}{one.name} = {_cell(str(value))}`"
        elif one.message_type.full_name == "google.protobuf.Duration":
            yield f"`{prefix}{one.name} = {value.seconds}s`"
        else:
            yield from _rules(value, "items." if one.name == "items" else prefix)


def _link(type_name: str) -> str:
    """A type as a link to its heading; types of others by name."""
    name = type_name.lstrip(".")
    package, _, short = name.rpartition(".")
    return f"[{short}](#{short.lower()})" if package in PACKAGES else f"`{name}`"


def _cell(text: str) -> str:
    """Text that may stand in a cell of a table."""
    return _code(text).strip().replace("|", "\\|")


def _code(text: str) -> str:
    """Reasons and statuses set as code."""
    return re.sub(r"(?<![`\w])([A-Z]{2,}(?:_[A-Z*]+)+)(?![`\w])", r"`\1`", text)
