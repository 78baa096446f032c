"""What a language model is asked, and what it answers: a draft of a plan, of which nothing is checked yet."""

from __future__ import annotations

from dataclasses import dataclass

from genesis_server.model.catalogue import Artefact
from genesis_server.model.provenance import ModelUse


@dataclass(frozen=True, slots=True)
class Entry:
    """A capability as the model sees it."""

    name: str
    description: str = ""
    inputs: tuple[Artefact, ...] = ()
    outputs: tuple[Artefact, ...] = ()


@dataclass(frozen=True, slots=True)
class Brief:
    """One question to a language model."""

    goal: str
    entries: tuple[Entry, ...] = ()
    givens: tuple[Artefact, ...] = ()


@dataclass(frozen=True, slots=True)
class DraftedTask:
    """A task as the model wrote it."""

    id: str
    """Its name inside the draft."""
    goal: str
    capability: str = ""
    """An entry of the brief; empty: none fits."""
    inputs: tuple[Artefact, ...] = ()
    outputs: tuple[Artefact, ...] = ()
    after: tuple[str, ...] = ()
    """Ids of the tasks it waits for."""
    words: str = ""
    """The words of the goal it answers, as they stand there."""


@dataclass(frozen=True, slots=True)
class ModelDraft:
    """A plan as the model wrote it; nothing in it is checked."""

    tasks: tuple[DraftedTask, ...]


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What came of asking a language model."""

    draft: ModelDraft | None
    why_not: str = ""
    """Why there is no draft, the middle of a sentence without secrets and without the endpoint's own words; empty when there is one."""
    use: ModelUse | None = None
    """What was used up, also in vain; None: the model was not asked."""
