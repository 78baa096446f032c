"""What a task or a capability is called to do: the verbs at its head, by their stems."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

from genesis_server.resilience.remembering import remembers_texts
from genesis_server.text.words import LONGEST_REMEMBERED, stem, word_texts
from genesis_server.validation.vocabulary import default_vocabulary

_LONGEST_HEAD = 40


@remembers_texts(most=4_096, longest=LONGEST_REMEMBERED)
def verbs_of_goal(goal: str) -> frozenset[str]:
    """Verbs where an action can begin: at the start, after a comma, and after words such as "and", "to" and "then"."""
    return frozenset(_heads(goal.split()[:_LONGEST_HEAD]))


@lru_cache(maxsize=4_096)
def verbs_of_capability(capability: str) -> frozenset[str]:
    """Verbs among the first and the last word of a name: `create_order`, `order_query`, `ticketBooking`."""
    names = word_texts(capability)
    return frozenset(verb for verb in map(stem, {*names[:1], *names[-1:]}) if verb in default_vocabulary().verb_stems)


def _heads(pieces: list[str]) -> Iterator[str]:
    expecting = True
    for piece in pieces:
        verb, passes, opens = _piece(piece)
        if expecting and verb:
            yield verb
            expecting = False
        elif not passes:
            expecting = False
        expecting = expecting or opens


@lru_cache(maxsize=65_536)
def _piece(piece: str) -> tuple[str, bool, bool]:
    """Of a piece between spaces: its verb, whether a verb may still follow it, and whether it makes one expected."""
    vocabulary = default_vocabulary()
    found = word_texts(piece)
    if not found:
        return "", True, False
    first = found[0]
    known = first in vocabulary.verbs or first in vocabulary.verbs_before_objects or (first.endswith("ing") and len(first) > 5)
    verb = stem(first) if known and stem(first) in vocabulary.verb_stems and first not in vocabulary.openers else ""
    opens = first in vocabulary.joiners or first in {"to", "or", "by"} or piece[-1] in ",;:."
    return verb, first in vocabulary.openers, opens
