"""kill -9 for servers and workers at random moments, under load: nothing is lost, nothing is done twice, and what can be done is done.

Each seed has servers of its own (one, two that share a port, or `genesis serve --workers 2`), workers of three agents, and plans whose
tasks succeed, fail, or kill their worker. GENESIS_CHAOS_SEEDS says how many seeds are tried; 50 when it is not set.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos_arena import Arena, Template, template
from chaos_judge import Judge, Looks, diaries, read

from genesis.errors import GenesisError

pytestmark = pytest.mark.chaos

SEEDS = int(os.environ.get("GENESIS_CHAOS_SEEDS", "50"))
TOGETHER = 5
"""Seeds that run at the same time: most of one is waiting for leases to run out."""


@pytest.fixture(scope="module")
def forge() -> Iterator[Template]:
    """Where servers and workers come from."""
    with template() as made:
        yield made


async def problems_of(seed: int, folder: Path, forge: Template) -> list[str]:
    """Run a seed; all that went wrong."""
    looks = Looks()
    arena = Arena(seed, folder, forge, watch=looks.look)
    problems = looks.problems
    try:
        await arena.run()
    except* GenesisError as faults:
        problems += [f"a call met {type(error).__name__}: {error}" for error in faults.exceptions]
    for log in folder.glob("*.log"):
        problems += [f"{log.name}: {line}" for line in log.read_text().splitlines() if is_fault(line)]
    problems += [f"the plan {wish.name} was never seen" for plan_id, wish in arena.plans.items() if plan_id not in looks.last]
    if problems:
        return [f"seed {seed}: {problem}" for problem in problems]
    diary = diaries(folder)
    if len(arena.plans) < 3 or arena.kills < 2:
        problems.append(f"only {len(arena.plans)} plans and {arena.kills} kills")
    stored = await read(folder / "data" / "genesis.sqlite3", list(arena.plans))
    for plan_id, wish in arena.plans.items():
        own = [line for line in diary if line["plan"] == plan_id]
        problems += Judge(wish, stored[plan_id], looks.last[plan_id], own).judge()
    return [f"seed {seed}: {problem}" for problem in problems]


def is_fault(line: str) -> bool:
    """Whether a line of a log tells of something that should never happen."""
    return ('"level":"ERROR"' in line and "the process that started this worker is gone" not in line) or "Traceback" in line


@pytest.mark.timeout(240)
@pytest.mark.parametrize("first", range(0, SEEDS, TOGETHER))
async def test_what_can_be_done_is_done_once_whoever_is_killed(first: int, forge: Template, tmp_path: Path) -> None:
    seeds = range(first, min(first + TOGETHER, SEEDS))
    found = await asyncio.gather(*[problems_of(seed, tmp_path / str(seed), forge) for seed in seeds])
    problems = [problem for one in found for problem in one]
    assert not problems, "\n".join(problems)
