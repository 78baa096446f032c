"""What a flag file is likely to get wrong although it can be read."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from genesis_server.flags.definition import BUCKETING, FlagDefinition, FlagMistakesError, built_in_flags, did_you_mean
from genesis_server.flags.json_lines import JsonLines, Path, path_text
from genesis_server.flags.reading import FlagDocument, read_flags
from genesis_server.flags.rule_findings import rule_findings

OWN_METADATA = "genesis."
"""How the names of metadata begin that Genesis reads."""
_KNOWN_METADATA = (BUCKETING,)
_PLACE = re.compile(r":(\d+): ")


class FindingKind(StrEnum):
    """How bad a finding is."""

    MISTAKE = "mistake"
    """The flag, or the whole file, is not used."""
    WARNING = "warning"
    """It is used, and is likely not what is meant, or not the same everywhere."""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something about a flag file that its author should know."""

    kind: FindingKind
    line: int
    """From 1."""
    key: str
    """The flag; empty for the whole file."""
    message: str
    """Where it is in the document and what is wrong."""


def lint_flags(data: bytes, name: str) -> tuple[Finding, ...]:
    """Every finding about a file called `name`, by line: all mistakes, and warnings besides."""
    try:
        document = read_flags(data, name=name)
    except FlagMistakesError as error:
        return tuple(_told(FindingKind.MISTAKE, "", name, mistake) for mistake in error.mistakes)
    found = [_told(FindingKind.MISTAKE, key, name, mistake) for key, mistakes in document.mistakes.items() for mistake in mistakes]
    found += [_told(FindingKind.WARNING, "", name, warning) for warning in document.warnings]
    lines = JsonLines(data.decode())
    found += [
        Finding(FindingKind.WARNING, lines.line_of(path), key, f"{path_text(path)}: {what}") for key, path, what in _warnings(document)
    ]
    return tuple(sorted(found, key=lambda finding: (finding.line, finding.kind, finding.message)))


def _told(kind: FindingKind, key: str, name: str, message: str) -> Finding:
    """A finding out of a message that names file and line; a message about the whole file may name no line."""
    rest = message.removeprefix(name)
    place = _PLACE.match(rest)
    return Finding(kind, int(place[1]) if place else 1, key, rest[place.end() :] if place else rest.removeprefix(": "))


def _warnings(document: FlagDocument) -> Iterator[tuple[str, Path, str]]:
    """Key, path and text of every warning."""
    if any(isinstance(path[-1], int) for path in document.places.values()):
        yield "", ("flags",), "is a list, which the daemon of flagd takes and its clients do not; write an object by key"
    for name in document.metadata:
        yield from (("", ("metadata", name), what) for what in _metadata_warnings(name))
    for key, definition in document.definitions.items():
        for path, what in _flag_warnings(definition, document):
            yield key, (*document.places[key], *path), what


def _flag_warnings(definition: FlagDefinition, document: FlagDocument) -> Iterator[tuple[Path, str]]:
    built_in = built_in_flags().get(definition.key)
    if built_in is not None and _same(definition, built_in):
        yield (), "says what is built in; leave it out"
    if definition.default_variant is None and built_in is None:
        yield (), "has no defaultVariant, so that callers get their own default whenever the rule chooses nothing"
    for name in definition.metadata:
        if name not in document.metadata:
            yield from ((("metadata", name), what) for what in _metadata_warnings(name))
    for name, value in definition.variants.items():
        if isinstance(value, float) and value.is_integer():
            yield ("variants", name), f"is {value}, which some clients take for a whole number and others do not; write {int(value)}"
        if isinstance(value, list):
            yield ("variants", name), "is a list, which flagd's schema does not allow; put it in an object"
    for path, what in rule_findings(definition):
        yield ("targeting", *path), what


def _metadata_warnings(name: str) -> Iterator[str]:
    if name.startswith(OWN_METADATA) and name not in _KNOWN_METADATA:
        yield "is nothing that Genesis reads" + did_you_mean(name, _KNOWN_METADATA)


def _same(definition: FlagDefinition, built_in: FlagDefinition) -> bool:
    return (
        definition.active
        and definition.rule is None
        and definition.default_variant in {None, built_in.default_variant}
        and dict(definition.variants) == dict(built_in.variants)
    )
