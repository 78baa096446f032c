"""Every client does the same against a live server: the scenarios, an example of every call, a worker."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from arena import Arena, arena
from languages import ROOT, Language, languages
from running import run

ALL = list(languages().values())
# A client is built from nothing the first time.
pytestmark = pytest.mark.timeout(1_800)


def built(language: Language) -> Language:
    """The client, built; the test is skipped where its toolchain is missing."""
    if language.missing:
        pytest.skip(f"the {language.name} client needs {language.missing} on PATH")
    language.prepare()
    return language


@pytest.fixture(scope="module")
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Arena]:
    """The servers."""
    with arena(tmp_path_factory.mktemp("arena")) as found:
        yield found


@pytest.mark.parametrize("language", ALL, ids=lambda one: one.name)
def test_a_client_does_what_every_client_does(language: Language, there: Arena) -> None:
    outcome = run(built(language), there)
    assert len(outcome.wrong) > 30
    assert {name: wrong for name, wrong in outcome.wrong.items() if wrong} == {}


@pytest.mark.parametrize("language", [one for one in ALL if one.test], ids=lambda one: one.name)
def test_a_client_passes_its_own_tests_and_the_checks_of_its_language(language: Language) -> None:
    ready = built(language)
    for words in (*ready.test, *ready.lint):
        ready.must(words)


@pytest.mark.parametrize("language", ALL, ids=lambda one: one.name)
def test_a_client_tells_how_to_use_it(language: Language) -> None:
    assert "connect" in (language.folder / "README.md").read_text().lower()


def test_the_driver_that_lies_is_found_out(there: Arena, tmp_path: Path) -> None:
    """The table could be all ticks for drivers that say OK to everything; it is not."""
    from dataclasses import replace

    liar = tmp_path / "liar.py"
    liar.write_text(
        "import json, sys\n"
        "for one in json.load(open(sys.argv[1]))['scenarios']:\n"
        "    steps = [{'status': 'OK', 'answer': {}, 'messages': [], 'seconds': 0.1} for _ in one['steps']]\n"
        "    print(json.dumps({'scenario': one['name'], 'steps': steps, 'fault': None}))\n"
    )
    python = languages()["python"]
    outcome = run(
        replace(python, conformance=("{python}", str(liar)), examples=("{python}", str(liar)), worker=("{python}", str(liar))), there
    )
    right = [name for name, wrong in outcome.wrong.items() if not wrong]
    assert right == []


def test_all_clients_have_the_version_of_the_server() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    told = {
        "python": tomllib.loads((ROOT / "client/python/pyproject.toml").read_text())["project"]["version"],
        "go": said("go/connect.go", r'Version = "(.+)"'),
        "typescript": json.loads((ROOT / "client/typescript/package.json").read_text())["version"],
        "java": said("java/pom.xml", r"<artifactId>genesis-client</artifactId>\s*<version>(.+)</version>"),
        "rust": tomllib.loads((ROOT / "client/rust/Cargo.toml").read_text())["package"]["version"],
    }
    assert told == dict.fromkeys(languages(), version)


def said(path: str, pattern: str) -> str:
    """What a file of a client has at a place."""
    found = re.search(pattern, (ROOT / "client" / path).read_text())
    return found[1] if found else ""
