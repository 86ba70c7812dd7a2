"""Hours, the typical day and peaks by the site's clock, on literal rows around changes of it."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest

from tests.unit.warehouse.conftest import Database
from warehouse.models import ENERGY
from warehouse.schema import FLOWS
from wattlog.zones import Zone


def intervals(
    zone: str,
    first: datetime,
    count: int,
    wh: Mapping[str, float] | None = None,
    *,
    seconds: int = 300,
    site_id: int = 1001,
) -> list[dict[str, Any]]:
    """`count` adjacent intervals from an instant, each filed under the day of the zone's clock; flows unnamed are zero."""
    rows = []
    for number in range(count):
        start = first.astimezone(UTC) + timedelta(seconds=seconds * number)
        day = start.astimezone(Zone(zone)).date()
        facts = {"site_id": site_id, "interval_start": start, "interval_s": seconds, "local_date": day}
        rows.append({**dict.fromkeys(FLOWS, 0.0), **facts, **(wh or {})})
    return rows


def midnight(zone: str, year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, tzinfo=Zone(zone)).astimezone(UTC)


def hours(connection: duckdb.DuckDBPyConnection, condition: str = "true") -> list[tuple[Any, ...]]:
    """Instants as text in UTC, hours of the clock as text, seconds stored, home."""
    return connection.execute(
        "select strftime(hour_start, '%d %H:%M'), strftime(local_hour, '%d %H:%M'), held_s, home_kwh "
        f"from analytics.hourly where {condition} order by hour_start"
    ).fetchall()


LA = "America/Los_Angeles"
HOME = "consumer_energy_imported_from_grid_wh"


def test_hour_that_the_clocks_repeat_is_two_rows(database: Database) -> None:
    """Q5, Q6: 2 November 2025 in Los Angeles has 25 hours of twelve intervals, and 1 o'clock twice."""
    rows = intervals(LA, midnight(LA, 2025, 11, 2), 300, {HOME: 10.0})
    found = hours(database({"sites": [{"timezone": LA}], "energy_intervals": rows}, "hourly"))
    assert len(found) == 25
    assert found[:4] == [
        ("02 07:00", "02 00:00", 3600, 0.12),
        ("02 08:00", "02 01:00", 3600, 0.12),
        ("02 09:00", "02 01:00", 3600, 0.12),
        ("02 10:00", "02 02:00", 3600, 0.12),
    ]


def test_hour_that_the_clocks_leave_out_is_no_row(database: Database) -> None:
    """Q5: 9 March 2025 in Los Angeles has 23 hours, none of them 2 o'clock."""
    rows = intervals(LA, midnight(LA, 2025, 3, 9), 276, {HOME: 10.0})
    found = hours(database({"sites": [{"timezone": LA}], "energy_intervals": rows}, "hourly"))
    assert [int(local[3:5]) for _, local, _, _ in found] == [0, 1, *range(3, 24)]
    assert {seconds for _, _, seconds, _ in found} == {3600}


@pytest.mark.parametrize(
    ("zone", "first_hour"),
    [("Asia/Kolkata", "28 18:30"), ("Australia/Adelaide", "28 13:30"), ("Pacific/Chatham", "28 10:15")],
)
def test_hours_of_half_and_quarter_hour_zones_are_the_sites_own(zone: str, first_hour: str, database: Database) -> None:
    """Q36: hours begin at half past and at quarter past by UTC, and all are whole."""
    rows = intervals(zone, midnight(zone, 2025, 3, 1), 24, {HOME: 10.0})
    found = hours(database({"sites": [{"timezone": zone}], "energy_intervals": rows}, "hourly"))
    assert [row[1:] for row in found] == [("01 00:00", 3600, 0.12), ("01 01:00", 3600, 0.12)]
    assert found[0][0] == first_hour


def test_fixed_offset_of_half_an_hour_is_kept(database: Database) -> None:
    """Q7: a site that has only an offset; DuckDB alone would drop its half hour in silence."""
    rows = intervals("UTC", datetime(2025, 3, 1, 5, 30, tzinfo=UTC), 12, {HOME: 10.0})
    found = hours(database({"sites": [{"timezone": "UTC-05:30"}], "energy_intervals": rows}, "hourly"))
    assert found == [("01 05:30", "01 00:00", 3600, 0.12)]


@pytest.mark.parametrize(
    ("zone", "day", "intervals_of_day", "around"),
    [
        (
            "Australia/Lord_Howe",
            (2025, 4, 6),
            294,
            [("05 14:00", "06 01:00", 3600), ("05 15:00", "06 01:00", 1800), ("05 15:30", "06 02:00", 3600)],
        ),
        (
            "Australia/Lord_Howe",
            (2025, 10, 5),
            282,
            [("04 14:30", "05 01:00", 3600), ("04 15:30", "05 02:00", 1800), ("04 16:00", "05 03:00", 3600)],
        ),
        (
            "Pacific/Chatham",
            (2025, 4, 6),
            300,
            [
                ("05 12:15", "06 02:00", 3600),
                ("05 13:15", "06 03:00", 2700),
                ("05 14:00", "06 02:00", 900),
                ("05 14:15", "06 03:00", 3600),
            ],
        ),
    ],
    ids=["Lord Howe back", "Lord Howe on", "Chatham back"],
)
def test_parts_of_an_hour_in_which_the_clocks_change_are_rows_of_their_own(
    zone: str,
    day: tuple[int, int, int],
    intervals_of_day: int,
    around: Sequence[tuple[str, str, int]],
    database: Database,
) -> None:
    """Q37: half an hour at Lord Howe, a quarter to three on Chatham; each part begins when it begins, and none overlap."""
    rows = intervals(zone, midnight(zone, *day), intervals_of_day, {HOME: 10.0})
    connection = database({"sites": [{"timezone": zone}], "energy_intervals": rows}, "hourly")
    found = [row[:3] for row in hours(connection)]
    assert [row for row in found if row in around] == list(around)
    overlaps = connection.execute(
        "select count(*) from (select hour_start, lead(hour_start) over (order by hour_start) as following, held_s "
        "from analytics.hourly) where hour_start + to_seconds(held_s) <> following"
    ).fetchall()
    assert overlaps == [(0,)]


def test_hours_have_every_flow_of_their_intervals_once(database: Database) -> None:
    """The sum of hours is the sum of intervals, for each column and site, with any length of the intervals."""
    flows = {name: 3.0 + position for position, name in enumerate(FLOWS)}
    start = midnight(LA, 2025, 11, 2)
    rows = [
        *intervals(LA, start, 300, flows),
        *intervals(LA, start, 100, flows, seconds=900, site_id=1002),
    ]
    sites = [{"timezone": LA, "has_battery": True}, {"site_id": 1002, "timezone": LA, "has_battery": True}]
    connection = database({"sites": sites, "energy_intervals": rows}, "hourly")
    sums = ", ".join(f"round(sum({field.name}) * 1000)" for field in ENERGY)
    home = sum(wh for name, wh in flows.items() if name.startswith("consumer_"))
    export = sum(wh for name, wh in flows.items() if name.startswith("grid_energy_exported_from_"))
    charge = sum(wh for name, wh in flows.items() if name.startswith("battery_energy_imported_from_"))
    wh = [flows["solar_energy_exported_wh"], home, flows["grid_energy_imported_wh"], export, charge]
    wh += [flows["battery_energy_exported_wh"], flows["generator_energy_exported_wh"]]
    parts = ("consumer_energy_imported_from_", "battery_energy_imported_from_", "grid_energy_exported_from_")
    wh += [flows[f"{part}solar_wh"] for part in parts]
    wh += [flows[f"{part}battery_wh"] for part in (parts[0], parts[2])]
    wh += [flows[f"{part}grid_wh"] for part in parts[:2]]
    found = connection.execute(f"select count(*), {sums} from analytics.hourly group by site_id order by site_id")
    assert found.fetchall() == [(25, *(300 * value for value in wh)), (25, *(100 * value for value in wh))]


def test_unknown_stays_unknown_and_part_of_an_hour_says_so(database: Database) -> None:
    """Columns that a response lacked are NULL, not zero (Q24); 25 minutes are 1,500 s."""
    start = datetime(2025, 3, 1, 20, tzinfo=UTC)
    rows = intervals(LA, start, 5, {"solar_energy_exported_wh": 20.0})
    for row in rows:
        row.update({name: None for name in FLOWS if name != "solar_energy_exported_wh"})
    connection = database({"sites": [{"timezone": LA, "has_battery": True}], "energy_intervals": rows}, "hourly")
    (found,) = connection.execute("select held_s, columns('_kwh$') from analytics.hourly").fetchall()
    assert found[:2] == (1500, 0.1)
    assert set(found[2:]) == {None}


def test_home_of_a_solar_only_site_is_unknown_by_day(database: Database) -> None:
    """Q43: a day without any split has no information; on a day with one, an hour of zero is zero."""
    unsplit = intervals(LA, midnight(LA, 2025, 3, 1), 24, {"solar_energy_exported_wh": 50.0})
    split = intervals(LA, midnight(LA, 2025, 3, 2), 12, {HOME: 10.0}) + intervals(
        LA, midnight(LA, 2025, 3, 2) + timedelta(hours=1), 12
    )
    sites = [{"timezone": LA, "has_battery": False}]
    connection = database({"sites": sites, "energy_intervals": [*unsplit, *split]}, "hourly")
    assert [home for _, _, _, home in hours(connection)] == [None, None, 0.12, 0.0]
    query = "select grid_import_kwh, solar_to_grid_kwh from analytics.hourly order by hour_start"
    assert connection.execute(query).fetchall() == [(None, None)] * 2 + [(0.0, 0.0)] * 2


def test_home_of_a_battery_site_that_used_nothing_is_zero(database: Database) -> None:
    """An empty house is known to be one: the rule for solar-only sites is not for it."""
    rows = intervals(LA, midnight(LA, 2025, 3, 1), 12)
    found = hours(database({"sites": [{"timezone": LA, "has_battery": True}], "energy_intervals": rows}, "hourly"))
    assert [home for _, _, _, home in found] == [0.0]


def test_hour_whose_beginning_is_not_stored_begins_all_the_same(database: Database) -> None:
    """From ten past on: the hour is that of the clock, not that of the first row."""
    rows = intervals("Asia/Kolkata", midnight("Asia/Kolkata", 2025, 3, 1) + timedelta(minutes=10), 10)
    found = hours(database({"sites": [{"timezone": "Asia/Kolkata"}], "energy_intervals": rows}, "hourly"))
    assert [row[:3] for row in found] == [("28 18:30", "01 00:00", 3000)]


def test_site_that_is_not_known_keeps_its_hours_in_utc(database: Database) -> None:
    """Nothing is dropped for want of a row in `sites`."""
    rows = intervals("UTC", datetime(2025, 3, 1, tzinfo=UTC), 12, {"solar_energy_exported_wh": 1.0})
    found = hours(database({"sites": [], "energy_intervals": rows}, "hourly"))
    assert [row[:3] for row in found] == [("01 00:00", "01 00:00", 3600)]


def test_profile_is_the_mean_over_hours_stored_whole(database: Database) -> None:
    """Two whole hours of 0.12 and 0.36 kWh; the third lacks an interval and is left out, the other month is separate."""
    rows = [
        *intervals(LA, midnight(LA, 2025, 3, 1), 12, {HOME: 10.0}),
        *intervals(LA, midnight(LA, 2025, 3, 2), 12, {HOME: 30.0}),
        *intervals(LA, midnight(LA, 2025, 3, 3), 11, {HOME: 500.0}),
        *intervals(LA, midnight(LA, 2025, 4, 1), 12, {HOME: 50.0}),
        *intervals(LA, midnight(LA, 2024, 3, 1), 12, {HOME: 20.0}),
    ]
    connection = database(
        {"sites": [{"timezone": LA, "site_name": "Home"}], "energy_intervals": rows}, "hourly_profile"
    )
    query = "select site_name, month_of_year, hour_of_day, days, home_kwh, solar_kwh from analytics.hourly_profile"
    assert connection.execute(query).fetchall() == [
        ("Home", 3, 0, 3, pytest.approx(0.24), 0.0),
        ("Home", 4, 0, 1, 0.6, 0.0),
    ]


def test_profile_of_a_repeated_hour_is_a_mean_of_hours_not_their_sum(database: Database) -> None:
    """1 o'clock on 2 November is stored twice: one day, and the mean of an hour."""
    rows = intervals(LA, midnight(LA, 2025, 11, 2), 300, {HOME: 10.0})
    connection = database({"sites": [{"timezone": LA}], "energy_intervals": rows}, "hourly_profile")
    query = "select days, home_kwh from analytics.hourly_profile where hour_of_day = 1"
    assert connection.execute(query).fetchall() == [(1, 0.12)]


PEAKS = (
    "select window_minutes, peak_import_kw, strftime(peak_import_at, '%d %H:%M'), "
    "strftime(local_peak_import_at, '%d %H:%M'), peak_home_kw, strftime(local_peak_home_at, '%d %H:%M') "
    "from analytics.peak_demand order by month, window_minutes"
)


def test_peaks_are_means_of_windows_on_the_clock(database: Database) -> None:
    """Ten minutes at 6 kW over a quarter's boundary: the quarters see 2 kW each, the half and the hour less."""
    rows = intervals("Asia/Kolkata", midnight("Asia/Kolkata", 2025, 3, 1), 24)
    for position in (14, 15):
        rows[position].update(grid_energy_imported_wh=500.0)
    rows[3].update({HOME: 250.0})
    connection = database(
        {"sites": [{"timezone": "Asia/Kolkata", "has_battery": True}], "energy_intervals": rows}, "peak_demand"
    )
    assert connection.execute(PEAKS).fetchall() == [
        (15, 2.0, "28 19:30", "01 01:00", 1.0, "01 00:15"),
        (30, 2.0, "28 19:30", "01 01:00", 0.5, "01 00:00"),
        (60, 1.0, "28 19:30", "01 01:00", 0.25, "01 00:00"),
    ]


def test_windows_that_are_not_stored_whole_do_not_count(database: Database) -> None:
    """The highest five minutes are next to a gap: no window with them is known, so none of those is a peak."""
    rows = intervals(LA, midnight(LA, 2025, 3, 1), 24, {"grid_energy_imported_wh": 100.0})
    rows[1].update(grid_energy_imported_wh=9_000.0)
    del rows[0]
    connection = database({"sites": [{"timezone": LA, "has_battery": True}], "energy_intervals": rows}, "peak_demand")
    found = connection.execute(
        "select window_minutes, peak_import_kw, local_peak_import_at::time::varchar from analytics.peak_demand"
    )
    assert found.fetchall() == [(15, 1.2, "00:15:00"), (30, 1.2, "00:30:00"), (60, 1.2, "01:00:00")]


def test_intervals_longer_than_a_window_have_no_such_peak(database: Database) -> None:
    """Half-hour rows give half hours and hours; hours that begin within the clock's hours (Q36) give neither."""
    half_hours = intervals(LA, midnight(LA, 2025, 3, 1), 4, {"grid_energy_imported_wh": 500.0}, seconds=1800)
    across = intervals("Asia/Kolkata", datetime(2025, 3, 1, tzinfo=UTC), 4, seconds=3600, site_id=1002)
    sites = [{"timezone": LA, "has_battery": True}, {"site_id": 1002, "timezone": "Asia/Kolkata", "has_battery": True}]
    connection = database({"sites": sites, "energy_intervals": [*half_hours, *across]}, "peak_demand")
    found = connection.execute("select site_id, window_minutes, peak_import_kw from analytics.peak_demand order by all")
    assert found.fetchall() == [(1001, 30, 1.0), (1001, 60, 1.0)]


def test_windows_of_a_repeated_hour_stay_apart(database: Database) -> None:
    """Q6: 1:30 on 2 November comes twice; its two halves are not one of double energy."""
    rows = intervals(LA, midnight(LA, 2025, 11, 2), 48, {"grid_energy_imported_wh": 100.0})
    connection = database({"sites": [{"timezone": LA, "has_battery": True}], "energy_intervals": rows}, "peak_demand")
    found = connection.execute(
        "select window_minutes, peak_import_kw from analytics.peak_demand order by all"
    ).fetchall()
    assert found == [(15, 1.2), (30, 1.2), (60, 1.2)]


def test_earliest_of_equal_peaks_counts_and_unknown_home_has_none(database: Database) -> None:
    """Deterministic with any threads; a home that no row reports has no peak (NULL, not 0)."""
    rows = intervals(LA, midnight(LA, 2025, 3, 1), 36, {"grid_energy_imported_wh": 100.0})
    for row in rows:
        row.update({name: None for name in FLOWS if name.startswith("consumer_")})
    connection = database({"sites": [{"timezone": LA, "has_battery": True}], "energy_intervals": rows}, "peak_demand")
    query = "select distinct peak_import_kw, peak_import_at, peak_home_kw, peak_home_at from analytics.peak_demand"
    assert connection.execute(query).fetchall() == [(1.2, midnight(LA, 2025, 3, 1), None, None)]


def test_solar_only_site_without_meter_has_no_peak(database: Database) -> None:
    """Q16, Q43: its zero import is unknown; a day on which it reports the grid counts."""
    unmetered = intervals(LA, midnight(LA, 2025, 3, 1), 12, {"solar_energy_exported_wh": 50.0})
    sites = [{"timezone": LA, "has_battery": False}]
    connection = database({"sites": sites, "energy_intervals": unmetered}, "peak_demand")
    assert connection.execute("select * from analytics.peak_demand").fetchall() == []
    metered = intervals(LA, midnight(LA, 2025, 4, 1), 12, {"grid_energy_imported_wh": 50.0})
    connection = database({"sites": sites, "energy_intervals": [*unmetered, *metered]}, "peak_demand")
    found = connection.execute("select distinct month, peak_import_kw from analytics.peak_demand").fetchall()
    assert found == [(date(2025, 4, 1), 0.6)]
