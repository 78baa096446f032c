"""Checks the caller's roles against the table of permissions."""

from __future__ import annotations

from genesis_server.rpc.context import current_caller
from genesis_server.rpc.interceptors.layer import Context, Entry, EntryLayer
from genesis_server.rpc.methods import all_methods
from genesis_server.security.authorization import authorize, check_table, is_open


class AuthorizationInterceptor(EntryLayer):
    """Lets calls pass whose caller holds a role of the method; stands inside authentication."""

    def __init__(self) -> None:
        """Compare the table with the descriptors. Raises ValueError naming every method one of them lacks."""
        check_table(all_methods())

    def entry(self, method: str) -> Entry | None:
        """Check the roles, unless the method is open to anyone."""
        if is_open(method):
            return None

        async def enter(_: Context) -> None:
            authorize(current_caller(), method)

        return enter
