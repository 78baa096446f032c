"""A worker: it joins as an agent, does one skill, and leaves when it is told to stop (Ctrl-C, SIGTERM).

GENESIS_TARGET, GENESIS_AGENT_ID, GENESIS_SKILL and, where the server wants one, GENESIS_AGENT_KEY say where and as whom.
"""

from __future__ import annotations

import os

import genesis

worker = genesis.Worker(os.environ.get("GENESIS_AGENT_ID", "python-greeter"), description="Greets, in Python.")


@worker.skill(os.environ.get("GENESIS_SKILL", "example.greet"), description="Greet somebody", outputs={"greeting": "text"})
def greet(task: genesis.TaskContext) -> str:
    """Says hello."""
    task.progress(0.5, "thinking of words")
    return f"Hello from Python, about: {task.goal}"


worker.run(os.environ.get("GENESIS_TARGET", "127.0.0.1:50051"), agent_key=os.environ.get("GENESIS_AGENT_KEY"))
