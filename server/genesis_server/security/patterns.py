"""Regular expressions of data files, held to what stays fast on any text."""

from __future__ import annotations

import re
from typing import Annotated

from pydantic import PlainValidator

_QUOTED = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]")
_UNBOUNDED = re.compile(r"[*+]|\{\d*,\}")


def bounded_expression(text: object) -> re.Pattern[str]:
    """Compile a pattern. Raises ValueError for a repeat without an upper bound and for one that matches the empty text."""
    if not isinstance(text, str):
        raise ValueError("must be a text with a regular expression")  # noqa: TRY004  (pydantic collects ValueError only)
    if _UNBOUNDED.search(_QUOTED.sub("x", text)):
        raise ValueError("a repeat without an upper bound: write {0,40} instead of * or +")
    try:
        compiled = re.compile(text, re.MULTILINE)
    except re.error as error:
        raise ValueError(f"no regular expression: {error}") from None
    if compiled.search(""):
        raise ValueError("it matches the empty text")
    return compiled


BoundedPattern = Annotated[re.Pattern[str], PlainValidator(bounded_expression)]
"""A pattern in the schema of a data file."""
