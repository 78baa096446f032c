"""Makes an example of a failure small: takes parts away for as long as it still fails."""

from __future__ import annotations

import copy
import itertools
from collections.abc import Callable, Iterator
from typing import Any, TypeVar

T = TypeVar("T")


def shrunk(example: T, fails: Callable[[T], bool], *, attempts: int = 3000) -> T:
    """The smallest of what JSON can hold that still `fails`, as far as `attempts` go; `example` itself fails and stays as it is."""
    left = itertools.count(attempts, -1)
    best, searching = example, True
    while searching:
        searching = False
        for smaller in _smaller(best):
            if next(left) <= 0:
                return best
            if fails(smaller):
                best, searching = smaller, True
                break
    return best


def _smaller(value: Any) -> Iterator[Any]:
    """Everything that is one step smaller, the largest steps first."""
    yield from _children(value)
    if isinstance(value, list):
        for index in range(len(value)):
            yield value[:index] + value[index + 1 :]
    elif isinstance(value, dict):
        for key in value:
            yield {name: part for name, part in value.items() if name != key}
    else:
        yield from _simpler(value)
    if isinstance(value, list | dict):
        for key in value if isinstance(value, dict) else range(len(value)):
            for smaller in _smaller(value[key]):
                changed = copy.copy(value)
                changed[key] = smaller
                yield changed


def _children(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        yield from value.values()
    elif isinstance(value, list):
        yield from value


def _simpler(value: Any) -> Iterator[Any]:
    if isinstance(value, str) and len(value) > 1:
        yield from (value[: len(value) // 2], value[len(value) // 2 :])
    elif isinstance(value, int | float) and not isinstance(value, bool) and value not in {0, 1}:
        yield from (0, 1)
