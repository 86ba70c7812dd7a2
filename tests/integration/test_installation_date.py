"""The installation date that site_info gives may be absurd, or later than the first energy."""

from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from extract.archive.raw_archive import RawArchive
from extract.simulator import FLOWS, SettingsChange, SiteSpec, World
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, rebuild
from tests.simulated import Account, account
from warehouse.query.query import connect

pytestmark = pytest.mark.slow

NOW = datetime(2026, 1, 29, 20, 15, tzinfo=UTC)
BEGINS = datetime(2026, 1, 12, 20, tzinfo=UTC)
FIRST = date(2026, 1, 12)


def site(reported: str, *, since: datetime = BEGINS) -> SiteSpec:
    """A site whose site_info gives another installation date from an instant on."""
    change = SettingsChange(since, (("installation_date", reported),))
    return SiteSpec(site_id=77, installed_at=BEGINS, outages_per_year=0, settings_changes=(change,), seed=7)


def at(made: Account, instant: datetime) -> None:
    made.now = lambda: instant


@pytest.mark.parametrize(
    "reported",
    ["0001-01-01T00:00:00Z", "1970-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2031-05-01T00:00:00-07:00", "unknown"],
)
def test_an_absurd_date_is_not_known(tmp_path: Path, reported: str) -> None:
    """The history is searched back until sixty days have no energy, and no further."""
    with account(World((site(reported),)), now=lambda: NOW) as made:
        assert made.ask(tmp_path, BackfillRequest()).exit_code == 0
        asked = len(made.asked_history())
    days = [entry.window_start for entry in RawArchive(tmp_path / "raw").entries(77) if entry.series == "power"]
    assert min(day for day in days if day) == date(2025, 11, 13)
    assert asked <= 3 * 78 + 10


def check_days(data_dir: Path, world: World, days: list[date]) -> None:
    """Each day from before the date is in `daily` with its energy, and nothing is unexplained."""
    flows = ", ".join(f"{name}_wh" for name in FLOWS)
    with connect(data_dir / "warehouse.duckdb") as warehouse:
        found = {
            day: (coverage, *wh)
            for day, coverage, *wh in warehouse.execute(
                f"select local_date, coverage_pct, {flows} from daily order by 1"
            ).fetchall()
        }
        unexplained = warehouse.execute(
            "select check_name, period_start, measure from reconciliation where verdict <> 'agree' and cause = 'unexplained'"
        ).fetchall()
    assert min(found) == FIRST, "and no day without energy before"
    for day in days[1:]:
        assert found[day] == (100.0, *world.truth(77).daily_wh(day).values()), day
    assert unexplained == []


def test_days_with_energy_before_the_date_exist(tmp_path: Path) -> None:
    """Requested with --since; the days before them have no energy, and no row."""
    world = World((site("2026-01-20T12:00:00-08:00"),))
    with account(world, now=lambda: NOW) as made:
        assert made.run(tmp_path, BackfillRequest(since=date(2026, 1, 5))).exit_code == 0
        days = [date(2026, 1, day) for day in range(12, 27)]
        check_days(tmp_path, world, days)
        rebuild(made.context(tmp_path), ThreadExecutor())
        check_days(tmp_path, world, days)


def test_days_stay_when_the_date_moves(tmp_path: Path) -> None:
    """A battery is added: from then on site_info has the date of the battery."""
    moved_at = datetime(2026, 1, 26, 20, tzinfo=UTC)
    world = World((site("2026-01-26T12:00:00-08:00", since=moved_at),))
    with account(world, now=lambda: NOW) as made:
        at(made, datetime(2026, 1, 25, 20, 15, tzinfo=UTC))
        assert made.run(tmp_path, BackfillRequest()).exit_code == 0
        at(made, NOW)
        assert made.run(tmp_path, BackfillRequest()).exit_code == 0
        check_days(tmp_path, world, [date(2026, 1, day) for day in range(12, 23)])
