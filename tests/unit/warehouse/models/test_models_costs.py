"""The models of costs, on literal rows."""

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import duckdb

from tests.unit.warehouse.conftest import Database, Row

SITE: Row = {"timezone": "America/Los_Angeles", "site_name": "Wattle House"}
DAY = date(2025, 11, 2)


def _dicts(connection: duckdb.DuckDBPyConnection, query: str) -> list[dict[str, Any]]:
    found = connection.execute(query)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def _hour(hour: int, **more: object) -> Row:
    return {
        "starts_at": datetime(2025, 11, 2, hour, tzinfo=UTC),
        "local_date": DAY,
        "stored_s": 3_600,
        "label": "OFF_PEAK",
        "season": "Cold",
        "currency": "USD",
        "tariff_basis": "in_force",
        "buy_per_kwh": Decimal("0.18"),
        "sell_per_kwh": Decimal("0.04"),
        "grid_import_wh": 500.0,
        "grid_export_wh": 250.0,
        "import_cost": Decimal("0.09"),
        "export_credit": Decimal("0.01"),
        "battery_import_cost": Decimal("0.02"),
        "ev_import_cost": Decimal("0.03"),
        **more,
    }


def _day(day: int, cost: str | None, **more: object) -> Row:
    amount = None if cost is None else Decimal(cost)
    exact = dict.fromkeys(("import_cost", "import_cost_low", "import_cost_high"), amount)
    credit = None if cost is None else Decimal("0.5")
    return {
        "local_date": date(2025, 11, day),
        "currency": "USD",
        "tariff_basis": "in_force",
        "grid_import_wh": 1_000.0,
        "grid_export_wh": 2_000.0,
        **exact,
        **dict.fromkeys(("export_credit", "export_credit_low", "export_credit_high"), credit),
        **dict.fromkeys(("battery_import_cost", "ev_import_cost"), None if cost is None else Decimal("0.1")),
        "daily_charges": Decimal("0.25"),
        "without_solar_cost": None if amount is None else amount + 1,
        "without_battery_cost": None if amount is None else amount - 1,
        "without_both_cost": None if amount is None else amount + 3,
        **more,
    }


def test_hours_have_the_time_of_the_clock_and_what_the_home_cost(database: Database) -> None:
    """The hour that the clocks repeat is two rows with the same reading of the clock."""
    connection = database({"sites": [SITE], "hourly_costs": [_hour(8), _hour(9)]}, "costs_hourly")
    first, second = _dicts(connection, "from analytics.costs_hourly order by starts_at")
    assert first["local_starts_at"] == second["local_starts_at"] == datetime(2025, 11, 2, 1)  # noqa: DTZ001 (a clock)
    assert first["site_name"] == "Wattle House"
    assert (first["grid_import_kwh"], first["grid_export_kwh"]) == (0.5, 0.25)
    assert first["home_import_cost"] == Decimal("0.04")
    assert (first["buy_per_kwh"], first["sell_per_kwh"]) == (Decimal("0.18"), Decimal("0.04"))


def test_days_have_what_was_saved(database: Database) -> None:
    connection = database({"sites": [SITE], "daily_costs": [_day(1, "2")]}, "costs_daily")
    (day,) = _dicts(connection, "from analytics.costs_daily")
    assert day["energy_cost"] == Decimal("1.5")
    assert day["home_import_cost"] == Decimal("1.8")
    assert [day[f"saved_by_{what}"] for what in ("solar", "battery", "both")] == [
        Decimal("1.5"),
        Decimal("-0.5"),
        Decimal("3.5"),
    ]


def test_a_month_adds_up_what_is_known_and_bounds_all_of_it(database: Database) -> None:
    """Two days are exact, one lies between 1 and 4."""
    bounded = _day(3, None, is_bounded=True)
    bounded = {**bounded, "import_cost_low": Decimal(1), "import_cost_high": Decimal(4), "export_credit": Decimal(0)}
    bounded |= {"export_credit_low": Decimal(0), "export_credit_high": Decimal(0)}
    rows = [_day(1, "2"), _day(2, "3", tariff_basis="assumed"), bounded]
    (month,) = _dicts(database({"sites": [SITE], "daily_costs": rows}, "costs_monthly"), "from analytics.costs_monthly")
    assert (month["days"], month["priced_days"], month["bounded_days"]) == (3, 2, 1)
    assert (month["import_cost"], month["import_cost_low"], month["import_cost_high"]) == (5, 6, 9)
    assert month["energy_cost"] == 4
    assert month["daily_charges"] == Decimal("0.75")
    assert month["tariff_basis"] == "assumed"
    assert month["grid_export_kwh"] == 6.0


def test_days_without_a_tariff_are_a_row_of_their_own_without_amounts(database: Database) -> None:
    rows = [_day(1, "2"), _day(2, None, currency=None, tariff_basis=None, daily_charges=None)]
    connection = database({"sites": [SITE], "daily_costs": rows}, "costs_monthly")
    known, unknown = _dicts(connection, "from analytics.costs_monthly order by currency nulls last")
    assert (known["days"], known["import_cost"], known["tariff_basis"]) == (1, 2, "in_force")
    assert (unknown["days"], unknown["import_cost"], unknown["tariff_basis"]) == (1, None, None)


def test_amounts_of_two_currencies_are_never_added(database: Database) -> None:
    rows = [_day(1, "2"), _day(2, "3", currency="EUR")]
    connection = database({"sites": [SITE], "daily_costs": rows}, "costs_monthly")
    found = _dicts(connection, "from analytics.costs_monthly order by currency")
    assert [(month["currency"], month["import_cost"]) for month in found] == [("EUR", 3), ("USD", 2)]


def test_a_bill_has_what_was_saved_by_the_same_rules(database: Database) -> None:
    bill = {
        "cycle_start": date(2025, 11, 1),
        "cycle_end": date(2025, 11, 30),
        "days": 30,
        "netting": "annual",
        "net_cost": Decimal(10),
        "without_solar_cost": Decimal(25),
        "without_battery_cost": Decimal(12),
        "without_both_cost": Decimal(30),
    }
    (found,) = _dicts(database({"sites": [SITE], "bills": [bill]}, "bills"), "from analytics.bills")
    assert found["site_name"] == "Wattle House"
    assert [found[f"saved_by_{what}"] for what in ("solar", "battery", "both")] == [15, 2, 20]
