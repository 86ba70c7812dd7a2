"""A refresh token is good once (Q29): it is sent once, whichever process asks and whichever dies."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from extract.auth.oauth import OAuthClient
from extract.auth.renewal import ERRORS, Renewal, renew, renew_detached
from extract.auth.token_store import FileStore, StoreKind
from extract.auth.tokens import Tokens, digest
from extract.errors import AuthExpired, ExtractError, LoginEnded, RefreshUncertain, TokenStoreFailed, TransportFailed
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
from extract.simulator.faults.plan import ConnectionReset, ErrorResponse, Fault, SlowBody, TruncatedBody
from extract.simulator.login.authority import RefreshOutcome
from tests.patience import PATIENCE_S, wait_until

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
    def stored(self) -> Tokens:
        tokens = self.store.read(SLOT)
        assert tokens is not None
        return tokens

    @property
    def outcomes(self) -> list[RefreshOutcome]:
        return [refresh.outcome for refresh in self.server.authority.refreshes]


def logged_in(tmp_path: Path, *faults: Fault, last: int | None = None) -> Iterator[Login]:
    rules = tuple(Rule(fault, Where(path="/oauth2/v3/token"), last=last) for fault in faults)
    conditions = Conditions(oauth=OAuthSetup(), faults=FaultPlan(rules))
    with serve(WORLD, clock=lambda: NOW, conditions=conditions) as server:
        login = Login(server, tmp_path)
        login.store.write(SLOT, OLD)
        yield login


@pytest.fixture
def login(tmp_path: Path) -> Iterator[Login]:
    yield from logged_in(tmp_path)


@pytest.mark.parametrize("how", [renew, renew_detached])
def test_a_new_pair_is_in_the_store(login: Login, how: object) -> None:
    """Here or in another process; what else was known of the login stays."""
    assert callable(how)
    how(login.renewal())
    tokens = login.stored
    assert tokens.access_token.count(".") == 2
    assert tokens.refresh_token not in {None, DEMO_REFRESH_TOKEN}
    assert tokens.expires_at == NOW + timedelta(hours=8)
    assert (tokens.base_url, tokens.refresh_begun_at) == ("https://eu.test", None)
    assert login.outcomes == [RefreshOutcome.ROTATED]


def test_who_comes_late_finds_it_done(login: Login) -> None:
    """Eight threads with the same refused token: one refresh."""
    threads = [threading.Thread(target=renew, args=(login.renewal(),)) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert login.outcomes == [RefreshOutcome.ROTATED]


def test_an_empty_slot_begins_with_the_seed(login: Login) -> None:
    """The descendant remembers which seed it is of; the seed itself is not stored."""
    login.store.remove(SLOT)
    renew(replace(login.renewal(""), seed=DEMO_REFRESH_TOKEN))
    assert login.stored.seed_sha256 == digest(DEMO_REFRESH_TOKEN)
    assert DEMO_REFRESH_TOKEN.encode() not in login.stored.to_json()
    renew(replace(login.renewal(login.stored.access_token), seed=DEMO_REFRESH_TOKEN))
    assert login.outcomes == [RefreshOutcome.ROTATED] * 2, "the second time the descendant was sent"


def test_a_refused_token_is_never_sent_again(login: Login) -> None:
    login.store.write(SLOT, replace(OLD, refresh_token="withdrawn"))
    for _ in range(2):
        with pytest.raises(LoginEnded, match="login_required"):
            renew(login.renewal())
    assert login.outcomes == [RefreshOutcome.UNKNOWN]
    assert login.stored.access_token == "old", "which may still be good for a while"


def test_a_wrong_application_spends_nothing(login: Login) -> None:
    """The setting can be corrected; the refresh token is as good as before."""
    renew(login.renewal())
    mine = login.stored
    login.store.write(SLOT, replace(mine, client_id="another-client"))
    with pytest.raises(AuthExpired, match="unauthorized_client"):
        renew(login.renewal(mine.access_token))
    login.store.write(SLOT, replace(login.stored, client_id="wattlog"))
    renew(login.renewal(mine.access_token))
    assert RefreshOutcome.REUSED not in login.outcomes


@pytest.mark.parametrize("error", [ErrorResponse(500, "server_error"), ErrorResponse(429, "slow down")])
def test_a_refusal_that_spends_nothing_is_tried_again(tmp_path: Path, error: Fault) -> None:
    for login in logged_in(tmp_path, error, last=1):
        with pytest.raises(ExtractError):
            renew(login.renewal())
        assert login.stored == OLD, "no note stays"
        renew(login.renewal())
        assert login.outcomes == [RefreshOutcome.ROTATED]


def test_a_server_that_is_away_spends_nothing(login: Login) -> None:
    with pytest.raises(TransportFailed):
        renew(replace(login.renewal(), token_url="http://127.0.0.1:9/token"))
    assert login.stored == OLD


@pytest.mark.parametrize("lost", [TruncatedBody(), ConnectionReset(share=0.5)])
def test_a_lost_response_leaves_the_refresh_uncertain(tmp_path: Path, lost: Fault) -> None:
    """The server has spent the token, and the new one is lost. Without a grace it is never sent again."""
    for login in logged_in(tmp_path, lost, last=1):
        with pytest.raises(RefreshUncertain):
            renew(login.renewal())
        assert login.stored == replace(OLD, refresh_begun_at=NOW)
        for _ in range(2):
            with pytest.raises(LoginEnded, match="cut off at 2026-07-20 19:02 UTC"):
                renew(login.renewal())
        assert login.outcomes == [RefreshOutcome.ROTATED]


def test_within_the_grace_an_uncertain_refresh_is_tried(tmp_path: Path) -> None:
    """Tesla takes the last used refresh token for a day more: then it is sent again, and after that day no more."""
    for login in logged_in(tmp_path, ConnectionReset(), last=1):
        login.grace_s = 86_400
        with pytest.raises(RefreshUncertain):
            renew(login.renewal())
        assert login.outcomes == [], "this reset came before the server had read anything"
        renew(login.renewal(now=NOW + timedelta(hours=23)))
        assert login.outcomes == [RefreshOutcome.ROTATED]
        assert login.stored.refresh_begun_at is None
        login.store.write(SLOT, replace(OLD, refresh_begun_at=NOW))
        with pytest.raises(LoginEnded):
            renew(login.renewal(now=NOW + timedelta(hours=24)))
        assert login.outcomes == [RefreshOutcome.ROTATED]


def started(renewal: Renewal) -> subprocess.Popen[bytes]:
    """The child that does a renewal, as `renew_detached` starts it."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "extract.auth.renewal"],
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
    """What ends the parent does not end the child, and a pipe without a reader does not either."""
    for login in logged_in(tmp_path, SlowBody(pieces=4, pause_s=0.05)):
        with started(login.renewal()) as child:
            wait_for_note(login)
            assert child.stdout is not None
            child.stdout.close()
            os.kill(child.pid, signal_sent)
            child.wait(PATIENCE_S)
        assert login.stored.access_token != "old"
        assert login.outcomes == [RefreshOutcome.ROTATED]


def test_a_killed_child_leaves_a_note(tmp_path: Path) -> None:
    """What cannot be prevented is reported: the token may be spent, and it is not sent a second time."""
    for login in logged_in(tmp_path, SlowBody(pieces=4, pause_s=3600.0)):
        with started(login.renewal()) as child:
            wait_for_note(login)
            wait_for_refresh(login)
            child.kill()
        with pytest.raises(LoginEnded, match="may be spent"):
            renew(login.renewal())
        assert login.outcomes == [RefreshOutcome.ROTATED]


def test_a_child_whose_parent_dies_while_it_writes_the_order_does_nothing(login: Login) -> None:
    whole = login.renewal().to_json()
    done = subprocess.run(
        [sys.executable, "-P", "-m", "extract.auth.renewal"], input=whole[:-20], capture_output=True, check=False
    )
    assert done.returncode != 0
    assert login.stored == OLD
    assert login.outcomes == []


def wait_for_refresh(login: Login) -> None:
    wait_until(lambda: login.outcomes)


def wait_for_note(login: Login) -> None:
    wait_until(lambda: login.stored.refresh_begun_at is not None or login.stored.access_token != "old")


def test_two_processes_refresh_once(tmp_path: Path) -> None:
    for login in logged_in(tmp_path, SlowBody(pieces=4, pause_s=0.05)):
        children = [started(login.renewal()) for _ in range(2)]
        said = [child.communicate(timeout=PATIENCE_S)[0] for child in children]
        assert said == [b"null", b"null"]
        assert login.outcomes == [RefreshOutcome.ROTATED]


def test_errors_come_home_from_the_child(login: Login) -> None:
    """Every error that a refresh can end with has a name that the parent can look up."""
    login.store.write(SLOT, replace(OLD, refresh_token="withdrawn"))
    with pytest.raises(LoginEnded, match="login_required") as raised:
        renew_detached(login.renewal())
    assert "withdrawn" not in str(raised.value)
    assert {kind.__name__ for kind in ERRORS.values()} == set(ERRORS)


def test_the_order_travels_whole_and_hides_its_seed(login: Login) -> None:
    renewal = replace(login.renewal(), seed="secret-seed")
    assert Renewal.from_json(renewal.to_json()) == renewal
    assert "secret-seed" not in repr(renewal)


LIMITED = """
import resource, sys
from extract.auth.renewal import main
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
main()
"""


def renewed_where_files_may_grow_to(size: int, renewal: Renewal) -> object:
    """What the child reports."""
    done = subprocess.run(
        [sys.executable, "-c", LIMITED, str(size)], input=renewal.to_json(), capture_output=True, check=True
    )
    return orjson.loads(done.stdout)


def test_a_token_is_not_spent_where_the_new_pair_would_not_fit(login: Login) -> None:
    """The note fits, the pair does not: then nothing is sent, and the login is as good as before."""
    noted = replace(OLD, refresh_begun_at=NOW).to_json()
    report = renewed_where_files_may_grow_to(len(noted) + 100, login.renewal())
    assert isinstance(report, dict)
    assert report["error"] == "TokenStoreFailed"
    assert report["facts"][1] == "has no space for new tokens (File too large), so none were requested"
    assert login.outcomes == []
    assert login.stored == OLD
    renew(login.renewal())
    assert login.outcomes == [RefreshOutcome.ROTATED]
    assert len(login.stored.to_json()) > len(noted) + 100, "which would not have fitted"


def test_a_disk_that_fills_up_after_the_note_costs_nothing(login: Login, monkeypatch: pytest.MonkeyPatch) -> None:
    """Another program took the last block while the token was being spent."""
    opening, asking = os.open, OAuthClient.refresh

    def full(path: str, flags: int, mode: int = 0o777) -> int:
        if flags & os.O_CREAT and str(login.directory) in str(path):
            raise OSError(28, "No space left on device")
        return opening(path, flags, mode)

    def fills(client: OAuthClient, refresh_token: str, now: datetime) -> Tokens:
        granted = asking(client, refresh_token, now)
        monkeypatch.setattr("os.open", full)
        return granted

    monkeypatch.setattr(OAuthClient, "refresh", fills)
    renew(login.renewal())
    assert login.outcomes == [RefreshOutcome.ROTATED]
    assert login.stored.refresh_token not in {None, DEMO_REFRESH_TOKEN}
    assert login.stored.refresh_begun_at is None


KILLED = """
import os, signal
from pathlib import Path
from extract.auth.renewal import main
Path.replace, replacing = (
    lambda path, target: os.kill(os.getpid(), signal.SIGKILL) if path.name.endswith(".reserved") else replacing(path, target)
), Path.replace
main()
"""


def test_a_child_that_is_killed_before_the_pair_is_in_its_place_loses_nothing(login: Login) -> None:
    """It is on disk already, and the next renewal finds it, without another request."""
    done = subprocess.run(
        [sys.executable, "-c", KILLED], input=login.renewal().to_json(), capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    assert login.stored == replace(OLD, refresh_begun_at=NOW)
    renew(login.renewal())
    assert login.outcomes == [RefreshOutcome.ROTATED]
    assert login.stored.refresh_begun_at is None
    renew(login.renewal(login.stored.access_token))
    assert login.outcomes == [RefreshOutcome.ROTATED] * 2, "with the refresh token of the pair that was found"


@pytest.mark.parametrize("content", [b"", b"{", b'{"access_token": "old"}'])
def test_a_damaged_file_is_not_written_over(login: Login, content: bytes) -> None:
    """A person may still be able to read the refresh token in it; nothing is sent."""
    path = login.directory / "tokens" / f"{SLOT}.json"
    path.write_bytes(content)
    with pytest.raises(TokenStoreFailed, match="not tokens of wattlog"):
        renew(replace(login.renewal(), seed=DEMO_REFRESH_TOKEN))
    assert path.read_bytes() == content
    assert login.outcomes == []
