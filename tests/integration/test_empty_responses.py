"""A token that is accepted and gives empty responses: the run fails, and nothing is taken for final."""

from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from extract.archive.raw_archive import RawArchive
from extract.simulator import SiteSpec, World
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, rebuild
from flows.summary import one_line
from tests.simulated import Account, account
from warehouse.query.query import connect

pytestmark = pytest.mark.slow

SITE = SiteSpec(site_id=77, installed_at=datetime(2026, 1, 5, 20, tzinfo=UTC), seed=7)
FIRST_NIGHT = datetime(2026, 1, 8, 11, 30, tzinfo=UTC)
EMPTY = FIRST_NIGHT + timedelta(days=1, hours=-1), FIRST_NIGHT + timedelta(days=4, hours=-1)
TABLES = ("power", "energy_intervals", "energy_periods", "state_of_energy", "backup_events", "revisions")


def at_night(made: Account, number: int) -> None:
    made.now = lambda: FIRST_NIGHT + timedelta(days=number)


def contents(data_dir: Path) -> dict[str, list[tuple[object, ...]]]:
    with connect(data_dir / "warehouse.duckdb") as warehouse:
        found = {name: warehouse.execute(f"select * from {name} order by all").fetchall() for name in TABLES}
        found["daily"] = warehouse.execute(
            "select * from daily where local_date < '2026-01-08' order by all"
        ).fetchall()
        return found


def test_a_run_of_empty_responses_fails_settles_nothing_and_heals(tmp_path: Path) -> None:
    """Three nights of them, after which the days between are complete; no row is lost meanwhile."""
    world = World((SITE,), empty_between=(EMPTY,))
    with account(world) as made:
        at_night(made, 0)
        assert made.run(tmp_path, BackfillRequest()).exit_code == 0
        before = contents(tmp_path)
        for number in (1, 2, 3):
            at_night(made, number)
            summary = made.run(tmp_path, BackfillRequest())
            assert summary.exit_code == 1
            assert "site 77: all" in one_line(summary)
            assert "history responses of this run are empty, although the site had data before" in one_line(summary)
            assert "wattlog login" in one_line(summary)
            assert {name: rows for name, rows in contents(tmp_path).items() if rows != before[name]} == {}
        at_night(made, 4)
        assert made.run(tmp_path, BackfillRequest()).exit_code == 0
        at_night(made, 5)
        asked = len(made.asked_history())
        assert made.run(tmp_path, BackfillRequest()).exit_code == 0
        assert len(made.asked_history()) - asked <= 4 * 3 + 4 + 2, "a quiet night, with cross-checks"
    with connect(tmp_path / "warehouse.duckdb") as warehouse:
        rows = warehouse.execute("select local_date, count(*) from power group by 1 order by 1").fetchall()
        gaps = warehouse.execute("select * from gaps where cause = 'no_data'").fetchall()
    assert rows[1:-1] == [(date(2026, 1, day), 288) for day in range(6, 13)]
    assert gaps == []


def test_the_empty_run_is_known_after_a_rebuild(tmp_path: Path) -> None:
    """The state is the raw index alone."""
    with account(World((SITE,), empty_between=(EMPTY,))) as made:
        for number in (0, 1):
            at_night(made, number)
            made.ask(tmp_path, BackfillRequest())
        rebuild(made.context(tmp_path), ThreadExecutor())
        at_night(made, 4)
        made.ask(tmp_path, BackfillRequest())
    entries = RawArchive(tmp_path / "raw").entries(77)
    last = {entry.window_start for entry in entries if entry.run_id == entries[-1].run_id and entry.series == "power"}
    assert min(day for day in last if day) == date(2026, 1, 6), "settled by no empty response"


@pytest.mark.parametrize("since", [None, date(2026, 1, 7)])
def test_a_backfill_of_some_days_fails_as_well(tmp_path: Path, since: date | None) -> None:
    with account(World((SITE,), empty_between=(EMPTY,))) as made:
        for number, exit_code in ((0, 0), (1, 1)):
            at_night(made, number)
            assert made.ask(tmp_path, BackfillRequest(since=since)).exit_code == exit_code
