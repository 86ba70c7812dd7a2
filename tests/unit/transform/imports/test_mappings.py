"""Mappings that owners write: what they can say, what is refused, and that counters, signs, and zones are honoured."""

import io
from datetime import date
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.import_files import House, house, records
from transform.imports.owners_mapping import BadMapping, parse_mapping
from transform.imports.records import MAPPING_FILE
from transform.imports.shape import shape_history
from transform.responses import Tables
from transform.time import days_of
from wattlog.series_spec import Series

DAY = date(2024, 11, 3)
"""The clocks go back."""

HEAD = """
[time]
column = "when"
{time}
[rows]
are = "{rows}"
"""


def mapping(rows: str, *columns: str, time: str = "") -> str:
    """A mapping with some columns."""
    return HEAD.format(rows=rows, time=time) + "".join(f"[[columns]]\n{column}\n" for column in columns)


def shaped(text: str | bytes, owners: str, home: House) -> Tables:
    parse_mapping(owners.encode())
    files: dict[str, str | bytes] = {"file": text, MAPPING_FILE: owners}
    return shape_history(records(Series.IMPORT_MAPPED, files), home.site)


def of_day(tables: Tables, day: date = DAY) -> dict[str, Any]:
    rows = dict(
        zip(
            days_of(tables["import_days"]["local_date"]).tolist(), tables["import_days"].to_dict("records"), strict=True
        )
    )
    found: dict[str, Any] = rows[day]
    return found


SIGNED = 'column = "battery"\nmeasure = "battery_w"\nunit = "kW"\nnegated = true'


def test_a_sign_and_a_zone_of_its_own() -> None:
    """Kilowatts with + for charging, on the clock of Berlin, of a site in California."""
    home = house()
    lines = ["when,battery"]
    seconds = home.truth.day(DAY).interval_start.astype(np.int64).tolist()
    for second, watts in zip(seconds, home.truth.day(DAY).power["battery_power"].tolist(), strict=True):
        local = pd.Timestamp(second, unit="s", tz="UTC").tz_convert("Europe/Berlin")
        lines.append(f"{local:%Y-%m-%d %H:%M},{-watts / 1000!r}")
    found = of_day(shaped("\n".join([*lines, ""]), mapping("intervals", SIGNED, time='zone = "Europe/Berlin"'), home))
    totals = home.totals(DAY)
    assert found["battery_charge_wh"] == pytest.approx(totals["battery_charge_wh"], abs=0.5)
    assert found["battery_energy_exported_wh"] == pytest.approx(totals["battery_energy_exported_wh"], abs=0.5)


COUNTER = 'column = "meter"\nmeasure = "grid_energy_imported_wh"\nunit = "Wh"\ncumulative = true'


def counter(home: House, *, reset_at: int | None = None) -> str:
    """A meter read every five minutes of a day, in milliseconds since 1970."""
    truth = home.truth.day(DAY)
    reading, lines = 10_000, ["when,meter"]
    imported = truth.flows["grid_energy_imported"].tolist()
    seconds = truth.interval_start.astype(np.int64).tolist()
    for at, (second, wh) in enumerate(zip(seconds, imported, strict=True)):
        reading = 0 if at == reset_at else reading
        lines.append(f"{second * 1000},{reading}")
        reading += wh
    return "\n".join([*lines, f"{(seconds[-1] + 300) * 1000},{reading}", ""])


def test_a_counter_is_the_difference_of_its_readings() -> None:
    home = house()
    found = of_day(shaped(counter(home), mapping("instants", COUNTER, time='unit = "ms"'), home))
    assert found["grid_energy_imported_wh"] == home.totals(DAY)["grid_energy_imported_wh"]
    assert found["covered_s"] == 25 * 3600


def test_a_counter_that_begins_anew_costs_one_row() -> None:
    home = house()
    tables = shaped(counter(home, reset_at=100), mapping("instants", COUNTER, time='unit = "ms"'), home)
    (row,) = tables["quarantine"].to_dict("records")
    assert (row["row_number"], row["reason"]) == (100, "out_of_range"), "line 101, the last before the reset"
    lost = float(home.truth.day(DAY).flows["grid_energy_imported"][99])
    assert of_day(tables)["grid_energy_imported_wh"] == home.totals(DAY)["grid_energy_imported_wh"] - lost


def test_parquet_with_its_own_types() -> None:
    home = house()
    truth = home.truth.day(DAY)
    table = pa.table(
        {
            "when": pa.array(truth.interval_start.astype("datetime64[us]"), pa.timestamp("us", tz="UTC")),
            "solar": pa.array(truth.flows["solar_energy_exported"].astype(np.float64) / 1000),
        }
    )
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    solar = 'column = "solar"\nmeasure = "solar_energy_exported_wh"\nunit = "kWh"'
    found = of_day(shaped(buffer.getvalue(), mapping("intervals", solar), home))
    assert found["solar_energy_exported_wh"] == pytest.approx(home.totals(DAY)["solar_energy_exported_wh"], abs=1e-3)
    assert found["source"] == "import:mapped/intervals"


def test_hours_and_days_are_exact_too() -> None:
    """An hour of energy each, in Lord Howe, where the clock moves by half an hour; and the same as days."""
    home = house("Australia/Lord_Howe")
    days = [date(2024, 10, 5), date(2024, 10, 6), date(2024, 10, 7)]
    solar = 'column = "solar"\nmeasure = "solar_energy_exported_wh"\nunit = "Wh"'
    lines = ["when,solar", *(f"{day},{home.truth.daily_wh(day)['solar_energy_exported']}" for day in days), ""]
    tables = shaped("\n".join(lines), mapping("days", solar), home)
    for day in days:
        found = of_day(tables, day)
        assert found["solar_energy_exported_wh"] == home.truth.daily_wh(day)["solar_energy_exported"]
        assert found["covered_s"] == (84_600 if day == days[1] else 86_400)


@pytest.mark.parametrize(
    ("owners", "reason"),
    [
        ("when", "no TOML"),
        ("[time]\ncolumn = 'when'\n[rows]\nare = 'days'", "columns"),
        (mapping("weeks", COUNTER), "rows.are"),
        (mapping("instants", COUNTER, time='unit = "fortnights"'), "time.unit"),
        (mapping("instants", COUNTER, time='zone = "Mars/Olympus"'), "time.zone"),
        (mapping("instants", COUNTER, time='colour = "red"'), "colour is no key"),
        (mapping("instants", COUNTER, COUNTER), "two columns"),
        (mapping("days", COUNTER), "cumulative"),
        (mapping("instants", COUNTER.replace("cumulative = true", "")), "counter"),
        (mapping("intervals", COUNTER.replace("Wh", "W")), "does not fit"),
        (mapping("intervals", SIGNED.replace("kW", "kWh")), "does not fit"),
        (mapping("days", SIGNED), "is power"),
        (mapping("intervals", SIGNED.replace("battery_w", "battery_x")), "is none of"),
        (mapping("intervals", SIGNED.replace("true", '"yes"')), "true or false"),
    ],
)
def test_a_mapping_that_makes_no_sense_is_refused(owners: str, reason: str) -> None:
    with pytest.raises(BadMapping, match=reason):
        parse_mapping(owners.encode())


EUROPEAN = '[csv]\ndelimiter = ";"\ndecimal = ","\n'
GRID_W = 'column = "Netz (W)"\nmeasure = "grid_w"\nunit = "W"'


def test_semicolons_and_decimal_commas() -> None:
    """As spreadsheets of Europe write them, thousands with points; a point anywhere else is no number."""
    home = house()
    lines, expected = ["when;Netz (W)"], 0.0
    for at, local in enumerate(home.locals(DAY)):
        lines.append(f"{local.isoformat()};1.{200 + at % 7},5")
        expected += (1200 + at % 7 + 0.5) / 12
    found = shaped("\n".join(lines), mapping("intervals", GRID_W) + EUROPEAN, home)
    assert of_day(found)["grid_energy_imported_wh"] == pytest.approx(expected, abs=1e-6)
    lines[5] = lines[5].partition(";")[0] + ";1.5"
    damaged = shaped("\n".join(lines), mapping("intervals", GRID_W) + EUROPEAN, home)
    assert damaged["quarantine"][["row_number", "reason"]].values.tolist() == [[5, "no_value"]]


@pytest.mark.parametrize(
    ("table", "reason"),
    [
        ('[csv]\ndecimal = ","', 'delimiter is ";"'),
        ('[csv]\ndelimiter = "|"', "csv.delimiter must be one of"),
        ('[csv]\ndecimal = "\'"', "a point or a comma"),
        ('[csv]\nquote = "x"', "quote is no key"),
    ],
)
def test_a_table_csv_that_makes_no_sense_is_refused(table: str, reason: str) -> None:
    with pytest.raises(BadMapping, match=reason):
        parse_mapping((mapping("intervals", GRID_W) + table).encode())
