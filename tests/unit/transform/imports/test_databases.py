"""SQLite databases of other tools, and Powerwall-Dashboard's export: what really happened comes back."""

import io
from datetime import date
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from extract.simulator.local_day import days_between
from tests.dashboard_database import PACK_WH, dashboard_points, export_of
from tests.import_files import (
    STATISTICS,
    House,
    dashboard_export,
    home_assistant_database,
    house,
    influx_export,
    pypowerwall_database,
    records,
    shaped,
)
from transform.imports.files import HistoryFile
from transform.imports.mapped import MAPPED
from transform.imports.owners_mapping import parse_mapping
from transform.imports.powerwall_dashboard import POWERWALL_DASHBOARD
from transform.imports.pypowerwall_server import PYPOWERWALL_SERVER
from transform.imports.records import MAPPING_FILE
from transform.imports.shape import shape_history
from transform.time import days_of
from wattlog.series_spec import Series

FIRST, LAST = date(2024, 11, 1), date(2024, 11, 5)
"""The clocks go back on the third."""


def check(found: pd.DataFrame, home: House, days: list[date], allowed_wh: float) -> None:
    rows = dict(zip(days_of(found["local_date"]).tolist(), found.to_dict("records"), strict=True))
    assert sorted(rows) == days
    for day in days:
        for name, wh in home.totals(day).items():
            assert abs(rows[day][name] - wh) <= allowed_wh, (day, name)


@pytest.mark.parametrize("wal", [False, True])
def test_pypowerwall_server(tmp_path: Path, wal: bool) -> None:
    """Samples change evenly between two, so their days are near; days are exact, the first and the last apart."""
    home = house()
    pypowerwall_database(home, tmp_path / "timeseries.db", FIRST, LAST, wal=wal)
    content = (tmp_path / "timeseries.db").read_bytes()
    tables = shaped(Series.IMPORT_PYPOWERWALL, {"timeseries.db": content}, home.site)
    found = tables["import_days"]
    days = list(days_between(FIRST, LAST))
    exact = found[found["source"] == "import:pypowerwall_server/days"]
    check(exact, home, days, allowed_wh=1e-3)
    assert exact["is_partial"].tolist() == [True, False, False, False, True]
    samples = found[found["source"] == "import:pypowerwall_server/power"]
    check(samples, home, days, allowed_wh=250)
    readings = tables["device_readings"]
    assert len(readings) == 24 * 4 + 25
    assert set(zip(readings["device"], readings["reading"], readings["unit"], strict=True)) == {
        ("TEPOD--1", "pack_temp_max", "°C")
    }
    assert tables["quarantine"].empty


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Europe/Berlin", "Australia/Sydney"])
def test_home_assistant(tmp_path: Path, zone: str) -> None:
    home = house(zone)
    home_assistant_database(home, tmp_path / "home-assistant_v2.db", FIRST, LAST)
    content = (tmp_path / "home-assistant_v2.db").read_bytes()
    tables = shaped(Series.IMPORT_HOME_ASSISTANT, {"home-assistant_v2.db": content}, home.site)
    check(tables["import_days"], home, list(days_between(FIRST, LAST)), allowed_wh=0.01)
    assert not tables["import_days"]["is_partial"].any()
    assert tables["quarantine"].empty


def test_an_hour_over_midnight_belongs_to_no_day(tmp_path: Path) -> None:
    """Hours of UTC cross midnight where the offset has a half hour: such days are not known, and are no source."""
    home = house("Asia/Kolkata")
    truth = house("Etc/GMT-5")  # hours that begin with those of UTC
    home_assistant_database(truth, tmp_path / "a.db", FIRST, LAST)
    found = shaped(Series.IMPORT_HOME_ASSISTANT, {"a.db": (tmp_path / "a.db").read_bytes()}, home.site)["import_days"]
    assert found["is_partial"].all()


def test_names_that_show_nothing_need_a_mapping(tmp_path: Path) -> None:
    home = house()
    names = {"sensor.a": "solar_energy_exported_wh", "sensor.b": "grid_energy_imported_wh"}
    home_assistant_database(home, tmp_path / "a.db", FIRST, LAST, names)
    content = (tmp_path / "a.db").read_bytes()
    refused = shaped(Series.IMPORT_HOME_ASSISTANT, {"a.db": content}, home.site)
    assert refused["import_days"].empty
    assert "sensor.a, sensor.b" in refused["quarantine"]["payload"].item()
    mapping = """
        [time]
        column = "start_ts"
        unit = "s"
        [rows]
        are = "intervals"
        [[columns]]
        column = "sensor.a"
        measure = "solar_energy_exported_wh"
        unit = "kWh"
    """
    parse_mapping(mapping.encode())
    files: dict[str, str | bytes] = {"a.db": content, MAPPING_FILE: mapping}
    found = shape_history(records(Series.IMPORT_HOME_ASSISTANT, files), home.site)["import_days"]
    given = dict(zip(days_of(found["local_date"]).tolist(), found["solar_energy_exported_wh"].tolist(), strict=True))
    assert given == pytest.approx(
        {day: home.totals(day)["solar_energy_exported_wh"] for day in days_between(FIRST, LAST)}, abs=0.01
    )
    assert found["home_wh"].isna().all()


def test_two_statistics_of_one_kind_are_doubtful(tmp_path: Path) -> None:
    home = house()
    names = {**STATISTICS, "sensor.other_solar_energy_exported": "solar_energy_exported_wh"}
    home_assistant_database(home, tmp_path / "a.db", FIRST, LAST, names)
    refused = shaped(Series.IMPORT_HOME_ASSISTANT, {"a.db": (tmp_path / "a.db").read_bytes()}, home.site)
    assert refused["import_days"].empty
    assert "may be the same" in refused["quarantine"]["payload"].item()


def test_a_damaged_database_is_refused_as_a_whole(tmp_path: Path) -> None:
    home = house()
    home_assistant_database(home, tmp_path / "a.db", FIRST, LAST)
    content = (tmp_path / "a.db").read_bytes()
    refused = shaped(Series.IMPORT_HOME_ASSISTANT, {"a.db": content[: len(content) // 3]}, home.site)
    assert refused["import_days"].empty
    assert len(refused["quarantine"]) == 1


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Australia/Lord_Howe"])
def test_powerwall_dashboard(zone: str) -> None:
    """UTC, whatever the zone of the site; the gateway's percentage becomes the app's (Q44)."""
    home = house(zone)
    days = list(days_between(date(2024, 10, 4), date(2024, 10, 8)))
    tables = shaped(Series.IMPORT_POWERWALL_DASHBOARD, {"export.csv": dashboard_export(home, days)}, home.site)
    check(tables["import_days"], home, days, allowed_wh=0.5)
    assert set(tables["import_intervals"]["soe_pct"]) == {50.0}


def test_line_protocol_of_powerwall_dashboard() -> None:
    """Field by field, and the points of November before those of October; other policies are not read."""
    home = house()
    days = list(days_between(date(2024, 10, 30), date(2024, 11, 4)))
    text = influx_export(home, days)
    tables = shaped(Series.IMPORT_POWERWALL_DASHBOARD, {"powerwall.txt": text}, home.site)
    check(tables["import_days"], home, days, allowed_wh=0.5)
    assert set(tables["import_intervals"]["soe_pct"]) == {50.0}
    assert tables["quarantine"].empty
    damaged = text.replace("home=", "home=x", 2).split("\n")
    damaged[100] = damaged[100].rsplit(" ", 1)[0]
    refused = shaped(Series.IMPORT_POWERWALL_DASHBOARD, {"powerwall.txt": "\n".join(damaged)}, home.site)
    assert sorted(refused["quarantine"]["reason"]) == ["contract", "not_a_number", "not_a_number"]
    assert 100 in refused["quarantine"]["row_number"].tolist()


def test_the_days_of_a_file_are_those_of_the_site() -> None:
    """They decide which months are estimated: a file in UTC that ends with October in Sydney ends on 31 October there."""
    home = house("Australia/Sydney")
    days = list(days_between(date(2024, 10, 30), date(2024, 10, 31)))
    for text in (dashboard_export(home, days), influx_export(home, days)):
        file = HistoryFile("export", partial(io.BytesIO, text.encode()))
        (content,) = POWERWALL_DASHBOARD.contents(file, "Australia/Sydney", None)
        assert [content.first_day, content.last_day] == [np.datetime64(day, "D") for day in days]


@pytest.mark.parametrize("zone", ["America/Los_Angeles", "Australia/Lord_Howe"])
def test_hours_days_and_readings_of_an_export(zone: str) -> None:
    """Three sources with the same days; the first and the last day were not over, and hours of November come before October."""
    home = house(zone)
    days = list(days_between(date(2024, 10, 30), date(2024, 11, 4)))
    tables = shaped(Series.IMPORT_POWERWALL_DASHBOARD, {"a.txt": export_of(dashboard_points(home, days))}, home.site)
    by_source = {str(name): found for name, found in tables["import_days"].groupby("source")}
    assert sorted(name.rpartition("/")[2] for name in by_source) == ["days", "intervals", "power"]
    for found in by_source.values():
        check(found, home, days, allowed_wh=0.5)
    of_days = by_source["import:powerwall_dashboard/days"]
    assert of_days["is_partial"].tolist() == [True, *[False] * (len(days) - 2), True]
    check(by_source["import:powerwall_dashboard/intervals"], home, days, allowed_wh=1e-6)
    readings = tables["device_readings"]
    assert readings.groupby(["device", "reading"], dropna=False)["value"].agg(["first", "count"]).to_dict("index") == {
        ("PW1", "POD_nom_full_pack_energy"): {"first": PACK_WH, "count": hours_of(home, days)},
        ("grid", "status"): {"first": 1.0, "count": hours_of(home, days)},
    }
    assert tables["quarantine"].empty


def hours_of(home: House, days: list[date]) -> int:
    return sum(len(home.locals(day)[::12]) for day in days)


def test_two_points_of_a_day_are_added() -> None:
    """The tool tags points with the month of another clock: the day in which the tag changes has two points."""
    home = house()
    days = list(days_between(date(2024, 10, 30), date(2024, 11, 2)))
    points = dashboard_points(home, days)
    tags, fields, second = points["daily"][1].split(" ")
    half = ",".join(f"{part.split('=')[0]}={float(part.split('=')[1]) / 2!r}" for part in fields.split(","))
    other = tags.replace("Oct", "Nov")
    points = {
        "daily": [points["daily"][0], f"{tags} {half} {second}", f"{other} {half} {second}", *points["daily"][2:]]
    }
    tables = shaped(Series.IMPORT_POWERWALL_DASHBOARD, {"a.txt": export_of(points)}, home.site)
    check(tables["import_days"], home, days, allowed_wh=1e-6)


def test_days_of_another_zone_are_refused() -> None:
    home = house()
    points = dashboard_points(home, [date(2024, 10, 30), date(2024, 10, 31)])
    berlin = house("Europe/Berlin").site
    tables = shaped(Series.IMPORT_POWERWALL_DASHBOARD, {"a.txt": export_of({"daily": points["daily"]})}, berlin)
    assert tables["import_days"].empty
    assert "not those of Europe/Berlin" in tables["quarantine"]["payload"].item()


class ReadInParts(io.BytesIO):
    """A file that must not be read whole."""

    def read(self, size: int | None = -1, /) -> bytes:
        assert size is not None
        assert 0 < size <= 2**20
        return super().read(size)


def test_databases_and_parquet_are_never_whole_in_memory(tmp_path: Path) -> None:
    pypowerwall_database(house(), tmp_path / "timeseries.db", FIRST, LAST)
    database = (tmp_path / "timeseries.db").read_bytes()
    file = HistoryFile("timeseries.db", partial(ReadInParts, database))
    assert [content.rows > 0 for content in PYPOWERWALL_SERVER.contents(file, "America/Los_Angeles", None)] == [
        True
    ] * 2
    pd.DataFrame({"at": ["2024-11-01T00:00:00Z"], "w": [5.0]}).to_parquet(tmp_path / "any.parquet")
    file = HistoryFile("any.parquet", partial(ReadInParts, (tmp_path / "any.parquet").read_bytes()))
    mapping = parse_mapping(
        b'[time]\ncolumn = "at"\n[rows]\nare = "instants"\n[[columns]]\ncolumn = "w"\nmeasure = "solar_w"\nunit = "W"\n'
    )
    (content,) = MAPPED.contents(file, "America/Los_Angeles", mapping)
    assert content.rows == 1
