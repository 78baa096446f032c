"""What the documents say is what the sources say."""

from __future__ import annotations

import re
import sys
from functools import cache
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "docs"))

import from_contract
import generate

from genesis_server.telemetry import names

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "SECURITY.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
_LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]*))?\)")
_RAISED = re.compile(r"\b(Decomposition|Routing|Validation|Llm|Network|Resource|Security)Error\(\s*\"([A-Z_]+)\"")


def test_generated_parts_are_fresh() -> None:
    """A reader of docs/ sees today's contract, settings, metrics and numbers."""
    assert [path.name for path in generate.stale()] == [], "run `python docs/generate.py`"


def test_every_part_stands_in_a_document_and_every_mark_means_a_part() -> None:
    """Nothing is generated for nobody, and no mark is misspelt so that its part grows stale unseen."""
    texts = [path.read_text("utf-8") for path in DOCUMENTS]
    begins = [name for text in texts for name in re.findall(r"<!-- generated: (.*?) -->", text)]
    ends = [name for text in texts for name in re.findall(r"<!-- end of (.*?) -->", text)]
    assert sorted(begins) == sorted(ends) == sorted(generate.PARTS)


def test_a_changed_source_is_noticed() -> None:
    """The freshness check can fail."""
    text = (ROOT / "docs" / "errors.md").read_text("utf-8")
    assert generate.fresh(text) == text
    assert generate.fresh(text.replace("| `EMPTY_GOAL` |", "| `EMPTY_GAOL` |")) == text


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    """No link inside the repository is dead, and no anchor."""
    for target, anchor in _LINK.findall(path.read_text("utf-8")):
        there = (path.parent / target).resolve() if target else path
        assert there.exists(), target
        if anchor:
            assert anchor in anchors(there), f"{target}#{anchor}"


@cache
def anchors(path: Path) -> frozenset[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    headings = re.findall(r"^#+ (.+)$", path.read_text("utf-8"), re.MULTILINE)
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


def test_the_readme_names_every_method_of_the_contract() -> None:
    """The map has no white spot."""
    readme = (ROOT / "README.md").read_text("utf-8")
    for file in from_contract.the_contract().files:
        for service in file.service:
            for method in service.method:
                assert re.search(rf"^\| .*\b{method.name}`.* \|", readme, re.MULTILINE), f"{service.name}/{method.name}"


def test_every_field_of_logs_and_spans_is_documented() -> None:
    """Whoever writes a log query finds the field."""
    text = (ROOT / "docs" / "metrics.md").read_text("utf-8")
    known = {getattr(names, name) for name in dir(names) if name.startswith(("LOG_", "ATTR_"))}
    assert {name for name in known if f"`{name}`" not in text} == set()


def test_the_category_of_each_reason_is_the_one_it_is_raised_with() -> None:
    """The category in a reason's example is what callers get."""
    told = dict(re.findall(r"^\| `([A-Z_]+)` \| `[A-Z_]+` \| (\w+) \|", from_contract.errors(), re.MULTILINE))
    raised = {
        (reason, kind.lower()) for path in (ROOT / "server").rglob("*.py") for kind, reason in _RAISED.findall(path.read_text("utf-8"))
    }
    assert len(raised) > 10
    assert {(reason, kind) for reason, kind in raised if told[reason] != kind} == set()
