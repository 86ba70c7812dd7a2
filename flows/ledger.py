"""The ledger of runs: who asked, when, and how it ended. Appended to the raw archive, since nothing else could tell."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import orjson

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


def begin(raw: Path, run_id: str, command: str, provider: str, now: datetime) -> Run:
    """Note that a run begins; a run that is killed stays in the ledger without an end."""
    run = Run(run_id, now, None, command, None, 0, 0, provider)
    _append(raw, run)
    return run


def end(raw: Path, run: Run, *, exit_code: int, requests: int, rows_written: int, now: datetime) -> Run:
    """Note how a run ended."""
    ended = replace(run, finished_at=now, exit_code=exit_code, requests=requests, rows_written=rows_written)
    _append(raw, ended)
    return ended


def runs(raw: Path) -> list[Run]:
    """Every run in the order they began; of a run's two lines the later one."""
    return list({run.run_id: run for run in _read(raw)}.values())


def _append(raw: Path, run: Run) -> None:
    raw.mkdir(parents=True, exist_ok=True)
    with (raw / LEDGER).open("ab") as file:
        file.write(orjson.dumps(asdict(run)) + b"\n")


def _read(raw: Path) -> Iterator[Run]:
    path = raw / LEDGER
    if not path.exists():
        return
    for line in path.read_bytes().splitlines():
        try:
            fields: dict[str, Any] = orjson.loads(line)
        except orjson.JSONDecodeError:
            continue  # the last line of a killed process
        for name in ("started_at", "finished_at"):
            fields[name] = datetime.fromisoformat(fields[name]) if fields[name] else None
        yield Run(**fields)
