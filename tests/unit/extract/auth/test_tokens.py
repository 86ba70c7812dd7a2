"""The facts of a pair of tokens, and that no text shows them."""

from datetime import UTC, datetime, timedelta

import pytest

from extract.auth.tokens import Tokens, claims
from extract.simulator.login.access_tokens import signed

NOW = datetime(2026, 7, 20, 12, 0, tzinfo=UTC)


def test_a_jwt_has_its_times_and_scopes() -> None:
    """API.md#login: `scp` lists the scopes."""
    token = signed({"iat": NOW.timestamp(), "exp": NOW.timestamp() + 28_800, "scp": ["openid", "energy_device_data"]})
    tokens = Tokens.of(token)
    assert tokens.obtained_at == NOW
    assert tokens.expires_at == NOW + timedelta(hours=8)
    assert tokens.granted_scopes == ("openid", "energy_device_data")
    assert Tokens.of(signed({"scp": "openid energy_device_data"})).granted_scopes == ("openid", "energy_device_data")


@pytest.mark.parametrize("token", ["opaque", "a.b.c", "a.e30.c", "a.W10.c", "..", "a.\xff.c"])
def test_other_tokens_have_no_facts(token: str) -> None:
    """Text, broken JSON, or a list is no error: such tokens have no times."""
    assert claims(token) == {}
    assert Tokens.of(token).expires_at is None
    assert not Tokens.of(token).is_expiring(NOW)


@pytest.mark.parametrize("seconds", ["soon", True, 1e300, None, [1]])
def test_a_time_that_is_none_is_no_time(seconds: object) -> None:
    assert Tokens.of(signed({"exp": seconds})).expires_at is None


@pytest.mark.parametrize(("life_s", "early_s"), [(28_800, 300), (20, 2), (60, 6)])
def test_a_token_is_renewed_some_minutes_before_its_end(life_s: int, early_s: int) -> None:
    """Q29: five minutes, and of short-lived tokens the last tenth."""
    tokens = Tokens("a", "r", obtained_at=NOW, expires_at=NOW + timedelta(seconds=life_s))
    due = NOW + timedelta(seconds=life_s - early_s)
    assert not tokens.is_expiring(due - timedelta(seconds=1))
    assert tokens.is_expiring(due)
    assert not tokens.is_expired(due)
    assert tokens.is_expired(NOW + timedelta(seconds=life_s))


def test_a_missing_access_token_is_due() -> None:
    assert Tokens("", "r").is_expiring(NOW)
    assert Tokens("", "r").is_expired(NOW)


def test_stored_tokens_are_read_back() -> None:
    tokens = Tokens(
        "a",
        "r",
        obtained_at=NOW,
        expires_at=NOW,
        client_id="c",
        base_url="https://example.org",
        scopes=("openid",),
        seed_sha256="0",
        refresh_begun_at=NOW,
        ended_because=None,
    )
    assert Tokens.from_json(tokens.to_json()) == tokens


@pytest.mark.parametrize("stored", ["", "{", "[]", "{}", '{"access_token": "a"}', "null"])
def test_anything_else_is_no_tokens(stored: str) -> None:
    with pytest.raises(ValueError, match="not tokens of wattlog"):
        Tokens.from_json(stored)


def test_nothing_prints_a_token() -> None:
    tokens = Tokens("a-secret", "another-secret")
    assert "secret" not in repr(tokens) + str(tokens) + f"{tokens}"


def test_an_ended_login_keeps_no_refresh_token() -> None:
    ended = Tokens("a", "r", refresh_begun_at=NOW, client_id="c").ended("spent")
    assert (ended.refresh_token, ended.refresh_begun_at, ended.ended_because) == (None, None, "spent")
    assert ended.client_id == "c"
