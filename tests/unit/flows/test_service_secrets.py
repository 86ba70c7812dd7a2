"""The secrets of services: environment before keyring, never a file of settings, and not to any address."""

from pathlib import Path

import keyring
import pytest

from extract.auth.token_store import SERVICE
from flows import service_secrets
from flows.errors import UsageError
from flows.service_secrets import check_address, needed_secret, secret_of
from flows.settings import load_settings


@pytest.fixture(autouse=True)
def _own_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(service_secrets, "keyring_is_usable", lambda: True)
    stored = {(SERVICE, "home-assistant"): "from-the-keyring", (SERVICE, "bad"): "two words"}
    monkeypatch.setattr(keyring, "get_password", lambda service, name: stored.get((service, name)))


def test_a_variable_is_stronger_than_the_keyring(monkeypatch: pytest.MonkeyPatch) -> None:
    assert secret_of(load_settings(), "home-assistant") == "from-the-keyring"
    monkeypatch.setenv("WATTLOG_SECRET_HOME_ASSISTANT", "from-the-variable\r")
    assert secret_of(load_settings(), "home-assistant") == "from-the-variable"
    assert "from-the-variable" not in load_settings().model_dump_json()
    monkeypatch.delenv("WATTLOG_SECRET_HOME_ASSISTANT")
    monkeypatch.setenv("WATTLOG_TOKEN_STORE", "file")
    assert secret_of(load_settings(), "home-assistant") is None


def test_a_secret_that_is_missing_or_unusable_is_one_line() -> None:
    with pytest.raises(UsageError, match="set WATTLOG_SECRET_INFLUXDB, or run `keyring set wattlog influxdb`"):
        needed_secret(load_settings(), "influxdb", "a token")
    with pytest.raises(UsageError, match="blank"):
        secret_of(load_settings(), "bad")


def test_a_secret_in_the_file_of_settings_is_refused() -> None:
    Path("wattlog.toml").write_text('secret_influxdb = "me:swordfish"\n')
    with pytest.raises(UsageError, match="must not"):
        load_settings()


def test_a_secret_is_not_sent_where_others_can_read_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for url in ("https://home.example.org", "http://192.168.1.5:8086", "http://127.0.0.1:1"):
        assert check_address(load_settings(), url, "secret") == url
    assert check_address(load_settings(), "http://home.example.org", None) == "http://home.example.org"
    with pytest.raises(UsageError, match="WATTLOG_ALLOW_HTTP"):
        check_address(load_settings(), "http://home.example.org", "secret")
    monkeypatch.setenv("WATTLOG_ALLOW_HTTP", "true")
    assert check_address(load_settings(), "http://home.example.org", "secret")
