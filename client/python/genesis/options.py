"""The keyword arguments of `connect` and of the client's methods, shared by `Client` and `AsyncClient`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from os import PathLike
from typing import Any, Literal, TypeAlias, TypedDict

from genesis.reference import Reference
from genesis.retry import Retry
from genesis.v1 import work_pb2
from genesis.v1.agent_service_pb2 import LeaseProgress
from genesis.v1.catalogue_pb2 import AgentCard, Catalogue
from genesis.v1.common_pb2 import Artefact, DataClass, DegradationLevel, Money
from genesis.v1.decision_pb2 import DecisionKind
from genesis.v1.flags_pb2 import FlagContext
from genesis.v1.plan_pb2 import Plan
from genesis.v1.routing_pb2 import ExplanationLevel, TaskRoute
from genesis.v1.update_pb2 import Edit

CatalogueLike: TypeAlias = Catalogue | Mapping[str, Any] | Iterable[Mapping[str, Any]]
"""A catalogue: the message, its JSON form as a dict, or a list of agents (they have `skills`) and tools in their JSON form."""
MoneyLike: TypeAlias = Money | str | float | Decimal
"""An amount: the message, a number of US dollars, or a text such as `"0.50 USD"`."""
DurationLike: TypeAlias = timedelta | float
"""A time span: a `timedelta`, or seconds."""
PlanLike: TypeAlias = Plan | str | Mapping[str, Any]
"""A plan: the message, its JSON form as a dict, or the id of a stored plan."""
PemLike: TypeAlias = bytes | PathLike[str]
"""PEM text, or the path of a file that holds it."""
TokenLike: TypeAlias = str | Callable[[], str]
"""A bearer token, or a function that gives a fresh one for each call."""
FlagLike: TypeAlias = str | Mapping[str, Any]
"""A flag's definition, the object of a flag in flagd's flag file: as a dict, or as JSON text."""
FlagContextLike: TypeAlias = FlagContext | Mapping[str, Any]
"""Whom a flag is asked for: the message, or attributes by name as OpenFeature has them, with `targetingKey` for who."""
CardLike: TypeAlias = AgentCard | Mapping[str, Any]
"""An agent's card: the message, or its JSON form as a dict."""


class RunBudget(TypedDict, total=False):
    """What a whole run of a plan may use; what is left out has no limit."""

    cost: MoneyLike
    """Money."""
    tokens: int
    """Tokens of language models, read and written."""
    tasks: int
    """Attempts at tasks."""
    seconds: DurationLike
    """Time from the moment the run was opened."""


RunBudgetLike: TypeAlias = work_pb2.RunBudget | RunBudget
"""A budget: the message, or a dict of its parts."""
DispatchLike: TypeAlias = work_pb2.Dispatch | bool | int
"""Whether to hand a plan to agents: True, or its priority from 0 to 9 (those with a higher one go first), or the message."""


class ConnectOptions(TypedDict, total=False):
    """How to talk to a server."""

    token: TokenLike | None
    """Who the caller is. In plain text it is sent to this machine only."""
    insecure_token: bool
    """Send the token in plain text to another machine all the same."""
    agent_key: str | None
    """An agent's key, `key-id:secret`: every call is signed with it, instead of a token. The secret itself is not sent."""
    agent: str
    """With `agent_key`: id of the agent the key belongs to."""
    tenant: str
    """With `agent_key`: the agent's tenant; "default" when left out."""
    tls: bool | None
    """Whether to use TLS; when left out, it is used when a certificate or `server_name` is given."""
    root_certificates: PemLike | None
    """Whom to trust; when left out, the roots that gRPC ships."""
    client_certificate: PemLike | None
    """Certificate chain of this client, for mutual TLS."""
    client_key: PemLike | None
    """Private key of the client's certificate."""
    server_name: str | None
    """Name to check the server's certificate against, when it differs from the address."""
    timeout: float | None
    """Deadline of every call in seconds; when left out, each method has its own (5 to 60 s)."""
    metadata: Sequence[tuple[str, str]]
    """Headers of every call."""
    retry: Retry | None
    """When to repeat a call that found no server; None: never."""
    health_checking: bool
    """Whether servers that say NOT_SERVING on grpc.health.v1 are left out; True when left out."""
    max_message_bytes: int
    """The largest message to send or take; 64 MiB when left out."""


class CallOptions(TypedDict, total=False):
    """How to make a call."""

    timeout: float
    """Deadline in seconds over all tries; it replaces the default."""
    metadata: Sequence[tuple[str, str]]
    """More headers for this call, for example `traceparent`."""


class PlanOptions(CallOptions, total=False):
    """How to plan."""

    catalogue: CatalogueLike | None
    """Agents and tools to use instead of the registered agents."""
    givens: Iterable[Artefact | str]
    """Artefacts that are there already; a text is a name, or `name:type`."""
    max_level: DegradationLevel | Literal["llm", "heuristic", "minimal"]
    """The highest level to use; the best there is when left out."""
    seed: int
    """Seed of what is drawn."""
    request_id: str
    """Makes a repeated call safe; a fresh UUID when left out or empty."""
    run_budget: RunBudgetLike | None
    """What the whole run may use; no limit when left out."""


class LimitOptions(TypedDict, total=False):
    """Limits over all tasks."""

    budget: MoneyLike | None
    """The most that all assignments together may be expected to cost."""
    regions: Iterable[str]
    """Regions the work may be done in; any when left out."""
    data_class: DataClass | Literal["public", "internal", "confidential", "restricted"]
    """Class of the data of every task that does not say its own; `internal` when left out."""
    deadline: DurationLike | None
    """The whole plan must be expected to be finished within this time."""
    exclude: Iterable[str]
    """Agents and tools never to use, by id or name."""
    sticky_key: str
    """Calls with the same key go to the same one of candidates that are about as good."""


class RouteOptions(CallOptions, LimitOptions, total=False):
    """How to route."""

    catalogue: CatalogueLike | None
    """Agents and tools to route to instead of the registered agents."""
    explanation: ExplanationLevel | Literal["none", "summary", "full"]
    """How much of the proof to send; a summary when left out."""
    seed: int
    """Seed of what is drawn."""


class OrchestrateOptions(PlanOptions, LimitOptions, total=False):
    """How to plan, route and validate in one call."""

    explanation: ExplanationLevel | Literal["none", "summary", "full"]
    """How much of the proof to send; a summary when left out."""
    dispatch: DispatchLike | None
    """Hand the plan to agents; when left out, it is advice and the caller carries it out. Not together with `catalogue`."""


class ValidateOptions(CallOptions, LimitOptions, total=False):
    """What to judge with."""

    goal: str
    """The goal to judge against; the plan's own when left out."""
    routes: Iterable[TaskRoute]
    """The plan's routing, as `route` answered it; not judged when left out."""
    catalogue: CatalogueLike | None
    """Agents and tools to judge with instead of the registered agents."""
    apply_fixes: bool
    """Apply the findings' fixes until none helps any more; the answer then has the mended plan."""


class DeleteOptions(CallOptions, total=False):
    """What to delete."""

    version: int
    """Delete only this version; any when left out."""
    request_id: str
    """Makes a repeated call safe; a fresh UUID when left out or empty."""


class PageOptions(CallOptions, total=False):
    """How to page through a list."""

    page_size: int
    """Entries to fetch at a time; 50 when left out, at most 200."""


class AgentOptions(PageOptions, total=False):
    """Which agents to list."""

    skill_id: str
    """Only agents with a skill of this id."""


class GetPlanOptions(CallOptions, total=False):
    """How much of a plan to read."""

    contents: bool
    """Also what its tasks put out, up to 4 MiB together; without it, names and sizes only."""


class UpdateOptions(CallOptions, total=False):
    """What happened to a plan.

    One of `done`, `failed`, `facts` or `text`, `edits`, `pause`, `resume`, `cancel`, `approve`, `refuse`, `run_budget` and `dispatch`.
    """

    done: str
    """Id of a task that succeeded."""
    outputs: Mapping[str, Any]
    """With `done`: what it put out, JSON values by artefact name."""
    failed: str
    """Id of a task that failed for good."""
    error: str
    """With `failed`: why."""
    facts: Mapping[str, Any]
    """What became known, JSON values by name."""
    about: Iterable[str]
    """With `text`: ids of the tasks it is about."""
    text: str
    """New words for what those tasks are to do."""
    edits: Iterable[Edit | Mapping[str, Any]]
    """Changes of the plan, as messages or in their JSON form; all happen or none."""
    pause: bool
    """Nothing becomes ready until the plan is resumed."""
    resume: bool
    """Go on."""
    cancel: bool
    """End the plan."""
    approve: str
    """Id of a task that awaits approval, and may be done."""
    refuse: str
    """Id of a task that awaits approval, and must not be done."""
    comment: str
    """With `approve` or `refuse`: why, for the record."""
    run_budget: RunBudgetLike | None
    """The run's budget from now on."""
    dispatch: DispatchLike | None
    """Hand the plan to agents from now on, or change its priority."""
    version: int
    """The version the caller has seen; any when left out."""
    request_id: str
    """Makes a repeated call safe; a fresh UUID when left out or empty."""


class WatchOptions(CallOptions, total=False):
    """From where to watch."""

    after_version: int
    """The last version seen; from the first when left out."""
    runs: bool
    """Also tell of the work on tasks between versions: who got one, how far it is, what it waits for."""


class DecisionOptions(CallOptions, total=False):
    """How to read a decision."""

    replay: bool
    """Make it again from what was stored, and compare."""
    explanation: ExplanationLevel | Literal["none", "summary", "full"]
    """With `replay`: how much of the proof to make."""
    task_ids: Iterable[str]
    """Only these tasks."""


class DecisionsOptions(PageOptions, total=False):
    """Which decisions to list; all that is given must hold."""

    plan_id: str
    """Of this plan."""
    target_id: str
    """In which this agent or tool got a task."""
    rule_id: str
    """In which this rule fired."""
    kind: DecisionKind | Literal["plan", "route"]
    """Of this kind."""
    start: datetime
    """Not before."""
    end: datetime
    """Before."""


class RulebookOptions(CallOptions, total=False):
    """A rulebook: `text` or `version`."""

    text: str
    """Its text, TOML."""
    version: str
    """A version that was in use before."""


class PreviewOptions(RulebookOptions, total=False):
    """A rulebook, and what to try it on."""

    page_size: int
    """Decisions to make again at a time; 50 when left out, at most 200."""
    plan_id: str
    """Only decisions of this plan."""


class ActivateOptions(RulebookOptions, total=False):
    """A rulebook, and how to take it into use."""

    expected_version: str
    """The version believed to be in use; any when left out."""
    request_id: str
    """Makes a repeated call safe; a fresh UUID when left out or empty."""


class ReportOptions(CallOptions, total=False):
    """How a task went: one of `done`, `failed` and `declined`."""

    done: Mapping[str, Any]
    """It succeeded: what it put out, JSON values by artefact name. May be empty."""
    references: Mapping[str, Reference]
    """With `done`: what it put out elsewhere, by artefact name."""
    failed: str
    """It failed: why."""
    permanent: bool
    """With `failed`: the same agent need not try again."""
    declined: str
    """The worker does not want it: why. Only under a lease."""
    hand_back: bool
    """With `declined`: the worker would take it another time; it stops, and hands its work back."""
    lease: work_pb2.LeaseToken | None
    """The lease it was done under; when left out, the work was done elsewhere and the plan itself is not moved."""
    cost: MoneyLike | None
    """What it cost; what was expected of it when neither this nor `tokens` is given."""
    tokens: int
    """Tokens of language models it read and wrote."""
    agent_id: str
    """Who did it, when it was done elsewhere: an agent's id or a tool's name."""
    request_id: str
    """Makes a repeated call safe; a fresh UUID when left out or empty."""


class ResetOptions(CallOptions, total=False):
    """How to close a breaker."""

    request_id: str
    """Makes a repeated call safe; a fresh UUID when left out or empty."""


class FlagOptions(CallOptions, total=False):
    """Whom to ask flags for, and how much to tell."""

    targeting_key: str
    """Who; drawn by percentage. The run when left out, else the caller."""
    attributes: Mapping[str, Any]
    """What targeting rules may ask for: JSON values by name."""
    run_id: str
    """The run the answer belongs to: its flags stay as they were when it was first named."""
    explain: bool
    """Also how each flag came to its value; at most 20 flags then."""


class FlagChangeOptions(CallOptions, total=False):
    """How to change a flag."""

    expected_version: int | None
    """Only when the written definition has this version; 0: it was never written. Any when left out."""
    request_id: str
    """Makes a repeated call safe; a fresh UUID when left out or empty."""


class FlagPreviewOptions(CallOptions, total=False):
    """A change to try, one of `definition`, `percent`, `enabled` and `deleted`, and whom to try it on."""

    definition: FlagLike
    """As by `put_flag`."""
    percent: float
    """As by `set_flag_weight`."""
    enabled: bool
    """As by `enable_flag` when true, by `disable_flag` when false."""
    deleted: bool
    """As by `delete_flag`."""
    contexts: Iterable[FlagContextLike]
    """Whom to ask for; at most 1 000."""


class EmergencyOptions(CallOptions, total=False):
    """How to set or clear an emergency flag."""

    request_id: str
    """Makes a repeated call safe; a fresh UUID when left out or empty."""


class AuditOptions(PageOptions, total=False):
    """Which entries of the audit log to list."""

    key: str
    """Only those of this flag."""
    oldest_first: bool
    """Oldest first; newest first when left out."""


class RegisterOptions(CallOptions, total=False):
    """How to join."""

    request_id: str
    """Makes a repeated call safe; a fresh UUID when left out or empty."""


class HeartbeatOptions(CallOptions, total=False):
    """What a sign of life tells."""

    load: float
    """How busy the worker is by its own measure, 0 (idle) to 1."""
    progress: Iterable[LeaseProgress]
    """How far its tasks are, those of which there is news."""
