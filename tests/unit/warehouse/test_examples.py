"""Owners' questions, each one query of `sql/examples/`, on literal rows: the result is the one that was counted by hand."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.unit.warehouse.conftest import Database, Row
from warehouse.models import MODELS
from warehouse.schema import FLOWS
from warehouse.statements import load
from wattlog.zones import Zone

EXAMPLES = load("examples")
ZONE = Zone("Australia/Sydney")
SITE = {
    "timezone": "Australia/Sydney",
    "has_battery": True,
    "site_name": "Banksia",
    "nameplate_energy_wh": 10_000.0,
    "installed_at": datetime(2024, 12, 31, 15, tzinfo=UTC),
}


def day(of: date, home: float, imported: float, **more: float) -> dict[str, Any]:
    """A day on which the grid supplied so many Wh of what the home used."""
    return {
        **dict.fromkeys(FLOWS, 0.0),
        "local_date": of,
        "home_wh": home,
        "grid_energy_imported_wh": imported,
        "consumer_energy_imported_from_grid_wh": imported,
        **more,
    }


def rows_of(database: Database, name: str, rows: Mapping[str, Sequence[Row]]) -> list[tuple[Any, ...]]:
    models = [source.removeprefix("analytics.") for source in EXAMPLES[name].header["sources"].split(", ")]
    return database({"sites": [SITE], **rows}, *models).execute(EXAMPLES[name].sql).fetchall()


def test_self_sufficiency_yesterday(database: Database) -> None:
    """Yesterday is the site's: around midnight by Sydney's clock, as by any other."""
    today = datetime.now(UTC).astimezone(ZONE).date()
    days = [day(today - timedelta(days=back), 10_000.0, 1_000.0 * (5 + back)) for back in (-1, 0, 1, 2)]
    (found,) = rows_of(database, "self_sufficiency_yesterday", {"daily": days})
    after = datetime.now(UTC).astimezone(ZONE).date()
    assert today - timedelta(days=1) <= found[1] <= after - timedelta(days=1)
    imported = 5.0 + (today - found[1]).days
    share = pytest.approx(100 - 10 * imported)
    assert found == ("Banksia", found[1], 10.0, imported, share, share)


def test_day_of_highest_import(database: Database) -> None:
    """The day with the highest import of this year; last year's was worse, and of two equal days the first counts."""
    today = datetime.now(UTC).astimezone(ZONE).date()
    first = date(today.year, 1, 1)
    days = [
        day(first - timedelta(days=1), 90_000.0, 80_000.0),
        day(first, 20_000.0, 5_000.0, solar_energy_exported_wh=7_000.0),
        day(first + timedelta(days=1), 20_000.0, 5_000.0),
        day(first + timedelta(days=2), 30_000.0, 4_000.0),
    ]
    assert rows_of(database, "day_of_highest_import", {"daily": days}) == [("Banksia", first, 5.0, 7.0, 20.0, 75.0)]


def test_monthly_import_versus_tesla(database: Database) -> None:
    """January: 31 kWh against Tesla's 30.5. February is known in part: no difference is claimed."""
    days = [day(date(2025, 1, 1) + timedelta(days=number), 2_000.0, 1_000.0) for number in range(41)]
    periods = [
        {
            "granularity": "month",
            "source": "calendar_history/year",
            "period_start": date(2025, month, 1),
            "_fetched_at": datetime(2025, 6, 1, tzinfo=UTC),
            "grid_energy_imported_wh": wh,
        }
        for month, wh in ((1, 30_500.0), (2, 28_000.0))
    ]
    found = rows_of(database, "monthly_import_versus_tesla", {"daily": days, "energy_periods": periods})
    assert found == [
        ("Banksia", date(2025, 1, 1), 31.0, 30.5, -0.5, "31 of 31"),
        ("Banksia", date(2025, 2, 1), 10.0, 28.0, None, "10 of 28"),
    ]


def test_hours_off_grid(database: Database) -> None:
    """Half an hour and two hours in one year; an outage on New Year's morning by the site's clock is the next year's."""
    events = [
        {"started_at": start, "ended_at": start + timedelta(hours=hours), "duration_s": hours * 3600}
        for start, hours in (
            (datetime(2025, 3, 1, 5, tzinfo=UTC), 0.5),
            (datetime(2025, 8, 1, 5, tzinfo=UTC), 2.0),
            (datetime(2025, 12, 31, 14, tzinfo=UTC), 1.0),
        )
    ]
    assert rows_of(database, "hours_off_grid", {"backup_events": events}) == [
        ("Banksia", 2025, 2, 2.5, 2.0, None),
        ("Banksia", 2026, 1, 1.0, 1.0, None),
    ]


def test_cost_by_label(database: Database) -> None:
    """Two hours on-peak, one of them without a price for exports; the hour without a tariff is not counted."""
    paid = {"currency": "AUD", "label": "ON_PEAK", "grid_import_wh": 1_500.0, "import_cost": Decimal("0.6")}
    of_hours = [{**paid, "export_credit": Decimal("0.02")}, paid, {"label": "", "grid_import_wh": 9.0}]
    costs = [
        {"starts_at": datetime(2025, 3, 1, 5 + number, tzinfo=UTC), "local_date": date(2025, 3, 1), **of_hour}
        for number, of_hour in enumerate(of_hours)
    ]
    assert rows_of(database, "cost_by_label", {"hourly_costs": costs}) == [
        ("Banksia", date(2025, 3, 1), "ON_PEAK", "AUD", 3.0, Decimal("1.20"), 0.4, Decimal("0.02"))
    ]


def test_battery_round_trip_efficiency(database: Database) -> None:
    """Two days of 10 kWh in and 9 out, ending 5 % of 10 kWh fuller: 18.5 of 20 kWh."""
    days = [
        day(date(2025, 3, number), 0.0, 0.0, battery_charge_wh=10_000.0, battery_energy_exported_wh=9_000.0)
        for number in (1, 2)
    ]
    levels = [
        {
            "interval_start": datetime(2025, 3, number, tzinfo=ZONE).astimezone(UTC),
            "interval_s": 900,
            "local_date": date(2025, 3, number),
            "soe_pct": level,
        }
        for number, level in ((1, 40.0), (2, 70.0), (3, 45.0))
    ]
    found = rows_of(database, "battery_round_trip_efficiency", {"daily": days, "state_of_energy": levels})
    assert found == [("Banksia", 2025, 20.0, 18.0, pytest.approx(0.5), pytest.approx(92.5), 1.8)]


def test_battery_capacity_by_year(database: Database) -> None:
    """Five discharges of 30 points and 3 kWh in March 2025, and five of 2.7 kWh a year later: 10 and 9 kWh, of 10 rated."""
    levels, flows = [], []
    for year, wh in ((2025, 1000.0), (2026, 900.0)):
        for number in range(1, 6):
            for at, level in enumerate((80.0, 70.0, 60.0, 50.0)):
                start = datetime(year, 3, number, 20, 15 * at, tzinfo=UTC)
                stamp = {"interval_start": start, "interval_s": 900, "local_date": date(year, 3, number)}
                levels.append(stamp | {"soe_pct": level})
                flows.append(stamp | {"battery_energy_exported_wh": wh})
    found = rows_of(database, "battery_capacity_by_year", {"state_of_energy": levels, "energy_intervals": flows})
    assert found == [
        ("Banksia", 2025, pytest.approx(10.0), pytest.approx(100.0), pytest.approx(100.0), 1),
        ("Banksia", 2026, pytest.approx(9.0), pytest.approx(90.0), pytest.approx(90.0), 1),
    ]


def test_ev_energy_by_month(database: Database) -> None:
    """30 kWh in March, of which 20 on a day whose home energy is known: 40 %; and 5 in April, of an unknown home."""
    sessions = [
        {
            "started_at": start,
            "ended_at": start + timedelta(hours=2),
            "duration_s": 7200.0,
            "energy_added_wh": wh,
        }
        for start, wh in (
            (datetime(2025, 3, 1, 2, tzinfo=UTC), 20_000.0),
            (datetime(2025, 3, 5, 2, tzinfo=UTC), 10_000.0),
            (datetime(2025, 3, 31, 20, tzinfo=UTC), 5_000.0),
        )
    ]
    rows = {"charge_sessions": sessions, "daily": [day(date(2025, 3, 1), 50_000.0, 0.0)]}
    assert rows_of(database, "ev_energy_by_month", rows) == [
        ("Banksia", date(2025, 3, 1), 2, 30.0, 4.0, pytest.approx(40.0)),
        ("Banksia", date(2025, 4, 1), 1, 5.0, 2.0, None),
    ]


def test_effect_of_settings(database: Database) -> None:
    """One kWh a day less from the grid in the week after; of the change at its end the week after is not stored."""
    days = [day(date(2025, 3, 1) + timedelta(days=n), 9_000.0, 4_000.0 if n < 8 else 3_000.0) for n in range(15)]
    changes = [
        {"changed_at": at, "not_before": at, "name": "reserve", "value_before": "20", "value_after": "40"}
        for at in (datetime(2025, 3, 8, 2, tzinfo=UTC), datetime(2025, 3, 20, 2, tzinfo=UTC))
    ]
    first, second = rows_of(database, "effect_of_settings", {"daily": days, "setting_changes": changes})
    assert first[:6] == ("Banksia", datetime.fromisoformat("2025-03-08 13:00"), "reserve", "20", "40", "comparable")
    assert first[6:] == (-1.0, None, 0.0, None)
    assert second[5:9] == ("not_enough_data", None, None, None)
    assert "of 3 days before and 0 after" in second[9]


def test_every_example_is_shown_here() -> None:
    """Every example has a test."""
    assert {f"test_{name}" for name in EXAMPLES} <= set(globals())


@pytest.mark.parametrize("name", EXAMPLES)
def test_example_says_what_it_answers_and_reads(name: str) -> None:
    """The README quotes them; their sources are models of ours."""
    header = EXAMPLES[name].header
    assert set(header) == {"question", "returns", "sources"}
    assert header["question"].endswith("?")
    assert {source.removeprefix("analytics.") for source in header["sources"].split(", ")} <= set(MODELS)


def test_ev_cost_by_month(database: Database) -> None:
    """Public charging alone: 30 kWh for 15.10 and 3 kWh for 0.20; in March a session was priced by time."""
    public = {"vehicle": "vin-000001", "currency": "EUR", "local_date": date(2025, 2, 3)}
    sessions = [
        {**public, "session_id": "1", "energy_kwh": 30.0, "total_due": Decimal("15.10")},
        {**public, "session_id": "2", "energy_kwh": 3.0, "total_due": Decimal("0.20")},
        {**public, "session_id": "3", "local_date": date(2025, 3, 1), "energy_kwh": None, "total_due": Decimal(2)},
    ]
    february, march = rows_of(database, "ev_cost_by_month", {"public_charging": sessions})
    assert february[:7] == (date(2025, 2, 1), "vin-000001", "EUR", 0.0, Decimal(0), 33.0, Decimal("15.30"))
    assert february[7] == pytest.approx(0.4636)
    assert march[3:] == (0.0, Decimal(0), None, Decimal("2.00"), None)
