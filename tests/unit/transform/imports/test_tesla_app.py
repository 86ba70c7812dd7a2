"""Exports of the Tesla app: three real years, both stamps, rounding, the vehicle column, and sites with solar alone."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import numpy as np
import pandas as pd

from extract.simulator import SiteSpec, Truth
from tests.import_files import (
    APP,
    House,
    app_exports,
    house,
    shaped,
    site_in,
    tesla_app_day,
    tesla_app_period,
    tesla_app_solar_only,
)
from transform.site_equipment import BatteryDays
from transform.time import days_of
from wattlog.series_spec import Series

APP_SERIES = Series.IMPORT_TESLA_APP
COLUMNS = {
    "Home (kWh)": "home_wh",
    "From Powerwall (kWh)": "battery_energy_exported_wh",
    "Solar Energy (kWh)": "solar_energy_exported_wh",
    "From Grid (kWh)": "grid_energy_imported_wh",
    "To Grid (kWh)": "grid_export_wh",
}


def days_in(frame: pd.DataFrame) -> list[date]:
    found: list[date] = days_of(frame["local_date"]).tolist()
    return found


def test_three_real_years_are_imported_with_every_wh() -> None:
    """Each day, and the sum of each month, is what the files say; computed here with exact decimals, line by line."""
    files = app_exports()
    expected: dict[date, dict[str, Decimal]] = {}
    for content in files.values():
        header, *lines = (
            content.decode("utf-8-sig").splitlines() if isinstance(content, bytes) else content.splitlines()
        )
        for line in lines:
            stamp, *values = line.split(",")
            named = zip(header.split(",")[1:], values, strict=True)
            expected[date.fromisoformat(stamp[:10])] = {COLUMNS[name]: Decimal(value) * 1000 for name, value in named}
    tables = shaped(APP_SERIES, files, site_in("America/Los_Angeles"))
    found = tables["import_days"]
    assert len(expected) == 975
    assert days_in(found) == sorted(expected)
    assert np.diff(days_of(found["local_date"]).astype(np.int64)).tolist() == [1] * 974, "no day is missing"
    for name in COLUMNS.values():
        given = {day: Decimal(value) for day, value in zip(days_in(found), found[name].tolist(), strict=True)}
        assert given == {day: values[name] for day, values in expected.items()}
        months = {f"{day:%Y-%m}" for day in expected}
        of_months = {month: sum(wh for day, wh in given.items() if f"{day:%Y-%m}" == month) for month in months}
        assert of_months == {
            month: sum(values[name] for day, values in expected.items() if f"{day:%Y-%m}" == month) for month in months
        }
    charge = {
        day: Decimal(value) for day, value in zip(days_in(found), found["battery_charge_wh"].tolist(), strict=True)
    }
    assert charge == {day: _balance(values) for day, values in expected.items()}
    assert found["is_charge_derived"].all()
    assert not found["is_partial"].any()
    assert set(found["rounding_wh"]) == {50.0}
    assert tables["quarantine"].empty
    assert tables["imports"]["rows"].tolist() == [975]


def _balance(values: dict[str, Decimal]) -> Decimal:
    came = values["solar_energy_exported_wh"] + values["grid_energy_imported_wh"] + values["battery_energy_exported_wh"]
    return max(came - values["home_wh"] - values["grid_export_wh"], Decimal(0))


def test_both_stamps_name_the_day_that_is_written() -> None:
    """01:00 before 1 December 2023 and 00:00 from then on, also on days on which the clock changes (Q9)."""
    home = house()
    files: dict[str, str | bytes] = {
        "a.csv": tesla_app_period(home, date(2023, 11, 1), date(2023, 11, 30)),
        "b.csv": tesla_app_period(home, date(2023, 12, 1), date(2023, 12, 31)),
        "c.csv": tesla_app_period(home, date(2024, 3, 1), date(2024, 3, 31)),
    }
    found = shaped(APP_SERIES, files, home.site)["import_days"]
    assert len(found) == 30 + 31 + 31
    for day, row in zip(days_in(found), found.to_dict("records"), strict=True):
        for name, wh in home.totals(day).items():
            allowed = 250 if name == "battery_charge_wh" else 50
            assert abs(row[name] - wh) <= allowed, (day, name)


def test_a_vehicle_is_a_reading_and_no_part_of_the_balance() -> None:
    home = house()
    text = tesla_app_period(home, date(2024, 3, 1), date(2024, 3, 31), vehicle=True)
    tables = shaped(APP_SERIES, {"a.csv": text}, home.site)
    without = shaped(APP_SERIES, {"a.csv": tesla_app_period(home, date(2024, 3, 1), date(2024, 3, 31))}, home.site)
    pd.testing.assert_frame_equal(tables["import_days"], without["import_days"])
    readings = tables["device_readings"]
    assert set(zip(readings["device"], readings["reading"], readings["unit"], strict=True)) == {
        ("vehicle", "energy", "kWh")
    }
    assert readings["value"].tolist() == [3.2] * 31


def test_solar_alone_after_a_byte_order_mark() -> None:
    """Nothing else is known then; above all no home."""
    home = house()
    content = tesla_app_solar_only(home, date(2022, 6, 1), date(2022, 6, 30))
    found = shaped(APP_SERIES, {"a.csv": content}, site_in("America/Los_Angeles", has_battery=False))["import_days"]
    assert len(found) == 30
    assert found["solar_energy_exported_wh"].notna().all()
    others = [
        name
        for name in found.columns
        if name.endswith("_wh") and name not in ("solar_energy_exported_wh", "rounding_wh")
    ]
    assert found[others].isna().all().all()


def test_days_before_a_battery_was_added_have_no_home_and_charge_nothing() -> None:
    """Q43: an export of that month has zeros for what was not measured; only solar is known."""
    added = date(2025, 6, 11)
    spec = SiteSpec(site_id=77, installed_at=datetime(2025, 1, 1, tzinfo=UTC), battery_since=added, seed=7)
    site = replace(site_in("America/Los_Angeles"), battery=BatteryDays(since=added))
    home = House(Truth(spec), site)
    text = tesla_app_period(home, date(2025, 6, 1), date(2025, 6, 30))
    rows = shaped(Series.IMPORT_TESLA_APP, {"a.csv": text}, site)["import_days"].set_index("local_date")
    before, after = rows.loc[: added - timedelta(days=1)], rows.loc[added:]
    assert before[["home_wh", "grid_energy_imported_wh", "grid_export_wh"]].isna().all(axis=None)
    assert (before["battery_charge_wh"] == 0).all()
    assert (before["solar_energy_exported_wh"] > 0).all()
    assert (after[["home_wh", "battery_charge_wh"]] > 0).all(axis=None)


def test_a_day_in_kilowatts_is_integrated() -> None:
    home = house()
    found = shaped(APP_SERIES, {"a.csv": tesla_app_day(home, date(2024, 11, 3))}, home.site)["import_days"]
    (row,) = found.to_dict("records")
    assert row["source"] == "import:tesla_app/power"
    assert row["covered_s"] == 25 * 3600
    for name, wh in home.totals(date(2024, 11, 3)).items():
        assert abs(row[name] - wh) < 1, name


def test_the_last_day_of_an_unfinished_month_is_no_source() -> None:
    """The file does not show whether that day was over when it was exported."""
    home = house()
    text = tesla_app_period(home, date(2024, 3, 1), date(2024, 3, 17))
    found = shaped(APP_SERIES, {"a.csv": text}, home.site)["import_days"]
    assert found["is_partial"].tolist() == [False] * 16 + [True]
    week = tesla_app_period(home, date(2024, 3, 4), date(2024, 3, 10))
    assert not shaped(APP_SERIES, {"a.csv": week}, home.site)["import_days"]["is_partial"].any()


def test_months_and_single_rows_are_no_days() -> None:
    """A year's export has a row a month; of one row the file does not show what it is."""
    rows = "\n".join(f"2022-{month:02d}-01T01:00:00-08:00,1,1,1,1,1" for month in range(1, 13))
    for text, reason in ((f"{APP}\n{rows}\n", "months"), (f"{APP}\n2022-01-01T01:00:00-08:00,1,1,1,1,1\n", "one row")):
        tables = shaped(APP_SERIES, {"a.csv": text}, site_in("America/Los_Angeles"))
        assert tables["import_days"].empty
        assert reason in tables["quarantine"]["payload"].item()


def test_damaged_rows_cost_themselves_and_keep_their_line() -> None:
    """A missing value, a word, a line cut short, a date that is none, and bytes that are no text."""
    home = house()
    lines = tesla_app_period(home, date(2024, 3, 1), date(2024, 3, 31)).encode().split(b"\n")
    lines[3] = lines[3].replace(b"2024-03-03", b"2024-03-33")
    lines[5] = lines[5].rsplit(b",", 2)[0]
    stamp, *values = lines[8].split(b",")
    lines[8] = b",".join((stamp, b"many", *values[1:]))
    lines[10] = b"\xff\xfe" + lines[10][2:]
    stamp, *values = lines[12].split(b",")
    lines[12] = b",".join((stamp, b"-1.0", *values[1:]))
    tables = shaped(APP_SERIES, {"a.csv": b"\n".join(lines)}, home.site)
    found = {row["row_number"]: row["reason"] for row in tables["quarantine"].to_dict("records")}
    assert found == {
        3: "bad_timestamp",
        5: "wrong_number_of_values",
        8: "not_a_number",
        10: "bad_timestamp",
        12: "out_of_range",
    }
    assert all(f'"line":{row["row_number"] + 1}' in row["payload"] for row in tables["quarantine"].to_dict("records"))
    days: dict[int, Any] = {day.day: row for day, row in _rows(tables["import_days"])}
    assert sorted(days) == [day for day in range(1, 32) if day not in (3, 5, 10)]
    assert np.isnan(days[8]["home_wh"])
    assert not np.isnan(days[8]["grid_export_wh"])
    assert np.isnan(days[8]["battery_charge_wh"]), "the balance needs all of its values"


def _rows(frame: pd.DataFrame) -> list[tuple[date, dict[Any, Any]]]:
    return list(zip(days_in(frame), frame.to_dict("records"), strict=True))


def test_of_two_exports_of_a_day_the_later_import_counts() -> None:
    home = house()
    files: dict[str, str | bytes] = {
        "a.csv": tesla_app_period(home, date(2024, 3, 1), date(2024, 3, 17)),
        "b.csv": tesla_app_period(home, date(2024, 3, 1), date(2024, 3, 31)),
    }
    found = shaped(APP_SERIES, files, home.site)["import_days"]
    assert len(found) == 31
    assert not found["is_partial"].any()
