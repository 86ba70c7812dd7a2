"""The secrets in force, how they are masked in all text that leaves the program, and which ones an HTTP header can carry.

A secret is registered (`protect`) when it enters from a setting, a store, or a login. From then on `masked` replaces it in text
and bytes in every form in which a library may write it: unchanged, escaped as by `repr` or JSON, percent-encoded, in base64
with or without padding, and cut off after `RECOGNISED` characters or more. Text with the shape of a bearer token or a JWT is
masked even if it is not registered.
"""

import base64
import json
import re
from collections.abc import Iterable
from functools import lru_cache
from threading import Lock
from typing import Final
from urllib.parse import quote, quote_plus

MASK: Final = "***"

SHORTEST: Final = 8
"""Shorter secrets are not registered: masking them would mask ordinary words. No authority issues shorter ones."""

RECOGNISED: Final = 16
"""So many first characters of a secret are enough to recognise it and mask the rest: error texts are cut at any length."""

_VISIBLE: Final = re.compile(r"[\x21-\x7e]+")
"""The characters of an access token in a header: visible ASCII (RFC 6750 allows fewer)."""

_TRAIL: Final = r"[A-Za-z0-9._~+/=%\\-]*"

_SHAPES: Final = re.compile(
    r"(?i:\bbearer)(?:\s|%20|\+|\\[nrt]|\\x[0-9a-f]{2}|\\u[0-9a-f]{4})+[A-Za-z0-9._~+/%-]{8}[^\s\"'<>,;)]*"
    r"|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*)?"
)
"""`Bearer …`, with its blank in any encoding, and JSON Web Tokens, which begin with `{"` in base64."""


class NotSendable(ValueError):
    """A secret that an HTTP header cannot carry. The text has no part of it."""


def sendable(secret: str, *, strip: bool = False) -> str:
    """The secret, if an HTTP header can carry it.

    Args:
        secret: The secret.
        strip: Whether to remove blanks and line ends at both sides, which come from pasting or from a file with CRLF.

    Raises:
        NotSendable: It is empty, or has a character other than visible ASCII.
    """
    secret = secret.strip() if strip else secret
    if not secret:
        raise NotSendable("it is empty")
    if _VISIBLE.fullmatch(secret) is None:
        raise NotSendable("it has a blank, a line end or another character that an HTTP header cannot carry")
    return secret


class _Registry:
    """The secrets of this process."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.secrets: frozenset[str] = frozenset()

    def add(self, secrets: Iterable[str]) -> None:
        found = {core for secret in secrets for core in _cores(secret)}
        if not found <= self.secrets:
            with self._lock:
                self.secrets |= found


_REGISTRY = _Registry()


def protect(*secrets: str | None) -> None:
    """Mask these secrets from now on, in this process."""
    _REGISTRY.add(secret for secret in secrets if secret)


def masked(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with masks for the secrets in force, for further `secrets`, and for anything with the shape of a token."""
    also = frozenset(core for secret in secrets for core in _cores(secret))
    pattern = _pattern(_REGISTRY.secrets | also)
    if pattern is not None:
        text = pattern.sub(MASK, text)
    return _SHAPES.sub(lambda found: f"Bearer {MASK}" if found[0][:1] in "bB" else MASK, text)


def masked_bytes(body: bytes) -> bytes:
    """A body with masks for the secrets in force. All other bytes are unchanged, even text with the shape of a token."""
    secrets = _REGISTRY.secrets
    pattern = _pattern(secrets) if any(start in body for start in _starts(secrets)) else None
    return body if pattern is None else pattern.sub(MASK, body.decode("latin-1")).encode("latin-1")


def holds_secret(text: str, *, or_shape: bool) -> bool:
    """Whether a text has a secret in force, or, with `or_shape`, anything with the shape of a token."""
    pattern = _pattern(_REGISTRY.secrets)
    if pattern is not None and pattern.search(text) is not None:
        return True
    return or_shape and any(MASK not in found[0] for found in _SHAPES.finditer(text))


def could_hold_secret(line: bytes) -> bool:
    """Whether `holds_secret` may be true for any text in a line of JSON. It is quick, and no is certain."""
    if any(start in line for start in (b"eyJ", b"earer", b"EARER", b'"body_hex"')):
        return True
    return any(start in line for start in _starts(_REGISTRY.secrets))


def _cores(secret: str) -> list[str]:
    """The parts of a secret between blanks and line ends, which have too many encodings."""
    return [core for core in re.split(r"[\s\x00-\x1f\x7f]+", secret) if len(core) >= SHORTEST]


@lru_cache(maxsize=32)
def _pattern(secrets: frozenset[str]) -> re.Pattern[str] | None:
    if not secrets:
        return None
    forms = sorted({form for secret in secrets for form in _forms(secret)}, key=len, reverse=True)
    beginnings = [f"{re.escape(form[:RECOGNISED])}{_TRAIL}" for form in forms if len(form) > RECOGNISED]
    return re.compile("|".join([*map(re.escape, forms), *beginnings]))


@lru_cache(maxsize=32)
def _starts(secrets: frozenset[str]) -> tuple[bytes, ...]:
    """The beginnings of all matches of the pattern: searching for them takes a hundredth of the time."""
    return tuple({form[:RECOGNISED].encode("latin-1", "replace") for secret in secrets for form in _forms(secret)})


def _forms(secret: str) -> set[str]:
    """The forms in which libraries write a secret."""
    raw = secret.encode("utf-8", "surrogateescape")
    encoded = {base64.b64encode(raw).decode(), base64.urlsafe_b64encode(raw).decode()}
    spelt = {secret, repr(secret)[1:-1], repr(raw)[2:-1], json.dumps(secret)[1:-1], raw.decode("latin-1")}
    spelt |= {secret.replace("/", "\\/"), quote(raw, safe=""), quote(raw), quote_plus(raw), quote(raw, safe="").lower()}
    return {form for form in spelt | {text.rstrip("=") for text in encoded} if len(form) >= SHORTEST}
