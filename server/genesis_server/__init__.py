"""The Genesis server: plans, routes and validates the work of agents, over gRPC."""

__version__ = "0.1.0"
