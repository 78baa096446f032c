"""Bounds the work of one asking, so that no rule and no context can make it long.

The operators of a rule are bounded when it is compiled. What may cost more than one step each time it is reached, that is operators over
lists and whatever walks or builds lists and texts, is paid for here.
"""

from __future__ import annotations

import threading

from genesis_server.flags.rules.errors import RuleError

MAX_STEPS = 100_000
"""Of one asking; a step is about what one plain operator costs, or looking at one item of a list or at 256 characters of a text."""
MAX_TEXT = 100_000
"""Characters of a text that a rule puts together."""
MAX_DEPTH = 100
"""Lists within lists that are looked into."""


class _Work(threading.local):
    """How many steps the asking of this thread has left."""

    left = MAX_STEPS


work = _Work()


def begin() -> None:
    """A new asking has all steps."""
    work.left = MAX_STEPS


def spend_on_text(text: str) -> None:
    """Take the steps of looking at a text once: none for a short one."""
    if len(text) >= 256:
        spend(len(text) >> 8)


def spend(steps: int) -> None:
    """Take `steps` from those that are left. Raises RuleError when there are not as many."""
    work.left -= steps
    if work.left < 0:
        raise RuleError(f"the rule takes more than {MAX_STEPS} steps for this context; shorten its lists, or those of the context")
