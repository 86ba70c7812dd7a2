"""A pair of tokens and what is known of it; no text that Python makes of it shows a secret."""

from base64 import urlsafe_b64decode
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Self

import orjson

LEEWAY_S = 300.0
"""A token is renewed this long before it expires: clocks differ, and an answer may take a minute to come."""

LEEWAY_SHARE = 0.1
"""…but never more than this share of its life before the end, so that a token of seconds is used at all."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login left, as it is stored.

    Attributes:
        access_token: Goes along with every request; empty where only a refresh token is known.
        refresh_token: Good for one new pair (Q29); None where there is none, or none that may be sent again.
        obtained_at: When the pair was asked for (UTC); None where nobody knows.
        expires_at: When the access token ends (UTC); None where nobody knows.
        client_id: The application that the refresh token was given to.
        base_url: The address of the account's region, once found.
        scopes: What the token may read, where something other than the token itself says it.
        seed_sha256: Hash of the refresh token from the environment that this pair descends from.
        refresh_begun_at: A refresh began then and nobody knows how it ended: the refresh token may be spent.
        ended_because: Why no further pair can be had from this one.
    """

    access_token: str = field(repr=False)
    refresh_token: str | None = field(default=None, repr=False)
    obtained_at: datetime | None = None
    expires_at: datetime | None = None
    client_id: str | None = None
    base_url: str | None = None
    scopes: tuple[str, ...] = ()
    seed_sha256: str | None = None
    refresh_begun_at: datetime | None = None
    ended_because: str | None = None

    @classmethod
    def of(cls, access_token: str, refresh_token: str | None = None, **more: Any) -> Self:
        """A pair that somebody handed over; its times are the access token's own, where it has any."""
        told = claims(access_token)
        return cls(
            access_token,
            refresh_token,
            obtained_at=_instant(told.get("iat")),
            expires_at=_instant(told.get("exp")),
            **more,
        )

    @property
    def granted_scopes(self) -> tuple[str, ...] | None:
        """The token's `scp` claim (API.md §1.8), or what else is known; None when nothing says."""
        told = claims(self.access_token).get("scp")
        if isinstance(told, str):
            return tuple(told.split())
        if isinstance(told, list):
            return tuple(str(each) for each in told)
        return self.scopes or None

    def is_expiring(self, now: datetime) -> bool:
        """Whether it is time for another pair."""
        if not self.access_token:
            return True
        return self.expires_at is not None and now >= self.expires_at - self._leeway()

    def is_expired(self, now: datetime) -> bool:
        """Whether the API will not take the access token any more."""
        return not self.access_token or (self.expires_at is not None and now >= self.expires_at)

    def ended(self, because: str) -> Self:
        """These tokens without the refresh token, which must not be sent again."""
        return replace(self, refresh_token=None, refresh_begun_at=None, ended_because=because)

    def _leeway(self) -> timedelta:
        if self.expires_at is None or self.obtained_at is None:
            return timedelta(seconds=LEEWAY_S)
        return min(timedelta(seconds=LEEWAY_S), (self.expires_at - self.obtained_at) * LEEWAY_SHARE)

    def to_json(self) -> bytes:
        """As it is stored."""
        return orjson.dumps(asdict(self))

    @classmethod
    def from_json(cls, stored: str | bytes) -> Self:
        """What `to_json` gave.

        Raises:
            ValueError: It is something else.
        """
        try:
            told = orjson.loads(stored)
            for name in ("obtained_at", "expires_at", "refresh_begun_at"):
                told[name] = None if told[name] is None else datetime.fromisoformat(told[name])
            return cls(**told | {"scopes": tuple(told["scopes"])})
        except (orjson.JSONDecodeError, KeyError, TypeError) as error:
            raise ValueError("not tokens of wattlog") from error


def claims(access_token: str) -> dict[str, Any]:
    """What a JWT says of itself, unverified: it is shown and planned with, never trusted. Empty for other tokens."""
    parts = access_token.split(".")
    if len(parts) != 3:
        return {}
    try:
        told = orjson.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return told if isinstance(told, dict) else {}


def digest(token: str) -> str:
    """A token's name where the token itself must not stand."""
    return sha256(token.encode()).hexdigest()


def _instant(seconds: Any) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None
