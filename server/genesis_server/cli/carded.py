"""A worker whose skills all do the same: made from an agent's card."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from genesis import TaskContext, Worker
    from genesis.v1.catalogue_pb2 import AgentCard


def carded_worker(card: AgentCard, do: Callable[[TaskContext], Awaitable[Any]], *, grace: float) -> Worker:
    """A worker with the skills of the card; `do` gets every task.

    `grace`: seconds that tasks under way have to finish when the worker stops.
    """
    from genesis import TaskContext, Worker

    worker = Worker(
        card.id,
        name=card.name,
        description=card.description,
        version=card.version,
        models=card.models,
        max_concurrent_tasks=card.max_concurrent_tasks or 1,
        region=card.region,
        max_data_class=card.max_data_class,
        grace=grace,
    )

    async def run(context: TaskContext, **_: Any) -> Any:
        return await do(context)

    # The worker reads annotations from the module, and this one's import is lazy.
    run.__annotations__["context"] = TaskContext
    for skill in card.skills:
        worker.skill(
            skill.id,
            name=skill.name,
            description=skill.description,
            tags=skill.tags,
            examples=skill.examples,
            inputs={one.name: one.type for one in skill.inputs},
            outputs={one.name: one.type for one in skill.outputs},
            expected_duration=skill.expected_duration.ToTimedelta() if skill.HasField("expected_duration") else None,
        )(run)
    return worker
