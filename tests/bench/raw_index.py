"""Opening the raw archive, with its index and without."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson

from extract import segment
from extract.archive import Exchange, RawArchive
from extract.planner import settled
from extract.record import record_of, segment_name
from extract.series import Series, history
from extract.windows import Grain, windows
from tests.bench.measurement import Measurement, best_of

ZONE = ZoneInfo("America/Los_Angeles")
FIRST, LAST = date(2016, 1, 1), date(2025, 12, 31)
ASKED_AT = datetime(2026, 1, 15, tzinfo=UTC)
SERIES = (Series.POWER, Series.SOE, Series.ENERGY_INTERVAL, Series.ENERGY_DAY)
LONGEST_READING_S = 0.3
"""Promised: reading the index for ten years × four series."""


def exchanges(series: Series) -> Iterator[Exchange]:
    """Ten years of answers of a series, one a window."""
    grain = Grain.MONTH if series is Series.ENERGY_DAY else Grain.DAY
    for number, window in enumerate(windows(grain, FIRST, LAST, ZONE, today=date(2026, 1, 15))):
        request = history(2104877316, series, window, ZONE)
        yield Exchange(request, ASKED_AT + timedelta(seconds=number), 250.0, 1, 200, {}, b'{"response":""}', "no_data")


def fill(root: Path) -> None:
    """Ten years × four series; a month's frames are written at once, since ten thousand flushes would be all one saw."""
    archive_lines: dict[str, list[bytes]] = {}
    for series in SERIES:
        for exchange in exchanges(series):
            record = record_of(exchange, run_id="run", provider="simulator")
            archive_lines.setdefault(segment_name(exchange), []).append(orjson.dumps(record))
    for name, lines in archive_lines.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"".join(segment.frame(line) for line in lines))


def measure() -> Iterator[Measurement]:
    """Times and ratios of the raw archive's index."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        fill(root)
        scanned = best_of(1, lambda: RawArchive(root))
        opened = best_of(5, lambda: RawArchive(root))
        entries = RawArchive(root).entries(2104877316)
        yield Measurement(f"open the archive, index of {len(entries):,} records", opened, "s", LONGEST_READING_S)
        yield Measurement("  without the index, in that time", scanned / opened, "×")
        yield Measurement("  find the settled windows among them", best_of(3, lambda: settled(entries, 48)), "s")
