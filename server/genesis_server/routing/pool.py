"""Everybody who could do anything: each offer of a catalogue with each model it can run on, as columns.

Made once for a snapshot. Amounts are whole billionths of the currency, exact: 64-bit where they fit, else Python integers.
"""

from __future__ import annotations

from collections.abc import Iterable, MutableSequence, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast
from weakref import WeakKeyDictionary

import numpy as np
import numpy.typing as npt

from genesis_server.agents.index import CatalogueIndex, Offer, names_of
from genesis_server.model.catalogue import AgentCard, DataClass, Model, Skill, Tool
from genesis_server.model.routing import Target, TargetKind
from genesis_server.routing.policy import RoutingPolicy

TOKENS_PER_PRICE = 1_000_000
_LARGEST_EXACT = 2**62
LONG = 8_192

Indexes = npt.NDArray[np.intp]
Numbers = npt.NDArray[np.float64]
Amounts = npt.NDArray[Any]
"""int64, or Python integers where int64 is too small."""


def column(values: npt.NDArray[Any]) -> Sequence[Any]:
    """An array to be read one by one: a list is read three times as fast as numpy, a view of a long array needs no memory."""
    return values.tolist() if _is_short(values) else cast("Sequence[Any]", memoryview(cast("Any", values)).toreadonly())


def changeable(values: npt.NDArray[Any]) -> MutableSequence[Any]:
    """The same to be written into, after which the array itself must not be read any more."""
    return values.tolist() if _is_short(values) else cast("MutableSequence[Any]", memoryview(cast("Any", values)))


def _is_short(values: npt.NDArray[Any]) -> bool:
    """Whether it takes a list; there are no views of Python's integers."""
    return values.dtype == object or len(values) < LONG


@dataclass(frozen=True, eq=False)
class Pool:
    """Who could do what; a row is an offer with one of its models."""

    choices: tuple[tuple[AgentCard | Tool, Skill | None, Model | None], ...]
    """Owner, skill and model of each row."""
    targets: tuple[Target, ...]
    offers: Indexes
    """Number of the row's offer in the index."""
    first_rows: Indexes
    """First row of each offer, and one past the last at the end."""
    owners: Indexes
    """Number of the agent or tool; rows of one owner share its capacity."""
    capacities: Numbers
    """Tasks an owner takes at once, by number of the owner; infinite for tools."""
    owner_ids: tuple[tuple[TargetKind, str], ...]
    """What each owner is and its id, by number of the owner."""
    owner_names: tuple[frozenset[str], ...]
    """What a request may call each owner: its id, and an agent's name."""
    input_prices: Amounts
    output_prices: Amounts
    call_prices: Amounts
    failure_odds: Numbers
    """(1 - prior) / prior."""
    seconds: Numbers
    regions: tuple[str, ...]
    clearances: npt.NDArray[np.int64]
    ranks: Indexes
    """Place in the order of the ids, which is the last tie-break."""

    def rows_of(self, offers: Iterable[int]) -> list[int]:
        """The rows of some offers, in their order."""
        first = self._bounds
        return [row for number in offers for row in range(first[number], first[number + 1])]

    @cached_property
    def owner_list(self) -> list[int]:
        """The owner of each row, to be read one by one."""
        return self.owners.tolist()

    @cached_property
    def rank_list(self) -> list[int]:
        """The rank of each row, to be read one by one."""
        return self.ranks.tolist()

    @cached_property
    def _bounds(self) -> list[int]:
        return self.first_rows.tolist()


_POOLS: WeakKeyDictionary[CatalogueIndex, dict[str, Pool]] = WeakKeyDictionary()


def pool_of(index: CatalogueIndex, policy: RoutingPolicy) -> Pool:
    """The pool of a snapshot, kept as long as the snapshot is."""
    pools = _POOLS.setdefault(index, {})
    pool = pools.get(policy.version)
    if pool is None:
        pool = pools[policy.version] = _make_pool(index, policy)
    return pool


def _make_pool(index: CatalogueIndex, policy: RoutingPolicy) -> Pool:
    targets: list[Target] = []
    offers: list[int] = []
    first_rows: list[int] = []
    prices: list[tuple[int, int, int]] = []
    priors: list[float] = []
    for number, offer in enumerate(index.offers):
        first_rows.append(len(targets))
        for target, price, prior in _choices(offer, policy):
            targets.append(target)
            offers.append(number)
            prices.append(price)
            priors.append(prior)
    first_rows.append(len(targets))
    owned = {(offer.target_id, offer.skill is None): offer.owner for offer in index.offers}
    owner_number = {key: number for number, key in enumerate(owned)}
    row_offers = [index.offers[number] for number in offers]
    ids = [(target.id, target.model_id, target.skill_id, target.kind) for target in targets]
    ranks = np.empty(len(targets), dtype=np.intp)
    ranks[sorted(range(len(ids)), key=ids.__getitem__)] = np.arange(len(ids))
    largest = max((amount for price in prices for amount in price), default=0)
    tokens = sum(policy.expected_tokens(1.0)) + TOKENS_PER_PRICE
    dtype: Any = np.int64 if largest * tokens < _LARGEST_EXACT else object
    table = np.array(prices, dtype=dtype).reshape(len(prices), 3)
    return Pool(
        choices=tuple([(offer.owner, offer.skill, _model_of(offer, target)) for offer, target in zip(row_offers, targets, strict=True)]),
        targets=tuple(targets),
        offers=np.array(offers, dtype=np.intp),
        first_rows=np.array(first_rows, dtype=np.intp),
        owners=np.array([owner_number[offer.target_id, offer.skill is None] for offer in row_offers], dtype=np.intp),
        capacities=np.array([np.inf if isinstance(owner, Tool) else max(1, owner.max_concurrent_tasks) for owner in owned.values()]),
        owner_ids=tuple([(TargetKind.TOOL if is_tool else TargetKind.AGENT, owner_id) for owner_id, is_tool in owned]),
        owner_names=tuple(names_of(owner) for owner in owned.values()),
        input_prices=table[:, 0],
        output_prices=table[:, 1],
        call_prices=table[:, 2],
        failure_odds=np.array([(1.0 - prior) / prior if prior > 0 else np.inf for prior in priors]),
        seconds=np.array([_seconds(offer) for offer in row_offers]),
        regions=tuple(["" if isinstance(offer.owner, Tool) else offer.owner.region for offer in row_offers]),
        clearances=np.array([_clearance(offer) for offer in row_offers], dtype=np.int64),
        ranks=ranks,
    )


def _choices(offer: Offer, policy: RoutingPolicy) -> list[tuple[Target, tuple[int, int, int], float]]:
    """Targets of an offer with prices (input and output tokens, call) and the prior of success."""
    owner = offer.owner
    if isinstance(owner, Tool):
        return [(Target(TargetKind.TOOL, owner.name), (0, 0, owner.cost_per_call.nanos), policy.success.tool)]
    if not owner.models:
        return [(Target(TargetKind.AGENT, owner.id, "", offer.capability), (0, 0, 0), policy.success.agent_without_models)]
    return [
        (
            Target(TargetKind.AGENT, owner.id, model.id, offer.capability),
            (model.input_price.nanos, model.output_price.nanos, 0),
            model.success_prior,
        )
        for model in owner.models
    ]


def _model_of(offer: Offer, target: Target) -> Model | None:
    models = () if isinstance(offer.owner, Tool) else offer.owner.models
    return next((model for model in models if model.id == target.model_id), None)


def _seconds(offer: Offer) -> float:
    return offer.owner.expected_seconds if isinstance(offer.owner, Tool) else offer.skill.expected_seconds if offer.skill else 0.0


def _clearance(offer: Offer) -> int:
    """A tool sees what its caller sends it, so that no class is above it."""
    return DataClass.RESTRICTED if isinstance(offer.owner, Tool) else offer.owner.max_data_class.effective
