"""Runbooks are read at three in the morning: every alert has one, and what it says to do exists."""

from __future__ import annotations

import os
import re
import shlex
from collections.abc import Sequence
from pathlib import Path

import promql_parser
import pytest
from monitoring import runbooks, stack
from typer.testing import CliRunner

from genesis_server.cli.exits import ExitCode
from genesis_server.cli.main import app
from servers import clean_environment

PAGES = runbooks.pages()
NAMES = [path.stem for path in PAGES]
NOBODY = "127.0.0.1:1"


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    assert set(NAMES) == {rule["alert"] for rule in stack.rules(alerts=True)}


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_page_has_the_headings_where_one_looks_for_them(page: Path) -> None:
    lines = page.read_text("utf-8").splitlines()
    assert lines[0] == f"# {page.stem}"
    assert [line.removeprefix("## ") for line in lines if line.startswith("## ")] == list(runbooks.HEADINGS)


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_a_page_asks_in_promql_to_verify_to_diagnose_and_to_confirm(page: Path) -> None:
    for query in runbooks.blocks(page, "promql"):
        promql_parser.parse(query)
    sections = dict(zip(runbooks.HEADINGS, page.read_text("utf-8").split("\n## ")[1:], strict=True))
    assert all("```promql" in sections[name] for name in ("Verify", "Diagnose", "Confirm recovery"))


def _outcome(words: Sequence[str]) -> int:
    """The exit code of a `genesis` command that finds no server."""
    words = [word.replace("HOST:50051", NOBODY) for word in words]
    return CliRunner().invoke(app, ["--server", NOBODY, "--timeout", "0.1", *words], prog_name="genesis").exit_code


@pytest.mark.parametrize("command", sorted({shlex.join(words) for page in PAGES for words in runbooks.commands(page)}))
def test_every_command_of_the_pages_exists_with_its_options(command: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Each is run where no server is: it must get as far as to ask one."""
    monkeypatch.chdir(tmp_path)
    for name in set(os.environ) - set(clean_environment()):
        monkeypatch.delenv(name)
    words = shlex.split(command)[1:]
    assert _outcome(words) in ({ExitCode.OK} if words[0] == "config" else {ExitCode.UNREACHABLE, ExitCode.SERVER_FAULT})


@pytest.mark.parametrize("wrong", ["helth", "security --limt 3", "breakers reset ann", "flag set key --of --cause x"])
def test_a_command_that_does_not_exist_would_be_noticed(wrong: str) -> None:
    assert _outcome(wrong.split()) == ExitCode.USAGE


@pytest.mark.parametrize("page", PAGES, ids=NAMES)
def test_every_link_of_a_page_leads_somewhere(page: Path) -> None:
    boards = {f"/d/{uid}" for uid in stack.dashboard_ids()}
    for link in runbooks.links(page):
        address, _, anchor = link.partition("#")
        if address.startswith("http://localhost:3000"):
            assert address.removeprefix("http://localhost:3000") in boards
            continue
        target = (page.parent / address).resolve()
        assert target.exists(), link
        if anchor:
            headings = [line.lstrip("# ") for line in target.read_text("utf-8").splitlines() if line.startswith("#")]
            assert anchor in {heading.lower().replace(" ", "-") for heading in headings}, link


def test_the_table_of_alerts_in_the_documents_is_complete() -> None:
    text = (stack.ROOT.parent / "docs" / "monitoring.md").read_text("utf-8")
    assert set(re.findall(r"^\| \[`(\w+)`\]\(\.\./monitoring/runbooks/\1\.md\)", text, re.MULTILINE)) == set(NAMES)
