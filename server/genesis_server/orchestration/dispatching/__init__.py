"""Keeps dispatched plans moving: hands ready tasks to workers, takes reports, moves plan, budget and history together."""
