"""The ledger of runs survives damage to its files, and reports it."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import orjson
import pytest

from flows import ledger
from flows.ledger import LEDGER, Run
from wattlog import checked_lines

NOW = datetime(2026, 1, 3, 20, tzinfo=UTC)
FLIPS = (300, pytest.param(3000, marks=pytest.mark.exhaustive))


def written(raw: Path, count: int = 3) -> list[Run]:
    """A ledger of some runs that ended."""
    for number in range(count):
        began = NOW + timedelta(days=number)
        run = ledger.begin(raw, f"{began:%Y%m%dT%H%M%S}", "sync", "simulator", began)
        ledger.end(raw, run, exit_code=0, requests=5 + number, rows_written=100, now=began + timedelta(minutes=1))
    return ledger.runs(raw)


def without_checksums(raw: Path) -> bytes:
    """The ledger as older versions wrote it."""
    lines = (raw / LEDGER).read_bytes().splitlines()
    return b"".join(checked_lines.without_checksum(line) + b"\n" for line in lines)


@pytest.mark.parametrize("flips", FLIPS)
@pytest.mark.parametrize("is_old", [False, True], ids=["with checksums", "without"])
def test_a_flipped_bit(tmp_path: Path, flips: int, is_old: bool) -> None:
    """Nothing is raised; with checksums no fact changes unnoticed; what is left is whole."""
    before = written(tmp_path)
    path = tmp_path / LEDGER
    content = without_checksums(tmp_path) if is_old else path.read_bytes()
    for bit in np.random.default_rng(30).choice(len(content) * 8, flips, replace=False).tolist():
        changed = bytearray(content)
        changed[bit // 8] ^= 1 << bit % 8
        path.write_bytes(bytes(changed))
        found = ledger.runs(tmp_path)
        reports = [damaged for damaged, _ in checked_lines.unreported(tmp_path)]
        for damaged in reports:
            damaged.unlink()
        is_cut_short = bit // 8 == len(content) - 1
        assert is_old or reports or found == before or is_cut_short
        assert all(map(checked_lines.is_whole, path.read_bytes().splitlines())) or is_cut_short
        assert ledger.runs(tmp_path) == found, "it is healed"


def test_lines_without_checksums_are_given_theirs(tmp_path: Path) -> None:
    before = written(tmp_path)
    content = (tmp_path / LEDGER).read_bytes()
    (tmp_path / LEDGER).write_bytes(without_checksums(tmp_path))
    assert ledger.runs(tmp_path) == before
    assert (tmp_path / LEDGER).read_bytes() == content


def test_a_line_that_was_cut_short_costs_no_other(tmp_path: Path) -> None:
    """The next run's line does not end up behind it."""
    before = written(tmp_path)
    path = tmp_path / LEDGER
    path.write_bytes(path.read_bytes() + b'{"run_id":"killed')
    ledger.begin(tmp_path, "next", "sync", "simulator", NOW)
    assert ledger.runs(tmp_path) == [*before, Run("next", NOW, None, "sync", None, 0, 0, "simulator")]
    assert list(checked_lines.unreported(tmp_path)) == []


@pytest.mark.parametrize(
    "line",
    [
        b"null",
        b"[]",
        b"5",
        b"{}",
        b'{"run_id":1}',
        orjson.dumps({"run_id": "x", "started_at": 5}),
        b"\xff\xfe",
        (
            b'{"run_id":"x","started_at":"2026","finished_at":null,"command":"x","exit_code":null,"requests":0,'
            b'"rows_written":0,"provider":"x","more":1}'
        ),
    ],
)
def test_lines_that_are_none(tmp_path: Path, line: bytes) -> None:
    before = written(tmp_path)
    path = tmp_path / LEDGER
    path.write_bytes(line + b"\n" + path.read_bytes())
    assert ledger.runs(tmp_path) == before
    ((damaged, count),) = checked_lines.unreported(tmp_path)
    assert (damaged.name, count) == ("runs.ndjson.damaged", 1)
