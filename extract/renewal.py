"""One refresh at a time, over all threads and processes, that a kill cannot turn into a lost login.

A refresh token is good once (Q29): between the moment at which the server spends it and the moment at which the new pair is
on disk, the only copy of the login is in memory. Three things keep that window harmless:

* **A process of its own.** `renew_detached` has the refresh done by a child in its own session, which ignores the signals
  that end its parent. Kill wattlog there, with any signal, and the child still writes the new pair; whoever comes next waits
  for its lock and finds it.
* **A note before, the pair before its first use.** The stored tokens say that a refresh has begun before the token is sent.
  What is used is read back from the store, never taken from the answer.
* **Doubt is not denied.** When the child itself, or the machine, dies in the window, or no answer comes, the note stays.
  Tesla takes the last used refresh token for another day, so within it the token is sent once more. Where nobody promises
  that, a token in doubt is never sent again: a person has to log in.

What cannot be had: with an authority that spends tokens and grants no grace, a power cut inside the window costs the login.
"""

import logging
import signal
import subprocess
import sys
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final, Self

import orjson

from extract.errors import (
    AuthExpired,
    ExtractError,
    LoginEnded,
    RateLimited,
    RefreshInDoubt,
    TokenStoreFailed,
    TransportFailed,
    UpstreamFailed,
)
from extract.oauth import REFRESH, OAuthClient
from extract.token_store import StoreKind, TokenStore, open_store, slot_locked
from extract.tokens import Tokens, digest

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Renewal:
    """A refresh to be done: all that a process of its own has to be told.

    Attributes:
        store: Which store holds the slot.
        config_dir: Where files and locks are.
        slot: The login.
        token_url: Where to send the refresh token.
        client_id: The application, where the stored tokens name none.
        retry_grace_s: How long a token in doubt may be sent again; 0 for never.
        rejected_sha256: Hash of the access token that will not do; another one in the store means that it is done already.
        now: The instant of the attempt.
        seed: The refresh token to begin with when the slot is empty.
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
        """For a pipe, and for nothing else: it holds the seed."""
        return orjson.dumps(asdict(self) | {"config_dir": str(self.config_dir)})

    @classmethod
    def from_json(cls, told: bytes) -> Self:
        """What `to_json` gave."""
        fields: dict[str, Any] = orjson.loads(told)
        fields |= {
            "store": StoreKind(fields["store"]),
            "config_dir": Path(fields["config_dir"]),
            "now": datetime.fromisoformat(fields["now"]),
        }
        return cls(**fields)


def renew(renewal: Renewal) -> None:
    """Put a new pair into the slot, unless somebody has done so meanwhile.

    Raises:
        AuthExpired: There is no refresh token that may be sent, or the authority does not take it.
        Retryable: No new pair this time.
        TokenStoreFailed: The tokens cannot be read or written.
    """
    store = open_store(renewal.store, renewal.config_dir)
    with slot_locked(renewal.config_dir, renewal.slot):
        held = store.read(renewal.slot) or _from_seed(renewal)
        if held.access_token and digest(held.access_token) != renewal.rejected_sha256:
            return
        if held.refresh_token is None:
            raise LoginEnded(REFRESH, held.ended_because or "there is no refresh token")
        if held.refresh_begun_at is not None and not _may_be_sent_again(held.refresh_begun_at, renewal):
            because = f"a refresh was cut off at {held.refresh_begun_at:%Y-%m-%d %H:%M} UTC, so its token may be spent"
            store.write(renewal.slot, held.ended(because))
            raise LoginEnded(REFRESH, because)
        _refresh(store, renewal, held, held.refresh_token)


def _from_seed(renewal: Renewal) -> Tokens:
    if renewal.seed is None:
        raise LoginEnded(REFRESH, "nobody is logged in any more")
    return Tokens("", renewal.seed, client_id=renewal.client_id, seed_sha256=digest(renewal.seed))


def _may_be_sent_again(begun_at: datetime, renewal: Renewal) -> bool:
    return renewal.now < begun_at + timedelta(seconds=renewal.retry_grace_s)


def _refresh(store: TokenStore, renewal: Renewal, held: Tokens, refresh_token: str) -> None:
    """Note, send, keep. Of a token in doubt the note keeps the time of the first try, from which the grace counts."""
    noted = replace(held, refresh_begun_at=held.refresh_begun_at or renewal.now)
    store.write(renewal.slot, noted)
    client = OAuthClient(renewal.token_url, held.client_id or renewal.client_id)
    try:
        fresh = client.refresh(refresh_token, renewal.now)
    except RefreshInDoubt:
        raise  # the note stays
    except LoginEnded as error:
        store.write(renewal.slot, held.ended(error.detail))
        raise
    except ExtractError:
        store.write(renewal.slot, held)
        raise
    kept = replace(
        fresh,
        base_url=held.base_url,
        seed_sha256=held.seed_sha256,
        scopes=fresh.scopes or held.scopes,
    )
    store.write(renewal.slot, kept)


# --- in a process of its own ------------------------------------------------------------------------------------------

ERRORS: Final[dict[str, type[ExtractError]]] = {
    each.__name__: each
    for each in (
        AuthExpired,
        LoginEnded,
        RateLimited,
        RefreshInDoubt,
        TokenStoreFailed,
        TransportFailed,
        UpstreamFailed,
    )
}
"""What `renew` raises, by the name under which a child reports it."""


def renew_detached(renewal: Renewal) -> None:
    """`renew` in a child that outlives this process; returns, or raises, what came of it.

    Raises:
        ExtractError: As `renew`; `TransportFailed` when the child ends without a word.
    """
    command = [sys.executable, "-P", "-m", "extract.renewal"]
    with subprocess.Popen(  # noqa: S603 - this module, and no argument of anybody's
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
    ) as child:
        said, _ = child.communicate(renewal.to_json())
    if not said:
        raise TransportFailed(REFRESH, f"its process ended with code {child.returncode} before it was done")
    error = orjson.loads(said)
    if error is not None:
        raise ERRORS[error["error"]](*error["facts"])
    log.info("tokens renewed slot=%s", renewal.slot)


def main() -> None:
    """Do the one renewal that standard input describes; a pipe that ends too early describes none."""
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    renewal = Renewal.from_json(sys.stdin.buffer.read())
    report: dict[str, object] | None = None
    try:
        renew(renewal)
    except ExtractError as error:
        report = {"error": type(error).__name__, "facts": error.args}
    sys.stdout.buffer.write(orjson.dumps(report))


if __name__ == "__main__":
    main()
