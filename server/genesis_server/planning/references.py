"""Which actions wait for which, by what the goal says about order and by what refers back."""

from __future__ import annotations

from dataclasses import dataclass

from genesis_server.planning.clauses import Cue
from genesis_server.planning.lexicon import Lexicon
from genesis_server.planning.tokens import Kind, Token
from genesis_server.text.words import stem, stop_words

DEFINITE_REACH = 4
THE_ONES_BEFORE = -1


@dataclass(frozen=True, slots=True)
class Mention:
    """What an action says, as far as order is concerned."""

    tokens: list[Token]
    verb: str
    cue: Cue
    sentence: int
    """Which sentence it stands in."""
    shares: bool
    """Whether it shares its object or subject with the action before it."""


def waits(mentions: list[Mention], known: Lexicon) -> list[tuple[int, ...]]:
    """For each action the places of those it waits for; never a cycle. The rules stand in `actions`."""
    return _Order(mentions, known).read()


class _Order:
    """Reads the actions from the first to the last."""

    def __init__(self, mentions: list[Mention], known: Lexicon) -> None:
        self.mentions = mentions
        self.known = known
        self.after: list[set[int]] = [set() for _ in mentions]
        self.front: dict[int, None] = {}
        """Actions that nothing waits for yet."""
        self.spoken: dict[str, int] = {}
        """For each stem the last action that spoke of it."""
        self.gate: int | None = None
        """The last action that opened a door, like logging in."""

    def read(self) -> list[tuple[int, ...]]:
        for place, mention in enumerate(self.mentions):
            held = place > 0 and self.mentions[place - 1].cue is Cue.HELD
            self._place(place, mention, held=held)
            if _opens(mention, self.known):
                self.gate = place
            for other in self.after[place]:
                self.front.pop(other, None)
            if not held and mention.cue is not Cue.EARLIER:
                self.front[place] = None
            for word in _content(mention):
                self.spoken[word] = place
        return [tuple(sorted(places)) for places in self.after]

    def _place(self, place: int, mention: Mention, *, held: bool) -> None:
        """Say what one action waits for, or what waits for it."""
        if mention.cue is Cue.EARLIER and place:
            _put_before(self.after, place, place - 1)
        elif mention.cue is Cue.NEXT:
            self.after[place].update(self.front)
        elif held:
            self.after[place - 1].add(place)
        else:
            self._refer(place, mention)

    def _refer(self, place: int, mention: Mention) -> None:
        referred = _referred(mention, place, self.spoken, self.known)
        if referred == THE_ONES_BEFORE:
            here = [other for other in self.front if self.mentions[other].sentence == mention.sentence]
            self.after[place].update(here or [place - 1])
        elif referred is not None:
            self.after[place].add(referred)
        elif self.gate is not None:
            self.after[place].add(self.gate)


def _put_before(after: list[set[int]], place: int, later: int) -> None:
    """Put an action between another one and what that one waited for: "X after Y"."""
    after[place].update(after[later])
    after[later] = {place}


def _referred(mention: Mention, place: int, spoken: dict[str, int], known: Lexicon) -> int | None:
    """The action this one refers back to, if any; THE_ONES_BEFORE when it may be any of its sentence."""
    if place == 0:
        return None
    english = known.english
    texts = [token.text for token in mention.tokens]
    if mention.shares:
        return place - 1
    if mention.verb in english.closing_verbs:
        return THE_ONES_BEFORE
    latest: int | None = None
    definite = -DEFINITE_REACH
    for at, token in enumerate(mention.tokens):
        if token.kind is not Kind.WORD:
            continue
        alone = at + 1 == len(texts) or mention.tokens[at + 1].kind is not Kind.WORD or texts[at + 1] not in english.auxiliaries
        if token.text in english.back_nouns or (token.text in english.back_pronouns and alone and _is_pronoun(texts, at, known)):
            return THE_ONES_BEFORE
        if token.text in english.definites:
            definite = at
        elif at - definite < DEFINITE_REACH and token.text not in stop_words():
            earlier = spoken.get(stem(token.text))
            if earlier is not None and (latest is None or earlier > latest):
                latest = earlier
    return latest


def _is_pronoun(texts: list[str], at: int, known: Lexicon) -> bool:
    """Whether a word that may be a determiner or a conjunction ("that", "this") stands for a thing."""
    if texts[at] in {"it", "them", "its", "their"}:
        return True
    following = texts[at + 1] if at + 1 < len(texts) else ""
    return texts[at] != "they" and (not following or following in known.english.function_words)


def _opens(mention: Mention, known: Lexicon) -> bool:
    """Whether an action opens the door to the ones behind it, like logging in."""
    texts = [token.text for token in mention.tokens[:2]]
    return mention.verb in {"authenticate", "login", "connect"} or " ".join(texts) in known.english.opening_verbs


def _content(mention: Mention) -> list[str]:
    """Stems an action can be referred to by: its content words but the verb."""
    stops = stop_words()
    named = (token.text for token in mention.tokens if token.kind is Kind.WORD)
    return [stem(text) for text in named if text not in stops and text != mention.verb]
