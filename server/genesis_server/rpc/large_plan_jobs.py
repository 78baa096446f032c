"""What the server and the child process that judges large plans say to each other; the server needs nothing else of the child's."""

from __future__ import annotations

import struct
from dataclasses import dataclass

from genesis_server.model.catalogue import Catalogue
from genesis_server.model.validation import Verdict
from genesis_server.resilience.errors import GenesisError
from genesis_server.validation.structure import Limits

HEADER = struct.Struct(">QQ")
"""Stands before each message: the bytes of a job and of its request; those of an answer, and 0."""


@dataclass(frozen=True, slots=True)
class Job:
    """What to judge a request with."""

    limits: Limits
    structural_only: bool
    catalogue_id: str
    """Snapshot id of the registered agents."""
    catalogue: Catalogue | None
    """The registered agents; None when the child has this snapshot already."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came out: a response with its goal and verdict, a plan id, or an error."""

    response: bytes = b""
    """A serialised ValidateResponse, without what only the server knows of its provenance."""
    goal: str = ""
    """The goal the plan was judged against, for the tripwire."""
    verdict: Verdict | None = None
    """The judgement without its findings and schedule, to be counted."""
    plan_id: str = ""
    """The stored plan the request names instead of bringing one."""
    error: GenesisError | None = None
