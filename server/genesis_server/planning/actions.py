"""A goal as actions: what is to be done, where the goal says it, and what waits for what.

Order (documented because plain English leaves it open):
- "then", "next", "finally", "second", an arrow, a numbered list: the action waits for all that nothing waits for yet.
- "before", "after", "once" with an action of its own: as they say.
- An action that refers back waits for what it refers to: "it", "the results" and closing verbs (confirm, notify) for the actions
  before it in its sentence, else for the action before; "the report" for the last action that spoke of a report.
- "Build, test and ship the module" is one after the other, for they work on the same thing.
- What follows "log in" and the like waits for it. "Meanwhile" and "in parallel" wait for what the action before them waits for.
- An action under a condition waits for the one that decides it: the last before that spoke of what the condition is about, else the
  one just before. "Otherwise" turns the condition before it around and waits for the same one.
- Everything else is independent: enumerations, bullets, sentences that share nothing.

Quotes, brackets and conditions are never split; statements belong to the action before them, or to the first one. A condition in
front is of every action of its sentence up to "otherwise" and "finally", one behind is of its action alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from genesis_server.model.plan import EdgeOrigin, GuardOperator, Requirement, RequirementKind
from genesis_server.model.span import Span
from genesis_server.planning.clauses import Clause, Cue, clauses
from genesis_server.planning.heads import Frame
from genesis_server.planning.lexicon import Lexicon, lexicon
from genesis_server.planning.references import Mention, Place, Term, Wait, waits
from genesis_server.planning.remarks import About, Remarks, Said, is_about_all
from genesis_server.planning.terms import TermReader, cue_place
from genesis_server.planning.tokens import Sentence, Token, sentences

MAX_PER_ACTION = 100
"""Guards and demands of one action; the contract has room for no more."""


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition of an action."""

    decider: int | None
    """Place in the list of actions of the one whose outputs decide; None: facts told later do."""
    artefact: str
    """What it is about, in snake_case; empty when a pronoun or nothing says it."""
    operator: GuardOperator
    value: str
    text: str
    """As the goal says it."""
    span: Span


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
    why_after: tuple[EdgeOrigin, ...] = ()
    """For each of `after` the words that say so."""
    guards: tuple[Condition, ...] = ()
    """All must hold."""
    requirements: tuple[Requirement, ...] = ()
    expected_seconds: float | None = None
    """How long the goal says it takes."""
    deadline_seconds: float | None = None
    """Its end at the latest, counted from the plan's start, when the goal says it so: "within 2 hours"."""


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
    cue_at: Place | None = None
    """Where its cue stands."""
    terms: list[Term] = field(default_factory=list[Term])
    """Its conditions."""
    otherwise: bool = False
    trailing: tuple[int, int] | None = None
    """Where a condition behind it stands."""


def split(goal: str) -> list[Action]:
    """The actions of a goal in textual order; a goal in which none is found, and any that is not English, is one action.

    Spans are in code points of `goal`, and each holds the text that stands there. Linear in the length of the goal.
    """
    known = lexicon()
    remarks = Remarks(goal)
    drafts = _drafts(goal, remarks, known) if known.is_english(goal) else []
    order = waits([_mention(draft) for draft in drafts], known)
    if len(drafts) < 2:
        return [_single(goal, remarks, drafts, known)]
    remarks.read_of_all()
    return [_action(goal, remarks, draft, after) for draft, after in zip(drafts, order, strict=True)]


def _drafts(goal: str, remarks: Remarks, known: Lexicon) -> list[_Draft]:
    found = sentences(goal, known)
    split_up = [clauses(sentence, known, continues=place > 0) for place, sentence in enumerate(found)]
    about_all = {place for place, sentence in enumerate(found) if is_about_all(sentence, split_up[place], remarks)}
    for place in about_all:
        split_up[place] = []
    things = _things_listed(found, split_up, known)
    terms = TermReader(goal, remarks.pieces)
    drafts: list[_Draft] = []
    waiting: list[tuple[int, int]] = []
    for place, sentence in enumerate(found):
        parts = [Clause(0, 0, 0, Frame.THING, end=len(sentence.tokens))] if place in things else split_up[place]
        piece = (sentence.tokens[0].start, sentence.tokens[-1].end)
        if _is_heading(place, found, split_up, known):
            waiting = [] if _is_light(sentence, known) else [piece]
        elif parts:
            fresh = [_draft(sentence, clause, place, known) for clause in parts]
            _share(sentence, parts, fresh)
            terms.begin_sentence()
            for clause, draft in zip(parts, fresh, strict=True):
                draft.terms, draft.trailing = terms.of(sentence, clause)
                _cut_condition(draft)
            if sentence.numbered and fresh[0].cue is Cue.NONE and drafts:
                fresh[0].cue, fresh[0].cue_at = Cue.NEXT, sentence.marker
            fresh[0].lead, waiting = waiting, []
            drafts.extend(fresh)
        elif drafts:
            drafts[-1].tail.append(piece)
        else:
            waiting.append(piece)
    return drafts


def _mention(draft: _Draft) -> Mention:
    return Mention(
        tokens=draft.tokens,
        verb=draft.verb,
        cue=draft.cue,
        sentence=draft.sentence,
        shares=draft.shares,
        cue_at=draft.cue_at,
        shared_at=draft.subject or draft.shared or draft.core,
        terms=draft.terms,
        otherwise=draft.otherwise,
    )


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


def _draft(sentence: Sentence, clause: Clause, number: int, known: Lexicon) -> _Draft:
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
        cue_at=cue_place(sentence, clause, known),
        otherwise=clause.otherwise,
    )


def _cut_condition(draft: _Draft) -> None:
    """Take a condition behind an action out of its own words: it names nothing the action works on."""
    if draft.trailing is None:
        return
    kept = [token for token in draft.tokens if token.end <= draft.trailing[0]]
    if kept:
        draft.tokens, draft.core = kept, (draft.core[0], kept[-1].end)


def _single(goal: str, remarks: Remarks, drafts: list[_Draft], known: Lexicon) -> Action:
    """The whole goal as one action."""
    start = len(goal) - len(goal.lstrip())
    whole = goal.strip()
    span = Span(start, start + len(whole), whole)
    if not known.is_english(goal):
        return Action(whole, whole, (span,))
    terms = drafts[0].terms if drafts else []
    core = drafts[0].core if drafts else (span.start, span.end)
    verb = drafts[0].verb if drafts else ""
    asking = _asking(drafts[0]) if drafts else []
    said = remarks.of(About([(span.start, span.end)], core[0], verb, [term.said for term in terms], asking))
    return Action(
        text=whole,
        core=_undated(goal, core, said),
        spans=(span,),
        guards=_conditions(goal, terms),
        requirements=said.requirements[:MAX_PER_ACTION],
        expected_seconds=said.expected_seconds,
        deadline_seconds=said.deadline_seconds,
    )


def _undated(goal: str, piece: tuple[int, int], said: Said) -> str:
    """A piece of the goal without its dates: "by Friday" says nothing of who can do it."""
    start, end = piece
    spans = (demand.span for demand in said.requirements if demand.kind is RequirementKind.BY and demand.span is not None)
    kept: list[str] = []
    for span in sorted(spans, key=lambda span: span.start):
        if start < span.start and span.end <= end:
            kept.append(goal[start : span.start].strip())
            start = span.end
    return " ".join(part for part in [*kept, goal[start:end].strip(" ,")] if part) if kept else goal[start:end]


def _asking(draft: _Draft) -> list[tuple[int, int]]:
    """Where a passive asks: "the bug must be fixed" demands no more than that it be done."""
    return [piece for piece in (draft.subject, draft.core) if piece is not None] if draft.frame is Frame.PASSIVE else []


def _conditions(goal: str, terms: list[Term]) -> tuple[Condition, ...]:
    return tuple(
        Condition(
            decider=term.decider,
            artefact=term.reading.artefact,
            operator=term.reading.operator,
            value=term.reading.value,
            text=goal[slice(*term.said)],
            span=Span(*term.said, goal[slice(*term.said)]),
        )
        for term in terms[:MAX_PER_ACTION]
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


def _action(goal: str, remarks: Remarks, draft: _Draft, after: tuple[Wait, ...]) -> Action:
    own = [piece for piece in (draft.subject, draft.piece, draft.shared) if piece is not None]
    lead, tail = _joined(goal, draft.lead), _joined(goal, draft.tail)
    if len(own) == 1 and (lead or tail):
        pieces = _joined(goal, [*lead, *own, *tail])
        text = ". ".join(goal[start:end] for start, end in pieces)
    else:
        pieces = [*lead, *own, *tail]
        middle = " ".join(goal[start:end] for start, end in own)
        text = ". ".join([*(goal[start:end] for start, end in lead), middle, *(goal[start:end] for start, end in tail)])
    spans = tuple(Span(start, end, goal[start:end]) for start, end in sorted(pieces))
    said = remarks.of(About(pieces, draft.core[0], draft.verb, [term.said for term in draft.terms], _asking(draft)))
    return Action(
        text=text,
        core=" ".join(_undated(goal, piece, said) for piece in (draft.subject, draft.core, draft.shared) if piece is not None),
        spans=spans,
        after=tuple(wait.place for wait in after),
        why_after=tuple(_why(goal, wait) for wait in after),
        guards=_conditions(goal, draft.terms),
        requirements=said.requirements[:MAX_PER_ACTION],
        expected_seconds=said.expected_seconds,
        deadline_seconds=said.deadline_seconds,
    )


def _why(goal: str, wait: Wait) -> EdgeOrigin:
    if wait.at is None:
        return EdgeOrigin(wait.source)
    text = goal[slice(*wait.at)]
    return EdgeOrigin(wait.source, text, Span(*wait.at, text))


def _joined(goal: str, pieces: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Pieces with only blanks and ends of sentences between them as one."""
    joined: list[tuple[int, int]] = []
    for start, end in pieces:
        if joined and not goal[joined[-1][1] : start].strip(" .!?;"):
            joined[-1] = (joined[-1][0], end)
        else:
            joined.append((start, end))
    return joined
