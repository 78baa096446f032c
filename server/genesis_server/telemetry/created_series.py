"""Whether it is told when series were created, as prometheus-client's own counters and histograms tell it.

There is a switch for that, the variable PROMETHEUS_DISABLE_CREATED_SERIES or `disable_created_metrics()`, but nothing that says how it
stands. So a counter of no registry is asked what it would tell.
"""

from __future__ import annotations

from prometheus_client import Counter

from genesis_server.telemetry import names

_PROBE = Counter(names.CALLS_COUNTED, "Any counter.", registry=None)


def tells_creation() -> bool:
    """How the switch stands."""
    return any(sample.name.endswith("_created") for family in _PROBE.collect() for sample in family.samples)
