"""Page tokens: opaque, bound to tenant, listing and its arguments, refused when made up."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

from genesis_server.resilience.errors import FieldViolation, ValidationError

DEFAULT_PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
_SIGNATURE_BYTES = 16


def page_size(asked: int) -> int:
    """How many to send: 0 means 50, more than 200 counts as 200."""
    return min(asked or DEFAULT_PAGE_SIZE, MAX_PAGE_SIZE)


class PageTokens:
    """Makes and reads tokens under a key that all processes of a store share."""

    def __init__(self, key: bytes) -> None:
        """Sign with `key`."""
        self._key = key

    def make(self, after: str, *scope: str) -> str:
        """The token that goes on after `after` in the listing that `scope` (tenant, listing, arguments) names."""
        value = after.encode()
        return base64.urlsafe_b64encode(self._sign(value, scope) + value).decode().rstrip("=")

    def read(self, token: str, *scope: str) -> str:
        """Where to go on; empty for an empty token. Raises ValidationError INVALID_PAGE_TOKEN."""
        if not token:
            return ""
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
            signature, value = raw[:_SIGNATURE_BYTES], raw[_SIGNATURE_BYTES:]
            if hmac.compare_digest(signature, self._sign(value, scope)):
                return value.decode()
        except (binascii.Error, ValueError):
            pass
        violation = FieldViolation("page_token", "is not a token of this listing", "page_token")
        message = "page_token is not a token of this listing; begin again without it, with the same other fields"
        raise ValidationError("INVALID_PAGE_TOKEN", message, facts={"field": "page_token"}, violations=[violation])

    def _sign(self, value: bytes, scope: tuple[str, ...]) -> bytes:
        text = b"\0".join([part.encode() for part in scope] + [value])
        return hmac.new(self._key, text, hashlib.sha256).digest()[:_SIGNATURE_BYTES]
