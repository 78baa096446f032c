"""Which key somebody may have meant, told quickly enough to ask it of every flag of a large file."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=65_536)
def near_key(key: str, known: tuple[str, ...]) -> str:
    """The first of `known` that is `key` but for case, dashes, dots, or one character more, less, other or swapped; empty for none."""
    forms = _forms(key)
    return next((meant for form in sorted(forms) for meant in _by_form(known).get(form, ())), "")


@lru_cache(maxsize=4)
def _by_form(known: tuple[str, ...]) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for key in known:
        for form in _forms(key):
            found[form] = (*found.get(form, ()), key)
    return found


def _forms(key: str) -> frozenset[str]:
    """The key as it is meant, and without each one of its characters: keys one edit apart have one of these in common."""
    plain = key.casefold().translate({ord("-"): "_", ord("."): "_", ord(" "): "_"})
    return frozenset({plain, *(plain[:at] + plain[at + 1 :] for at in range(len(plain)))})
