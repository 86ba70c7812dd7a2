"""A year of two sites, from nothing to a queried warehouse, over real HTTP."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from extract.simulator import FLOWS, POWERS, SimulatorServer, demo_world
from flows.pipeline import BackfillRequest, Summary
from tests.recordings import Recording, Recordings, Visit
from tests.simulated import NOW, Account
from warehouse.query.query import connect

SINCE = date(2025, 1, 1)
SITES = (1689453203487921, 2104877316)


@dataclass
class Year:
    """A year that was fetched, and what it came from."""

    account: Account
    data_dir: Path
    summary: Summary
    warehouse: duckdb.DuckDBPyConnection

    def frame(self, query: str, *values: object) -> pd.DataFrame:
        """Rows of the warehouse."""
        rows: pd.DataFrame = self.warehouse.sql(query, params=list(values)).to_arrow_table().to_pandas()
        return rows


YEAR = Recording(demo_world(NOW.date()), (Visit(BackfillRequest(since=SINCE)),))


@pytest.fixture(scope="module")
def year(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Year]:
    recorded = recordings.copy(YEAR, tmp_path_factory.mktemp("year") / "data")
    with recorded.served() as served, connect(recorded.data_dir / "warehouse.duckdb") as warehouse:
        yield Year(served, recorded.data_dir, recorded.summary, warehouse)


def last_whole_day(site_id: int) -> date:
    return date(2026, 1, 14) if site_id == SITES[0] else date(2026, 1, 15)


@pytest.mark.parametrize("site_id", SITES)
def test_energy_in_equals_energy_out_to_the_watt_hour(year: Year, site_id: int) -> None:
    """Every day of the year, both changes of the clock among them, in all sixteen flows (Q1, Q5)."""
    columns = ", ".join(f"sum({name}_wh) as {name}" for name in FLOWS)
    stored = year.frame(
        f"select local_date, count(*) as rows, {columns} from energy_intervals where site_id = ? group by 1", site_id
    ).set_index("local_date")
    truth = year.account.world.truth(site_id)
    day, lengths = SINCE, set[object]()
    while day <= last_whole_day(site_id):
        expected = truth.daily_wh(day)
        row = stored.loc[day]
        assert {name: row[name] for name in FLOWS} == {name: expected[name] for name in FLOWS}, day
        lengths.add(row["rows"])
        day += timedelta(days=1)
    assert lengths == {276, 288, 300}
    assert stored.index.max() == last_whole_day(site_id) + timedelta(days=1), "and today, as far as it went"


@pytest.mark.parametrize("site_id", SITES)
def test_every_instant_is_the_truths(year: Year, site_id: int) -> None:
    """Power and energy by instant on the days of the changes: no slot lost, none doubled, none moved (Q5, Q6)."""
    truth = year.account.world.truth(site_id)
    changes = (date(2025, 3, 9), date(2025, 11, 2)) if site_id == SITES[0] else (date(2025, 4, 6), date(2025, 10, 5))
    for day in (*changes, date(2025, 7, 1)):
        expected = truth.day(day)
        energy = year.frame(
            "select * from energy_intervals where site_id = ? and local_date = ? order by interval_start", site_id, day
        )
        power = year.frame(
            "select * from power where site_id = ? and local_date = ? order by interval_start", site_id, day
        )
        starts = expected.interval_start.astype("datetime64[us]")
        for frame in (energy, power):
            stored = (
                frame["interval_start"].dt.tz_convert("UTC").dt.tz_localize(None).to_numpy().astype("datetime64[us]")
            )
            np.testing.assert_array_equal(stored, starts)
            assert set(frame["interval_s"]) == {300}
        for name in FLOWS:
            np.testing.assert_array_equal(energy[f"{name}_wh"], expected.flows[name])
        for name in POWERS:
            np.testing.assert_allclose(power[f"{name.removesuffix('_power')}_w"], expected.power[name], atol=1e-9)


@pytest.mark.parametrize("site_id", SITES)
def test_periods_are_the_sums_of_their_days(year: Year, site_id: int) -> None:
    truth = year.account.world.truth(site_id)
    days = year.frame(
        "select * from energy_periods where site_id = ? and source = 'calendar_history/month' and not is_partial",
        site_id,
    )
    assert len(days) >= 365
    for row in days.to_dict("records"):
        expected = truth.daily_wh(row["period_start"])
        assert {name: row[f"{name}_wh"] for name in FLOWS} == {name: expected[name] for name in FLOWS}
    (march,) = year.frame(
        """select grid_energy_imported_wh as wh from energy_periods where site_id = ? and granularity = 'month'
        and period_start = '2025-03-01'""",
        site_id,
    )["wh"]
    assert march == truth.total_wh(date(2025, 3, 1), date(2025, 3, 31))["grid_energy_imported"]


def test_every_day_is_there_once_and_agrees(year: Year) -> None:
    """Two sources of each settled day agree; the last days are provisional; nothing is missing."""
    days = year.frame("select site_id, local_date, status, coverage_pct from daily order by 1, 2")
    assert year.summary.days == {"agreed": len(days) - 6, "provisional": 6}
    for _, of_site in days.groupby("site_id"):
        assert (of_site["local_date"].diff().dropna() == pd.Timedelta(days=1)).all()
        settled = of_site[of_site["status"] == "agreed"]
        assert (settled["coverage_pct"] == 100).all(), "23 and 25 hour days are whole, too"


def test_the_model_is_what_an_owner_asks_for(year: Year) -> None:
    """kWh, named as in the field, and balanced: what the home used came from somewhere."""
    days = year.frame("select * from analytics.daily where local_date = '2025-06-30' order by site_id")
    assert list(days["site_id"]) == sorted(SITES)
    home = days["solar_to_home_kwh"] + days["battery_to_home_kwh"] + days["grid_to_home_kwh"]
    pd.testing.assert_series_equal(home, days["home_kwh"], check_names=False, atol=0.002)
    expected = year.account.world.truth(SITES[0]).daily_wh(date(2025, 6, 30))["solar_energy_exported"]
    assert days.set_index("site_id").loc[SITES[0], "solar_kwh"] == pytest.approx(expected / 1000)


def test_the_future_is_not_a_measurement(year: Year) -> None:
    """Q11: the zero rows of today's future are nowhere."""
    for table in ("energy_intervals", "power", "state_of_energy"):
        (latest,) = year.frame(f"select max(interval_start) as latest from {table}")["latest"]
        assert latest <= NOW, table


def test_what_the_summary_says_is_what_the_warehouse_holds(year: Year) -> None:
    assert year.summary.exit_code == 0
    for table, rows in year.summary.rows.items():
        assert year.warehouse.execute(f'select count(*) from "{table}"').fetchall() == [(rows,)], table
    assert year.summary.requests == len(year.account.server.requests)
    (run,) = year.warehouse.execute("select command, exit_code, requests, finished_at is not null from runs").fetchall()
    assert run == ("backfill", 0, year.summary.requests, True)


def test_every_request_is_a_row(year: Year) -> None:
    """Account-wide ones, too."""
    by_outcome = year.frame("select outcome, count(*) as n from requests group by 1")
    assert dict(zip(by_outcome["outcome"], by_outcome["n"], strict=True)) == {"data": year.summary.requests}


def test_the_same_backfill_again_asks_for_no_settled_window(year: Year) -> None:
    """Only what may still change is asked: three days, a month, a year, the lifetime and its outages of each site."""
    before = len(year.account.asked_history())
    closed = sorted((year.data_dir / "lake").glob("table=*/site_id=*/month=2025/part.parquet"))
    assert year.data_dir / "lake/table=power/site_id=2104877316/month=2025/part.parquet" in closed
    stamps = [path.stat().st_mtime_ns for path in closed]
    again = year.account.backfill(year.data_dir, SINCE)
    asked = year.account.asked_history()[before:]
    settled_before = (NOW - timedelta(days=4)).date().isoformat()
    days = [params for _, params in asked if params["kind"] in {"power", "soe"} or params.get("period") == "day"]
    assert {params["end_date"][:10] for params in days if params["end_date"][:10] < settled_before} == set()
    assert len(days) == 2 * 3 * 3
    assert len(asked) == len(days) + 2 * 4
    assert again.exit_code == 0
    assert [path.stat().st_mtime_ns for path in closed] == stamps, (
        "a closed year without new responses is left as it is"
    )
    assert again.rows["energy_intervals"] == year.summary.rows["energy_intervals"]


def test_every_end_date_was_the_last_second_of_a_local_day(year: Year) -> None:
    """Q1, Q2: read from what the server saw, after decoding; a plus that was not encoded would be a blank."""
    for _, params in year.account.asked_history():
        assert params["end_date"][11:19] == "23:59:59"
        assert params["end_date"][19] in "+-"
    offsets = {params["end_date"][19:] for _, params in year.account.asked_history()}
    assert offsets == {"-08:00", "-07:00", "+10:00", "+11:00"}


def test_the_fixture_serves_over_http(year: Year) -> None:
    assert isinstance(year.account.server, SimulatorServer)
    assert year.account.server.base_url.startswith("http://127.0.0.1:")
