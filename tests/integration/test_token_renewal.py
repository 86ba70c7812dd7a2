"""A refresh token is good once (Q29): it is sent once, whoever asks and whoever dies."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from extract.errors import AuthExpired, ExtractError, LoginEnded, RefreshInDoubt, TransportFailed
from extract.renewal import ERRORS, Renewal, renew, renew_detached
from extract.simulator import (
    DEMO_REFRESH_TOKEN,
    Conditions,
    FaultPlan,
    OAuthSetup,
    Rule,
    SimulatorServer,
    Where,
    demo_world,
    serve,
)
from extract.simulator.authority import RefreshOutcome
from extract.simulator.faults import ConnectionReset, ErrorAnswer, Fault, SlowBody, TruncatedBody
from extract.token_store import FileStore, StoreKind
from extract.tokens import Tokens, digest

NOW = datetime(2026, 7, 20, 19, 2, 3, tzinfo=UTC)
WORLD = demo_world(NOW.date())
SLOT = "seed"
OLD = Tokens("old", DEMO_REFRESH_TOKEN, client_id="wattlog", base_url="https://eu.test")


@dataclass
class Login:
    """A stored login at a simulator."""

    server: SimulatorServer
    directory: Path
    grace_s: float = 0.0
    store: FileStore = field(init=False)

    def __post_init__(self) -> None:
        self.store = FileStore(self.directory / "tokens")

    def renewal(self, rejected: str = "old", now: datetime = NOW) -> Renewal:
        return Renewal(
            StoreKind.FILE,
            self.directory,
            SLOT,
            f"{self.server.base_url}/oauth2/v3/token",
            "wattlog",
            self.grace_s,
            digest(rejected),
            now,
        )

    @property
    def held(self) -> Tokens:
        held = self.store.read(SLOT)
        assert held is not None
        return held

    @property
    def outcomes(self) -> list[RefreshOutcome]:
        return [each.outcome for each in self.server.authority.refreshes]


def opened(tmp_path: Path, *faults: Fault, last: int | None = None) -> Iterator[Login]:
    rules = tuple(Rule(each, Where(path="/oauth2/v3/token"), last=last) for each in faults)
    conditions = Conditions(oauth=OAuthSetup(), faults=FaultPlan(rules))
    with serve(WORLD, clock=lambda: NOW, conditions=conditions) as server:
        login = Login(server, tmp_path)
        login.store.write(SLOT, OLD)
        yield login


@pytest.fixture
def login(tmp_path: Path) -> Iterator[Login]:
    yield from opened(tmp_path)


@pytest.mark.parametrize("how", [renew, renew_detached])
def test_a_new_pair_is_in_the_store(login: Login, how: object) -> None:
    """Here or in a process of its own; what else was known of the login stays."""
    assert callable(how)
    how(login.renewal())
    held = login.held
    assert held.access_token.count(".") == 2
    assert held.refresh_token not in {None, DEMO_REFRESH_TOKEN}
    assert held.expires_at == NOW + timedelta(hours=8)
    assert (held.base_url, held.refresh_begun_at) == ("https://eu.test", None)
    assert login.outcomes == [RefreshOutcome.ROTATED]


def test_who_comes_late_finds_it_done(login: Login) -> None:
    """Eight threads with the same refused token: one refresh."""
    threads = [threading.Thread(target=renew, args=(login.renewal(),)) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert login.outcomes == [RefreshOutcome.ROTATED]


def test_an_empty_slot_begins_with_the_seed(login: Login) -> None:
    """The descendant remembers which seed it is of; the seed itself is not stored."""
    login.store.remove(SLOT)
    renew(replace(login.renewal(""), seed=DEMO_REFRESH_TOKEN))
    assert login.held.seed_sha256 == digest(DEMO_REFRESH_TOKEN)
    assert DEMO_REFRESH_TOKEN.encode() not in login.held.to_json()
    renew(replace(login.renewal(login.held.access_token), seed=DEMO_REFRESH_TOKEN))
    assert login.outcomes == [RefreshOutcome.ROTATED] * 2, "the second time the descendant was sent"


def test_a_refused_token_is_never_sent_again(login: Login) -> None:
    login.store.write(SLOT, replace(OLD, refresh_token="withdrawn"))
    for _ in range(2):
        with pytest.raises(LoginEnded, match="login_required"):
            renew(login.renewal())
    assert login.outcomes == [RefreshOutcome.UNKNOWN]
    assert login.held.access_token == "old", "which may still be good for a while"


def test_a_wrong_application_spends_nothing(login: Login) -> None:
    """The setting can be mended; the refresh token is as good as before."""
    renew(login.renewal())
    mine = login.held
    login.store.write(SLOT, replace(mine, client_id="somebody-else"))
    with pytest.raises(AuthExpired, match="unauthorized_client"):
        renew(login.renewal(mine.access_token))
    login.store.write(SLOT, replace(login.held, client_id="wattlog"))
    renew(login.renewal(mine.access_token))
    assert RefreshOutcome.SPENT not in login.outcomes


@pytest.mark.parametrize("error", [ErrorAnswer(500, "server_error"), ErrorAnswer(429, "slow down")])
def test_a_refusal_that_spends_nothing_is_tried_again(tmp_path: Path, error: Fault) -> None:
    for login in opened(tmp_path, error, last=1):
        with pytest.raises(ExtractError):
            renew(login.renewal())
        assert login.held == OLD, "no note stays"
        renew(login.renewal())
        assert login.outcomes == [RefreshOutcome.ROTATED]


def test_a_server_that_is_away_spends_nothing(login: Login) -> None:
    with pytest.raises(TransportFailed):
        renew(replace(login.renewal(), token_url="http://127.0.0.1:9/token"))
    assert login.held == OLD


@pytest.mark.parametrize("lost", [TruncatedBody(), ConnectionReset(share=0.5)])
def test_a_lost_answer_leaves_a_doubt(tmp_path: Path, lost: Fault) -> None:
    """The server has spent the token, and nobody has the new one. Without a grace it is never sent again."""
    for login in opened(tmp_path, lost, last=1):
        with pytest.raises(RefreshInDoubt):
            renew(login.renewal())
        assert login.held == replace(OLD, refresh_begun_at=NOW)
        for _ in range(2):
            with pytest.raises(LoginEnded, match="cut off at 2026-07-20 19:02 UTC"):
                renew(login.renewal())
        assert login.outcomes == [RefreshOutcome.ROTATED]


def test_within_the_grace_a_doubt_is_tried(tmp_path: Path) -> None:
    """Tesla takes the last used refresh token for a day more: then it is sent again, and after that day no more."""
    for login in opened(tmp_path, ConnectionReset(), last=1):
        login.grace_s = 86_400
        with pytest.raises(RefreshInDoubt):
            renew(login.renewal())
        assert login.outcomes == [], "this reset came before the server had read anything"
        renew(login.renewal(now=NOW + timedelta(hours=23)))
        assert login.outcomes == [RefreshOutcome.ROTATED]
        assert login.held.refresh_begun_at is None
        login.store.write(SLOT, replace(OLD, refresh_begun_at=NOW))
        with pytest.raises(LoginEnded):
            renew(login.renewal(now=NOW + timedelta(hours=24)))
        assert login.outcomes == [RefreshOutcome.ROTATED]


def started(renewal: Renewal) -> subprocess.Popen[bytes]:
    """The child that does a renewal, as `renew_detached` starts it."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "extract.renewal"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    )
    assert child.stdin is not None
    child.stdin.write(renewal.to_json())
    child.stdin.close()
    child.stdin = None  # as `communicate` wants it
    return child


@pytest.mark.parametrize("signal_sent", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_the_child_finishes_what_it_began(tmp_path: Path, signal_sent: signal.Signals) -> None:
    """What ends the parent does not end the child, and a pipe that nobody reads any more does not either."""
    for login in opened(tmp_path, SlowBody(pieces=4, pause_s=0.05)):
        with started(login.renewal()) as child:
            wait_for_note(login)
            assert child.stdout is not None
            child.stdout.close()
            os.kill(child.pid, signal_sent)
            child.wait(10)
        assert login.held.access_token != "old"
        assert login.outcomes == [RefreshOutcome.ROTATED]


def test_a_killed_child_leaves_a_note(tmp_path: Path) -> None:
    """What cannot be prevented is at least known: the doubt is told, and the token is not sent a second time."""
    for login in opened(tmp_path, SlowBody(pieces=4, pause_s=0.25)):
        with started(login.renewal()) as child:
            wait_for_note(login)
            while not login.outcomes:
                time.sleep(0.01)
            child.kill()
        with pytest.raises(LoginEnded, match="may be spent"):
            renew(login.renewal())
        assert login.outcomes == [RefreshOutcome.ROTATED]


def test_a_child_whose_parent_dies_while_telling_does_nothing(login: Login) -> None:
    whole = login.renewal().to_json()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "extract.renewal"], input=whole[:-20], capture_output=True, check=False
    )
    assert done.returncode != 0
    assert login.held == OLD
    assert login.outcomes == []


def wait_for_note(login: Login) -> None:
    deadline = time.monotonic() + 10
    while login.held.refresh_begun_at is None and login.held.access_token == "old":
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_two_processes_refresh_once(tmp_path: Path) -> None:
    for login in opened(tmp_path, SlowBody(pieces=4, pause_s=0.05)):
        children = [started(login.renewal()) for _ in range(2)]
        said = [child.communicate(timeout=30)[0] for child in children]
        assert said == [b"null", b"null"]
        assert login.outcomes == [RefreshOutcome.ROTATED]


def test_errors_come_home_from_the_child(login: Login) -> None:
    """Every error that a refresh can end with has a name that the parent knows."""
    login.store.write(SLOT, replace(OLD, refresh_token="withdrawn"))
    with pytest.raises(LoginEnded, match="login_required") as raised:
        renew_detached(login.renewal())
    assert "withdrawn" not in str(raised.value)
    assert {kind.__name__ for kind in ERRORS.values()} == set(ERRORS)


def test_the_order_travels_whole_and_hides_its_seed(login: Login) -> None:
    renewal = replace(login.renewal(), seed="secret-seed")
    assert Renewal.from_json(renewal.to_json()) == renewal
    assert "secret-seed" not in repr(renewal)
