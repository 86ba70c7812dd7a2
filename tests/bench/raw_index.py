"""Opening the raw archive, with its index and without."""

import tempfile
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson

from extract.api.planner import settled
from extract.archive import segment
from extract.archive.raw_archive import RawArchive, Response
from extract.archive.record import record_of, segment_name
from extract.requests import history
from extract.windows import windows
from tests.bench.measurement import Measurement, best_of
from wattlog.series_spec import Grain, Series
from wattlog.zones import Zone

ZONE = Zone("America/Los_Angeles")
FIRST, LAST = date(2016, 1, 1), date(2025, 12, 31)
ASKED_AT = datetime(2026, 1, 15, tzinfo=UTC)
SERIES = (Series.POWER, Series.SOE, Series.ENERGY_INTERVAL, Series.ENERGY_DAY)
LONGEST_READING_S = 0.3
"""Promised: reading the index for ten years × four series."""


def responses(series: Series) -> Iterator[Response]:
    """Ten years of responses of a series, one a window."""
    grain = Grain.MONTH if series is Series.ENERGY_DAY else Grain.DAY
    for number, window in enumerate(windows(grain, FIRST, LAST, ZONE, today=date(2026, 1, 15))):
        request = history(2104877316, series, window, ZONE)
        yield Response(request, ASKED_AT + timedelta(seconds=number), 250.0, 1, 200, {}, b'{"response":""}', "no_data")


def fill(root: Path) -> None:
    """Ten years × four series; a month's frames are written at once, since ten thousand flushes would be all one saw."""
    archive_lines: dict[str, list[bytes]] = {}
    for series in SERIES:
        for response in responses(series):
            record = record_of(response, run_id="run", provider="simulator")
            archive_lines.setdefault(segment_name(response), []).append(orjson.dumps(record))
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
