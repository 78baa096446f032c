"""`make data`: where each public data set is from, which of them are here, and whether their files are as they should be.

Nothing is fetched. The folder is GENESIS_DATA (default ../shared/data beside the project). Exit code 1 when a file that is here is not
as it should be; what is not here is only said.
"""

from __future__ import annotations

import csv
import json
import os
import sys
import textwrap
import tomllib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from lines import lines_of

SETS = Path(__file__).with_name("sets.toml")
_WIDTH = 120


class WrongFileError(ValueError):
    """A file is not as it should be."""


@dataclass(frozen=True)
class File:
    """A file of a set, or all that match a pattern."""

    path: str
    form: str
    keys: tuple[str, ...]
    """What every record has."""
    counted: bool = False
    """Whether its records are the set's."""


@dataclass(frozen=True)
class DataSet:
    """A public data set."""

    folder: str
    title: str
    licence: str
    origin: str
    make: str
    measures: tuple[str, ...]
    files: tuple[File, ...]


@dataclass
class Found:
    """What is here of a set."""

    records: int = 0
    missing: list[str] = field(default_factory=list[str])
    broken: list[str] = field(default_factory=list[str])


def load_sets(path: Path = SETS) -> list[DataSet]:
    """The sets there are."""
    return [
        DataSet(
            folder=each["folder"],
            title=each["title"],
            licence=each["licence"],
            origin=each["from"],
            make=each["make"],
            measures=tuple(each["measures"]),
            files=tuple(File(one["path"], one["form"], tuple(one["keys"]), one.get("counted", False)) for one in each["files"]),
        )
        for each in tomllib.loads(path.read_text("utf-8"))["sets"]
    ]


def look(data: DataSet, folder: Path) -> Found:
    """What is here of a set below a folder of data sets."""
    found = Found()
    for file in data.files:
        paths = sorted((folder / data.folder).glob(file.path))
        if not paths:
            found.missing.append(file.path)
        for path in paths:
            try:
                count = _checked(path, file)
            except (ValueError, yaml.YAMLError, csv.Error) as error:
                found.broken.append(f"{path.relative_to(folder)}: {' '.join(str(error).split())}")
            else:
                found.records += count if file.counted else 0
    return found


def _checked(path: Path, file: File) -> int:
    """How many records a file has. Raises ValueError, WrongFileError among them, when it is not as it should be."""
    if file.form in _WHOLE:
        whole = json.loads(path.read_text("utf-8"))
        _has_keys(whole, file.keys, "the file")
        if file.form == "object":
            return len(whole)
        wrong = [name for name, part in whole.items() if not isinstance(part, list)]
        if wrong:
            raise WrongFileError(f"{wrong[0]} is no list")
        return sum(len(part) for part in whole.values())
    count = 0
    for count, record in enumerate(_RECORDS[file.form](path), start=1):
        _has_keys(record, file.keys, f"record {count}")
    if not count:
        raise WrongFileError("has no record")
    return count


def _has_keys(record: object, keys: Sequence[str], what: str) -> None:
    if not isinstance(record, Mapping):
        raise WrongFileError(f"{what} is no object")
    lacking = [key for key in keys if key not in record]
    if lacking:
        raise WrongFileError(f"{what} has no {', '.join(lacking)}")


def _list(whole: Any) -> Iterator[Any]:
    if not isinstance(whole, list):
        raise WrongFileError("is no list")
    return iter(whole)


_RECORDS: dict[str, Callable[[Path], Iterator[Any]]] = {
    "jsonl": lambda path: map(json.loads, lines_of(path)),
    "list": lambda path: _list(json.loads(path.read_text("utf-8"))),
    "yaml": lambda path: _list(yaml.safe_load(path.read_text("utf-8"))),
    "csv": lambda path: iter(csv.DictReader(lines_of(path))),
}
_WHOLE = ("object", "parts")


def main() -> int:
    """Say it all."""
    folder = Path(os.environ.get("GENESIS_DATA", Path(__file__).resolve().parents[3] / "shared" / "data"))
    if not folder.is_dir():
        print("GENESIS_DATA names no folder that is here; below it the sets go as follows.\n")
    broken = here = 0
    sets = load_sets()
    for data in sets:
        found = look(data, folder)
        absent = len(found.missing) == len(data.files)
        here += not absent and not found.missing and not found.broken
        broken += bool(found.broken)
        state = "not here" if absent else "not as it should be" if found.broken else "incomplete" if found.missing else "here"
        counted = ", " + f"{found.records:,} records".replace(",", " ") if found.records else ""
        print(f"{data.folder}/  {data.title}: {state}{counted}")
        _say("licence", data.licence)
        _say("from", data.origin)
        _say("files", f"{', '.join(file.path for file in data.files)}: {data.make}")
        _say("measures", ", ".join(data.measures) or "nothing yet")
        for path in found.missing if not absent else ():
            _say("missing", path)
        for line in found.broken:
            _say("wrong", line)
        print()
    print(f"{here} of {len(sets)} sets are here and as they should be.")
    return bool(broken)


def _say(what: str, words: str) -> None:
    print(textwrap.fill(words, _WIDTH, initial_indent=f"  {what:<9} ", subsequent_indent=" " * 12, break_on_hyphens=False))


if __name__ == "__main__":
    sys.exit(main())
