"""What differs before and after a change of a setting: literal rows, each reason not to say it, and an oracle in Python."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import numpy as np
import pytest

from tests.unit.warehouse.conftest import Database, Row
from warehouse.models.effects import MEASURES
from warehouse.schema import FLOWS
from wattlog.zones import Zone

ZONE = Zone("America/Los_Angeles")
SITE = {"timezone": "America/Los_Angeles", "site_name": "Wattle House", "has_battery": True, "has_solar": True}
AT = datetime(2025, 3, 19, 20, 20, tzinfo=UTC)
"""A Wednesday, 13:20 on the site's clock, which changed ten days before."""
BEFORE, AFTER = [date(2025, 3, 12 + n) for n in range(7)], [date(2025, 3, 20 + n) for n in range(7)]
CHANGE = {
    "changed_at": AT,
    "not_before": AT,
    "name": "reserve",
    "value_before": "20",
    "value_after": "40",
    "command_id": "run-1",
    "outcome": "applied",
    "origin": "cli",
}

Rows = Mapping[str, Sequence[Row]]


def day(of: date, imported: float, **more: Any) -> Row:
    return {
        **dict.fromkeys(FLOWS, 0.0),
        "local_date": of,
        "status": "agreed",
        "home_wh": 30_000.0,
        "grid_export_wh": 1_000.0,
        "battery_charge_wh": 9_000.0,
        "battery_energy_exported_wh": 8_000.0,
        "solar_energy_exported_wh": 20_000.0,
        "grid_energy_imported_wh": imported,
        **more,
    }


def week(days: Sequence[date], imported: float, **more: Any) -> list[Row]:
    """Seven days, Sunday with twice the import: a weekday pattern that is no effect."""
    return [day(of, imported * (2 if of.weekday() == 6 else 1), **more) for of in days]


def hours(first: datetime, count: int, imported: float) -> list[Row]:
    """Rows of an hour each from an instant on."""
    return [
        {
            **dict.fromkeys(FLOWS, 0.0),
            "interval_start": first + timedelta(hours=n),
            "interval_s": 3600,
            "local_date": (first + timedelta(hours=n)).astimezone(ZONE).date(),
            "grid_energy_imported_wh": imported,
        }
        for n in range(count)
    ]


def sound(**more: Any) -> dict[str, Sequence[Row]]:
    """A change with all that is needed around it: less import by two kWh a day, and by half a kWh an hour."""
    after_hours = datetime(2025, 3, 19, 21, tzinfo=UTC)
    return {
        "sites": [SITE],
        "setting_changes": [CHANGE],
        "daily": [*week(BEFORE, 7_000.0), day(date(2025, 3, 19), 99_000.0), *week(AFTER, 5_250.0)],
        "energy_intervals": [
            *hours(after_hours - timedelta(days=7), 24, 1_000.0),
            *hours(after_hours - timedelta(hours=1), 1, 77_000.0),
            *hours(after_hours, 24, 500.0),
        ],
        **more,
    }


def _local_day(row: Row) -> date:
    instant: datetime = row["interval_start"]
    return instant.astimezone(ZONE).date()


def effects(database: Database, rows: Rows) -> dict[str, dict[str, Any]]:
    """The rows of the first change, by the length of the sides."""
    return {row["side_length"]: row for row in _dicts(database(rows, "command_effects"))[:2]}


def _dicts(connection: duckdb.DuckDBPyConnection) -> list[dict[str, Any]]:
    found = connection.execute("from analytics.command_effects order by changed_at, name, side_length desc")
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def test_each_row_has_both_sides_and_what_differs(database: Database) -> None:
    """The day of the change is on no side, and neither is the hour."""
    soe = [
        {"interval_start": start + timedelta(minutes=15 * n), "interval_s": 900, "soe_pct": level}
        for start, level in (
            (datetime(2025, 3, 12, 21, tzinfo=UTC), 50.0),
            (datetime(2025, 3, 19, 21, tzinfo=UTC), 65.0),
        )
        for n in range(96)
    ]
    soe = [{**row, "local_date": _local_day(row)} for row in soe]
    found = effects(database, sound(state_of_energy=soe))
    days, hour = found["7 days"], found["24 hours"]
    assert (days["status"], days["reason"], hour["status"]) == ("comparable", None, "comparable")
    assert (days["name"], days["value_before"], days["value_after"]) == ("reserve", "20", "40")
    assert (days["command_id"], days["origin"], days["site_name"]) == ("run-1", "cli", "Wattle House")
    clock = datetime.fromisoformat
    assert days["local_changed_at"] == clock("2025-03-19 13:20")
    assert [days[name] for name in ("before_from", "before_until", "after_from", "after_until")] == [
        clock(f"2025-03-{of}") for of in (12, 19, 20, 27)
    ]
    assert [hour[name] for name in ("before_from", "before_until", "after_from", "after_until")] == [
        clock(f"2025-03-{of} 14:00") for of in (12, 13, 19, 20)
    ]
    assert (days["before_grid_import_kwh"], days["after_grid_import_kwh"]) == (8.0, 6.0)
    assert days["grid_import_difference_kwh"] == -2.0
    assert (days["before_solar_kwh"], days["after_solar_kwh"], days["home_difference_kwh"]) == (20.0, 20.0, 0.0)
    assert (hour["before_grid_import_kwh"], hour["after_grid_import_kwh"]) == (24.0, 12.0)
    assert hour["grid_import_difference_kwh"] == -12.0
    assert (hour["before_mean_soe_pct"], hour["after_mean_soe_pct"], hour["mean_soe_difference_pct"]) == (50, 65, 15)
    assert days["mean_soe_difference_pct"] is None, "the state of energy of one day does not stand for seven"


OUTAGE = {"started_at": datetime(2025, 3, 14, 9, tzinfo=UTC), "ended_at": datetime(2025, 3, 14, 10, tzinfo=UTC)}
OTHER = {**CHANGE, "name": "mode", "command_id": "run-2"}


CASES: Sequence[tuple[dict[str, Sequence[Row]], str]] = [
    ({"setting_changes": [{**CHANGE, "outcome": "accepted_unconfirmed"}]}, "it is not confirmed"),
    ({"setting_changes": [{**CHANGE, "not_before": AT - timedelta(days=9)}]}, "on which of 10 days"),
    ({"setting_changes": [CHANGE, {**OTHER, "changed_at": AT, "not_before": AT}]}, "another change"),
    (
        {
            "setting_changes": [
                CHANGE,
                *({**OTHER, "changed_at": at, "not_before": at} for at in (AT - timedelta(6),)),
            ]
        },
        "another change",
    ),
    (
        {
            "setting_changes": [
                CHANGE,
                {**OTHER, "changed_at": AT + timedelta(20), "not_before": AT + timedelta(6), "command_id": ""},
            ]
        },
        "another change",
    ),
    ({"backup_events": [OUTAGE]}, "an outage"),
    (
        {"live_status": [{"observed_at": datetime(2025, 3, 21, tzinfo=UTC), "storm_mode_active": True}]},
        "storm watch",
    ),
    (
        {"daily": [*week(BEFORE, 7_000.0), *week(AFTER, 7_000.0, grid_services_energy_exported_wh=1.0)]},
        "grid services",
    ),
    ({"daily": [*week(BEFORE, 7_000.0), *week(AFTER[:2], 7_000.0)]}, "of 7 days before and 2 after, of 7 each"),
    (
        {"daily": [*week(BEFORE, 7_000.0), *week(AFTER[:6], 7_000.0), *week(AFTER[6:], 1.0, status="provisional")]},
        "of 7 days before and 6 after, of 7 each",
    ),
    (
        {"daily": [*week(BEFORE[:6], 7_000.0), *week(BEFORE[6:], 1.0, coverage_pct=70.0), *week(AFTER, 7_000.0)]},
        "of 6 days before and 7 after, of 7 each",
    ),
    (
        {"daily": [*week(BEFORE, 7_000.0), *week(AFTER, 7_000.0, solar_energy_exported_wh=None)]},
        "solar is not known on both sides",
    ),
]
"""What makes two weeks different or unknown, and a part of the sentence that says so."""


def test_what_cannot_be_compared_has_a_reason_and_no_energy(database: Database) -> None:
    """Each case is a site of its own."""
    together: dict[str, list[Row]] = {}
    for number, (more, _) in enumerate(CASES):
        for table, rows in sound(**more).items():
            together.setdefault(table, []).extend({**row, "site_id": number} for row in rows)
    found = {
        row["site_id"]: row
        for row in _dicts(database(together, "command_effects"))
        if row["side_length"] == "7 days" and row["name"] == "reserve"
    }
    for number, (_, reason) in enumerate(CASES):
        row = found[number]
        assert (row["status"], reason in row["reason"]) == ("not_enough_data", True), row["reason"]
        assert {value for name, value in row.items() if name.endswith(("_kwh", "_soe_pct"))} == {None}


def test_hours_are_judged_by_their_own_sides(database: Database) -> None:
    """An outage two days later is in the week and not in the 24 hours; a missing hour is in the hours alone."""
    late = {"started_at": datetime(2025, 3, 22, tzinfo=UTC), "ended_at": datetime(2025, 3, 22, 1, tzinfo=UTC)}
    found = effects(database, sound(backup_events=[late]))
    assert [found[length]["status"] for length in ("7 days", "24 hours")] == ["not_enough_data", "comparable"]
    rows = sound()
    found = effects(database, {**rows, "energy_intervals": rows["energy_intervals"][1:]})
    assert (found["7 days"]["status"], found["24 hours"]["reason"]) == (
        "comparable",
        "complete and final energy is stored of 23 hours before and 24 after, of 24 each",
    )


def test_hours_before_are_of_a_time_at_which_the_value_before_was_seen(database: Database) -> None:
    """Seen a week late: the same weekday two weeks before, although the clocks changed in between."""
    late = {**CHANGE, "not_before": AT - timedelta(days=6, hours=1), "command_id": "", "outcome": None}
    found = effects(database, sound(setting_changes=[late]))
    assert found["24 hours"]["before_until"] == datetime.fromisoformat("2025-03-06 14:00")
    assert found["7 days"]["before_until"] == datetime.fromisoformat("2025-03-13")
    assert found["24 hours"]["command_id"] is None


def test_what_the_sun_may_have_done_is_not_claimed(database: Database) -> None:
    """A fifth of difference is let pass, a little more is not; then both sides are given, and no difference."""
    for solar, status in ((16_000.0, "comparable"), (15_900.0, "solar_differs")):
        days = [*week(BEFORE, 7_000.0), *week(AFTER, 5_250.0, solar_energy_exported_wh=solar)]
        found = effects(database, sound(daily=days))["7 days"]
        assert (found["status"], found["after_solar_kwh"]) == (status, pytest.approx(solar / 1000))
        assert (found["grid_import_difference_kwh"] is None) == (status == "solar_differs")
        assert (found["before_grid_import_kwh"], found["after_grid_import_kwh"]) == (8.0, 6.0)
    assert found["reason"].startswith("solar was 20.0 kWh a day before and 15.9 after")


def test_little_solar_differs_little(database: Database) -> None:
    """In winter a half is less than half a kWh; a site without panels has none."""
    few = [
        *week(BEFORE, 7_000.0, solar_energy_exported_wh=200.0),
        *week(AFTER, 7_000.0, solar_energy_exported_wh=600.0),
    ]
    assert effects(database, sound(daily=few))["7 days"]["status"] == "comparable"
    none = [*week(BEFORE, 7_000.0, solar_energy_exported_wh=None), *week(AFTER, 7_000.0, solar_energy_exported_wh=None)]
    rows = sound(daily=none, sites=[{**SITE, "has_solar": False}])
    assert effects(database, rows)["7 days"]["status"] == "comparable"


def test_a_day_on_which_the_clocks_change_is_not_compared_by_hours(database: Database) -> None:
    """It has 25 hours; seven days with it are compared."""
    at = datetime(2025, 11, 1, 21, tzinfo=UTC)
    days = [date(2025, 10, 25) + timedelta(days=n) for n in range(15)]
    rows = {
        "setting_changes": [{**CHANGE, "changed_at": at, "not_before": at}],
        "daily": [day(of, 1.0) for of in days],
        "energy_intervals": [*hours(at - timedelta(days=7), 24, 1.0), *hours(at, 25, 1.0)],
    }
    found = effects(database, sound(**rows))
    assert (found["7 days"]["status"], found["24 hours"]["reason"]) == (
        "comparable",
        "the clocks changed in the time compared",
    )


def test_the_model_is_what_plain_python_computes(database: Database) -> None:
    """Changes at random over three months, some seen days late, with holes in days and hours."""
    draw = np.random.default_rng(20_261_130)
    first = datetime(2025, 3, 1, 8, tzinfo=UTC)
    intervals = [
        {**row, **{name: float(draw.integers(0, 900)) for name in FLOWS}}
        for row in hours(first, 24 * 90, 0.0)
        if draw.random() > 0.002
    ]
    days = [
        day(
            date(2025, 3, 1) + timedelta(days=n),
            float(draw.integers(0, 30_000)),
            status="provisional" if draw.random() < 0.02 else "agreed",
            solar_energy_exported_wh=float(draw.integers(18_000, 24_000)),
            home_wh=None if draw.random() < 0.02 else float(draw.integers(0, 40_000)),
        )
        for n in range(90)
    ]
    instants = sorted(first + timedelta(minutes=int(m)) for m in draw.integers(0, 90 * 1440, 12))
    changes = [
        {
            **CHANGE,
            "changed_at": at,
            "not_before": at - timedelta(hours=int(draw.integers(0, 60))) if n % 3 else at,
            "command_id": "" if n % 3 else f"run-{n}",
            "outcome": None if n % 3 else "applied",
        }
        for n, at in enumerate(instants)
    ]
    rows = sound(setting_changes=changes, daily=days, energy_intervals=intervals)
    found = _dicts(database(rows, "command_effects"))
    assert len(found) == 2 * len(changes)
    for row in found:
        change = next(change for change in changes if change["changed_at"] == row["changed_at"])
        expected = plain(row["side_length"], change, changes, days, intervals)
        assert row["status"] == ("not_enough_data" if expected is None else expected["status"]), row
        for name, value in (expected or {}).items():
            assert row[name] == (value if isinstance(value, str) else pytest.approx(value)), (name, row)
    assert {row["status"] for row in found if row["side_length"] == "7 days"} >= {"not_enough_data", "comparable"}
    assert {row["status"] for row in found if row["side_length"] == "24 hours"} >= {"not_enough_data", "comparable"}


def plain(
    length: str, change: Row, changes: Sequence[Row], days: Sequence[Row], intervals: Sequence[Row]
) -> dict[str, Any] | None:
    """Status, sides and differences of one length of a change; None where they are not known."""
    local = {name: change[name].astimezone(ZONE).replace(tzinfo=None) for name in ("changed_at", "not_before")}
    whole = {row["local_date"]: row for row in days if row["status"] != "provisional"}
    if length == "7 days":
        duration = timedelta(days=7)
        start = datetime.combine(local["changed_at"].date() + timedelta(days=1), datetime.min.time())
        before = datetime.combine(local["not_before"].date(), datetime.min.time()) - duration
    else:
        duration, start = timedelta(days=1), local["changed_at"].replace(minute=0)
        start += timedelta(hours=1) if start != local["changed_at"] else timedelta()
        before = start
        while before + duration > local["not_before"] or before == start:
            before -= timedelta(days=7)
    for other in changes:
        seen = [other[name].astimezone(ZONE).replace(tzinfo=None) for name in ("changed_at", "not_before")]
        if other is not change and seen[0] > before and seen[1] < start + duration:
            return None
    sides = [_sides(length, side, duration, whole, intervals) for side in (before, start)]
    if None in sides:
        return None
    pairs: dict[str, Any] = {
        f"{when}_{name}_kwh": values[name]
        for when, values in zip(("before", "after"), sides, strict=True)
        if values
        for name in MEASURES
    }
    solar = pairs["before_solar_kwh"], pairs["after_solar_kwh"]
    is_far = abs(solar[0] - solar[1]) > max(0.2 * max(solar), 0.5)
    differences = {
        f"{name}_difference_kwh": None
        if is_far or pairs[f"before_{name}_kwh"] is None or pairs[f"after_{name}_kwh"] is None
        else pairs[f"after_{name}_kwh"] - pairs[f"before_{name}_kwh"]
        for name in MEASURES[1:]
    }
    return {"status": "solar_differs" if is_far else "comparable", **pairs, **differences}


def _sides(
    length: str, start: datetime, duration: timedelta, whole: Mapping[date, Row], intervals: Sequence[Row]
) -> dict[str, Any] | None:
    dates = {(start + timedelta(hours=n)).date() for n in range(int(duration.total_seconds()) // 3600)}
    if not dates <= whole.keys():
        return None
    if length == "7 days":
        found = [_of_day(whole[of]) for of in dates]
    else:
        found = [
            _of_interval(row)
            for row in intervals
            if start <= row["interval_start"].astimezone(ZONE).replace(tzinfo=None) < start + duration
        ]
        if len(found) != 24:
            return None
    parts = 7 if length == "7 days" else 1
    return {
        name: None if any(row[name] is None for row in found) else sum(row[name] or 0.0 for row in found) / 1000 / parts
        for name in MEASURES
    }


def _of_day(row: Row) -> dict[str, float | None]:
    columns = ("solar_energy_exported_wh", "home_wh", "grid_energy_imported_wh", "grid_export_wh", "battery_charge_wh")
    return dict(zip(MEASURES, (row[name] for name in (*columns, "battery_energy_exported_wh")), strict=True))


def _of_interval(row: Row) -> dict[str, float | None]:
    def total(begin: str) -> float:
        return float(sum(value for name, value in row.items() if name.startswith(begin)))

    return {
        "solar": row["solar_energy_exported_wh"],
        "home": total("consumer_energy_imported_from_"),
        "grid_import": row["grid_energy_imported_wh"],
        "grid_export": total("grid_energy_exported_from_"),
        "battery_charge": total("battery_energy_imported_from_"),
        "battery_discharge": row["battery_energy_exported_wh"],
    }
