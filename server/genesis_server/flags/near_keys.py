"""Which key somebody may have meant, told quickly enough to ask it of every flag of a large file, and of every wrong question."""

from __future__ import annotations

from functools import lru_cache

from genesis_server.resilience.errors import ResourceError

_LONGEST = 129
"""Characters beyond which a key is near none: no key of a flag has more than 128."""
_MOST_NEAR = 1_000
"""Flags among which a similar key is looked for: looking through more takes longer than a loop should be held for."""


def flag_not_found(key: str, known: tuple[str, ...]) -> ResourceError:
    """The error for a key that is none of `known`."""
    near = near_key(key, known) if len(known) <= _MOST_NEAR else ""
    told = f"did you mean {near}?" if near else "Flag without keys tells which there are"
    return ResourceError("FLAG_NOT_FOUND", f"there is no flag {key[:128]!r}; {told}", facts={"flag": key[:128]})


@lru_cache(maxsize=65_536)
def near_key(key: str, known: tuple[str, ...]) -> str:
    """The first of `known` that is `key` but for case, dashes, dots, or one character more, less, other or swapped; empty for none."""
    if len(key) > _LONGEST:
        return ""
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
