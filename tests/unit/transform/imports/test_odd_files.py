"""Files that are odd in ways that random damage found: each costs its rows, and every table can be stored."""

import io
from datetime import date

import pyarrow as pa
import pytest
from pyarrow import parquet

from tests.import_files import APP, dashboard_export, house, records, shaped, site_in, tesla_app_period
from tests.unit.transform.answers import checked
from transform.imports.records import MAPPING_FILE
from transform.imports.shape import shape_history
from wattlog.series_spec import Series

SITE = site_in("America/Los_Angeles")


def test_a_short_line_that_is_no_text_is_quarantined_and_the_lines_after_it_keep_their_numbers() -> None:
    lines = tesla_app_period(house(), date(2024, 3, 1), date(2024, 3, 31)).encode().split(b"\n")
    lines[4] = b"\xab\xd0,1.0"
    lines[9] = lines[9].rsplit(b",", 1)[0]
    tables = checked(shaped(Series.IMPORT_TESLA_APP, {"a.csv": b"\n".join(lines)}, SITE))
    assert tables["quarantine"]["row_number"].tolist() == [4, 9]
    assert len(tables["import_days"]) == 29


def test_stamps_without_seconds_and_with_several_offsets() -> None:
    rows = [f"2024-03-{day:02d}T00:00-0{8 if day < 11 else 7}:00,1.0,0.5,2.0,0.3,0.8" for day in range(1, 32)]
    rows[4] = "someday" + rows[4][10:]
    tables = checked(shaped(Series.IMPORT_TESLA_APP, {"a.csv": "\n".join([APP, *rows, ""])}, SITE))
    assert len(tables["import_days"]) == 30
    assert tables["quarantine"]["row_number"].tolist() == [5]


@pytest.mark.parametrize(
    "row", ["2034-03-10T00:00:00Z,1,1,1,1,50", "1934-03-10T00:00:00Z,1,1,1,1,50", "2024-05-02T08:00:30Z,9e8,1,1,1,50"]
)
def test_rows_that_are_far_away_or_absurd_can_be_stored(row: str) -> None:
    """A row ten years later has no length that is known; a power near the highest makes more energy than any site has."""
    home = house()
    text = dashboard_export(home, [date(2024, 5, 2)]) + row + "\n"
    tables = checked(shaped(Series.IMPORT_POWERWALL_DASHBOARD, {"a.csv": text}, home.site))
    assert tables["import_intervals"]["interval_s"].max() == 900
    only = shaped(
        Series.IMPORT_POWERWALL_DASHBOARD, {"a.csv": f"TimeStamp,Solar,Powerwall,Home,Grid,Charge\n{row}\n"}, SITE
    )
    assert checked(only)["import_days"]["covered_s"].tolist() in ([], [0])


def test_instants_that_python_has_no_date_for() -> None:
    table = pa.table(
        {"when": pa.array([1, 2**62], pa.timestamp("us", tz="UTC")), "solar": [1.0, 1.0], "others": [[1], [2]]}
    )
    buffer = io.BytesIO()
    parquet.write_table(table, buffer)
    mapping = """
        [time]
        column = "when"
        [rows]
        are = "intervals"
        [[columns]]
        column = "solar"
        measure = "solar_energy_exported_wh"
        unit = "kWh"
        [[columns]]
        column = "others"
        measure = "home_wh"
        unit = "kWh"
    """
    files: dict[str, str | bytes] = {"a.parquet": buffer.getvalue(), MAPPING_FILE: mapping}
    tables = checked(shape_history(records(Series.IMPORT_MAPPED, files), SITE))
    assert tables["quarantine"]["reason"].tolist() == ["bad_timestamp"]
