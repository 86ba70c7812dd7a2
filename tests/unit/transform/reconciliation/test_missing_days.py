"""Days that a source lacks, whole or in part: dropped, cut at midnight, or missing intervals, each by its evidence."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
import pytest

from tests.unit.transform.answers import LOS_ANGELES, SOLAR_SITE, records
from tests.unit.transform.reconciliation.evidence import (
    DAY,
    FLOWS,
    LATER,
    MONTH,
    TOTALS,
    WATTS,
    WHOLE,
    SourceValues,
    around,
    causes,
    gap,
    off,
)
from transform.candidates import MONTH_SERIES
from transform.reconciliation import reconcile_days, suspect_days
from transform.requests import requests_frame


@dataclass(frozen=True)
class AskedDay:
    """An index entry of a request for the intervals of `DAY`."""

    raw_id: str
    outcome: str
    requested_at: datetime
    series: str = "energy_interval"
    site_id: int = 101
    window_start: date = DAY
    window_end: date = DAY
    status: int = 200
    attempt: int = 1
    elapsed_ms: float = 1.0
    size: int = 1
    run_id: str = "run-1"


def test_a_day_that_the_month_lacks_is_dropped_and_suspect() -> None:
    """Q19: the intervals have it; the totals are missing on the right."""
    month = {day: flows for day, flows in around(WHOLE).items() if day != DAY}
    sources = SourceValues(around(FLOWS), {MONTH: month})
    assert off(sources) == {("day_vs_month_series", name, "missing_right", "dropped_day") for name in TOTALS}
    assert suspect_days(reconcile_days(sources.evidence())) == [DAY]


def test_a_day_that_no_source_has_is_dropped_and_suspect_too() -> None:
    """Q19: so that a cross-check of the week is requested."""
    others = {day: flows for day, flows in around(WHOLE).items() if day != DAY}
    sources = SourceValues({}, {MONTH: others})
    assert off(sources) == {("day_vs_month_series", "home_wh", "missing_right", "dropped_day")}
    assert suspect_days(reconcile_days(sources.evidence())) == [DAY]


def test_a_month_requested_before_the_day_settled_has_dropped_nothing() -> None:
    """Q13: it may only be late."""
    month = {day: flows for day, flows in around(WHOLE).items() if day < DAY}
    asked = datetime(2025, 6, 12, 12, tzinfo=UTC)
    assert off(SourceValues(dict.fromkeys(month, FLOWS) | {DAY: FLOWS}, {MONTH: month}, asked=asked)) == set()


def test_a_row_of_zeros_that_intervals_refute_was_cut_at_midnight() -> None:
    """Q2: it is a difference of the month, not of the intervals."""
    found = off(SourceValues(around(FLOWS), {MONTH: around(WHOLE) | {DAY: {}}}))
    assert {(check, cause) for check, _, _, cause in found} == {("day_vs_month_series", "midnight_zero")}
    assert {measure for _, measure, _, _ in found} > TOTALS


def test_power_refutes_a_row_of_zeros_where_nothing_else_does() -> None:
    """Q2, Q34."""
    intervals = {day: flows for day, flows in around(FLOWS).items() if day != DAY}
    found = off(SourceValues(intervals, {MONTH: around(WHOLE) | {DAY: {}}}, dict.fromkeys(around({}), WATTS)))
    assert causes(found, "day_vs_month_series") == {"midnight_zero"}


HOURS_LOST = pytest.mark.parametrize(
    ("silent", "absent"), [({DAY: range(9, 12)}, {}), ({}, {DAY: range(9, 12)})], ids=["zeros", "no rows"]
)


@HOURS_LOST
def test_hours_of_intervals_refute_a_row_of_zeros_where_no_sum_is_whole(
    silent: dict[date, range], absent: dict[date, range]
) -> None:
    """Q2, Q14: the zeros make no estimate, the week is requested as a cross-check, and its value is used."""
    zero = {MONTH: around(WHOLE) | {DAY: {}}}
    sources = SourceValues(around(FLOWS), zero, dict.fromkeys(around({}), WATTS), silent, absent)
    assert causes(off(sources), "day_vs_month_series") == {"midnight_zero"}
    assert suspect_days(reconcile_days(sources.evidence())) == [DAY]
    assert MONTH_SERIES not in sources.evidence().daily["source"].tolist()
    asked = replace(sources, rows={**zero, "week": {DAY: WHOLE}})
    assert {(check, cause) for check, _, _, cause in off(asked)} == {
        ("day_vs_month_series", "midnight_zero"),
        ("interval_vs_day", "missing_intervals"),
        ("power_vs_energy", "missing_intervals"),
    }
    assert asked.evidence().daily["solar_energy_exported_wh"].tolist() == [28_800.0]


@HOURS_LOST
def test_hours_of_zeros_or_without_rows_are_missing_intervals(
    silent: dict[date, range], absent: dict[date, range]
) -> None:
    """Q14: the day's row has more energy; power lacks the same hours."""
    watts = dict.fromkeys(around({}), WATTS)
    sources = SourceValues(around(FLOWS), {MONTH: around(WHOLE)}, watts)
    found = off(replace(sources, silent=silent, absent=absent))
    assert {(check, cause) for check, _, _, cause in found} == {
        ("interval_vs_day", "missing_intervals"),
        ("power_vs_energy", "missing_intervals"),
    }


def test_intervals_that_are_short_without_a_row_too_few_are_unexplained() -> None:
    """A difference without evidence: nothing is missing, nothing is zero."""
    less = {name: wh * 0.9 for name, wh in FLOWS.items()}
    found = off(SourceValues(around(FLOWS) | {DAY: less}, {MONTH: around(WHOLE)}))
    assert {(check, cause) for check, _, _, cause in found} == {
        ("interval_vs_day", "unexplained"),
        ("day_vs_month_series", "unexplained"),
    }


def test_a_response_for_another_window_is_the_cause_of_missing_intervals() -> None:
    """Q22: the gap has the cause that the response had another day's rows."""
    start = datetime(2025, 6, 10, tzinfo=LOS_ANGELES)
    intervals = {day: flows for day, flows in around(FLOWS).items() if day != DAY}
    gaps = gap("energy_interval", "wrong_window", start, start + timedelta(days=1))
    found = off(SourceValues(intervals, {MONTH: around(WHOLE)}, gaps=gaps))
    assert found == {("interval_vs_day", name, "missing_left", "wrong_window") for name in TOTALS}


@pytest.mark.parametrize(
    ("outcomes", "cause"),
    [
        (("wrong_window", "data"), "missing_intervals"),
        (("data", "wrong_window"), "missing_intervals"),
        (("wrong_window", "no_data"), "missing_intervals"),
        (("wrong_window", "wrong_window"), "wrong_window"),
        (("wrong_window", "error"), "wrong_window"),
    ],
)
def test_a_wrong_window_beside_a_right_one_is_no_cause(outcomes: tuple[str, str], cause: str) -> None:
    """Q22: hours are missing from the response for the right window too; its request may be of the same instant."""
    requests = requests_frame(
        AskedDay(f"raw-{number}", outcome, requested_at=LATER) for number, outcome in enumerate(outcomes)
    )
    sources = SourceValues(around(FLOWS), {MONTH: around(WHOLE)}, absent={DAY: range(9, 12)}, requests=requests)
    assert causes(off(sources), "interval_vs_day") == {cause}


def test_a_day_that_only_the_month_reports_as_zero_is_suspect() -> None:
    """Q2, Q22: the intervals' response was for another day; a cross-check shows whether there was no energy."""
    start = datetime(2025, 6, 10, tzinfo=LOS_ANGELES)
    intervals = {day: flows for day, flows in around(FLOWS).items() if day != DAY}
    sources = SourceValues(
        intervals,
        {MONTH: around(WHOLE) | {DAY: {}}},
        gaps=gap("energy_interval", "wrong_window", start, start + timedelta(days=1)),
    )
    assert {(check, verdict) for check, _, verdict, _ in off(sources)} == {("day_vs_month_series", "missing_left")}
    assert suspect_days(reconcile_days(sources.evidence())) == [DAY]
    asked = replace(sources, rows={**sources.rows, "week": {DAY: WHOLE}})
    assert causes(off(asked), "day_vs_month_series") == {"midnight_zero"}


def test_zeros_of_a_site_whose_home_is_not_measured_are_a_row_about_solar() -> None:
    """Q16, Q22: home and grid are unknown, so the zero that another source could confirm is that of solar."""
    start = datetime(2025, 6, 10, tzinfo=LOS_ANGELES)
    flows = {"solar_energy_exported": 100}
    sources = SourceValues(
        {day: flows for day in around(flows) if day != DAY},
        {MONTH: around({"solar_energy_exported": 28_800}) | {DAY: {}}},
        gaps=gap("energy_interval", "wrong_window", start, start + timedelta(days=1), site_id=202),
        site=replace(SOLAR_SITE, timezone="America/Los_Angeles"),
    )
    rows = reconcile_days(sources.evidence(DAY - timedelta(days=3), DAY + timedelta(days=3)))
    (row,) = records(rows[(rows["verdict"] == "missing_left")])
    assert (row["period_start"], row["measure"], row["right_wh"]) == (DAY, "solar_energy_exported_wh", 0.0)
    assert pd.isna(row["left_wh"])


def test_a_row_without_any_value_is_missing_too() -> None:
    """Q22, Q24: the month's row of the day has no measure, the intervals were of another day: no source has the day."""
    start = datetime(2025, 6, 10, tzinfo=LOS_ANGELES)
    intervals = {day: flows for day, flows in around(FLOWS).items() if day != DAY}
    gaps = gap("energy_interval", "wrong_window", start, start + timedelta(days=1))
    evidence = SourceValues(intervals, {MONTH: around(WHOLE)}, gaps=gaps).evidence()
    is_day = (evidence.periods["period_start"] == DAY).to_numpy(dtype=bool)
    columns = [name for name in evidence.periods if str(name).endswith("_wh")]
    evidence.periods.loc[is_day, columns] = np.nan
    rows = reconcile_days(evidence)
    found = rows[rows["verdict"] != "agree"]
    assert found[["check_name", "verdict", "cause"]].to_numpy().tolist() == [
        ["day_vs_month_series", "missing_right", "dropped_day"]
    ]
    assert found[["left_wh", "right_wh"]].isna().to_numpy().all()
    assert suspect_days(rows) == [DAY]
