"""An access token and a refresh token with their facts. No text that Python makes of them shows a secret."""

from base64 import urlsafe_b64decode
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from typing import Any, Self

import orjson

from wattlog.secret_text import NotSendable, protect, sendable

USUAL_LIFE = timedelta(hours=8)
"""How long an access token is valid if neither it nor the response says so (Q29)."""

LEEWAY_S = 300.0
"""A token is renewed this long before it expires: clocks differ, and a response may take a minute."""

LEEWAY_SHARE = 0.1
"""…but never more than this share of its life before the end, so that a token that lives seconds is used at all."""


@dataclass(frozen=True, slots=True)
class Tokens:
    """The tokens of a login, as they are stored.

    Attributes:
        access_token: Sent with every request; empty if only a refresh token is known.
        refresh_token: Valid for one new pair (Q29); None if there is none, or none that may be sent again.
        obtained_at: When the pair was requested (UTC); None if unknown.
        expires_at: When the access token expires (UTC); None if unknown.
        client_id: The application that the refresh token was given to.
        base_url: The address of the account's region, once found.
        scopes: What the token may read, if it is not in the token itself.
        seed_sha256: Hash of the refresh token from the environment that this pair descends from.
        refresh_begun_at: When a refresh began whose result is unknown: the refresh token may be spent.
        ended_because: Why this pair can no longer be renewed.
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

    def __post_init__(self) -> None:
        protect(self.access_token, self.refresh_token)

    @classmethod
    def of(cls, access_token: str, refresh_token: str | None = None, **more: Any) -> Self:
        """A pair from outside; its times are those in the access token, if any."""
        payload = claims(access_token)
        return cls(
            access_token,
            refresh_token,
            obtained_at=_instant(payload.get("iat")),
            expires_at=_instant(payload.get("exp")),
            **more,
        )

    @property
    def granted_scopes(self) -> tuple[str, ...] | None:
        """The token's `scp` claim (API.md#login), or the stored scopes; None if unknown."""
        scopes = claims(self.access_token).get("scp")
        if isinstance(scopes, str):
            return tuple(scopes.split())
        if isinstance(scopes, list):
            return tuple(str(scope) for scope in scopes)
        return self.scopes or None

    def is_expiring(self, now: datetime) -> bool:
        """Whether it is time to renew."""
        if not self.access_token:
            return True
        return self.expires_at is not None and now >= self.expires_at - self._leeway()

    def is_expired(self, now: datetime) -> bool:
        """Whether the API no longer accepts the access token."""
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
            ValueError: It is something else, or has a token that cannot be sent.
        """
        try:
            payload = orjson.loads(stored)
            for name in ("access_token", "refresh_token"):
                if payload[name]:
                    protect(payload[name])
                    sendable(payload[name])
            for name in ("obtained_at", "expires_at", "refresh_begun_at"):
                payload[name] = None if payload[name] is None else datetime.fromisoformat(payload[name])
            return cls(**payload | {"scopes": tuple(payload["scopes"])})
        except NotSendable as error:
            raise ValueError(f"the {name.replace('_', ' ')} cannot be sent: {error}") from None
        except (ValueError, KeyError, TypeError):
            raise ValueError("not tokens of wattlog") from None


def claims(access_token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified: for display and planning, never for decisions about access. Empty for other tokens."""
    parts = access_token.split(".")
    if len(parts) != 3:
        return {}
    try:
        payload = orjson.loads(urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except ValueError:
        return {}
    return payload if isinstance(payload, dict) else {}


def digest(token: str) -> str:
    """An identifier of a token for places where the token itself must not be written."""
    return sha256(token.encode()).hexdigest()


def _instant(seconds: Any) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (OverflowError, OSError, ValueError):
        return None
