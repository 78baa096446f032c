"""How long a goal says an action takes: "takes 20 minutes", "(15 min)", "bake it for half an hour", "wait 10 minutes"."""

from __future__ import annotations

from genesis_server.planning.quantities import Amount, Piece, amount_at
from genesis_server.planning.requirement_words import RequirementWords, demands

SECONDS_OF_A_DAY = 86_400.0
_APART = frozenset({"(", ")", "[", "]", ",", ";", ":", "-", "—", "–", ".", "!", "?"})


def read_duration(found: list[Piece], *, verb: str, taken: set[int]) -> float | None:
    """Seconds the action with this verb takes, by the pieces that tell of it; None when they do not say.

    `taken` are places of pieces that mean something else, like a deadline. A length of time that is part of a demand, of a date or of
    a thing ("a 20-minute walk", "book a room for 2 nights") is none of the action.
    """
    words = demands().words
    place = 0
    while place < len(found):
        amount = amount_at(found, place) if place not in taken else None
        if amount is None or amount.seconds is None:
            place += 1
            continue
        if _is_of_the_action(found, place, amount, verb=verb, words=words):
            return amount.seconds
        place = amount.end
    return None


def _is_of_the_action(found: list[Piece], place: int, amount: Amount, *, verb: str, words: RequirementWords) -> bool:
    """Whether the words around a length of time make it that of the action."""
    behind = found[amount.end].text if amount.end < len(found) else ""
    before = place - 1
    while before >= 0 and found[before].text in words.about:
        before -= 1
    said = found[before].text if before >= 0 else ""
    if behind in words.not_before or said in words.not_after or (before != place - 1 and found[place - 1].text in words.not_after):
        return False
    if said in words.lasting:
        return behind != "for" and not (said.endswith("ing") and verb in words.lasting_not)
    if said in _APART:
        return behind in _APART or not behind
    return verb not in words.lasting_not and bool(verb) and _is_behind_verb(found, before, amount, verb=verb, words=words)


def _is_behind_verb(found: list[Piece], before: int, amount: Amount, *, verb: str, words: RequirementWords) -> bool:
    """Whether it stands behind the verb: "wait 10 minutes", "bake it for half an hour"; days only of waiting."""
    said = found[before].text if before >= 0 else ""
    if said != "for":
        return said == verb
    return verb in words.waiting or (amount.seconds or 0.0) < SECONDS_OF_A_DAY
