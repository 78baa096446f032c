"""Data files: read, checked, all mistakes told."""

from typing import Annotated

import pytest
from pydantic import BaseModel, ConfigDict, Field, field_validator

from genesis_server.text.toml_file import DataFileError, Mistake, check_schema, decode_utf8, dotted, parse_toml, read_toml


class Inner(BaseModel):
    model_config = ConfigDict(extra="forbid")
    name: str
    size: int = Field(default=1, ge=0)

    @field_validator("name")
    @classmethod
    def _short(cls, name: str) -> str:
        if len(name) > 3:
            raise ValueError("must be short")
        return name


class Outer(BaseModel):
    model_config = ConfigDict(extra="forbid")
    title: str = ""
    inner: list[Inner] = []
    one: Inner | None = None


def test_a_sound_file_becomes_its_schema() -> None:
    """What is right is taken as it is."""
    found, mistakes = check_schema(parse_toml('title = "t"\n[[inner]]\nname = "a"\n', "x.toml"), Outer)
    assert mistakes == []
    assert found is not None
    assert found.inner[0].name == "a"


def test_every_mistake_is_told_with_line_and_key() -> None:
    """One run shows all there is to mend, in the words of a person."""
    text = 'titel = "t"\n[[inner]]\nsize = -1\n[[inner]]\nname = "long name"\nsize = "x"\n[one]\nname = "b"\nsizes = 2\nqqqq = 1\n'
    found, mistakes = check_schema(parse_toml(text, "x.toml"), Outer)
    assert found is None
    assert [str(mistake) for mistake in DataFileError(mistakes).mistakes] == [
        "x.toml:1: titel: unknown key; did you mean 'title'?",
        "x.toml:2: inner[0].name: is missing",
        "x.toml:3: inner[0].size: Input should be greater than or equal to 0, not -1",
        "x.toml:5: inner[1].name: must be short, not 'long name'",
        "x.toml:6: inner[1].size: Input should be a valid integer, not 'x'",
        "x.toml:9: one.sizes: unknown key; did you mean 'size'?",
        "x.toml:10: one.qqqq: unknown key; remove it",
    ]


@pytest.mark.parametrize(
    ("text", "line"), [("a = 1\nb = \n", 2), ("a = 1\na = 2\n", 2), ('a = 1\nb = "unfinished', 2), ("a = [1,\n2,\n", 3)]
)
def test_what_is_no_toml_is_told_with_its_line(text: str, line: int) -> None:
    """A slip of the pen is found by its line."""
    with pytest.raises(DataFileError) as caught:
        parse_toml(text, "x.toml")
    (mistake,) = caught.value.mistakes
    assert (mistake.file, mistake.line) == ("x.toml", line)
    assert "no valid TOML" in mistake.message
    assert "(at " not in mistake.message


def test_windows_line_ends_count_as_one_line() -> None:
    """A file saved on Windows has the same lines."""
    _, mistakes = check_schema(parse_toml('title = "t"\r\nbad = 1\r\n', "x.toml"), Outer)
    assert mistakes[0].line == 2


def test_endless_nesting_is_a_mistake_and_no_crash() -> None:
    """A hostile file does not bring the reader down."""
    with pytest.raises(DataFileError, match="nested too deeply"):
        parse_toml("a = " + "[" * 100_000, "x.toml")


def test_other_encodings_are_told_with_their_line() -> None:
    """A Latin-1 file says which line to look at."""
    with pytest.raises(DataFileError) as caught:
        decode_utf8(b"a = 1\nb = '\xe4'\n", "x.toml")
    assert caught.value.mistakes[0] == Mistake("x.toml", 2, "", "is not UTF-8; save it as UTF-8")
    assert str(caught.value) == "x.toml:2: is not UTF-8; save it as UTF-8"


def test_paths_read_like_code() -> None:
    """`agents[2].skills[0].id` is what people write."""
    assert dotted(("agents", 2, "skills", 0, "id")) == "agents[2].skills[0].id"


class Words(BaseModel):
    model_config = ConfigDict(extra="forbid")
    words: dict[Annotated[str, Field(max_length=3)], str] = {}


def test_what_should_be_a_table_is_told_without_names_of_the_program() -> None:
    """The reader knows tables, not classes."""
    _, mistakes = check_schema(parse_toml("one = 1\n", "x.toml"), Outer)
    assert [str(mistake) for mistake in mistakes] == ["x.toml:1: one: must be a table, not 1"]


def test_a_mistake_in_a_key_is_told_by_that_key() -> None:
    """The library's own mark for keys does not reach the reader."""
    _, mistakes = check_schema(parse_toml('[words]\na = "x"\nlong = "y"\n', "x.toml"), Words)
    assert [(mistake.line, mistake.key) for mistake in mistakes] == [(3, "words.long")]


def test_reading_gives_the_content_or_raises_every_mistake() -> None:
    """One call is enough for a file that a schema describes wholly."""
    content, file = read_toml('title = "t"\n', "x.toml", Outer)
    assert (content.title, file.name) == ("t", "x.toml")
    with pytest.raises(DataFileError) as caught:
        read_toml("title = 1\n[[inner]]\n", "x.toml", Outer)
    assert [mistake.line for mistake in caught.value.mistakes] == [1, 2]


@pytest.mark.parametrize("text", ["inner = 3", "inner = [1]", ""])
def test_tables_of_a_list_are_found_whatever_else_is_wrong(text: str) -> None:
    """Further mistakes are looked for in what is a table, and only there."""
    assert list(parse_toml(text, "x.toml").tables("inner")) == []
    assert list(parse_toml("inner = [1, {a = 2}]", "x.toml").tables("inner")) == [(1, {"a": 2})]
