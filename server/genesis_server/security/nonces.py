"""Numbers that may be used once: a signed call that comes again is refused, at whichever process it comes."""

from __future__ import annotations

import hashlib

from genesis_server.storage.base import ABSENT, Documents, Key, VersionConflictError

KIND = "agent_nonce"


class Nonces:
    """The nonces used so far, in the shared store."""

    def __init__(self, documents: Documents) -> None:
        """Keep them in `documents`."""
        self._documents = documents

    async def use(self, tenant: str, agent: str, nonce: str, *, until: float) -> bool:
        """Use a nonce of an agent; False when it was used before.

        It is remembered until `until`, in seconds since the epoch. Raises what the store raises: who cannot tell lets nobody in.
        """
        name = hashlib.sha256(f"{agent}\n{nonce}".encode()).hexdigest()
        try:
            await self._documents.put(Key(tenant, KIND, name), b"", expected=ABSENT, expires=until)
        except VersionConflictError:
            return False
        return True
