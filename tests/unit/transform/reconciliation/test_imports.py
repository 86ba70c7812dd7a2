"""Imported histories against the API: each cause with its evidence, and with slightly less, where the cause is another."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pandas as pd
import pytest

from extract.simulator import FLOWS
from extract.simulator.local_day import days_between
from tests.import_files import (
    House,
    dashboard_export,
    house,
    naive,
    shaped,
    solar_download_energy,
    solar_download_power,
    tesla_app_period,
)
from tests.unit.transform.answers import checked
from transform.daily import daily
from transform.frames import empty_frame, table_frame
from transform.reconciliation import DayEvidence, reconcile_days
from transform.responses import Tables
from transform.time import date_column, instants_of
from wattlog.series_spec import Series

DAY = date(2025, 6, 10)
AUTUMN = date(2025, 11, 2)
FETCHED = datetime(2026, 2, 1, tzinfo=UTC)
HOME = house()


def api_intervals(home: House, days: list[date], fetched: datetime) -> pd.DataFrame:
    """What the API reports of some days: five minutes of energy."""
    frames = []
    for day in days:
        truth = home.truth.day(day)
        starts_us = truth.interval_start.astype(np.int64) * 1_000_000
        count = len(starts_us)
        columns = {
            "site_id": 77,
            "interval_start": instants_of(starts_us),
            "interval_s": np.full(count, 300),
            "local_date": date_column(np.full(count, np.datetime64(day, "D"))),
            **{f"{name}_wh": truth.flows[name].astype(np.float64) for name in FLOWS},
            "_fetched_at": pd.Series([fetched] * count, dtype="datetime64[us, UTC]"),
            "_raw_id": pd.Series(["api"] * count, dtype="str"),
            "_run_id": pd.Series(["run"] * count, dtype="str"),
        }
        frames.append(table_frame("energy_intervals", columns))
    return pd.concat(frames, ignore_index=True) if frames else empty_frame("energy_intervals")


def api_days(home: House, days: list[date], fetched: datetime) -> pd.DataFrame:
    """What the API reports of some days: a row a day."""
    count = len(days)
    columns = {
        "site_id": 77,
        "granularity": "day",
        "period_start": date_column(np.array(days, dtype="datetime64[D]")),
        "source": "calendar_history/month",
        "is_partial": np.zeros(count, dtype=bool),
        "timezone": home.site.timezone,
        **{f"{name}_wh": np.array([float(home.truth.daily_wh(day)[name]) for day in days]) for name in FLOWS},
        "_fetched_at": pd.Series([fetched] * count, dtype="datetime64[us, UTC]"),
        "_raw_id": "month",
        "_run_id": "run",
    }
    return table_frame("energy_periods", columns)


def found_for(
    tables: Tables, day: date, *, api: bool = True, fetched: datetime = FETCHED, by_day: bool = False
) -> dict[tuple[str, str], tuple[str, str | None]]:
    """(check, measure) → verdict and cause, of the rows about a day and imports."""
    days = list(days_between(day - timedelta(days=1), day + timedelta(days=1)))
    intervals = api_intervals(HOME, days if api and not by_day else [], fetched)
    periods = api_days(HOME, days, fetched) if by_day else empty_frame("energy_periods")
    return found_in(tables, day, intervals, periods, fetched=fetched)


def found_in(
    tables: Tables, day: date, intervals: pd.DataFrame, periods: pd.DataFrame, *, fetched: datetime = FETCHED
) -> dict[tuple[str, str], tuple[str, str | None]]:
    """The same, for rows of the API that are given."""
    days = list(days_between(day - timedelta(days=1), day + timedelta(days=1)))
    power = empty_frame("power")
    best = daily(intervals, periods, power, HOME.site, days[0], days[-1], fetched, 48.0, tables["import_days"])
    rows = reconcile_days(
        DayEvidence(
            intervals=intervals,
            periods=periods,
            power=power,
            daily=best,
            gaps=empty_frame("gaps"),
            revisions=empty_frame("revisions"),
            requests=empty_frame("requests"),
            shaped=empty_frame("reconciliation"),
            site=HOME.site,
            first_day=days[0],
            last_day=days[-1],
            now=fetched,
            settle_hours=48.0,
            import_days=tables["import_days"],
            import_intervals=tables["import_intervals"],
        )
    )
    checked({"reconciliation": rows})
    mine = rows[(rows["period_start"] == day) & rows["check_name"].str.startswith("import_")]
    return {
        (row["check_name"], row["measure"]): (row["verdict"], None if pd.isna(row["cause"]) else row["cause"])
        for row in mine.to_dict("records")
    }


def causes(found: Mapping[tuple[str, str], tuple[str, str | None]], check: str) -> set[str | None]:
    """Causes of one check."""
    return {cause for (name, _), (_, cause) in found.items() if name == check}


def energy_file(day: date, **changes: int) -> Tables:
    """tesla-solar-download of the month of a day, with some Wh added on it."""
    text = solar_download_energy(HOME, day.replace(day=1), day + timedelta(days=3), str)
    header, *lines = text.strip().split("\n")
    names = header.split(",")
    at = next(number for number, line in enumerate(lines) if line.startswith(str(day)))
    values: dict[str, Any] = dict(zip(names, lines[at].split(","), strict=True))
    lines[at] = ",".join(str(int(values[name]) + changes[name]) if name in changes else values[name] for name in names)
    return shaped(Series.IMPORT_SOLAR_DOWNLOAD, {"energy/a.csv": "\n".join([header, *lines, ""])}, HOME.site)


def test_the_same_energy_agrees() -> None:
    found = found_for(energy_file(DAY), DAY)
    assert causes(found, "import_vs_day") == {None}
    assert {verdict for verdict, _ in found.values()} == {"agree"}


def test_another_value_of_tesla_was_restated() -> None:
    """The export has 800 Wh more than the API reports for the final day."""
    found = found_for(energy_file(DAY, grid_energy_imported=800), DAY)
    assert found["import_vs_day", "grid_energy_imported_wh"] == ("differs", "restated")
    early = datetime(2025, 6, 12, tzinfo=UTC)
    found = found_for(energy_file(DAY, grid_energy_imported=800), DAY, fetched=early)
    assert found["import_vs_day", "grid_energy_imported_wh"] == ("differs", "revised"), "the API's value was not final"


def test_tenths_of_kilowatt_hours_are_rounding() -> None:
    text = tesla_app_period(HOME, date(2025, 6, 1), date(2025, 6, 30))
    found = found_for(shaped(Series.IMPORT_TESLA_APP, {"a.csv": text}, HOME.site), DAY, by_day=True)
    assert causes(found, "import_vs_day") <= {None, "rounding"}
    assert "rounding" in causes(found, "import_vs_day")
    header, *lines = text.strip().split("\n")
    stamp, home_kwh, *others = lines[DAY.day - 1].split(",")
    lines[DAY.day - 1] = ",".join((stamp, f"{float(home_kwh) + 0.2:.1f}", *others))
    more = shaped(Series.IMPORT_TESLA_APP, {"a.csv": "\n".join([header, *lines, ""])}, HOME.site)
    found = found_for(more, DAY, by_day=True)
    assert found["import_vs_day", "home_wh"] == ("differs", "restated"), "0.2 kWh are more than rounding"


def dashboard(text: str) -> Tables:
    return shaped(Series.IMPORT_POWERWALL_DASHBOARD, {"export.csv": text}, HOME.site)


def around(day: date) -> list[date]:
    return list(days_between(day - timedelta(days=2), day + timedelta(days=2)))


def moved(text: str, hours: float) -> str:
    """The same file with other times."""
    header, *lines = text.strip().split("\n")
    found = []
    for line in lines:
        stamp, values = line.split(",", 1)
        at = datetime.fromisoformat(stamp) + timedelta(hours=hours)
        found.append(f"{at:%Y-%m-%dT%H:%M:%SZ},{values}")
    return "\n".join([header, *found, ""])


def test_minutes_agree_by_day_and_by_interval() -> None:
    found = found_for(dashboard(dashboard_export(HOME, around(DAY))), DAY)
    assert causes(found, "import_vs_day") == causes(found, "import_vs_interval") == {None}


@pytest.mark.parametrize("hours", [-7, 8])
def test_a_shift_of_whole_hours_is_another_zone(hours: int) -> None:
    found = found_for(dashboard(moved(dashboard_export(HOME, around(DAY)), hours)), DAY)
    differing = {cause for verdict, cause in found.values() if verdict == "differs"}
    assert differing == {"wrong_zone"}


@pytest.mark.parametrize("hours", [-8, -7])
def test_the_first_day_of_a_file_is_shifted_as_the_others_are(hours: int) -> None:
    """Its first hours lie in the day before, of which the file has nothing else."""
    days = list(days_between(DAY, DAY + timedelta(days=2)))
    found = found_for(dashboard(moved(dashboard_export(HOME, days), hours)), DAY)
    assert {cause for verdict, cause in found.values() if verdict == "differs"} == {"wrong_zone"}


def test_a_shift_of_half_an_hour_is_no_zone() -> None:
    """Its size is that of a clock that is wrong, not of another zone."""
    found = found_for(dashboard(moved(dashboard_export(HOME, around(DAY)), 6.5)), DAY)
    assert "wrong_zone" not in {cause for _, cause in found.values()}


def test_a_thousandth_is_another_unit() -> None:
    header, *lines = dashboard_export(HOME, around(DAY)).strip().split("\n")
    kilowatts = []
    for line in lines:
        stamp, *values, charge = line.split(",")
        kilowatts.append(",".join((stamp, *(repr(float(value) / 1000) for value in values), charge)))
    found = found_for(dashboard("\n".join([header, *kilowatts, ""])), DAY)
    assert causes(found, "import_vs_day") - {None} == {"unit_mismatch"}


def test_the_unit_of_a_file_is_that_of_its_other_days() -> None:
    """The API lacks a third of one day, and the solar of another: their totals are no thousandth of each other."""
    header, *lines = dashboard_export(HOME, around(DAY)).strip().split("\n")
    kilowatts = [header]
    for line in lines:
        stamp, *values, charge = line.split(",")
        kilowatts.append(",".join((stamp, *(repr(float(value) / 1000) for value in values), charge)))
    tables = dashboard("\n".join([*kilowatts, ""]))
    days = list(days_between(DAY - timedelta(days=1), DAY + timedelta(days=1)))
    periods = api_days(HOME, days, FETCHED)
    flows = [f"{name}_wh" for name in FLOWS]
    periods.loc[periods["period_start"] == DAY, flows] *= 0.6
    nothing = empty_frame("energy_intervals")
    assert causes(found_in(tables, DAY, nothing, periods), "import_vs_day") == {"unit_mismatch"}
    periods.loc[periods["period_start"] == DAY, flows] /= 0.6
    periods.loc[periods["period_start"] == DAY, "solar_energy_exported_wh"] = np.nan
    found = found_in(tables, DAY, nothing, periods)
    assert {cause for verdict, cause in found.values() if verdict == "differs"} == {"unit_mismatch"}


def with_line(text: str, first: str, last: str) -> str:
    """The file with straight lines between two times, as the tool fills holes."""
    header, *lines = text.strip().split("\n")
    stamps = [line.split(",", 1)[0] for line in lines]
    begin, end = stamps.index(first), stamps.index(last)
    ends = np.array([[float(value) for value in lines[at].split(",")[1:]] for at in (begin, end)])
    for at in range(begin + 1, end):
        share = (at - begin) / (end - begin)
        values = ends[0] * (1 - share) + ends[1] * share
        lines[at] = ",".join((stamps[at], *(repr(float(value)) for value in values)))
    return "\n".join([header, *lines, ""])


def test_straight_lines_over_holes_are_interpolated() -> None:
    """Seven hours over noon, of which the tool had no values."""
    text = dashboard_export(HOME, around(DAY))
    tables = dashboard(with_line(text, "2025-06-10T16:00:00Z", "2025-06-10T23:00:00Z"))
    marked = tables["import_intervals"].loc[tables["import_intervals"]["is_interpolated"], "interval_start"]
    assert marked.min() >= pd.Timestamp("2025-06-10T16:00Z")
    assert marked.max() < pd.Timestamp("2025-06-10T23:00Z")
    assert len(marked) >= 26
    found = found_for(tables, DAY)
    assert {cause for verdict, cause in found.values() if verdict == "differs"} == {"interpolated"}
    assert not dashboard(text)["import_intervals"]["is_interpolated"].any(), "real minutes are on no line"


@pytest.mark.parametrize(("lines_left", "cause"), [(0, "missing_intervals"), (24, "unexplained")])
def test_hours_that_tesla_never_received_are_missing_intervals(lines_left: int, cause: str) -> None:
    """The gateway was offline for four hours, and the tool went on. Where it lacks half of them, too, that explains less."""
    days = list(days_between(DAY - timedelta(days=1), DAY + timedelta(days=1)))
    intervals = api_intervals(HOME, days, FETCHED)
    begins = pd.Timestamp("2025-06-10T17:00Z")
    is_lost = intervals["interval_start"].between(begins, begins + timedelta(hours=4), inclusive="left")
    received = intervals[~is_lost & (intervals["local_date"] == DAY)]
    periods = api_days(HOME, days, FETCHED)
    flows = [f"{name}_wh" for name in FLOWS]
    periods.loc[periods["period_start"] == DAY, flows] = received[flows].sum().to_numpy()
    header, *lines = dashboard_export(HOME, around(DAY)).strip().split("\n")
    first = next(number for number, line in enumerate(lines) if line.startswith("2025-06-10T17:00"))
    for at in range(first, first + lines_left):  # a load that the API does not show: not what it lacks
        lines[at - 48] = more_home(lines[at - 48], 3_000.0)
        lines[at] = more_home(lines[at], 0.0, is_all=True)
    tables = dashboard("\n".join([header, *lines, ""]))
    found = found_in(tables, DAY, intervals[~is_lost].reset_index(drop=True), periods)
    assert found["import_vs_day", "home_wh"] == ("differs", cause)


def more_home(line: str, watts: float, *, is_all: bool = False) -> str:
    """A line with more home use, or with nothing at all."""
    stamp, *values, charge = line.split(",")
    names = ("Solar", "Powerwall", "Home", "Grid")
    found = [
        0.0 if is_all else float(value) + watts * (name == "Home") for name, value in zip(names, values, strict=True)
    ]
    return ",".join((stamp, *(repr(value) for value in found), charge))


def test_a_quarter_hour_that_the_tool_has_in_part_explains_what_it_lacks() -> None:
    """Four rows of five minutes at noon are missing: one quarter hour has none of its three, another one has two."""
    header, *lines = dashboard_export(HOME, around(DAY)).strip().split("\n")
    first = next(number for number, line in enumerate(lines) if line.startswith("2025-06-10T19:00"))
    found = found_for(dashboard("\n".join([header, *lines[:first], *lines[first + 4 :], ""])), DAY)
    assert found["import_vs_interval", "solar_energy_exported_wh"] == ("differs", "missing_intervals")
    assert {cause for verdict, cause in found.values() if verdict == "differs"} == {"missing_intervals"}


def test_an_hour_counted_once_is_the_repeated_one() -> None:
    """A tool that keeps one row for each label has only one of the two hours."""
    rows = solar_download_power(HOME, AUTUMN, naive).strip().split("\n")
    once = list(dict.fromkeys(line.split(",", 1)[0] for line in rows))
    lines = [next(line for line in rows if line.startswith(stamp)) for stamp in once]
    assert len(lines) == 289
    tables = shaped(Series.IMPORT_SOLAR_DOWNLOAD, {"power/a.csv": "\n".join([*lines, ""])}, HOME.site)
    assert tables["import_days"]["is_partial"].tolist() == [True], "24 of 25 hours are no source of the day"
    found = found_for(tables, AUTUMN)
    assert {cause for verdict, cause in found.values() if verdict == "differs"} <= {"dst_duplicate"}
    assert "dst_duplicate" in {cause for _, cause in found.values()}


def test_two_imports_of_a_day_are_compared_where_the_api_has_nothing() -> None:
    """A site that the API no longer serves: minutes against rounded days."""
    days = shaped(
        Series.IMPORT_TESLA_APP,
        {"a.csv": tesla_app_period(HOME, date(2025, 6, 1), date(2025, 6, 30))},
        HOME.site,
    )
    minutes = dashboard(dashboard_export(HOME, around(DAY)))
    both = {
        name: pd.concat([days[name], minutes[name]], ignore_index=True) for name in ("import_days", "import_intervals")
    }
    found = found_for(both, DAY, api=False)
    assert causes(found, "import_vs_day") <= {None, "rounding"}
    assert len(found) >= 6
