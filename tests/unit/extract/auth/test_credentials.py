"""Which token is sent, when it is renewed, and by which process."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from extract.auth.credentials import GivenToken, Login
from extract.auth.renewal import Renewal
from extract.auth.token_store import Keep, StoreKind
from extract.auth.tokens import Tokens, digest
from extract.errors import AuthExpired, LoginEnded, TokenStoreFailed, TransportFailed
from wattlog.providers import FLEET_NA

NOW = datetime(2026, 7, 20, 12, 0, tzinfo=UTC)
HOURS_8 = timedelta(hours=8)
SLOT = "tesla"


@dataclass
class Memory:
    """A store without a disk."""

    stored: dict[str, Tokens] = field(default_factory=dict)
    kind: StoreKind = StoreKind.FILE

    def read(self, slot: str) -> Tokens | None:
        return self.stored.get(slot)

    def write(self, slot: str, tokens: Tokens) -> None:
        self.stored[slot] = tokens

    @contextmanager
    def reserved(self, slot: str) -> Iterator[Keep]:
        yield partial(self.write, slot)

    def recover(self, slot: str) -> None:
        """No write is interrupted here."""

    def remove(self, slot: str) -> bool:
        return self.stored.pop(slot, None) is not None

    def place(self, slot: str) -> str:
        return f"memory {slot}"


@dataclass
class Desk:
    """A login, its store, a clock moved by hand, and a renewal that is replaced."""

    store: Memory = field(default_factory=Memory)
    now: datetime = NOW
    asked: list[Renewal] = field(default_factory=list)
    fails: Exception | None = None

    def login(self, seed: Tokens | None = None) -> Login:
        return Login(
            self.store,
            SLOT,
            FLEET_NA.authority,
            "wattlog",
            Path("/nowhere"),
            lambda: self.now,
            seed,
            how=self.renew,
        )

    def renew(self, renewal: Renewal) -> None:
        self.asked.append(renewal)
        if self.fails is not None:
            raise self.fails
        self.store.write(SLOT, pair(len(self.asked), self.now))


def pair(number: int, now: datetime = NOW) -> Tokens:
    return Tokens(f"access-{number}", f"refresh-{number}", obtained_at=now, expires_at=now + HOURS_8)


@pytest.fixture
def desk() -> Desk:
    made = Desk()
    made.store.write(SLOT, pair(0))
    return made


def test_a_given_token_is_used_as_it_is() -> None:
    given = GivenToken("abc", "setting WATTLOG_ACCESS_TOKEN")
    assert given.token() == "abc"
    assert not given.renew("abc")
    assert "abc" not in repr(given)


def test_the_stored_token_is_sent_until_it_is_due(desk: Desk) -> None:
    """Q29: five minutes before its end, in one refresh for all that follow."""
    login = desk.login()
    desk.now += HOURS_8 - timedelta(minutes=5, seconds=1)
    assert login.token() == "access-0"
    desk.now += timedelta(seconds=1)
    assert [login.token() for _ in range(3)] == ["access-1"] * 3
    assert [renewal.rejected_sha256 for renewal in desk.asked] == [digest("access-0")]
    assert desk.asked[0].retry_grace_s == 86_400, "Tesla's grace"


def test_a_refused_token_is_renewed_once_for_all_threads(desk: Desk) -> None:
    """Sixteen threads were refused the same token."""
    login = desk.login()
    threads = [threading.Thread(target=login.renew, args=("access-0",)) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert login.token() == "access-1"
    assert len(desk.asked) == 1


def test_another_process_may_have_renewed_it(desk: Desk) -> None:
    """Refused or due: the tokens in the store are used, not those read before."""
    login = desk.login()
    assert login.token() == "access-0"
    desk.store.write(SLOT, pair(7, NOW + HOURS_8))
    assert login.renew("access-0")
    desk.store.write(SLOT, pair(8, NOW + 2 * HOURS_8))
    desk.now = NOW + 2 * HOURS_8
    assert login.token() == "access-8"
    assert desk.asked == []


def test_a_token_that_still_works_outlives_a_failed_renewal(desk: Desk) -> None:
    """Another try a minute later, not with every request; past the end the failure is reported."""
    login, desk.fails = desk.login(), TransportFailed("token refresh", "ConnectError")
    desk.now = NOW + HOURS_8 - timedelta(minutes=4)
    assert [login.token() for _ in range(5)] == ["access-0"] * 5
    assert len(desk.asked) == 1
    desk.now += timedelta(seconds=60)
    assert login.token() == "access-0"
    assert len(desk.asked) == 2
    desk.now = NOW + HOURS_8
    with pytest.raises(TransportFailed):
        login.token()


def test_a_token_that_still_works_outlives_a_full_disk(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    """No refresh is tried without space for the new pair; the run continues with the old one while it is valid."""
    desk.store.write(SLOT, pair(0))
    desk.fails = TokenStoreFailed("file tesla.json", "has no space for new tokens")
    login = desk.login()
    desk.now = NOW + HOURS_8 - timedelta(minutes=3)
    assert login.token() == "access-0"
    assert "has no space for new tokens" in caplog.text
    desk.now = NOW + HOURS_8
    with pytest.raises(TokenStoreFailed):
        login.token()


def test_without_a_login() -> None:
    with pytest.raises(AuthExpired, match="wattlog login"):
        Desk().login().token()


@pytest.mark.parametrize("ask", [lambda login: login.token(), lambda login: login.renew("")])
def test_an_ended_login_says_why(desk: Desk, ask: Callable[[Login], object]) -> None:
    desk.store.write(SLOT, Tokens("").ended("a refresh was cut off"))
    with pytest.raises(LoginEnded, match="a refresh was cut off"):
        ask(desk.login())
    assert desk.asked == []


def test_an_ended_login_is_used_while_its_token_works(desk: Desk) -> None:
    desk.store.write(SLOT, pair(0).ended("a refresh was cut off"))
    login = desk.login()
    assert login.token() == "access-0"
    with pytest.raises(LoginEnded):
        login.renew("access-0")


def test_a_token_without_a_refresh_token_is_not_renewed(desk: Desk) -> None:
    """A Teslemetry token has no refresh token: the user gets the API's own text."""
    desk.store.write(SLOT, Tokens("teslemetry's"))
    login = desk.login()
    assert login.token() == "teslemetry's"
    assert not login.renew("teslemetry's")


def test_a_seed_is_used_until_it_has_a_descendant() -> None:
    """DESIGN: from then on the descendant is, for as long as the seed stays the same."""
    desk = Desk()
    seed = replace(pair(0), seed_sha256=digest("refresh-0"))
    login = desk.login(seed)
    assert login.token() == "access-0"
    assert login.renew("access-0")
    assert desk.asked[0].seed == "refresh-0"
    assert desk.login(seed).token() == "access-1"
    assert "refresh-0" not in repr(login) + repr(desk.asked[0])


def test_a_seed_without_an_access_token_is_renewed_first() -> None:
    desk = Desk()
    assert desk.login(Tokens("", "refresh-0")).token() == "access-1"
    assert desk.asked[0].rejected_sha256 == digest("")
