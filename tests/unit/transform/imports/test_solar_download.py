"""Files of tesla-solar-download: three versions and their forks, in every kind of zone, days of changed clocks among them."""

from datetime import date, timedelta

import pandas as pd
import pytest

from extract.simulator import FLOWS
from extract.simulator.local_day import days_between
from tests.import_files import (
    House,
    Stamp,
    house,
    naive,
    shaped,
    site_in,
    solar_download_energy,
    solar_download_power,
    solar_download_soe,
    with_offset,
)
from transform.imports import batches
from transform.time import days_of
from wattlog.series_spec import Series

DOWNLOAD = Series.IMPORT_SOLAR_DOWNLOAD

ZONES = {
    "America/Los_Angeles": (date(2024, 3, 10), date(2024, 11, 3)),
    "Europe/Berlin": (date(2024, 3, 31), date(2024, 10, 27)),
    "Australia/Lord_Howe": (date(2024, 4, 7), date(2024, 10, 6)),
    "Asia/Kathmandu": (date(2024, 2, 29), date(2024, 12, 31)),
    "America/Havana": (date(2024, 3, 10), date(2024, 11, 3)),
    "America/Sao_Paulo": (date(2018, 2, 17), date(2018, 11, 4)),
    "Asia/Kolkata": (date(2024, 1, 1), date(2024, 7, 1)),
}
"""Zone → days on which its clock changes, at midnight among them, or other days of note."""


def check_days(found: pd.DataFrame, home: House, days: list[date], allowed_wh: float) -> None:
    """Whether the days are these, each with the energy that there was."""
    rows = dict(zip(days_of(found["local_date"]).tolist(), found.to_dict("records"), strict=True))
    assert sorted(rows) == days
    for day in days:
        for name, wh in home.totals(day).items():
            assert abs(rows[day][name] - wh) <= allowed_wh, (day, name, rows[day][name], wh)


@pytest.mark.parametrize("stamp", [naive, with_offset])
@pytest.mark.parametrize("zone", ZONES)
def test_power_of_each_day_is_its_energy(zone: str, stamp: Stamp) -> None:
    """A file a day, on the clock of the site; the labels of the autumn hour come twice, those of spring are missing (Q5)."""
    home = house(zone)
    days = [day + timedelta(days=offset) for day in ZONES[zone] for offset in (-1, 0, 1)]
    files: dict[str, str | bytes] = {f"power/{day}.csv": solar_download_power(home, day, stamp) for day in days}
    tables = shaped(DOWNLOAD, files, home.site)
    assert tables["quarantine"].empty
    assert set(tables["import_days"]["source"]) == {"import:tesla_solar_download/power"}
    assert not tables["import_days"]["is_partial"].any()
    check_days(tables["import_days"], home, days, allowed_wh=0.5)


@pytest.mark.parametrize("stamp", ["{0}", "{0} 01:00:00", "{0} 00:00:00", "{0}T01:00:00-08:00"])
def test_energy_of_each_day_is_exact(stamp: str) -> None:
    """A row a day, stamped in every way that was seen (Q9); sixteen flows, to the Wh."""
    home = house()
    first, last = date(2024, 11, 1), date(2024, 11, 30)
    text = solar_download_energy(home, first, last, stamp.format)
    found = shaped(DOWNLOAD, {"energy/2024-11.csv": text}, home.site)["import_days"]
    check_days(found, home, days_between_list(first, last), allowed_wh=0)
    assert set(found["source"]) == {"import:tesla_solar_download/days"}
    for day, row in zip(days_of(found["local_date"]).tolist(), found.to_dict("records"), strict=True):
        assert {name: row[f"{name}_wh"] for name in FLOWS} == home.truth.daily_wh(day)


def days_between_list(first: date, last: date) -> list[date]:
    return list(days_between(first, last))


def test_columns_that_a_file_does_not_have_are_unknown() -> None:
    """Later versions leave out the generator and grid services."""
    home = house()
    names = [name for name in FLOWS if "generator" not in name and "services" not in name]
    text = solar_download_energy(home, date(2024, 11, 1), date(2024, 11, 30), str, names)
    found = shaped(DOWNLOAD, {"energy/2024-11.csv": text}, home.site)["import_days"]
    assert found["generator_energy_exported_wh"].isna().all()
    check_days(found, home, days_between_list(date(2024, 11, 1), date(2024, 11, 30)), allowed_wh=0)


def test_the_flat_layout_of_the_first_version() -> None:
    """`energy.csv` beside the days of power, all in one folder."""
    home = house()
    day = date(2022, 5, 23)
    files: dict[str, str | bytes] = {
        f"{day}.csv": solar_download_power(home, day),
        "energy.csv": solar_download_energy(home, date(2022, 5, 1), date(2022, 5, 31), "{0} 01:00:00".format),
    }
    found = shaped(DOWNLOAD, files, home.site)["import_days"]
    assert found["source"].value_counts().to_dict() == {
        "import:tesla_solar_download/days": 31,
        "import:tesla_solar_download/power": 1,
    }


def test_an_autumn_hour_is_read_over_the_end_of_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """The file is read some lines at a time, and one of the ends is within the hour that comes twice."""
    home = house()
    whole = shaped(DOWNLOAD, {"a.csv": solar_download_power(home, date(2024, 11, 3))}, home.site)
    for size in (900, 1_100, 1_300, 1_500):
        monkeypatch.setattr(batches, "BLOCK_BYTES", size)
        found = shaped(DOWNLOAD, {"a.csv": solar_download_power(home, date(2024, 11, 3))}, home.site)
        pd.testing.assert_frame_equal(found["import_intervals"], whole["import_intervals"])
        assert found["quarantine"].empty


@pytest.mark.parametrize("zone", ZONES)
def test_a_year_comes_back_without_a_wh_of_difference(zone: str) -> None:
    """Twelve files with a row a day, in sixteen flows."""
    home = house(zone)
    year = ZONES[zone][0].year
    files: dict[str, str | bytes] = {}
    for month in range(1, 13):
        last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
        files[f"energy/{month:02d}.csv"] = solar_download_energy(
            home, date(year, month, 1), last, "{0} 01:00:00".format
        )
    found = shaped(DOWNLOAD, files, home.site)["import_days"]
    check_days(found, home, days_between_list(date(year, 1, 1), date(year, 12, 31)), allowed_wh=0)


def test_a_partial_file_is_replaced_by_the_whole_one() -> None:
    home = house()
    half = "\n".join(solar_download_power(home, date(2024, 5, 2)).split("\n")[:140])
    partial = solar_download_energy(home, date(2024, 5, 1), date(2024, 5, 2), str)
    alone = shaped(DOWNLOAD, {"power/2024-05-02.partial.csv": half, "energy/2024-05.partial.csv": partial}, home.site)[
        "import_days"
    ]
    by_source = {source: rows["is_partial"].tolist() for source, rows in alone.groupby("source")}
    assert by_source == {
        "import:tesla_solar_download/days": [False, True],
        "import:tesla_solar_download/power": [True],
    }
    whole = solar_download_power(home, date(2024, 5, 2))
    both = {"power/2024-05-02.partial.csv": half, "power/2024-05-02.csv": whole}
    found = shaped(DOWNLOAD, both, home.site)["import_days"]
    assert found["is_partial"].tolist() == [False]
    check_days(found, home, [date(2024, 5, 2)], allowed_wh=0.5)


def test_state_of_energy_stands_with_its_quarter_hours() -> None:
    home = house()
    day = date(2024, 11, 3)
    files: dict[str, str | bytes] = {
        f"power/{day}.csv": solar_download_power(home, day),
        f"soe/{day}.csv": solar_download_soe(home, day),
    }
    found = shaped(DOWNLOAD, files, home.site)["import_intervals"].sort_values("interval_start")
    assert len(found) == 100, "a day of 25 hours"
    assert found["soe_pct"].tolist() == home.truth.day(day).soe_pct.tolist()
    assert found["home_wh"].notna().all()


def test_energy_in_five_minutes_is_no_day() -> None:
    """Newer responses about a month have intervals; the same file then has many rows a day."""
    home = house()
    day = date(2024, 11, 3)
    truth = home.truth.day(day)
    lines = [
        ",".join((naive(local), *(str(int(truth.flows[name][at])) for name in FLOWS)))
        for at, local in enumerate(home.locals(day))
    ]
    text = "\n".join([",".join(("timestamp", *FLOWS)), *lines, ""])
    found = shaped(DOWNLOAD, {"energy/2024-11.csv": text}, home.site)["import_days"]
    assert found["source"].tolist() == ["import:tesla_solar_download/intervals"]
    check_days(found, home, [day], allowed_wh=0)


def test_a_file_is_the_same_in_one_part_and_in_many() -> None:
    home = house()
    text = "".join(
        solar_download_power(home, date(2024, 5, day)).split("\n", 1)[int(day > 1)] + "\n" if day > 1
        else solar_download_power(home, date(2024, 5, day))
        for day in range(1, 5)
    )  # fmt: skip
    one = shaped(DOWNLOAD, {"power.csv": text}, home.site)
    many = shaped(DOWNLOAD, {"power.csv": text}, home.site, part_bytes=5_000)
    pd.testing.assert_frame_equal(one["import_days"], many["import_days"])
    pd.testing.assert_frame_equal(one["import_intervals"], many["import_intervals"])
    assert one["imports"]["sha256"].tolist() == many["imports"]["sha256"].tolist()


def test_rows_in_the_wrong_order_and_twice() -> None:
    """The newest first, and a row twice: sorted, and the second of equal instants is quarantined with its line."""
    home = house()
    header, *lines = solar_download_power(home, date(2024, 5, 2), with_offset).strip().split("\n")
    text = "\n".join([header, *reversed(lines), lines[100], ""])
    tables = shaped(DOWNLOAD, {"power.csv": text}, home.site)
    check_days(tables["import_days"], home, [date(2024, 5, 2)], allowed_wh=0.5)
    (row,) = tables["quarantine"].to_dict("records")
    assert (row["reason"], row["row_number"]) == ("overlap", 289)


def test_without_a_meter_the_home_is_unknown() -> None:
    """Q16: the tool's load is then the solar power alone."""
    header = "timestamp,solar_power,battery_power,grid_power,load_power"
    rows = [f"2024-05-02 {hour:02d}:{minute:02d}:00,600,0,0,600" for hour in range(24) for minute in range(0, 60, 5)]
    text = "\n".join([header, *rows, ""])
    (row,) = shaped(DOWNLOAD, {"power.csv": text}, site_in("America/Los_Angeles", has_battery=False))[
        "import_days"
    ].to_dict("records")
    assert row["solar_energy_exported_wh"] == 14_400
    assert pd.isna(row["home_wh"])
    assert pd.isna(row["grid_energy_imported_wh"])


def test_a_day_that_lies_in_two_files_is_whole() -> None:
    """A tool that cuts its files by the days of UTC: each local day is in two of them."""
    home = house()
    days = days_between_list(date(2024, 5, 1), date(2024, 5, 4))
    header, lines = "", list[str]()
    for day in days:
        header, *of_day = solar_download_power(home, day, with_offset).strip().split("\n")
        lines += of_day
    files: dict[str, str] = {}
    for line in lines:
        utc = pd.Timestamp(line.split(",", 1)[0]).tz_convert("UTC")
        name = f"{utc:%Y-%m-%d}.csv"
        files[name] = f"{files.get(name, header)}\n{line}"
    assert len(files) == 5
    tables = shaped(DOWNLOAD, files, home.site)
    check_days(tables["import_days"], home, days, allowed_wh=0.5)
    assert not tables["import_days"]["is_partial"].any()
    assert tables["import_intervals"]["_raw_id"].nunique() == 5


def test_rows_over_midnight_are_divided_and_no_energy_is_lost() -> None:
    """Rows every five minutes from 00:03 on: the last reaches three minutes into the next day, whose file does not exist."""
    header = "timestamp,solar_power,battery_power,grid_power,load_power"
    rows = [f"2024-05-02 {hour:02d}:{minute:02d}:00,600,0,300,900" for hour in range(24) for minute in range(3, 60, 5)]
    text = "\n".join([header, *rows, ""])
    tables = shaped(DOWNLOAD, {"a.csv": text, "b.csv": text.replace("05-02", "05-05")}, site_in("America/Los_Angeles"))
    found = tables["import_days"]
    assert days_of(found["local_date"]).tolist() == [date(2024, 5, day) for day in (2, 3, 5, 6)]
    assert found["solar_energy_exported_wh"].sum() == pytest.approx(2 * 288 * 50)
    assert found["covered_s"].tolist() == [86_400 - 180, 180] * 2
    assert found["is_partial"].tolist() == [False, True] * 2
    assert tables["import_intervals"]["solar_energy_exported_wh"].sum() == pytest.approx(2 * 288 * 50)
