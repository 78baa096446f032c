"""Inputs of tasks into parameters, and what functions return into outputs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, ClassVar, Literal, NotRequired, TypedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

import genesis
from genesis.v1.plan_pb2 import Task
from genesis.worker.binding import Binding
from genesis.worker.fitting import MisfitError, artefact_type, fitted
from genesis.worker.returning import outputs

REFERENCE = genesis.Reference("s3://x/y", "a" * 64)


@dataclass
class Report:
    """A record."""

    title: str
    pages: int = 1
    tags: list[str] = field(default_factory=list)


@dataclass
class Share:
    """A record with a rule, a constant, and a field that it calculates itself."""

    most: ClassVar[int] = 100
    percent: int
    rest: int = field(init=False)

    def __post_init__(self) -> None:
        if self.percent > self.most:
            raise ValueError("more than everything")
        self.rest = self.most - self.percent


class Options(TypedDict):
    """A record of JSON."""

    colour: str
    size: NotRequired[int]


def context() -> genesis.TaskContext:
    return genesis.TaskContext(task=Task(), plan_id="p", goal="g", attempt=1, inputs={}, clock=lambda: 0.0, news=lambda: None)


@pytest.mark.parametrize(
    ("kind", "value", "result"),
    [
        (str, "a", "a"),
        (int, 3.0, 3),
        (float, 3, 3.0),
        (bool, True, True),
        (list, [1, "a"], [1, "a"]),
        (list[int], [1.0, 2], [1, 2]),
        (Sequence[str], ["a"], ["a"]),
        (dict, {"a": 1}, {"a": 1}),
        (Mapping[str, float], {"a": 1}, {"a": 1.0}),
        (str | None, None, None),
        (int | str, "a", "a"),
        (Literal["a", "b"], "b", "b"),
        (Annotated[int, "pages"], 2, 2),
        (Any, REFERENCE, REFERENCE),
        (genesis.Reference, REFERENCE, REFERENCE),
        (str | genesis.Reference, REFERENCE, REFERENCE),
        (Report, {"title": "t", "pages": 2.0, "other": 1}, Report("t", 2)),
        (Options, {"colour": "red", "size": 2.0, "other": 1}, {"colour": "red", "size": 2, "other": 1}),
        (list[Report], [{"title": "t"}], [Report("t")]),
    ],
)
def test_a_value_of_the_type_arrives_as_the_type(kind: Any, value: Any, result: Any) -> None:
    """Whole numbers as int, records as dataclasses."""
    got = fitted(value, kind)
    assert got == result
    assert type(got) is type(result)


@pytest.mark.parametrize(
    ("kind", "value", "text"),
    [
        (str, 1, "is a number, not a text"),
        (str, None, "is nothing, not a text"),
        (str, REFERENCE, "is a reference (annotate it with genesis.Reference to take it so), not a text"),
        (int, 1.5, "is 1.5, not a whole number"),
        (int, True, "is a boolean, not a number"),
        (bool, 1, "is a number, not a boolean"),
        (list[int], [1, "a"], "[1] is a text, not a number"),
        (dict[str, int], {"a": "b"}, ".a is a text, not a number"),
        (Literal["a"], "b", "is none of 'a'"),
        (int | None, "a", "is a text, not a number"),
        (genesis.Reference, "a", "is a text, not a reference"),
        (Report, {}, "has no 'title'"),
        (Report, [], "is a list, not an object"),
        (Report, {"title": "t", "tags": [1]}, ".tags[0] is a number, not a text"),
        (Options, {"size": 1}, "has no 'colour'"),
        (Share, {"percent": 101}, "is no Share: more than everything"),
        (list[Share], [{"percent": 101}], "[0] is no Share: more than everything"),
    ],
)
def test_a_value_of_another_type_is_told_with_its_place(kind: Any, value: Any, text: str) -> None:
    """So that whoever made it finds it."""
    with pytest.raises(MisfitError) as caught:
        fitted(value, kind)
    assert str(caught.value) == text


def test_a_record_comes_back_as_it_went_although_it_calculates_a_field() -> None:
    """What one task returned is what the next one gets; constants of the class are no part of it."""
    plain, _ = outputs(Share(30), [], [])
    assert plain == {"percent": 30, "rest": 70}
    assert fitted(plain, Share) == Share(30)
    assert [one.name for one in Binding.of(_shared).outputs("share")] == ["percent", "rest"]


def _shared() -> Share:
    return Share(1)


def test_an_annotation_that_cannot_be_hashed_is_read_like_others() -> None:
    """Such as those of libraries that describe fields."""

    def write() -> Annotated[str, ["words"]]:
        return ""

    assert [(one.name, one.type) for one in Binding.of(write).outputs("write")] == [("write", "text")]


@given(st.recursive(st.none() | st.booleans() | st.integers() | st.text(max_size=3), lambda inner: st.lists(inner, max_size=3)))
def test_any_json_value_either_fits_or_is_refused_in_words(value: Any) -> None:
    """Nothing else happens, whatever a server sends; what fits is unchanged in value."""
    for kind in (str, int, float, bool, list, list[int], dict, Report, Options, str | None, Any):
        try:
            result = fitted(value, kind)
        except MisfitError:
            continue
        assert result == value


@pytest.mark.parametrize(
    ("kind", "name"),
    [(str, "text"), (int, "number"), (float, "number"), (bool, "boolean"), (list[int], "list"), (dict[str, int], "object"),
     (Report, "object"),
     (Options, "object"), (str | None, "text"), (int | str, ""), (Any, ""), (genesis.Reference, ""), (Literal["a"], "text")],
)  # fmt: skip
def test_the_card_names_types_as_plans_do(kind: Any, name: str) -> None:
    """So that the planner can join tasks by them."""
    assert artefact_type(kind) == name


def test_a_card_lists_what_is_needed_and_what_comes_out() -> None:
    """Without what has a default or may be absent; a record's fields are outputs of their own."""

    def review(notes: str, count: int, style: str = "plain", *, hint: str | None, task: genesis.TaskContext) -> Report: ...

    binding = Binding.of(review)
    assert [(one.name, one.type) for one in binding.inputs()] == [("notes", "text"), ("count", "number")]
    assert [(one.name, one.type) for one in binding.outputs("review")] == [("title", "text"), ("pages", "number"), ("tags", "list")]
    me = context()
    assert binding.bind({"notes": "n", "count": 1, "other": 2}, me) == {"notes": "n", "count": 1, "hint": None, "task": me}


def test_the_rest_of_the_inputs_goes_where_it_is_wanted() -> None:
    """`**inputs` takes what has no parameter."""

    def run(a: int, **inputs: Any) -> None: ...

    assert Binding.of(run).bind({"a": 1, "b": REFERENCE}, context()) == {"a": 1, "b": REFERENCE}
    assert Binding.of(run).outputs("run") == []


def test_what_no_input_can_fill_is_refused_when_it_is_decorated() -> None:
    """Not at the first task."""

    def files(path: set[str]) -> None: ...

    def local(path: Unknown) -> None: ...  # noqa: F821

    with pytest.raises(TypeError, match="no type a task's value can have"):
        Binding.of(files)
    with pytest.raises(TypeError, match="Unknown"):
        Binding.of(local)


@pytest.mark.parametrize(
    ("value", "declared", "own", "plain"),
    [
        (None, ["a"], [], {}),
        ("x", ["a"], [], {"a": "x"}),
        ("x", [], ["b"], {"b": "x"}),
        ({"a": 1, "b": 2}, ["a"], [], {"a": 1, "b": 2}),
        ({"b": 2}, ["a"], [], {"a": {"b": 2}}),
        ({"b": 2}, ["a", "c"], [], {"b": 2}),
        ({"b": 2}, [], [], {"b": 2}),
        (Report("t"), ["title", "pages"], [], {"title": "t", "pages": 1, "tags": []}),
        (Report("t"), ["report"], [], {"report": {"title": "t", "pages": 1, "tags": []}}),
        ({"r": Report("t")}, [], [], {"r": {"title": "t", "pages": 1, "tags": []}}),
    ],
)
def test_results_go_by_name_or_to_the_only_output(value: Any, declared: list[str], own: list[str], plain: dict[str, Any]) -> None:
    """A record by its fields, one value to the one output."""
    assert outputs(value, declared, own) == (plain, {})


def test_a_reference_is_an_output_elsewhere_and_a_value_without_a_name_fails() -> None:
    """With what to do about it."""
    assert outputs(REFERENCE, ["a"], []) == ({}, {"a": REFERENCE})
    for declared in ([], ["a", "b"]):
        with pytest.raises(genesis.TaskFailed, match="return a mapping") as caught:
            outputs("x", declared, [])
        assert caught.value.permanent


@pytest.mark.parametrize("wrong", [{"uri": "", "sha256": "a" * 64}, {"uri": "x", "sha256": "A" * 64}])
def test_a_reference_without_place_or_hash_is_none(wrong: dict[str, str]) -> None:
    """It would be refused by the server anyway."""
    with pytest.raises(ValueError, match=r"URI|SHA-256"):
        genesis.Reference(**wrong)


def test_progress_is_kept_in_range() -> None:
    """Odd numbers do not fail a task."""
    told = context()
    for given_, kept in ((-1, 0.0), (2, 1.0), (float("nan"), 0.0), (0.5, 0.5)):
        told.progress(given_)
        assert told.told == (kept, "")
    assert told.time_left() is None
