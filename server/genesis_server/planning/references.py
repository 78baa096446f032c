"""Which actions wait for which, by what the goal says about order and by what refers back; and which decides a condition."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from genesis_server.model.plan import EdgeSource
from genesis_server.planning.clauses import Cue
from genesis_server.planning.conditions import Reading, opposite
from genesis_server.planning.lexicon import Lexicon
from genesis_server.planning.tokens import Kind, Token
from genesis_server.text.words import stem, stop_words, word_texts

DEFINITE_REACH = 4
SHORTEST_OF_VERB = 6
"""Letters from which the stem of a verb may lose its last one in the noun."""
THE_ONES_BEFORE = -1
_FILE = re.compile(r"[\w-]{2,}\.[a-z][a-z0-9]{0,5}|\w+_\w+")
Place = tuple[int, int]


@dataclass(slots=True)
class Term:
    """A condition of one or more actions, while it is looked for which action decides it."""

    reading: Reading
    said: Place
    """Where the goal says it."""
    like: Term | None = None
    """The condition it turns around ("otherwise"): the same action decides both."""
    settled: bool = False
    decider: int | None = None
    """The action whose outputs decide, once it is settled; None: none does."""


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
    cue_at: Place | None = None
    """Where its cue stands in the goal."""
    shared_at: Place | None = None
    """Where the object or subject stands that it shares."""
    terms: list[Term] = field(default_factory=list[Term])
    otherwise: bool = False
    """Whether it is due when the condition before it does not hold."""


@dataclass(frozen=True, slots=True)
class Wait:
    """An action waits for an earlier one because of words of the goal."""

    place: int
    """Of the action it waits for."""
    source: EdgeSource
    at: Place | None
    """Where the words stand."""


def waits(mentions: list[Mention], known: Lexicon) -> list[tuple[Wait, ...]]:
    """For each action what it waits for, by place; never a cycle. Settles the terms. The rules stand in `actions`."""
    return _Order(mentions, known).read()


class _Order:
    """Reads the actions from the first to the last."""

    def __init__(self, mentions: list[Mention], known: Lexicon) -> None:
        self.mentions = mentions
        self.known = known
        self.after: list[dict[int, Wait]] = [{} for _ in mentions]
        self.front: dict[int, None] = {}
        """Actions that nothing waits for yet."""
        self.spoken: dict[str, int] = {}
        """For each stem the last action that spoke of it."""
        self.verbs: dict[str, int] = {}
        """For the stem of each verb the last action it was the verb of."""
        self.judged: dict[str, int | None] = {}
        """For each thing a condition was about the action that decides it."""
        self.implied: list[int] = []
        """For each action all it waits for through others, as bits."""
        self.last_term: Term | None = None
        self.gate: int | None = None
        """The last action that opened a door, like logging in."""

    def read(self) -> list[tuple[Wait, ...]]:
        for place, mention in enumerate(self.mentions):
            held = place > 0 and self.mentions[place - 1].cue is Cue.HELD
            self._place(place, mention, held=held)
            self._settle(place, mention, free=not held and mention.cue is not Cue.EARLIER)
            if _opens(mention, self.known):
                self.gate = place
            for other in self.after[place]:
                self.front.pop(other, None)
            if not held and mention.cue is not Cue.EARLIER:
                self.front[place] = None
            for word in _content(mention):
                self.spoken[word] = place
            self.verbs[stem(mention.verb)] = place
            self.implied.append(self._all_before(place))
        return [tuple(places[place] for place in sorted(places)) for places in self.after]

    def _place(self, place: int, mention: Mention, *, held: bool) -> None:
        """Say what one action waits for, or what waits for it."""
        if mention.cue is Cue.EARLIER and place:
            self.after[place].update(self.after[place - 1])
            self.after[place - 1] = {place: Wait(place, EdgeSource.CUE, mention.cue_at)}
        elif mention.cue is Cue.NEXT:
            self._wait(place, list(self.front), EdgeSource.CUE, mention.cue_at)
        elif held:
            self._wait(place - 1, [place], EdgeSource.CUE, self.mentions[place - 1].cue_at)
        elif mention.cue is Cue.PARALLEL and place:
            self.after[place].update({other: wait for other, wait in self.after[place - 1].items() if other < place})
        elif mention.otherwise:
            if not mention.terms and place:
                self._wait(place, [place - 1], EdgeSource.CUE, mention.cue_at)
        else:
            self._refer(place, mention)
            if not self.after[place]:
                self._follow(place, mention)

    def _follow(self, place: int, mention: Mention) -> None:
        """Let an action wait for what the one it is joined to waits for: "then restart the server and check the logs"."""
        before = self.mentions[place - 1] if place else None
        if before is None or before.sentence != mention.sentence or before.cue is not Cue.NEXT:
            return
        self.after[place].update({other: wait for other, wait in self.after[place - 1].items() if wait.source is EdgeSource.CUE})

    def _wait(self, place: int, others: list[int], source: EdgeSource, at: Place | None) -> None:
        for other in others:
            self.after[place].setdefault(other, Wait(other, source, at))

    def _refer(self, place: int, mention: Mention) -> None:
        referred, at = _referred(mention, place, self.spoken, self.verbs, self.known)
        if referred == THE_ONES_BEFORE:
            here = [other for other in self.front if self.mentions[other].sentence == mention.sentence]
            self._wait(place, here or [place - 1], EdgeSource.REFERENCE, at)
        elif referred is not None:
            self._wait(place, [referred], EdgeSource.REFERENCE, at)
        elif self.gate is not None:
            opener = self.mentions[self.gate].tokens
            self._wait(place, [self.gate], EdgeSource.CUE, (opener[0].start, opener[min(1, len(opener) - 1)].end))

    def _settle(self, place: int, mention: Mention, *, free: bool) -> None:
        """Find who decides the conditions of an action and let it wait; `free`: nothing before it can wait for it."""
        for term in mention.terms:
            if not term.settled:
                term.decider = term.like.decider if term.like is not None else self._decider(place, term.reading)
                if not free and term.decider not in self.after[place]:
                    term.decider = None
                term.settled = True
                self.judged[term.reading.artefact] = term.decider
                self.last_term = term
            if term.decider is not None and free and not self._all_before(place) >> term.decider & 1:
                self._wait(place, [term.decider], EdgeSource.REFERENCE, term.reading.subject or term.said)

    def _all_before(self, place: int) -> int:
        """What an action waits for, directly or not, as bits."""
        bits = 0
        for other in self.after[place]:
            bits |= 1 << other | (self.implied[other] if other < len(self.implied) else 0)
        return bits

    def _decider(self, place: int, reading: Reading) -> int | None:
        """The action before that the condition speaks of, else the one just before; None for the first action and for the weather."""
        if reading.outside or not place:
            return None
        last = self.last_term
        said = last.reading if last is not None and reading.pronoun else None
        if said is not None and (said.pronoun, opposite(said.operator)) == (reading.pronoun, reading.operator):
            return last.decider if last is not None else None
        if not reading.artefact:
            return place - 1
        if reading.artefact in self.judged and self.judged[reading.artefact] is not None:
            return self.judged[reading.artefact]
        stems = [stem(word) for word in word_texts(reading.artefact)]
        for known in (self.spoken, self.verbs):
            spoken = [known[word] for word in stems if word in known]
            if spoken:
                return max(spoken)
        return place - 1


def _referred(
    mention: Mention, place: int, spoken: dict[str, int], verbs: dict[str, int], known: Lexicon
) -> tuple[int | None, Place | None]:
    """The action this one refers back to, if any, and the words that do; THE_ONES_BEFORE when it may be any of its sentence."""
    if place == 0:
        return None, None
    english = known.english
    texts = [token.text for token in mention.tokens]
    if mention.shares:
        return place - 1, mention.shared_at
    if mention.verb in english.closing_verbs:
        verb = next((token for token in mention.tokens if token.text == mention.verb), mention.tokens[0])
        return THE_ONES_BEFORE, (verb.start, verb.end)
    for at, token in enumerate(mention.tokens):
        if token.kind is Kind.WORD and _means_the_ones_before(mention.tokens, texts, at, known):
            return THE_ONES_BEFORE, (token.start, token.end)
    return _spoken_of(mention, spoken, verbs, known)


def _means_the_ones_before(tokens: list[Token], texts: list[str], at: int, known: Lexicon) -> bool:
    """Whether a word stands for what came before: "it", "the results", "each"."""
    english = known.english
    if texts[at] in english.back_quantifiers or texts[at] in english.back_ones:
        return _stands_for_some(tokens, texts, at, known)
    alone = at + 1 == len(texts) or tokens[at + 1].kind is not Kind.WORD or texts[at + 1] not in english.auxiliaries
    return texts[at] in english.back_nouns or (texts[at] in english.back_pronouns and alone and _is_pronoun(texts, at, known))


def _stands_for_some(tokens: list[Token], texts: list[str], at: int, known: Lexicon) -> bool:
    """Whether a word for how many stands for what came before: "send each a mail", "for both", "buy the cheapest one", "book one"."""
    ends = at + 1 == len(texts) or tokens[at + 1].kind is not Kind.WORD
    if texts[at] in known.english.back_quantifiers:
        return ends or texts[at + 1] in {"a", "an", "one"}
    before = texts[max(0, at - DEFINITE_REACH + 1) : at]
    return ends and (at == 1 or not known.english.definites.isdisjoint(before))


def _spoken_of(mention: Mention, spoken: dict[str, int], verbs: dict[str, int], known: Lexicon) -> tuple[int | None, Place | None]:
    """The last action that spoke of a thing named here or makes it ("summarise … the summary"), with the words that name it."""
    latest: int | None = None
    words: Place | None = None
    definite = -DEFINITE_REACH
    for at, token in enumerate(mention.tokens):
        first = token
        earlier = spoken.get(token.text) if is_name(token) else None
        if token.kind is Kind.WORD and token.text in known.english.definites:
            definite = at
        elif token.kind is Kind.WORD and at - definite < DEFINITE_REACH and token.text not in stop_words():
            word = stem(token.text)
            made = next((place for verb, place in verbs.items() if _is_of_verb(word, verb)), earlier)
            earlier, first = spoken.get(word, made), mention.tokens[definite]
        if earlier is not None and (latest is None or earlier > latest):
            latest, words = earlier, (first.start, token.end)
    return latest, words


def _is_of_verb(word: str, verb: str) -> bool:
    """Whether a noun is made of a verb, both by their stems: "translation" of "translate", "summary" of "summarise"."""
    return word == verb or (len(verb) >= SHORTEST_OF_VERB and word.startswith(verb[:-1]))


def is_name(token: Token) -> bool:
    """Whether a token names one thing wherever it stands: a quote, or a file like "summary.md"."""
    if token.kind is Kind.QUOTE:
        return token.text[:1] in "\"“«`'‘"
    return token.kind is Kind.WORD and _FILE.fullmatch(token.text) is not None


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
    """What an action can be referred to by: the stems of its content words but the verb, and names as they are written."""
    stops = stop_words()
    named = (token for token in mention.tokens if token.kind is Kind.WORD)
    stems = [stem(token.text) for token in named if token.text not in stops and token.text != mention.verb]
    return [*stems, *(token.text for token in mention.tokens if is_name(token))]
