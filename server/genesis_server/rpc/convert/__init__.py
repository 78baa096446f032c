"""The contract's messages to the domain's values and back; the only place that knows both.

Enums have the same numbers on both sides, so they are converted by number.
"""

from genesis_server.rpc.convert.from_proto import (
    agent_from_proto,
    catalogue_from_proto,
    constraints_from_proto,
    routes_from_proto,
)
from genesis_server.rpc.convert.judgement import mended_to_proto, repair_to_proto, verdict_to_proto
from genesis_server.rpc.convert.plans import plan_from_proto, plan_to_proto
from genesis_server.rpc.convert.routes import write_routes
from genesis_server.rpc.convert.to_proto import (
    agent_to_proto,
    budget_to_proto,
    catalogue_to_proto,
    constraints_to_proto,
    provenance_to_proto,
)
from genesis_server.rpc.convert.values import artefacts_from_proto

__all__ = [
    "agent_from_proto",
    "agent_to_proto",
    "artefacts_from_proto",
    "budget_to_proto",
    "catalogue_from_proto",
    "catalogue_to_proto",
    "constraints_from_proto",
    "constraints_to_proto",
    "mended_to_proto",
    "plan_from_proto",
    "plan_to_proto",
    "provenance_to_proto",
    "repair_to_proto",
    "routes_from_proto",
    "verdict_to_proto",
    "write_routes",
]
