"""The lease: one run at a time works on a store, whichever machine it is on.

The lease is an object that is created only where there is none, and replaced only by who knows its state, so of two runs one
gets it. It is renewed while the run lasts, and says at the end that everything is in good order. One that is not renewed
any more, or whose holder is known to be dead, is taken over; then the store may hold half a push, which is mended first.
"""

import logging
import os
import socket
import time
from contextlib import suppress
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

import orjson

from flows.object_store.bucket import Bucket, Conflict, Stored
from flows.object_store.errors import StoreBusy, StoreChanged, StoreRefused

log = logging.getLogger(__name__)

PATH = "_wattlog/lease.json"

STALE_S = 300.0
"""A lease that was not renewed for so long, by the store's clock, has no holder any more."""

HELD_S = 200.0
"""After so long without a renewal the holder itself takes the lease for lost: earlier than others do, by more than what the
slowest request takes that it may have under way."""

_TRIES = 3


class State(StrEnum):
    """What a lease says.

    HELD: A run works on the store, or died of it. RELEASED: The last run left it in good order. ABANDONED: It did not, but
    it is over.
    """

    HELD = "held"
    RELEASED = "released"
    ABANDONED = "abandoned"


class Lease:
    """A lease that this process holds; `acquire` makes one.

    Args:
        bucket: The store.
        note: Who holds it.
        etag: The state of the lease's object.
        is_clean: The run before left the store in good order.
    """

    def __init__(self, bucket: Bucket, note: dict[str, Any], etag: str, *, is_clean: bool) -> None:
        self.is_clean = is_clean
        self._bucket, self._note, self._etag = bucket, note, etag
        self._renewed = _now()
        self._is_lost = False

    @classmethod
    def acquire(cls, bucket: Bucket, command: str, mirror_id: str, now: datetime) -> "Lease":
        """Take the lease.

        Args:
            bucket: The store.
            command: What the holder does, for others to read.
            mirror_id: The mirror whose lock this process holds: another process of the same mirror must be dead.
            now: The instant.

        Raises:
            StoreBusy: Another run holds it.
        """
        note = {
            "token": uuid4().hex,
            "mirror": mirror_id,
            "host": socket.gethostname(),
            "pid": os.getpid(),
            "command": command,
            "since": now.isoformat(timespec="seconds"),
            "state": State.HELD,
        }
        for _ in range(_TRIES):
            found = bucket.read(PATH)
            before = None if found is None else _state_left(bucket, found, mirror_id)
            with suppress(Conflict):
                etag = bucket.put(PATH, orjson.dumps(note), replaces=None if found is None else found.etag)
                return cls(bucket, note, etag, is_clean=before is State.RELEASED)
        raise StoreBusy(f"several runs begin on {bucket.address} at this moment; try again")

    def renew(self) -> None:
        """Say that the holder is alive.

        Raises:
            StoreChanged: Another run has taken it over.
        """
        body = orjson.dumps({**self._note, "renewal": uuid4().hex})
        began = _now()
        try:
            self._etag = self._bucket.put(PATH, body, replaces=self._etag)
        except Conflict:
            self._is_lost = True
            self.ensure()
        self._renewed = began

    def ensure(self) -> None:
        """Before anything is changed that another run may rely on.

        Raises:
            StoreChanged: It is not certain any more that this process holds the lease.
        """
        silent_s = max(now - then for now, then in zip(_now(), self._renewed, strict=True))
        if self._is_lost or silent_s > HELD_S:
            raise StoreChanged(
                f"another run may have taken over {self._bucket.address}, since this one was not heard of for too long; "
                "what was fetched is kept on this machine: run the command again"
            )

    def refuse_careless_store(self) -> None:
        """See that the store heeds conditions, without which two runs would write over each other unnoticed.

        Raises:
            StoreRefused: It does not.
        """
        with suppress(Conflict):
            self._bucket.put(PATH, b"{}", replaces=None)
            self._bucket.delete([PATH])
            raise StoreRefused(
                f"{self._bucket.address} replaces objects though told not to (If-None-Match), so it cannot keep two runs "
                "apart; use a store that heeds conditions, or a newer version of this one"
            )

    def release(self) -> None:
        """Everything is in good order.

        Raises:
            StoreChanged: Another run has taken it over.
        """
        self._leave(State.RELEASED)

    def abandon(self) -> None:
        """The run ends, but not everything is in good order: the next one need not wait, but must mend.

        Raises:
            StoreChanged: Another run has taken it over.
        """
        self._leave(State.ABANDONED)

    def _leave(self, state: State) -> None:
        self.ensure()
        try:
            self._bucket.put(PATH, orjson.dumps({**self._note, "state": state}), replaces=self._etag)
        except Conflict:
            self._is_lost = True
            self.ensure()


def _now() -> tuple[float, float]:
    """Two clocks: the one stands still while a laptop sleeps, the other may be set back."""
    return time.monotonic(), time.time()


def _state_left(bucket: Bucket, found: Stored, mirror_id: str) -> State:
    """How the last run left the store.

    Raises:
        StoreBusy: It has not ended.
    """
    try:
        note = orjson.loads(found.body)
        state, who = State(note["state"]), f"{note['command']}, process {note['pid']} on {note['host']}"
        is_ours = note["mirror"] == mirror_id and note["host"] == socket.gethostname()  # not a copy of this mirror
        since = note["since"]
    except (ValueError, KeyError, TypeError):
        state, who, is_ours, since = State.HELD, "an unknown process", False, "an unknown time"
    if state is not State.HELD:
        return state
    if is_ours or found.age_s > STALE_S:
        log.info("lease taken over store=%s from=%s", bucket.address, who)
        return State.ABANDONED
    raise StoreBusy(
        f"another run holds {bucket.address} ({who}, since {since}); wait for it to end; "
        f"if it is dead, the store is free {STALE_S / 60:.0f} minutes after its last sign of life"
    )
