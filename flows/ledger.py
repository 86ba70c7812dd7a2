"""The ledger of runs: when each run began and ended, and how.

It is part of the raw archive, since it cannot be made from anything else.

A run has two lines, one for its beginning and one for its end; each has a checksum (`wattlog.checked_lines`).
"""

import logging
from collections.abc import Iterator
from dataclasses import asdict, dataclass, fields, replace
from datetime import datetime
from pathlib import Path

import orjson

from wattlog import checked_lines, durable

log = logging.getLogger(__name__)

LEDGER = "runs.ndjson"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of a command; fields as in table `runs`."""

    run_id: str
    started_at: datetime
    finished_at: datetime | None
    command: str
    exit_code: int | None
    requests: int
    rows_written: int
    provider: str


_NAMES = frozenset(field.name for field in fields(Run))
_TEXTS = ("run_id", "command", "provider")
_COUNTS = ("requests", "rows_written")


def begin(raw: Path, run_id: str, command: str, provider: str, now: datetime) -> Run:
    """Note that a run begins; a run that is killed stays in the ledger without an end."""
    heal(raw)
    run = Run(run_id, now, None, command, None, 0, 0, provider)
    _append(raw, run)
    return run


def end(raw: Path, run: Run, *, exit_code: int, requests: int, rows_written: int, now: datetime) -> Run:
    """Note how a run ended."""
    ended = replace(run, finished_at=now, exit_code=exit_code, requests=requests, rows_written=rows_written)
    _append(raw, ended)
    return ended


def runs(raw: Path) -> list[Run]:
    """Every run, in the order in which they began; the later one of a run's two lines wins."""
    heal(raw)
    return list({run.run_id: run for run in map(_run_of, _lines(raw)) if run is not None}.values())


def heal(raw: Path) -> None:
    """Remove damaged lines, and add checksums to lines of a version that wrote none.

    Removed lines are logged, and kept beside the ledger for `wattlog verify` to report. A run that has lost one line keeps
    what the other one holds; a run that has lost both is missing in table `runs`. Nothing else is affected.
    """
    lines = list(_lines(raw))
    if all(map(checked_lines.is_whole, lines)):
        return
    path = raw / LEDGER
    damaged = [line for line in lines if _run_of(line) is None]
    if damaged:
        log.warning("%s: %d damaged lines are taken out; `wattlog verify` reports them", path, len(damaged))
        checked_lines.save_damaged(path, damaged)
    whole = (checked_lines.without_checksum(line) for line in lines if _run_of(line) is not None)
    durable.replace(path, b"".join(map(checked_lines.with_checksum, whole)))


def _append(raw: Path, run: Run) -> None:
    raw.mkdir(parents=True, exist_ok=True)
    checked_lines.append(raw / LEDGER, [orjson.dumps(asdict(run))])


def _lines(raw: Path) -> Iterator[bytes]:
    """The lines of the ledger; without the last one of a process that was killed while it wrote."""
    yield from durable.content(raw / LEDGER).split(b"\n")[:-1]


def _run_of(line: bytes) -> Run | None:
    """The run of a line; None where the line is damaged. Without a checksum, a line must have exactly the fields of a run."""
    try:
        found = orjson.loads(checked_lines.without_checksum(line))
        if not isinstance(found, dict) or found.keys() != _NAMES:
            return None
        if not all(type(found[name]) is str for name in _TEXTS) or not all(
            type(found[name]) is int for name in _COUNTS
        ):
            return None
        if type(found["exit_code"]) not in (int, type(None)):
            return None
        ended = found["finished_at"]
        instants = (datetime.fromisoformat(found["started_at"]), ended and datetime.fromisoformat(ended))
        if any(instant is not None and instant.tzinfo is None for instant in instants):
            return None
        return Run(**found | dict(zip(("started_at", "finished_at"), instants, strict=True)))
    except (ValueError, TypeError):  # orjson's error is a ValueError
        return None
