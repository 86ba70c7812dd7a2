"""Deliveries to a real InfluxDB 1.x, in wattlog's own layout and in that of Powerwall-Dashboard."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.influxdb import ask, influxd, needs_influxd, write
from tests.integration.published_homes import HARBOUR, HOMES, RIDGE, Published, changed
from tests.recordings import Recordings

pytestmark = [pytest.mark.slow, needs_influxd]
MONTHS = ["2025-03", "2025-10", "2025-11"]
MONTHS_OF_HARBOUR = ["2025-02", "2025-03", "2025-09", "2025-10", "2025-11"]
"""Its months begin before those of UTC."""

HOURS = f"""
select epoch(time_bucket(interval '1 hour', interval_start))::bigint as second,
    sum(solar_energy_exported_wh), sum(grid_energy_imported_wh)
from energy_intervals where site_id = {RIDGE} group by second order by second
"""


@pytest.fixture(scope="module")
def homes(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recordings.copy(HOMES, tmp_path_factory.mktemp("homes") / "data").data_dir


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with influxd(tmp_path_factory.mktemp("influxd")) as url:
        yield url


@pytest.fixture
def url(server: str) -> Iterator[str]:
    yield server
    ask(server, "DROP DATABASE powerwall")


@pytest.fixture
def published(homes: Path, tmp_path: Path) -> Published:
    return Published.copy(homes, tmp_path / "data")


def values(url: str, query: str) -> list[list[Any]]:
    """The rows of an answer, all series one after another."""
    return [row for series in ask(url, query) for row in series["values"]]


def test_hours_days_and_power_equal_the_warehouse(published: Published, url: str) -> None:
    """The database is made; a second time sends nothing; a revised hour sends its month alone."""
    arguments = ("influxdb", url)
    assert changed(published.publish(*arguments)) == {RIDGE: MONTHS, HARBOUR: MONTHS_OF_HARBOUR}
    source = f"FROM powerwall.autogen.wattlog_hours WHERE site = '{RIDGE}'"
    hours = values(url, f"SELECT solar_wh, grid_in_wh {source}")
    assert hours == [
        [second, pytest.approx(solar), pytest.approx(grid)] for second, solar, grid in published.rows(HOURS)
    ]
    days = values(url, f"SELECT home_wh FROM powerwall.autogen.wattlog_days WHERE site = '{RIDGE}'")
    warehouse = published.rows(
        f"select home_wh from daily where site_id = {RIDGE} and home_wh is not null order by local_date"
    )
    assert [value for _, value in days] == pytest.approx([value for (value,) in warehouse])
    ((_, rows),) = values(url, f"SELECT count(solar_w) FROM powerwall.autogen.wattlog_power WHERE site = '{HARBOUR}'")
    assert [(rows,)] == published.rows(f"select count(solar_w) from power where site_id = {HARBOUR}")
    assert changed(published.publish(*arguments)) == {RIDGE: [], HARBOUR: []}
    published.change(
        "update energy_intervals set solar_energy_exported_wh = solar_energy_exported_wh + 250 "
        f"where site_id = {RIDGE} and interval_start = timestamptz '2025-10-05 19:00:00+00'"
    )
    assert changed(published.publish(*arguments)) == {RIDGE: ["2025-10"], HARBOUR: []}
    assert [row[1] for row in values(url, f"SELECT solar_wh {source}")] == pytest.approx(
        [solar for _, solar, _ in published.rows(HOURS)]
    )


def test_hours_that_are_gone_are_deleted(published: Published, url: str) -> None:
    """A month that is gone, and hours of another one; points of other sites and programs stay."""
    published.publish("influxdb", url)
    write(url, "autogen", ["wattlog_hours,site=77 solar_wh=1 1741392000"])
    published.change(
        f"delete from energy_intervals where site_id = {RIDGE} and interval_start < timestamptz '2025-10-05 00:00:00+00'"
    )
    for table in ("power", "state_of_energy"):
        published.change(f"delete from {table} where site_id = {RIDGE} and interval_start < timestamptz '2025-04-01'")
    published.change(f"delete from charge_sessions where site_id = {RIDGE} and started_at < timestamptz '2025-04-01'")
    published.change(f"delete from daily where site_id = {RIDGE} and local_date < date '2025-04-01'")
    assert changed(published.publish("influxdb", url)) == {RIDGE: ["2025-10"], HARBOUR: []}
    hours = values(url, f"SELECT solar_wh FROM powerwall.autogen.wattlog_hours WHERE site = '{RIDGE}'")
    assert [second for second, _ in hours] == [1741392000, *(second for second, *_ in published.rows(HOURS))]
    ((_, other),) = values(url, f"SELECT count(solar_wh) FROM powerwall.autogen.wattlog_hours WHERE site = '{HARBOUR}'")
    assert other > 100


def test_the_boards_of_powerwall_dashboard_fill(published: Published, url: str) -> None:
    """Its fields and policies; hours and days that the dashboard has itself are left to it, so that its sums stay right."""
    ask(url, "CREATE DATABASE powerwall")
    for policy in ("kwh", "daily"):
        ask(url, f"CREATE RETENTION POLICY {policy} ON powerwall DURATION INF REPLICATION 1")
    own = int(datetime(2025, 10, 5, 19, tzinfo=UTC).timestamp())
    write(url, "kwh", [f"http,month=Oct,year=2025 home=9,solar=9 {own}"])
    published.targets(
        [{"target": "influxdb", "to": url, "schema": "powerwall-dashboard", "sites": [RIDGE], "name": "dashboard"}]
    )
    assert changed(published.publish("dashboard")) == {RIDGE: MONTHS}
    kwh = values(url, "SELECT solar FROM powerwall.kwh.http")
    expected = [[second, pytest.approx(solar / 1000)] for second, solar, _ in published.rows(HOURS)]
    assert kwh == [[own, 9] if second == own else [second, value] for second, value in expected]
    minutes = values(url, "SELECT count(home), max(percentage) FROM powerwall.autogen.http")
    rows = published.rows(
        f"select count(home_w), max(soe_pct) * 0.95 + 5 from power left join state_of_energy using (site_id, interval_start) "
        f"where site_id = {RIDGE} and interval_start not between timestamptz '2025-10-05 19:00:00+00' "
        "and timestamptz '2025-10-05 19:59:59+00'"
    )
    assert minutes[0][1:] == [rows[0][0], pytest.approx(rows[0][1])]
    tagged = ask(url, "SELECT sum(home) FROM powerwall.daily.http GROUP BY month, year")
    assert [series["tags"] for series in tagged] == [
        {"month": month, "year": "2025"} for month in ("Mar", "Nov", "Oct")
    ]
    daily = values(url, "SELECT sum(from_grid) FROM powerwall.daily.http")
    ((wh,),) = published.rows(f"select sum(grid_energy_imported_wh) from daily where site_id = {RIDGE}")
    assert daily[0][1] == pytest.approx(wh / 1000)
    published.publish("dashboard", "--reset")
    assert values(url, "SELECT solar FROM powerwall.kwh.http") == kwh
