"""Access tokens in Tesla's format: a JWT whose `scp` claim lists the scopes (API.md#login).

The key of the signature is public, since a simulator is all that accepts these tokens.
"""

import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from hashlib import sha256
from typing import Any

import orjson

Claims = dict[str, Any]

_KEY = b"the simulator's key, known to everyone"
_HEADER = {"alg": "HS256", "typ": "JWT"}


def signed(claims: Claims) -> str:
    """A token with these claims."""
    unsigned = f"{_encoded(orjson.dumps(_HEADER))}.{_encoded(orjson.dumps(claims))}"
    return f"{unsigned}.{_signature(unsigned)}"


def verified(token: str) -> Claims | None:
    """The claims of a token that `signed` has made; None for any other text."""
    unsigned, _, signature = token.rpartition(".")
    if not hmac.compare_digest(_signature(unsigned).encode(), signature.encode()):
        return None
    claims: Claims = orjson.loads(_decoded(unsigned.partition(".")[2]))
    return claims


def _signature(unsigned: str) -> str:
    return _encoded(hmac.digest(_KEY, unsigned.encode(), sha256))


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


def _decoded(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))
