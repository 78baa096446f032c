"""Where the head of an action stands: the verb that says what is to be done.

A head is an imperative ("fix …"), what follows a request ("I want to …", "can you …"), an -ing form after "help me with" or
"before", a passive that asks for work ("… needs to be changed"), a wanted thing ("I need a logo"), or a question. A word that is a
noun as often as a verb counts as a verb when what follows it is an object; an unknown word when a determiner or pronoun follows.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

from genesis_server.planning.lexicon import Lexicon, VerbForm
from genesis_server.planning.tokens import Kind, Token

PASSIVE_REACH = 12
OPENERS_REACH = 20
_NOUN_ENDINGS = (
    *("tion", "sion", "ment", "ness", "ity", "ance", "ence", "ship", "ism"),
    *("ing", "ed", "ly", "ous", "ful", "less", "able", "ible"),
)


class Frame(Enum):
    """The form the head of an action has."""

    BASE = "base"
    ING = "ing"
    PASSIVE = "passive"
    THING = "thing"
    QUESTION = "question"


@dataclass(frozen=True, slots=True)
class Head:
    """The head of an action in a sentence."""

    verb: int
    """Place of the verb, or of the first word where there is none."""
    frame: Frame
    start: int
    """Where the action's own words begin, cues and requests left out."""
    comes_next: bool = False
    """Whether a cue says that it comes after what was said before."""


@dataclass(frozen=True, slots=True)
class Openers:
    """Cues and requests in front of a head."""

    end: int
    comes_next: bool = False
    cue: bool = False
    request: bool = False
    ing: bool = False
    thing: bool = False


class HeadFinder:
    """Finds heads in the tokens of one sentence."""

    def __init__(self, tokens: list[Token], known: Lexicon, *, question: bool = False) -> None:
        """Prepare a sentence; `question`: it ends with a question mark."""
        self.tokens = tokens
        self.question = question
        self.texts = [token.text for token in tokens]
        self.known = known
        self.english = known.english

    def openers(self, place: int) -> Openers:
        """Everything from `place` on that only introduces a head."""
        comes_next = cue = request = ing = thing = False
        last = min(len(self.texts), place + OPENERS_REACH)
        while place < last:
            length = self.known.ing_lead_ins.length_at(self.texts, place)
            if length:
                ing, comes_next = True, comes_next or self.texts[place] == "followed"
            elif length := self.known.lead_ins.length_at(self.texts, place):
                request = True
            elif length := self.known.nominal_lead_ins.length_at(self.texts, place):
                thing = True
                place += length
                break
            elif length := self.known.next_cues.length_at(self.texts, place):
                if self.texts[place] in self.english.definites:
                    break
                comes_next = cue = True
            elif length := self.known.open_cues.length_at(self.texts, place) or self.known.time_openers.length_at(self.texts, place):
                cue = True
            elif self._is_filler(place, after_cue=cue or request):
                length = 1
            else:
                break
            place += length
        return Openers(place, comes_next, cue, request, ing, thing)

    def opening(self, place: int) -> Head | None:
        """The head of a sentence that begins at `place`."""
        head = self._head(place, opens=True, frame=Frame.BASE)
        return Head(place, Frame.ING, place) if head is None and self._lists_gerunds(place) else head

    def following(self, place: int, *, frame: Frame, comes_next: bool, series: bool) -> Head | None:
        """The head of a further action behind a comma, "and" or a cue; `frame` is the form of the action before it."""
        if series and self._form(place) & VerbForm.BASE:
            return Head(place, Frame.BASE, place, comes_next)
        head = self._head(place, opens=comes_next, frame=frame)
        return Head(head.verb, head.frame, head.start, comes_next=True) if head and comes_next else head

    def subordinate(self, place: int, *, repeats: bool) -> Head | None:
        """The head of a clause behind "before" or "after": an -ing form, or "you have done …".

        `repeats`: actions were named before, so that "after booking" says when, and is no further action.
        """
        if place >= len(self.texts):
            return None
        if self._is_gerund(place):
            known = repeats and (self._ends(place + 1) or self.texts[place] in self.english.arrival_verbs)
            return None if known else Head(place, Frame.ING, place)
        if self.texts[place - 1] == "having" and self._form(place) & VerbForm.PAST and self._is_object(place + 1):
            return None if self.texts[place] in self.english.arrival_verbs else Head(place, Frame.BASE, place)
        if self.texts[place] in {"you", "we", "you've", "we've"}:
            verb = place + 1
            while verb < len(self.texts) and self.texts[verb] in {"have", "are", "will", "can", "also", "already"}:
                verb += 1
            if self._form(verb) & (VerbForm.BASE | VerbForm.PAST) and self.texts[verb] not in self.english.arrival_verbs:
                return Head(verb, Frame.BASE, verb)
        return None

    def done_to(self, place: int, *, before: int) -> Head | None:
        """The head of "the tyres changed" behind "have the car washed and", where the connective stands at `before`."""
        if not before or not self._form(before - 1) & VerbForm.PAST or not self._is_one_of(place, self.english.determiners):
            return None
        for verb in (place + 2, place + 3):
            if verb < len(self.texts) and self._form(verb) & VerbForm.PAST and self._ends(verb + 1):
                return Head(verb, Frame.PASSIVE, place)
        return None

    def is_bare(self, verb: int) -> bool:
        """Whether nothing but a connective follows the verb: "design, build and ship …"."""
        after = verb + 1
        if after < len(self.texts) and self.texts[after] in self.english.particles:
            after += 1
        return after < len(self.texts) and (self.tokens[after].kind is Kind.COMMA or self.texts[after] == "and")

    def commands(self, place: int) -> bool:
        """Whether a verb with an object that can be told for sure stands at `place`."""
        return bool(self._form(place) & VerbForm.BASE) and self._is_object(place + 1)

    def is_plain(self, place: int) -> bool:
        """Whether a word stands at `place`."""
        return place < len(self.tokens) and self.tokens[place].kind is Kind.WORD

    def _head(self, place: int, *, opens: bool, frame: Frame) -> Head | None:
        opener = self.openers(place)
        at = opener.end
        if opener.thing:
            return Head(at, Frame.THING, at, opener.comes_next) if self._is_thing(at) else None
        if not self.is_plain(at) or self.texts[at] in {"don't", "never"} or self.texts[at : at + 2] == ["do", "not"]:
            return None
        form = self._form_asked_for(at, opener, frame) or self._form_by_itself(at, opens=opens or opener.cue or opener.request, frame=frame)
        return None if form is None else Head(form[1], form[0], at, opener.comes_next)

    def _form_asked_for(self, at: int, opener: Openers, frame: Frame) -> tuple[Frame, int] | None:
        """The frame and the verb where what stands in front says which form to expect."""
        if opener.ing:
            begins = self._is_gerund(at) or self.texts[at] in self.english.determiners or opener.comes_next
            return (Frame.ING, at) if begins else None
        carries_on = (frame is Frame.ING or opener.cue) and self.texts[at] not in self.english.gerund_nouns
        if carries_on and self._is_gerund(at):
            return Frame.ING, at
        if frame is Frame.PASSIVE and self._form(at) & VerbForm.PAST:
            return Frame.PASSIVE, at
        return (Frame.BASE, at) if opener.request and self._asked_for(at) else None

    def _form_by_itself(self, at: int, *, opens: bool, frame: Frame) -> tuple[Frame, int] | None:
        """The frame and the verb where only the words themselves tell."""
        if self._is_imperative(at, opens=opens):
            return Frame.BASE, at
        passive = self._passive(at)
        if passive is not None:
            return Frame.PASSIVE, passive
        return (Frame.QUESTION, at) if self._is_question(at, opens=opens, frame=frame) else None

    def _form(self, place: int) -> VerbForm:
        return self.known.form(self.texts[place]) if self.is_plain(place) else VerbForm.NONE

    def _is_filler(self, place: int, *, after_cue: bool) -> bool:
        if after_cue and self.tokens[place].kind in {Kind.COMMA, Kind.COLON, Kind.DASH, Kind.ARROW}:
            return True
        return self.texts[place] in {"and", "but"} or self._is_adverb(place)

    def _is_adverb(self, place: int) -> bool:
        text = self.texts[place]
        return text.endswith("ly") and len(text) > 4 and VerbForm.BASE not in self.known.form(text) and self.is_plain(place)

    def _asked_for(self, at: int) -> bool:
        """Whether a word behind "I want to" is a verb, known or not."""
        closed = self.texts[at] in self.english.function_words or self.texts[at] in self.english.auxiliaries
        return bool(self._form(at) & VerbForm.BASE) or not closed

    def _is_thing(self, at: int) -> bool:
        return at < len(self.texts) and self.texts[at] != "to" and self.tokens[at].kind in {Kind.WORD, Kind.NUMBER, Kind.QUOTE}

    def _is_gerund(self, at: int) -> bool:
        if not self.is_plain(at):
            return False
        text = self.texts[at]
        if at + 1 < len(self.texts) and self.texts[at + 1] in self.english.auxiliaries:
            return False
        if text in self.english.gerund_nouns:
            return self._is_object(at + 1)
        return bool(self._form(at) & VerbForm.ING) or (text.endswith("ing") and len(text) > 5 and self._is_object(at + 1))

    def _lists_gerunds(self, place: int) -> bool:
        """Whether a sentence names its actions as "fetching the mail, sorting it and …"; "walking the dog is fun" does not."""
        if not self._is_gerund(place) or not self._is_object(place + 1) or any(text in self.english.auxiliaries for text in self.texts):
            return False
        joined = (at + 1 for at in range(place + 2, len(self.texts) - 1) if self._ends(at))
        return any(self._is_gerund(at) and self._is_object(at + 1) for at in joined)

    def _ends(self, at: int) -> bool:
        return at >= len(self.texts) or self.tokens[at].kind in {Kind.COMMA, Kind.DASH} or self.texts[at] == "and"

    def _is_one_of(self, at: int, known: frozenset[str]) -> bool:
        return at < len(self.texts) and self.texts[at] in known

    def _is_object(self, at: int) -> bool:
        """Whether an object begins here, by its determiner, pronoun, number or quote."""
        if at >= len(self.texts):
            return False
        if self.tokens[at].kind in {Kind.NUMBER, Kind.QUOTE}:
            return True
        return self.texts[at] in self.english.determiners or self.texts[at] in self.english.pronouns

    def _is_imperative(self, at: int, *, opens: bool) -> bool:
        """Whether the word at `at` is an imperative; `opens` when it stands where only a verb is likely."""
        text = self.texts[at]
        after = at + 1
        if after < len(self.texts) and self._is_adverb(after):
            after += 1
        following = self.texts[after] if after < len(self.texts) else ""
        if text == "have":
            return f"have {following}" in self.english.verb_pairs or (opens and following in self.english.determiners)
        if not self._form(at) & VerbForm.BASE:
            return self._is_unknown_verb(at, opens=opens)
        if following in self.english.auxiliaries or following in {"of", "'s", "need", "needs"}:
            return False
        if text not in self.known.ambiguous:
            return not (self.tokens[at].capital and not opens and following == "")
        if opens:
            return True
        return self._has_object(at, after)

    def _has_object(self, at: int, after: int) -> bool:
        """Whether what follows a word that may be a noun makes it a verb."""
        if after >= len(self.texts):
            return False
        token, text = self.tokens[after], self.texts[after]
        if f"{self.texts[at]} {text}" in self.english.verb_pairs or self._is_object(after):
            return True
        noun = self.texts[at] in self.known.mostly_nouns or text in self.english.compound_heads or self.tokens[at].capital
        if noun or token.kind is not Kind.WORD:
            return False
        subject = after + 1 < len(self.texts) and self.texts[after + 1] in self.english.auxiliaries
        return text not in self.english.function_words and not subject

    def _is_unknown_verb(self, at: int, *, opens: bool) -> bool:
        """Whether an unknown word must be a verb, for an object follows it."""
        text = self.texts[at]
        if text in self.english.function_words or self._form(at) or text.endswith(_NOUN_ENDINGS) or not text.replace("-", "").isalpha():
            return False
        if (self.tokens[at].capital and not opens) or (text.endswith("s") and not text.endswith("ss")) or "'" in text:
            return False
        after = at + (2 if self._is_one_of(at + 1, self.english.particles) else 1)
        if not self.is_plain(after) or self.texts[after] in self.english.question_words | {"that", "if", "whether"}:
            return False
        return self._is_object(after)

    def _passive(self, at: int) -> int | None:
        """The participle of "… needs to be changed" or "… should be fixed" within reach."""
        for place in range(at + 1, min(len(self.texts) - 1, at + PASSIVE_REACH)):
            text = self.texts[place]
            if self.tokens[place].kind not in {Kind.WORD, Kind.NUMBER, Kind.QUOTE} or text in self.english.subordinators or text == "and":
                return None
            if text in {"needs", "need", "must", "should", "has", "have", "ought", "requires", "require", "wants"}:
                rest = self.texts[place + 1 : place + 4]
                skipped = next((n for n in ((1, 2) if rest[:1] == ["to"] else (0, 1)) if rest[n : n + 1] in (["be"], ["get"])), None)
                verb = place + 2 + skipped if skipped is not None else place + 1
                wanted = VerbForm.PAST if skipped is not None else VerbForm.ING
                if self._form(verb) & wanted and (wanted is VerbForm.PAST or text in {"needs", "need", "requires", "require", "wants"}):
                    return verb
        return None

    def _is_question(self, at: int, *, opens: bool, frame: Frame) -> bool:
        text = self.texts[at]
        follows = at + 1 < len(self.texts)
        if (opens or frame is Frame.QUESTION) and self.question and text in self.english.question_words:
            return follows
        if text == "when" and not self.question and not self._is_one_of(at + 1, self.english.auxiliaries):
            return False
        if text in {"what's", "where's", "who's", "how's", "when's"}:
            return opens or frame is Frame.QUESTION
        if text in self.english.question_words:
            ahead = self.texts[at + 1 : at + 4]
            return (opens or frame is Frame.QUESTION) and any(word in self.english.auxiliaries for word in ahead)
        return opens and follows and text in self.english.auxiliaries and self.texts[at + 1] != "not"
