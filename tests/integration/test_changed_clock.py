"""A zone whose clocks stop changing: by the newest database the days of November 2026 in Vancouver begin at 07:00 UTC."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from extract.simulator import World, demo_world
from flows.cli import run
from flows.tasks import partition
from tests.simulated import Account, account
from warehouse.build.provenance import definition
from warehouse.lake.lake import Lake
from warehouse.query.query import connect
from wattlog import zones

NOW = datetime(2026, 12, 3, 20, 7, 30, tzinfo=UTC)
FIRST, LAST = date(2026, 10, 30), date(2026, 11, 14)
DAYS = (LAST - FIRST).days + 1
FIRST_INSTANT = datetime(2026, 10, 30, 7, tzinfo=UTC)


def vancouver() -> World:
    """A site with a battery, installed before the last change that other databases expect, on 1 November."""
    site = demo_world(NOW.date()).sites[0]
    installed = datetime(2026, 10, 20, 19, tzinfo=UTC)
    site = replace(site, time_zone="America/Vancouver", latitude=49.3, longitude=-123.1)
    return World(sites=(replace(site, installed_at=installed, anomalies=(), outages_per_year=0),))


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Account, Path]]:
    data_dir = tmp_path_factory.mktemp("vancouver")
    with account(vancouver(), now=lambda: NOW) as served:
        summary = served.backfill(data_dir, FIRST, until=LAST)
        assert summary.exit_code == 0
        yield served, data_dir


@pytest.mark.slow
@pytest.mark.parametrize(("table", "step"), [("power", "5 minutes"), ("energy_intervals", "5 minutes")])
def test_no_row_is_lost_and_each_is_on_its_day(fetched: tuple[Account, Path], table: str, step: str) -> None:
    with connect(fetched[1] / "warehouse.duckdb") as warehouse:
        rows = warehouse.execute(f"""
            select count(*), min(interval_start), max(interval_start) + interval {step},
                count(*) filter (local_date = (interval_start::timestamp - interval 7 hours)::date)
            from {table}
        """).fetchall()
        (quarantined,) = warehouse.execute("select count(*) from quarantine").fetchall()
    expected = DAYS * 288
    assert rows == [(expected, FIRST_INSTANT, FIRST_INSTANT + timedelta(days=DAYS), expected)]
    assert quarantined == (0,)


def test_hours_and_days_are_whole(fetched: tuple[Account, Path]) -> None:
    """Hourly and daily agree, day by day."""
    with connect(fetched[1] / "warehouse.duckdb") as warehouse:
        hours = warehouse.execute("""
            select local_date, count(*), min(held_s), min(hour_start), sum(home_kwh)
            from analytics.hourly group by local_date order by local_date
        """).fetchall()
        days = warehouse.execute(
            """
            select local_date, coverage_pct, home_kwh from analytics.daily
            where local_date between ? and ? order by local_date
        """,
            [FIRST, LAST],
        ).fetchall()
    begins = [FIRST_INSTANT + timedelta(days=ahead) for ahead in range(DAYS)]
    dates = [FIRST + timedelta(days=ahead) for ahead in range(DAYS)]
    assert [row[:4] for row in hours] == [(day, 24, 3600, at) for day, at in zip(dates, begins, strict=True)]
    assert [row[:2] for row in days] == [(day, 100.0) for day in dates]
    assert [row[2] for row in days] == pytest.approx([row[4] for row in hours])


@pytest.mark.parametrize(("release", "is_old"), [("2025c", False), ("2024b", True)])
def test_verify_warns_of_an_old_database(
    fetched: tuple[Account, Path],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    release: str,
    is_old: bool,
) -> None:
    """In 2026; it is a warning, since everything may be right."""
    monkeypatch.setattr(zones, "VERSION", release)
    monkeypatch.setattr("extract.api.client.utc_now", lambda: NOW)
    assert run(["--data-dir", str(fetched[1]), "verify"]) == 0
    said = capsys.readouterr().err
    assert ("time zone database is 2024b, more than a year old" in said) == is_old
    assert ("pip install --upgrade tzdata" in said) == is_old


def test_nothing_is_wrong_by_any_check_and_local_time_is_written_so(
    fetched: tuple[Account, Path], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    option = ["--data-dir", str(fetched[1])]
    assert run([*option, "verify"]) == 0, capfdbinary.readouterr().err
    capfdbinary.readouterr()
    query = "select site_id, max(interval_start) as last from power group by site_id"
    assert run([*option, "sql", query, "--tz", "local", "--format", "csv"]) == 0
    assert capfdbinary.readouterr().out.decode().splitlines()[1].endswith(",2026-11-14T23:55:00-07:00")


@pytest.mark.slow
def test_another_database_makes_the_lake_and_the_warehouse_again(
    fetched: tuple[Account, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What an older one filed is filed anew by the next run."""
    served, data_dir = fetched
    lake, site_id = Lake(data_dir / "lake"), served.world.sites[0].site_id
    before, built = lake.digest_of("requests", site_id, "2026-11"), definition()
    monkeypatch.setattr(partition, "VERSION", "another release of the database")
    monkeypatch.setattr(zones, "VERSION", "1999a")
    assert definition() != built, "which makes the next build load everything"
    summary = served.backfill(data_dir, FIRST, until=LAST)
    assert summary.exit_code == 0
    assert lake.digest_of("requests", site_id, "2026-11") != before
