"""One refresh at a time over all threads and processes; a killed process does not lose the login.

A refresh token can be used once (Q29). From the moment at which the server spends it until the new pair is on disk, the only
copy of the login is in memory. Three measures protect it:

* **A separate process.** `renew_detached` has the refresh done by a child process in its own session, which ignores the signals
  that end its parent. If wattlog is killed, with any signal, the child still writes the new pair. The next process waits for
  its lock and finds the pair.
* **Space, a note, and the pair are on disk first.** Space for the new pair is reserved, and the stored tokens note that a
  refresh has begun, before the token is sent: with a full disk it is not sent. Tokens are used only as read from the store.
* **An unknown result is noted.** If the child or the machine stops during the refresh, or no response comes, the note stays.
  Tesla accepts the last used refresh token for another day, so it is sent once more within that time. With other authorities
  a token that may be spent is never sent again, and the user must log in.

One case remains: with an authority that grants no such time, a power cut during the refresh loses the login.
"""

import logging
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import orjson

from extract.api.patience import LOOK_S
from extract.auth.oauth import REFRESH, OAuthClient
from extract.auth.token_store import StoreKind, TokenStore, open_store, slot_locked
from extract.auth.tokens import Tokens, digest
from extract.errors import (
    AuthExpired,
    ExtractError,
    LoginEnded,
    RateLimited,
    RefreshUncertain,
    TokenStoreFailed,
    TransportFailed,
    UpstreamFailed,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Renewal:
    """A refresh to be done: everything that the separate process needs.

    Attributes:
        store: The kind of store.
        config_dir: Where files and locks are.
        slot: The login.
        token_url: Where to send the refresh token.
        client_id: The application, if the stored tokens have none.
        retry_grace_s: How long a token that may be spent may be sent again; 0 for never.
        rejected_sha256: Hash of the access token to replace; if the store has another one, the refresh is already done.
        now: The instant of the attempt.
        seed: The refresh token to use while the slot is empty.
    """

    store: StoreKind
    config_dir: Path
    slot: str
    token_url: str
    client_id: str
    retry_grace_s: float
    rejected_sha256: str
    now: datetime
    seed: str | None = field(default=None, repr=False)

    def to_json(self) -> bytes:
        """For a pipe only, since it includes the seed."""
        return orjson.dumps(asdict(self) | {"config_dir": str(self.config_dir)})

    @classmethod
    def from_json(cls, text: bytes) -> Self:
        """What `to_json` gave."""
        fields: dict[str, Any] = orjson.loads(text)
        fields |= {
            "store": StoreKind(fields["store"]),
            "config_dir": Path(fields["config_dir"]),
            "now": datetime.fromisoformat(fields["now"]),
        }
        return cls(**fields)


def renew(renewal: Renewal) -> None:
    """Put a new pair into the slot, unless another process has done so.

    Raises:
        AuthExpired: There is no refresh token that may be sent, or the authority refuses it.
        Retryable: No new pair now; another attempt may succeed.
        TokenStoreFailed: The tokens cannot be read or written.
    """
    store = open_store(renewal.store, renewal.config_dir)
    with slot_locked(renewal.config_dir, renewal.slot):
        store.recover(renewal.slot)
        stored = store.read(renewal.slot) or _from_seed(renewal)
        if stored.access_token and digest(stored.access_token) != renewal.rejected_sha256:
            return
        if stored.refresh_token is None:
            raise LoginEnded(REFRESH, stored.ended_because or "there is no refresh token")
        if stored.refresh_begun_at is not None and not _may_be_sent_again(stored.refresh_begun_at, renewal):
            because = (
                f"a refresh was cut off at {stored.refresh_begun_at:%Y-%m-%d %H:%M} UTC, so its token may be spent"
            )
            store.write(renewal.slot, stored.ended(because))
            raise LoginEnded(REFRESH, because)
        _refresh(store, renewal, stored, stored.refresh_token)


def _from_seed(renewal: Renewal) -> Tokens:
    if renewal.seed is None:
        raise LoginEnded(REFRESH, "the login was removed")
    return Tokens("", renewal.seed, client_id=renewal.client_id, seed_sha256=digest(renewal.seed))


def _may_be_sent_again(begun_at: datetime, renewal: Renewal) -> bool:
    return renewal.now < begun_at + timedelta(seconds=renewal.retry_grace_s)


def _refresh(store: TokenStore, renewal: Renewal, stored: Tokens, refresh_token: str) -> None:
    """Reserve space, note, send, store. A note keeps the time of the first attempt, from which the grace counts."""
    noted = replace(stored, refresh_begun_at=stored.refresh_begun_at or renewal.now)
    client = OAuthClient(renewal.token_url, stored.client_id or renewal.client_id)
    with store.reserved(renewal.slot) as keep:
        store.write(renewal.slot, noted)
        try:
            fresh = client.refresh(refresh_token, renewal.now)
        except RefreshUncertain:
            raise  # the note stays
        except LoginEnded as error:
            keep(stored.ended(error.detail))
            raise
        except ExtractError:
            keep(stored)
            raise
        keep(
            replace(
                fresh,
                base_url=stored.base_url,
                seed_sha256=stored.seed_sha256,
                scopes=fresh.scopes or stored.scopes,
            )
        )


# --- in a separate process --------------------------------------------------------------------------------------------

ERRORS: Final[dict[str, type[ExtractError]]] = {
    error.__name__: error
    for error in (
        AuthExpired,
        LoginEnded,
        RateLimited,
        RefreshUncertain,
        TokenStoreFailed,
        TransportFailed,
        UpstreamFailed,
    )
}
"""The errors of `renew`, by the name that the child process reports."""


def renew_detached(renewal: Renewal, *, is_interrupted: Callable[[], bool] = lambda: False) -> None:
    """Run `renew` in a child process that outlives this one.

    Args:
        renewal: What to do.
        is_interrupted: Whether to end the wait. The child process finishes by itself, and stores what it gets.

    Raises:
        ExtractError: As `renew`; `TransportFailed` if the child process ends without a report, or the wait is ended.
    """
    command = [sys.executable, "-P", "-m", "extract.auth.renewal"]
    child = subprocess.Popen(  # noqa: S603 - this module, without arguments
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    )
    report, to_send = b"", renewal.to_json()
    while child.returncode is None:
        try:
            report, _ = child.communicate(to_send or None, timeout=LOOK_S)
        except subprocess.TimeoutExpired:
            to_send = b""  # `communicate` takes it once
            if is_interrupted():
                raise TransportFailed(REFRESH, "interrupted; its process finishes by itself") from None
    if not report:
        raise TransportFailed(REFRESH, f"its process ended with code {child.returncode} before it was done")
    error = orjson.loads(report)
    if error is not None:
        raise ERRORS[error["error"]](*error["facts"])
    log.info("tokens renewed slot=%s", renewal.slot)


def main() -> None:
    """Do the renewal that standard input describes; incomplete input is an error."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    renewal = Renewal.from_json(sys.stdin.buffer.read())
    report: dict[str, object] | None = None
    try:
        renew(renewal)
    except ExtractError as error:
        report = {"error": type(error).__name__, "facts": error.args}
    sys.stdout.buffer.write(orjson.dumps(report))


if __name__ == "__main__":
    main()
