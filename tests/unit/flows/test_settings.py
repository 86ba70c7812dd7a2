"""Where settings come from, which source is the strongest, and what a value that is not legal is answered with."""

import re
from pathlib import Path

import pytest

from flows.errors import UsageError
from flows.settings import load_settings
from flows.settings_sources import QuerySettings, query_settings


@pytest.fixture(autouse=True)
def _directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty working directory: `.env` and `wattlog.toml` are read from it."""
    monkeypatch.chdir(tmp_path)


def test_a_variable_is_stronger_than_env_which_is_stronger_than_toml(monkeypatch: pytest.MonkeyPatch) -> None:
    Path("wattlog.toml").write_text('concurrency = 1\nsettle_hours = 1\nscopes = "one"\n')
    Path(".env").write_text("WATTLOG_CONCURRENCY=2\nexport WATTLOG_SETTLE_HOURS='2'\nOTHER_SCOPES=x\n")
    monkeypatch.setenv("wattlog_concurrency", "3")
    settings = load_settings(data_dir=Path("given"))
    assert (settings.concurrency, settings.settle_hours, settings.scopes) == (3, 2, "one")
    assert settings.data_dir == Path("given")


def test_an_empty_variable_counts_as_not_set(monkeypatch: pytest.MonkeyPatch) -> None:
    Path(".env").write_text("WATTLOG_CONCURRENCY=2\nWATTLOG_SETTLE_HOURS=\n")
    monkeypatch.setenv("WATTLOG_CONCURRENCY", "")
    settings = load_settings()
    assert (settings.concurrency, settings.settle_hours) == (2, 48)


@pytest.mark.parametrize("source", ["variable", ".env", "wattlog.toml"])
def test_time_zones_of_sites_can_be_given_by_each_source(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    if source == "variable":
        monkeypatch.setenv("WATTLOG_SITE_TIMEZONES", '{"1234567": "Europe/London"}')
    elif source == ".env":
        Path(".env").write_text("""WATTLOG_SITE_TIMEZONES='{"1234567": "Europe/London"}'\n""")
    else:
        Path("wattlog.toml").write_text('[site_timezones]\n1234567 = "Europe/London"\n')
    assert load_settings().site_timezones == {1234567: "Europe/London"}


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("[1", "expected a JSON object such as"),
        ("[1]", "expected a JSON object such as"),
        ('{"home": "Europe/London"}', "home: Input should be a valid integer"),
        ('{"1": "Europe/Londn"}', "'Europe/Londn' is not the time zone of a place"),
    ],
)
def test_time_zones_that_are_none_are_refused(value: str, message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WATTLOG_SITE_TIMEZONES", value)
    with pytest.raises(UsageError, match=f"^WATTLOG_SITE_TIMEZONES: {re.escape(message)}"):
        load_settings()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("wattlog.toml", b"provider = [", "wattlog.toml is not valid TOML"),
        ("wattlog.toml", b'provider = "\xff"', "wattlog.toml is not valid TOML"),
        (".env", b"WATTLOG_PROVIDER=\xff", ".env is not UTF-8"),
    ],
)
def test_a_file_that_cannot_be_read_is_named(name: str, content: bytes, message: str) -> None:
    Path(name).write_bytes(content)
    with pytest.raises(UsageError, match=f"^{re.escape(message)}"):
        load_settings()
    with pytest.raises(UsageError, match=f"^{re.escape(message)}"):
        query_settings(None)


def test_a_query_has_the_same_two_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    assert query_settings(None) == QuerySettings() == _two_of_all()
    Path("wattlog.toml").write_text('data_dir = "from-toml"\nlog_level = "debug"\n')
    assert query_settings(None) == QuerySettings(Path("from-toml"), "DEBUG") == _two_of_all()
    monkeypatch.setenv("WATTLOG_DATA_DIR", "from-variable")
    assert query_settings(None) == QuerySettings(Path("from-variable"), "DEBUG") == _two_of_all()
    assert query_settings(Path("given")) == QuerySettings(Path("given"), "DEBUG")


def _two_of_all() -> QuerySettings:
    settings = load_settings()
    return QuerySettings(settings.data_dir, settings.log_level)


@pytest.mark.parametrize(
    ("name", "value"),
    [("DATA_DIR", "s3://bucket/home"), ("DATA_DIR", "gs://bucket/home"), ("LOG_LEVEL", "loud")],
)
def test_a_query_that_needs_more_settings_or_has_a_wrong_one_takes_all(
    name: str, value: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"WATTLOG_{name}", value)
    assert query_settings(None) is None


ADDRESSES = ("API_BASE_URL", "TOKEN_URL", "AUTHORIZE_URL", "REDIRECT_URI")


@pytest.mark.parametrize("name", ADDRESSES)
def test_plain_http_to_another_machine_is_refused(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tokens and codes would be readable on the way; the sentence says both ways out."""
    monkeypatch.setenv(f"WATTLOG_{name}", "http://proxy.example:8080")
    with pytest.raises(UsageError, match=rf"^WATTLOG_{name}: plain http .* https:// .* WATTLOG_ALLOW_HTTP=true"):
        load_settings()
    monkeypatch.setenv("WATTLOG_ALLOW_HTTP", "true")
    assert getattr(load_settings(), name.lower()) == "http://proxy.example:8080"


@pytest.mark.parametrize("url", ["http://127.0.0.1:8000", "http://localhost:8484/callback", "https://proxy.example"])
@pytest.mark.parametrize("name", ADDRESSES)
def test_https_and_this_machine_are_allowed(name: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(f"WATTLOG_{name}", url)
    assert getattr(load_settings(), name.lower()) == url
