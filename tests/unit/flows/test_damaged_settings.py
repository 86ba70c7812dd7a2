"""Token and settings files that are damaged anywhere: what is read is a value or one of wattlog's errors, never anything else.

They have no checksum, since people edit the one and another version may write the other: a flipped bit in a token is another
token, which the API refuses.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from extract.auth.token_store import FileStore
from extract.auth.tokens import Tokens
from extract.errors import TokenStoreFailed
from flows.errors import UsageError
from flows.settings import load_settings
from tests.torture.damages import Damage, damaged

TOKENS = Tokens(
    "an-access-token",
    "a-refresh-token",
    obtained_at=datetime(2026, 3, 5, 12, tzinfo=UTC),
    expires_at=datetime(2026, 3, 5, 20, tzinfo=UTC),
    client_id="a-client",
)
SETTINGS = {
    "wattlog.toml": b'settle_hours = 48\nsite_timezones = { 71 = "Europe/London" }\n\n[billing]\ncycle_day = 12\n',
    ".env": b"WATTLOG_SETTLE_HOURS=48\nWATTLOG_LOG_LEVEL=info\n",
}
STEP = 5
"""Every so many bytes are damaged."""


def damages(content: bytes, damage: Damage) -> Iterator[bytes | None]:
    """The content after a damage at some places, at both ends among them."""
    for place in (*range(0, len(content), STEP), len(content) - 1):
        yield damaged(content, damage, place)


def message_of(read: Callable[[], object]) -> str | None:
    """The message with which reading ends; None if it ends well."""
    try:
        read()
    except (TokenStoreFailed, UsageError) as error:
        return str(error)
    return None


@pytest.mark.parametrize("damage", Damage)
def test_a_damaged_token_file_says_what_to_do(damage: Damage, tmp_path: Path) -> None:
    """Except for one that is gone, and one in which only a value has changed."""
    store = FileStore(tmp_path)
    store.write("fleet", TOKENS)
    (path,) = tmp_path.iterdir()
    for content in damages(path.read_bytes(), damage):
        path.unlink(missing_ok=True)
        if content is None:
            assert store.read("fleet") is None
            continue
        path.touch(0o600)
        path.write_bytes(content)
        message = message_of(lambda: store.read("fleet"))
        if message is None:
            assert damage is Damage.FLIPPED_BIT
        else:
            assert str(path) in message
            assert "`wattlog login`" in message


@pytest.mark.parametrize("damage", Damage)
@pytest.mark.parametrize("name", SETTINGS)
def test_a_damaged_settings_file_is_named(
    name: str, damage: Damage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Or read without what is damaged: it is text that people write."""
    monkeypatch.chdir(tmp_path)
    for content in damages(SETTINGS[name], damage):
        if content is not None:
            Path(name).write_bytes(content)
        message = message_of(load_settings)
        assert message is None or name in message or "WATTLOG_" in message
        assert message is None or "\n" not in message
        Path(name).unlink(missing_ok=True)
