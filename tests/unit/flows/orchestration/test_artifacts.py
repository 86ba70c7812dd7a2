"""What a run shows in Prefect, without a server: plain rows, and words that name the windows."""

from datetime import UTC, date, datetime

from extract.archive.record import IndexEntry
from extract.archive.segment import ByteRange
from extract.errors import UpstreamFailed
from flows.orchestration.artifacts import MOST_ROWS, failed, fetched
from flows.pipeline import Summary
from flows.summary import MOST_WINDOWS, failure_text
from flows.tasks.fetch import Failure

NOW = datetime(2026, 1, 15, tzinfo=UTC)


def entry(
    site_id: int, series: str, day: int, *, run_id: str = "this", outcome: str = "data", size: int = 1500
) -> IndexEntry:
    return IndexEntry(
        raw_id=f"{site_id}-{series}-{day}",
        run_id=run_id,
        provider="simulator",
        site_id=site_id,
        series=series,
        question="",
        elapsed_ms=1.0,
        attempt=1,
        method="GET",
        path="/api/1",
        status=200,
        outcome=outcome,
        sha256="",
        duplicate_of=None,
        size=size,
        window_start=date(2026, 1, day),
        window_end=date(2026, 1, day),
        closes_at=NOW,
        requested_at=NOW,
        segment="",
        byte_range=ByteRange(0, 1),
    )


def test_what_was_fetched_is_counted_by_site_and_series_of_this_run_alone() -> None:
    entries = [
        entry(7, "power", 3),
        entry(7, "power", 1),
        entry(7, "power", 2, outcome="error"),
        entry(7, "soe", 1),
        entry(7, "power", 4, run_id="another"),
        entry(0, "snapshot", 5),
    ]
    rows = fetched(entries, "this")
    assert [(row["site"], row["series"]) for row in rows] == [("account", "snapshot"), ("7", "power"), ("7", "soe")]
    assert rows[1] == {
        "site": "7",
        "series": "power",
        "requests": 3,
        "answered": 2,
        "from": "2026-01-01",
        "to": "2026-01-03",
        "kilobytes": 4.5,
    }


def test_a_fleet_does_not_overflow_the_table() -> None:
    assert len(fetched([entry(site, "power", 1) for site in range(1, MOST_ROWS + 50)], "this")) == MOST_ROWS


def test_windows_that_failed_are_named() -> None:
    failures = [Failure(f"site 7 power 2026-01-{day:02}", UpstreamFailed("power", 500, "down")) for day in range(1, 16)]
    rows = failed(failures)
    assert rows[0]["window"] == "site 7 power 2026-01-01"
    assert "down" in rows[0]["reason"]
    words = failure_text(Summary("this", failures=failures))
    assert words.startswith("15 requests failed, the rest is loaded")
    assert words.count("site 7 power 2026-01-") == MOST_WINDOWS
    assert words.endswith(f"and {15 - MOST_WINDOWS} more")
