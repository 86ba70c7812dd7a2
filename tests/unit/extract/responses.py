"""Responses to fill an archive with: one site, one response a window."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from extract.archive.raw_archive import IndexEntry, RawArchive, Response
from extract.requests import history
from extract.windows import windows
from wattlog.series_spec import Grain, Series
from wattlog.zones import Zone

SITE = 1001
ZONE = Zone("America/Los_Angeles")
NOW = datetime(2025, 7, 1, 12, tzinfo=UTC)
SHARD = f"site_id={SITE}/index-2025.ndjson"


def response(day: date, body: bytes, series: Series = Series.POWER) -> Response:
    """The response to a day's window, requested some seconds after those of the days before."""
    (window,) = windows(Grain.DAY, day, day, ZONE, today=date(2025, 7, 1))
    return Response(
        request=history(SITE, series, window, ZONE),
        requested_at=NOW + timedelta(seconds=day.toordinal() % 10_000),
        elapsed_ms=12.5,
        attempt=1,
        status=200,
        headers={"content-type": "application/json"},
        body=body,
        outcome="data",
    )


def filled(root: Path, days: int = 5, month: int = 3) -> list[IndexEntry]:
    """An archive of some days of a month, each with a body of its own; returns its entries."""
    archive = RawArchive(root)
    return [
        archive.keep(
            response(date(2025, month, day), f'{{"response":{day}}}'.encode() * 20), run_id="run", provider="simulator"
        )
        for day in range(1, days + 1)
    ]
