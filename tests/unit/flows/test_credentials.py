"""From the settings to the tokens: what wins, where it is kept, and to whom it may be sent."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from extract.auth.credentials import GivenToken, Login
from extract.auth.token_store import FileStore
from extract.auth.tokens import Tokens, digest
from extract.errors import LoginEnded
from flows.credentials import (
    authority_of,
    client_id_of,
    credentials_of,
    first_address,
    forget_login,
    remember_home,
    save_login,
    seed_slot,
    slot_of,
)
from flows.errors import UsageError
from flows.settings import Settings
from wattlog.providers import FLEET_CN, FLEET_EU, FLEET_NA

NOW = datetime(2026, 7, 20, tzinfo=UTC)
LOGIN = Tokens("stored", "refresh", client_id="mine", expires_at=NOW + timedelta(hours=8))


def settings(tmp_path: Path, **more: object) -> Settings:
    facts = {"provider": "fleet-na", "config_dir": tmp_path, "token_store": "file", "client_id": "mine"}
    return Settings.model_validate(facts | more)


def token_of(made: Settings) -> str:
    return credentials_of(made, lambda: NOW).token()


def test_the_environment_wins_over_a_login(tmp_path: Path) -> None:
    save_login(settings(tmp_path), LOGIN)
    assert token_of(settings(tmp_path)) == "stored"
    assert token_of(settings(tmp_path, access_token="given")) == "given"


def test_a_seeds_descendant_is_used_while_the_seed_stays(tmp_path: Path) -> None:
    """DESIGN: another seed is another login; the access token beside it is what it begins with."""
    made = settings(tmp_path, access_token="given", refresh_token="seed")
    assert token_of(made) == "given"
    descendant = Tokens("descendant", "next", seed_sha256=digest("seed"))
    FileStore(tmp_path / "tokens").write(seed_slot("seed"), descendant)
    assert token_of(made) == "descendant"
    assert token_of(settings(tmp_path, access_token="given", refresh_token="another")) == "given"
    assert "seed" not in seed_slot("seed").removeprefix("seed-")


def test_europe_and_america_share_a_login_and_china_has_its_own(tmp_path: Path) -> None:
    """API.md#login: one authority for both, `auth.tesla.cn` for China."""
    fleet = (FLEET_NA, FLEET_EU, FLEET_CN)
    slots = {provider.name: slot_of(settings(tmp_path, provider=provider.name)) for provider in fleet}
    assert slots == {"fleet-na": "tesla", "fleet-eu": "tesla", "fleet-cn": "tesla-cn"}
    assert FLEET_CN.authority.token_url.startswith("https://auth.tesla.cn/")


def test_a_login_is_never_sent_to_another_authority(tmp_path: Path) -> None:
    """Another token address is another slot, and nothing is assumed of it."""
    save_login(settings(tmp_path), LOGIN)
    elsewhere = settings(tmp_path, token_url="https://elsewhere.test/token")
    assert slot_of(elsewhere).startswith("tesla-")
    with pytest.raises(Exception, match="no tokens are stored"):
        token_of(elsewhere)
    assert authority_of(elsewhere).retry_grace_s == 0
    assert authority_of(settings(tmp_path)).retry_grace_s == 86_400


def test_the_simulator_is_its_own_authority(tmp_path: Path) -> None:
    made = settings(tmp_path, provider="simulator", api_base_url="http://127.0.0.1:1/eu", client_id=None)
    assert authority_of(made).token_url == "http://127.0.0.1:1/eu/oauth2/v3/token"
    assert client_id_of(made) == "wattlog"
    assert isinstance(credentials_of(made, lambda: NOW), GivenToken), "without a login its own token opens it"


def test_what_cannot_be_renewed_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="unset WATTLOG_REFRESH_TOKEN"):
        credentials_of(settings(tmp_path, provider="teslemetry", refresh_token="seed"), lambda: NOW)
    with pytest.raises(UsageError, match="WATTLOG_CLIENT_ID"):
        credentials_of(settings(tmp_path, refresh_token="seed", client_id=None), lambda: NOW)


def test_the_region_found_is_remembered_with_the_login(tmp_path: Path) -> None:
    made = settings(tmp_path)
    remember_home(made, "https://eu.test")
    assert list(tmp_path.glob("tokens/*.json")) == [], "no login is stored"
    save_login(made, LOGIN)
    remember_home(made, "https://eu.test")
    assert credentials_of(made, lambda: NOW).tokens().base_url == "https://eu.test"


def test_logout_forgets_a_login_and_remembers_that_a_seed_is_spent(tmp_path: Path) -> None:
    """Q29: without the note the seed would be sent again."""
    made = settings(tmp_path, refresh_token="seed")
    save_login(made, LOGIN)
    FileStore(tmp_path / "tokens").write(seed_slot("seed"), Tokens("a", "r", seed_sha256=digest("seed")))
    assert len(forget_login(made)) == 2
    assert forget_login(made) == []
    with pytest.raises(LoginEnded, match="wattlog logout"):
        token_of(made)
    kept = b"".join(path.read_bytes() for path in tmp_path.glob("tokens/*.json"))
    assert b"stored" not in kept
    assert b'"r"' not in kept


def test_an_unspent_seed_stays_good_after_logout(tmp_path: Path) -> None:
    made = settings(tmp_path, access_token="given", refresh_token="seed")
    assert forget_login(made) == []
    assert token_of(made) == "given"


def test_settings_mask_every_secret(tmp_path: Path) -> None:
    made = settings(tmp_path, access_token="s3cret", refresh_token="s3cret", client_secret="s3cret")
    assert "s3cret" not in repr(made) + made.model_dump_json()
    assert isinstance(credentials_of(made, lambda: NOW), Login)
    assert "s3cret" not in repr(credentials_of(made, lambda: NOW))


@pytest.mark.parametrize(
    ("stored", "first"),
    [
        (FLEET_EU.base_url, FLEET_EU.base_url),
        ("http://evil.example", FLEET_NA.base_url),
        ("https://evil.example", FLEET_NA.base_url),
        (None, FLEET_NA.base_url),
    ],
)
def test_a_stored_address_is_used_where_it_is_trusted(tmp_path: Path, stored: str | None, first: str) -> None:
    """Earlier versions stored any address that a server named."""
    made = settings(tmp_path)
    save_login(made, replace(LOGIN, base_url=stored))
    assert first_address(made, credentials_of(made, lambda: NOW)) == first
