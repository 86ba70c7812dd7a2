"""The lease: one run at a time works on a store, whichever machine it is on.

The lease is an object that is created only where there is none, and replaced only in the state that was seen, so of two runs
one gets it. It is renewed while the run lasts, and at the end it records that everything is in good order. A lease that is
no longer renewed, or whose holder is known to be dead, is taken over; then the store may hold half a push, from which the
next run recovers first.
"""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import uuid4

import orjson

from flows.errors import FlowError
from flows.object_store.errors import StoreBusy, StoreChanged, StoreRefused
from flows.object_store.store import Conflict, Store, StoredObject

log = logging.getLogger(__name__)

PATH = "_wattlog/lease.json"

RENEW_S = 60.0
PUSH_RAW_S = 300.0
"""At most three hundred responses at the Fleet API's rate limit."""

STALE_S = 300.0
"""A lease that was not renewed for so long, by the store's clock, has no holder any more."""

HOLDER_LIMIT_S = 200.0
"""After so long without a renewal the holder itself takes the lease for lost: earlier than others do, by more than its slowest
request takes."""

_TRIES = 3


class State(StrEnum):
    """State of a lease, as its object has it.

    ACTIVE: A run works on the store, or died while it did. RELEASED: The last run left it in good order. ABANDONED: The
    last run ended without leaving it in good order.
    """

    ACTIVE = "held"
    RELEASED = "released"
    ABANDONED = "abandoned"


class Lease:
    """A lease that this process holds; `acquire` makes one.

    Args:
        store: The store.
        note: Who holds it.
        etag: The state of the lease's object.
        is_clean: The run before left the store in good order.
    """

    def __init__(self, store: Store, note: dict[str, Any], etag: str, *, is_clean: bool) -> None:
        self.is_clean = is_clean
        self._store, self._note, self._etag = store, note, etag
        self._renewed = _now()
        self._is_lost = False

    @classmethod
    def acquire(cls, store: Store, command: str, mirror_id: str, now: datetime) -> "Lease":
        """Take the lease.

        Args:
            store: The store.
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
            "state": State.ACTIVE,
        }
        for _ in range(_TRIES):
            found = store.read(PATH)
            before = None if found is None else _state_left(store, found, mirror_id)
            with suppress(Conflict):
                etag = store.put(PATH, orjson.dumps(note), replaces=None if found is None else found.etag)
                return cls(store, note, etag, is_clean=before is State.RELEASED)
        raise StoreBusy(f"several runs begin on {store.address} at this moment; try again")

    def renew(self) -> None:
        """Show that the holder is alive.

        Raises:
            StoreChanged: Another run has taken it over.
        """
        began = _now()
        self._replace({"renewal": uuid4().hex})
        self._renewed = began

    def end(self, state: State) -> None:
        """Give it back: released if everything is in good order; abandoned if not, so that the next run recovers at once.

        Raises:
            StoreChanged: Another run has taken it over.
        """
        self.ensure()
        self._replace({"state": state})

    def ensure(self) -> None:
        """Before anything is changed that another run may rely on.

        Raises:
            StoreChanged: It is not certain any more that this process holds the lease.
        """
        silent_s = max(now - then for now, then in zip(_now(), self._renewed, strict=True))
        if self._is_lost or silent_s > HOLDER_LIMIT_S:
            raise StoreChanged(
                f"another run may have taken over {self._store.address}, since this one was not heard of for too long; "
                "what was fetched is kept on this machine: run the command again"
            )

    def _replace(self, change: dict[str, Any]) -> None:
        body = orjson.dumps(self._note | change)
        for _ in range(2):
            with suppress(Conflict):
                self._etag = self._store.put(PATH, body, replaces=self._etag)
                return
            found = self._store.read(PATH)
            if found is None or _note_in(found).get("token") != self._note["token"]:
                break
            self._etag = found.etag  # an earlier renewal arrived, only its response did not
        self._is_lost = True
        self.ensure()

    def check_conditions(self) -> None:
        """Check that the store heeds conditions, without which two runs would write over each other unnoticed.

        Raises:
            StoreRefused: It does not.
        """
        with suppress(Conflict):
            self._store.put(PATH, b"{}", replaces=None)
            self._store.delete([PATH])
            raise StoreRefused(
                f"{self._store.address} replaces objects despite If-None-Match, so it cannot keep two runs "
                "apart; use a store that heeds conditions, or a newer version of this one"
            )


class LeaseKeeper(threading.Thread):
    """Renews the lease and pushes raw files that have grown, while the command runs.

    Args:
        lease: The lease of this process.
        push_raw: Pushes raw files.
    """

    def __init__(self, lease: Lease, push_raw: Callable[[], object]) -> None:
        super().__init__(name="lease-keeper", daemon=True)
        self._lease = lease
        self._push_raw = push_raw
        self._stopped = threading.Event()
        self._may_push = threading.Lock()
        self._may_push.acquire()

    @contextmanager
    def pushing_raw(self) -> Iterator[None]:
        """While this lasts, raw files are pushed now and then; afterwards none is under way."""
        self._may_push.release()
        try:
            yield
        finally:
            self._may_push.acquire()

    def run(self) -> None:
        """See `threading.Thread`."""
        pushed = time.monotonic()
        while not self._stopped.wait(min(RENEW_S, PUSH_RAW_S)):
            try:
                self._lease.renew()
                if time.monotonic() - pushed >= PUSH_RAW_S and self._may_push.acquire(blocking=False):
                    try:
                        self._push_raw()
                    finally:
                        self._may_push.release()
                    pushed = time.monotonic()
            except StoreChanged as error:
                log.warning("%s", error)
                return
            except (FlowError, OSError) as error:
                log.warning("not pushed now, later again: %s", error)

    def stop(self) -> None:
        """End the thread; the lease stays."""
        self._stopped.set()
        self.join()


def _now() -> tuple[float, float]:
    """Two clocks: the first stands still while a laptop sleeps, the second may be set back."""
    return time.monotonic(), time.time()


def _note_in(found: StoredObject) -> dict[str, Any]:
    """The content of a lease; empty where it cannot be read."""
    with suppress(ValueError):
        note = orjson.loads(found.body)
        return note if isinstance(note, dict) else {}
    return {}


def _state_left(store: Store, found: StoredObject, mirror_id: str) -> State:
    """How the last run left the store.

    Raises:
        StoreBusy: It has not ended.
    """
    note = _note_in(found)
    state = next((state for state in State if state == note.get("state")), State.ACTIVE)
    if state is not State.ACTIVE:
        return state
    holder, since = "an unknown process", note.get("since", "an unknown time")
    if {"command", "pid", "host"} <= note.keys():
        holder = f"{note['command']}, process {note['pid']} on {note['host']}"
    is_ours = (note.get("mirror"), note.get("host")) == (mirror_id, socket.gethostname())  # not a copy of this mirror
    if is_ours or store.age_s(found) > STALE_S:
        log.info("lease taken over store=%s from=%s", store.address, holder)
        return State.ABANDONED
    raise StoreBusy(
        f"another run holds {store.address} ({holder}, since {since}); wait for it to end; "
        f"if it is dead, the store is free {STALE_S / 60:.0f} minutes after its last sign of life"
    )
