"""What is found out once for tasks that share an object: those without limits of their own, or for which the same rules fire."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TypeVar

_SharedT = TypeVar("_SharedT")
_FoundT = TypeVar("_FoundT")


def once_each(objects: Sequence[_SharedT], find: Callable[[_SharedT], _FoundT]) -> list[_FoundT]:
    """What `find` finds for each object, asked once for an object that is there several times; equal objects may be asked for again.

    Objects are told apart by id, which takes a fraction of hashing them; no id is used again while `objects` keeps them alive.
    """
    found = {key: find(one) for key, one in {id(one): one for one in objects}.items()}
    return [found[id(one)] for one in objects]
