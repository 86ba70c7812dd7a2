"""What a report shows is what the warehouse holds: to the Wh, by the site's clock, with holes where nothing is known."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from tests.unit.warehouse.conftest import Database, Row
from warehouse.errors import QueryFailed
from warehouse.report import SiteReport, report_data

MADE_AT = datetime(2025, 7, 1, tzinfo=UTC)
SITE: Row = {"timezone": "America/Los_Angeles", "has_solar": True, "has_battery": True, "nameplate_energy_wh": 13_500.0}


READ = ("monthly", "self_sufficiency", "outages", "ev_charging", "disagreements", "bills", "costs_hourly")
"""The models that a report reads."""

Asked = Callable[[Mapping[str, Sequence[Row]]], duckdb.DuckDBPyConnection]


@pytest.fixture
def asked(database: Database) -> Asked:
    """`asked({"daily": [{…}]})` → tables in memory, and the models that a report reads."""
    return lambda rows: database(rows, *READ)


def _report(connection: duckdb.DuckDBPyConnection, **chosen: Any) -> SiteReport:
    data = report_data(connection, made_at=MADE_AT, **chosen)
    (site,) = data.sites
    return site


def _day(day: date, **more: object) -> Row:
    return {"local_date": day, "status": "agreed", **more}


def test_days_have_no_holes_and_what_is_not_known_is_none(asked: Asked) -> None:
    """The second of three days has no row: its entries are None, and the third day stands in the third place."""
    days = [_day(date(2025, 3, 1), home_wh=12_345.0), _day(date(2025, 3, 3), solar_energy_exported_wh=7.0)]
    site = _report(asked({"sites": [SITE], "daily": days}))
    assert site.first_day == date(2025, 3, 1)
    assert site.days["status"] == ["agreed", None, "agreed"]
    assert site.days["home"] == [12_345, None, None]
    assert site.days["solar"] == [None, None, 7]
    assert site.hours["solar"] == [None] * 72
    assert site.soe_days["soe_mean"] == [None] * 3


def test_site_without_a_zone_name_or_battery_is_described_as_it_is(asked: Asked) -> None:
    """Ids are text, since JavaScript's numbers end before theirs; unknown facts stay unknown."""
    row = {"site_id": 9_007_199_254_740_993}
    site = _report(asked({"sites": [row], "daily": [{**row, **_day(date(2025, 3, 1))}]}))
    assert (site.site_id, site.name, site.timezone) == ("9007199254740993", None, None)
    assert (site.has_battery, site.battery_kwh, site.wall_connectors) == (False, None, 0)


def test_hours_are_of_the_sites_clock_and_an_hour_that_comes_twice_is_no_double_hour(asked: Asked) -> None:
    """On the day that summer time ends one o'clock has two hours of power, and its mean is theirs."""
    begin = datetime(2025, 11, 2, 7, tzinfo=UTC)  # midnight in California
    power = [
        {"interval_start": begin + timedelta(hours=number), "interval_s": 3600, "local_date": date(2025, 11, 2)}
        | {"solar_w": 100.0 * number, "home_w": None, "grid_w": -1000.0}
        for number in range(25)
    ]
    site = _report(asked({"sites": [SITE], "daily": [_day(date(2025, 11, 2))], "power": power}))
    assert site.hours["solar"] == [0, 15, *range(30, 250, 10)]
    assert site.hours["home"] == [None] * 24
    assert site.hours["grid"] == [-100] * 24


def test_hours_begin_on_the_half_hour_where_the_zone_does(asked: Asked) -> None:
    """Midnight in Kolkata is 18:30 in UTC (Q36): five-minute rows fall into the local hour."""
    begin = datetime(2025, 2, 28, 18, 30, tzinfo=UTC)
    power = [
        {
            "interval_start": begin + timedelta(minutes=5 * number),
            "local_date": date(2025, 3, 1),
            "home_w": 10.0 * (number // 12),
        }
        for number in range(36)
    ]
    row = {**SITE, "timezone": "Asia/Kolkata"}
    site = _report(asked({"sites": [row], "daily": [_day(date(2025, 3, 1))], "power": power}))
    assert site.hours["home"] == [0, 1, 2, *[None] * 21]


def test_mean_power_is_of_the_time_that_is_known(asked: Asked) -> None:
    """A missing interval is no zero, and a longer one weighs more."""
    begin = datetime(2025, 3, 1, 8, tzinfo=UTC)
    power = [
        {"interval_start": begin, "interval_s": 300, "home_w": 400.0},
        {"interval_start": begin + timedelta(minutes=5), "interval_s": 300, "home_w": None},
        {"interval_start": begin + timedelta(minutes=15), "interval_s": 900, "home_w": 800.0},
    ]
    site = _report(asked({"sites": [SITE], "daily": [_day(date(2025, 3, 1))], "power": power}))
    assert site.hours["home"][0] == 70


def test_state_of_energy_by_day_and_hour(asked: Asked) -> None:
    """Lowest, mean and highest in tenths of a percent; hours in whole percent."""
    begin = datetime(2025, 3, 1, 8, tzinfo=UTC)
    rows = [
        {"interval_start": begin + timedelta(minutes=15 * number), "interval_s": 900, "soe_pct": level}
        for number, level in enumerate((20.0, 30.0, 40.0, 50.0, 90.0))
    ]
    site = _report(asked({"sites": [SITE], "daily": [_day(date(2025, 3, 1))], "state_of_energy": rows}))
    assert (site.soe_days["soe_min"], site.soe_days["soe_mean"], site.soe_days["soe_max"]) == ([200], [460], [900])
    assert site.hours["soe"][:3] == [35, 90, None]


def test_months_have_teslas_own_figures(asked: Asked) -> None:
    """A month with all of its days has a difference; home stays unknown where no day has it (Q43)."""
    days = [_day(date(2025, 4, number), solar_energy_exported_wh=1_000.0) for number in range(1, 31)]
    tesla = {
        "granularity": "month",
        "period_start": date(2025, 4, 1),
        "source": "calendar_history/year",
        "_fetched_at": MADE_AT,
        "solar_energy_exported_wh": 31_000.0,
    }
    site = _report(asked({"sites": [SITE], "daily": days, "energy_periods": [tesla]}))
    assert site.months["month"] == ["2025-04"]
    assert (site.months["solar"], site.months["tesla_solar"], site.months["tesla_solar_difference"]) == (
        [30],
        [31],
        [1],
    )
    assert site.months["home"] == [None]


def test_self_sufficiency_has_years_only_where_they_are_whole(asked: Asked) -> None:
    """A year of which some months are chosen has no figure of its own; its months have."""
    energies = {
        "home_wh": 10.0,
        "consumer_energy_imported_from_grid_wh": 4.0,
        "battery_energy_imported_from_grid_wh": 0.0,
    }
    days = [_day(date(2025, month, 1), grid_energy_exported_from_battery_wh=0.0, **energies) for month in (1, 2, 3)]
    connection = asked({"sites": [SITE], "daily": days})
    whole = _report(connection).self_sufficiency
    assert dict(zip(whole["period"], whole["self_sufficiency"], strict=True))["2025"] == pytest.approx(60)
    some = _report(connection, since=date(2025, 2, 1)).self_sufficiency
    assert some["period"] == ["2025-02", "2025-03"]
    year = _report(connection, since=date(2025, 1, 1), until=date(2025, 12, 31)).self_sufficiency
    assert "2025" in year["period"]


def test_outages_have_the_time_of_the_sites_clock(asked: Asked) -> None:
    """An outage of New Year's Eve in UTC is one of that afternoon in California."""
    event = {
        "started_at": datetime(2025, 1, 1, 1, 30, tzinfo=UTC),
        "ended_at": datetime(2025, 1, 1, 2, tzinfo=UTC),
        "duration_s": 1800.0,
    }
    days = [_day(date(2024, 12, 31)), _day(date(2025, 1, 1))]
    site = _report(asked({"sites": [SITE], "daily": days, "backup_events": [event]}))
    assert (site.outages["day"], site.outages["time"], site.outages["duration"]) == (["2024-12-31"], ["17:30"], [1800])
    assert site.outages["home"] == [None]


def test_charging_is_summed_by_month(asked: Asked) -> None:
    """Sessions and energy of a month; a site without a session has no row."""
    sessions = [
        {
            "started_at": datetime(2025, 3, day, 20, tzinfo=UTC),
            "ended_at": datetime(2025, 3, day, 22, tzinfo=UTC),
            "duration_s": 7200.0,
            "energy_added_wh": 10_500.0,
        }
        for day in (2, 9)
    ]
    site = _report(asked({"sites": [SITE], "daily": [_day(date(2025, 3, 1))], "charge_sessions": sessions}))
    assert site.charging == {"month": ["2025-03"], "sessions": [2], "ev": [21.0], "hours": [4.0]}


def test_differences_are_all_counted_and_a_hundred_are_listed(asked: Asked) -> None:
    """All differences are counted and the largest listed, those without a value last; agreements are counted, too."""
    found = [
        {
            "check_name": "interval_vs_day",
            "granularity": "day",
            "period_start": date(2025, 1, 1) + timedelta(days=number),
            "measure": "solar_energy_exported_wh",
            "left_wh": 1000.0 + number,
            "right_wh": 1000.0,
            "difference_wh": None if number == 5 else float(number),
            "verdict": "agree" if number < 3 else "differs",
            "cause": None if number < 3 else "rollup_drift",
            "diverges_at": datetime(2025, 5, 30, 19, 15, tzinfo=UTC) if number == 149 else None,
        }
        for number in range(150)
    ]
    site = _report(asked({"sites": [SITE], "daily": [_day(date(2025, 1, 1))], "reconciliation": found}))
    assert site.comparisons == {"year": [2025], "compared": [150]}
    assert (site.causes["differences"], site.causes["largest"]) == ([147], [0.149])
    listed = site.differences
    assert len(listed["day"]) == 100
    assert listed["difference"][0] == 0.05
    assert (listed["diverges_at"][0], listed["diverges_at"][-1]) == (None, "12:15")
    assert listed["day"] == sorted(str(number) for number in listed["day"])


def test_months_of_the_chosen_days_are_whole(asked: Asked) -> None:
    """Tesla's months are compared with whole ones, so those that the chosen days lie in are shown whole."""
    days = [_day(date(2025, 1, 1) + timedelta(days=number)) for number in range(120)]
    site = _report(asked({"sites": [SITE], "daily": days}), since=date(2025, 2, 10), until=date(2025, 3, 2))
    assert site.first_day == date(2025, 2, 1)
    assert len(site.days["status"]) == 28 + 31


def test_sites_without_a_day_are_named_and_others_can_be_chosen(asked: Asked) -> None:
    """A ghost is said to have no history; a choice of sites shows these alone."""
    sites = [{**SITE, "site_name": "One"}, {"site_id": 2, "site_name": None}, {"site_id": 3, "site_name": "Three"}]
    connection = asked({"sites": sites, "daily": [_day(date(2025, 3, 1)), {"site_id": 3, **_day(date(2025, 3, 1))}]})
    data = report_data(connection, made_at=MADE_AT)
    assert [site.name for site in data.sites] == ["Three", "One"]
    assert data.without_history == ("site 2",)
    assert _report(connection, sites=[3]).name == "Three"


def test_empty_warehouse_is_an_empty_report(asked: Asked) -> None:
    """Nothing fetched yet is no error."""
    data = report_data(asked({}), made_at=MADE_AT)
    assert (data.sites, data.without_history, data.made_at) == ((), (), MADE_AT)


def test_public_charging_is_of_the_account(asked: Asked) -> None:
    """By month and car; a cost is known where each session has one, and an energy where it was priced by energy."""
    public = {"vehicle": "vin-000001", "currency": "EUR", "local_date": date(2025, 4, 5), "energy_kwh": 40.0}
    sessions = [
        {**public, "session_id": "1", "total_due": Decimal("18.37")},
        {**public, "session_id": "2", "total_due": Decimal("7.5"), "energy_kwh": None},
        {**public, "session_id": "3", "total_due": None, "local_date": date(2025, 5, 1)},
        {**public, "session_id": "4", "total_due": Decimal(1), "local_date": date(2025, 6, 1)},
    ]
    rows: dict[str, Sequence[Row]] = {"sites": [SITE], "daily": [_day(date(2025, 4, 1))], "public_charging": sessions}
    data = report_data(asked(rows), made_at=MADE_AT, until=date(2025, 5, 3))
    assert data.public_charging == {
        "month": ["2025-04", "2025-05"],
        "vehicle": ["vin-000001"] * 2,
        "currency": ["EUR"] * 2,
        "sessions": [2, 1],
        "energy": [40.0, 40.0],
        "measured": [1, 1],
        "cost": [25.87, None],
    }


def test_impossible_choices_are_rejected_with_a_reason(asked: Asked) -> None:
    """A site that is not there, days the wrong way round."""
    connection = asked({"sites": [SITE]})
    with pytest.raises(QueryFailed, match="no site 7; there are 1001"):
        report_data(connection, made_at=MADE_AT, sites=[7])
    with pytest.raises(QueryFailed, match="swap them"):
        report_data(connection, made_at=MADE_AT, since=date(2025, 2, 1), until=date(2025, 1, 1))


def test_zeros_of_a_site_without_a_grid_meter_are_unknown(asked: Asked) -> None:
    """What nothing measures is unknown in `daily`, and Tesla's zeros of it are no figure (Q43)."""
    unknown = ("home_wh", "grid_energy_imported_wh", "grid_export_wh", "consumer_energy_imported_from_solar_wh")
    days = [_day(date(2025, 4, 1), solar_energy_exported_wh=5_000.0, **dict.fromkeys(unknown))]
    tesla = {
        "granularity": "month",
        "period_start": date(2025, 4, 1),
        "source": "calendar_history/year",
        "solar_energy_exported_wh": 5_000.0,
        "grid_energy_imported_wh": 0.0,
    }
    site = _report(asked({"sites": [{"has_solar": True}], "daily": days, "energy_periods": [tesla]}))
    assert site.days["solar"] == [5_000]
    assert site.days["grid_import"] == site.days["grid_export"] == site.days["solar_to_home"] == [None]
    assert site.months["solar"] == site.months["tesla_solar"] == [5.0]
    assert site.months["grid_import"] == site.months["tesla_grid_import"] == [None]
    assert site.months["grid_export"] == site.months["tesla_grid_export_difference"] == [None]


def test_zeros_that_were_measured_stay(asked: Asked) -> None:
    """A home off the grid for a day imported nothing, and that is known."""
    days = [_day(date(2025, 4, 1), home_wh=9_000.0, grid_energy_imported_wh=0.0, grid_export_wh=0.0)]
    site = _report(asked({"sites": [SITE], "daily": days}))
    assert (site.days["grid_import"], site.months["grid_import"]) == ([0], [0.0])
