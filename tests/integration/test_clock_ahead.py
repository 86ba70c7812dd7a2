"""A clock that is days ahead for one run: the server's Date header bounds it, and the next run has the right values."""

import logging
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from extract.archive.raw_archive import RawArchive
from extract.simulator import SiteSpec, World
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, backfill
from flows.run_context import RunContext, new_run_id
from tests.simulated import Account, account
from warehouse.query.query import connect

pytestmark = pytest.mark.slow

SITE = SiteSpec(site_id=77, installed_at=datetime(2026, 1, 5, 20, tzinfo=UTC), seed=7)
NOW = datetime(2026, 1, 8, 20, 15, tzinfo=UTC)
"""Noon in California."""
VALUES = ("power", "energy_intervals", "state_of_energy", "daily", "gaps")


def run(made: Account, data_dir: Path, days: int, *, ahead: timedelta = timedelta()) -> None:
    """A run so many days after the first one, by a clock that may be ahead."""
    now = NOW + timedelta(days=days)
    made.now = lambda: now
    context = RunContext(made.settings(data_dir), new_run_id(now + ahead), clock=lambda: now + ahead)
    assert backfill(context, ThreadExecutor(), BackfillRequest()).exit_code == 0


def contents(data_dir: Path) -> dict[str, list[tuple[object, ...]]]:
    with connect(data_dir / "warehouse.duckdb") as warehouse:
        return {
            name: warehouse.execute(f"select columns('^[^_]') from {name} order by all").fetchall() for name in VALUES
        }


def test_a_clock_ten_days_ahead_for_one_run_changes_nothing(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with account(World((SITE,)), now=lambda: NOW) as made:
        run(made, tmp_path / "right", 0)
        run(made, tmp_path / "ahead", 0)
        with caplog.at_level(logging.WARNING):
            run(made, tmp_path / "ahead", 1, ahead=timedelta(days=10))
        assert "10 days, 0:00:00 ahead of the server's" in caplog.text
        before = len(made.asked_history())
        run(made, tmp_path / "ahead", 5)
        again = len(made.asked_history()) - before
        run(made, tmp_path / "right", 5)
        assert len(made.asked_history()) - before - again >= again
    entries = RawArchive(tmp_path / "ahead" / "raw").entries(77)
    assert max(entry.requested_at for entry in entries) <= NOW + timedelta(days=5, minutes=1)
    assert max(day for entry in entries if (day := entry.window_start)) <= date(2026, 1, 13), "no day of the future"
    assert contents(tmp_path / "ahead") == contents(tmp_path / "right")


def test_the_header_is_kept(tmp_path: Path) -> None:
    """It explains an instant later."""
    with account(World((SITE,)), now=lambda: NOW) as made:
        run(made, tmp_path, 0, ahead=timedelta(days=3))
    archive = RawArchive(tmp_path / "raw")
    record = archive.records(archive.entries(77)[0].segment)[0]
    assert record["headers"]["date"] == "Thu, 08 Jan 2026 20:15:00 GMT"
    assert record["requested_at"].startswith("2026-01-08T20:15:00")
