"""A goal as actions: what is to be done, where the goal says it, and what waits for what.

Order (documented because plain English leaves it open):
- "then", "next", "finally", "second", an arrow, a numbered list: the action waits for all that nothing waits for yet.
- "before", "after", "once" with an action of its own: as they say.
- An action that refers back waits for what it refers to: "it", "the results" and closing verbs (confirm, notify) for the actions
  before it in its sentence, else for the action before; "the report" for the last action that spoke of a report.
- "Build, test and ship the module" is one after the other, for they work on the same thing.
- What follows "log in" and the like waits for it.
- Everything else is independent: enumerations, bullets, sentences that share nothing.

Quotes, brackets and conditions are never split; statements belong to the action before them, or to the first one.
"""

from __future__ import annotations

from dataclasses import dataclass

from genesis_server.model.span import Span
from genesis_server.planning.clauses import Clause, Cue, clauses
from genesis_server.planning.heads import Frame
from genesis_server.planning.lexicon import Lexicon, lexicon
from genesis_server.planning.references import Mention, waits
from genesis_server.planning.tokens import Sentence, Token, sentences


@dataclass(frozen=True, slots=True)
class Action:
    """Something to do that a goal names."""

    text: str
    """What to do, in the goal's words, with the statements that belong to it."""
    core: str
    """The action alone; what a catalogue is asked with."""
    spans: tuple[Span, ...]
    """Where the goal says it, in textual order."""
    after: tuple[int, ...] = ()
    """Places in the list of actions of those it waits for."""


@dataclass(slots=True)
class _Draft:
    """An action while its sentence and its neighbours are read; pieces are (start, end) in the goal."""

    tokens: list[Token]
    """The tokens of its own words."""
    piece: tuple[int, int]
    core: tuple[int, int]
    verb: str
    cue: Cue
    frame: Frame
    lead: list[tuple[int, int]]
    """Statements and headings in front of it."""
    tail: list[tuple[int, int]]
    """Statements behind it."""
    sentence: int
    shares: bool = False
    """Whether it shares its object or subject with the action before it."""
    subject: tuple[int, int] | None = None
    """The subject of a passive it shares with the action before it."""
    shared: tuple[int, int] | None = None
    """The object it shares with a later action."""


def split(goal: str) -> list[Action]:
    """The actions of a goal in textual order; a goal in which none is found, and any that is not English, is one action.

    Spans are in code points of `goal`, and each holds the text that stands there. Linear in the length of the goal.
    """
    known = lexicon()
    drafts = _drafts(sentences(goal, known), known) if known.is_english(goal) else []
    if len(drafts) < 2:
        start = len(goal) - len(goal.lstrip())
        whole = goal.strip()
        core = goal[slice(*drafts[0].core)] if drafts else whole
        return [Action(whole, core, (Span(start, start + len(whole), whole),))]
    order = waits([Mention(draft.tokens, draft.verb, draft.cue, draft.sentence, draft.shares) for draft in drafts], known)
    return [_action(goal, draft, after) for draft, after in zip(drafts, order, strict=True)]


def _drafts(found: list[Sentence], known: Lexicon) -> list[_Draft]:
    split_up = [clauses(sentence, known, continues=place > 0) for place, sentence in enumerate(found)]
    things = _things_listed(found, split_up, known)
    drafts: list[_Draft] = []
    waiting: list[tuple[int, int]] = []
    for place, sentence in enumerate(found):
        parts = [Clause(0, 0, 0, Frame.THING, end=len(sentence.tokens))] if place in things else split_up[place]
        piece = (sentence.tokens[0].start, sentence.tokens[-1].end)
        if _is_heading(place, found, split_up, known):
            waiting = [] if _is_light(sentence, known) else [piece]
        elif parts:
            fresh = [_draft(sentence, clause, place) for clause in parts]
            _share(sentence, parts, fresh)
            if sentence.numbered and fresh[0].cue is Cue.NONE and drafts:
                fresh[0].cue = Cue.NEXT
            fresh[0].lead, waiting = waiting, []
            drafts.extend(fresh)
        elif drafts:
            drafts[-1].tail.append(piece)
        else:
            waiting.append(piece)
    return drafts


def _things_listed(found: list[Sentence], split_up: list[list[Clause]], known: Lexicon) -> set[int]:
    """List items without a verb that are actions all the same: not when they are the objects of the line above ("buy:")."""
    bare = {place for place, sentence in enumerate(found) if sentence.bullet and not split_up[place]}
    above = min(bare, default=0) - 1
    return set() if above >= 0 and _has_objects_below(above, found, split_up, known) else bare


def _has_objects_below(place: int, found: list[Sentence], split_up: list[list[Clause]], known: Lexicon) -> bool:
    """Whether the list behind a line names the objects of the line's verb, and no item has a verb of its own."""
    if (
        not split_up[place]
        or found[place].bullet
        or any(sentence.bullet and parts for sentence, parts in zip(found, split_up, strict=True))
    ):
        return False
    return found[place].tokens[split_up[place][-1].verb].text not in known.english.light_verbs


def _is_heading(place: int, found: list[Sentence], split_up: list[list[Clause]], known: Lexicon) -> bool:
    """Whether a line only introduces the list behind it."""
    if not found[place].header or place + 1 >= len(found):
        return False
    if found[place + 1].bullet and not split_up[place + 1]:
        return not _has_objects_below(place, found, split_up, known)
    return _is_light(found[place], known) or not split_up[place] or found[place + 1].bullet


def _is_light(sentence: Sentence, known: Lexicon) -> bool:
    """Whether a heading says no more than that a list follows."""
    return any(text in known.english.list_headers for text in sentence.texts[-6:])


def _draft(sentence: Sentence, clause: Clause, number: int) -> _Draft:
    tokens = sentence.tokens[clause.core : clause.end] or sentence.tokens[clause.start : clause.end]
    end = tokens[-1].end
    verb = sentence.tokens[clause.verb].text if clause.frame is not Frame.THING else ""
    return _Draft(
        tokens=tokens,
        piece=(sentence.tokens[clause.start].start, end),
        core=(tokens[0].start, end),
        verb=verb,
        cue=clause.cue,
        frame=clause.frame,
        lead=[],
        tail=[],
        sentence=number,
    )


def _share(sentence: Sentence, parts: list[Clause], fresh: list[_Draft]) -> None:
    """Give bare verbs the object of the verb they stand with, and bare participles the subject of theirs."""
    later: tuple[int, int] | None = None
    for clause, draft in zip(reversed(parts), reversed(fresh), strict=True):
        if clause.bare:
            draft.shared = later
        else:
            behind = clause.verb + 1
            later = (sentence.tokens[behind].start, draft.piece[1]) if behind < clause.end else None
    subject: tuple[int, int] | None = None
    for clause, draft in zip(parts, fresh, strict=True):
        if clause.frame is not Frame.PASSIVE:
            subject = None
        elif clause.verb > clause.core:
            subject = (sentence.tokens[clause.core].start, sentence.tokens[clause.verb - 1].end)
        else:
            draft.subject = subject
            draft.shares = subject is not None
    for clause, draft in zip(parts, fresh[1:], strict=False):
        draft.shares = draft.shares or clause.bare


def _action(goal: str, draft: _Draft, after: tuple[int, ...]) -> Action:
    own = [piece for piece in (draft.subject, draft.piece, draft.shared) if piece is not None]
    lead, tail = _joined(goal, draft.lead), _joined(goal, draft.tail)
    if len(own) == 1 and (lead or tail):
        pieces = _joined(goal, [*lead, *own, *tail])
        text = ". ".join(goal[start:end] for start, end in pieces)
    else:
        pieces = [*lead, *own, *tail]
        middle = " ".join(goal[start:end] for start, end in own)
        text = ". ".join([*(goal[start:end] for start, end in lead), middle, *(goal[start:end] for start, end in tail)])
    core = " ".join(goal[slice(*piece)] for piece in (draft.subject, draft.core, draft.shared) if piece is not None)
    spans = tuple(Span(start, end, goal[start:end]) for start, end in sorted(pieces))
    return Action(text, core, spans, after)


def _joined(goal: str, pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pieces with only blanks and ends of sentences between them as one."""
    joined: list[tuple[int, int]] = []
    for start, end in pieces:
        if joined and not goal[joined[-1][1] : start].strip(" .!?;"):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
