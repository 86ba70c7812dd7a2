"""The best estimate of a day: which source is chosen, and how far it can be trusted."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pandas as pd
import pytest

from tests.unit.transform.answers import (
    BATTERY_SITE,
    LOS_ANGELES,
    SOLAR_SITE,
    answer,
    checked,
    energy_row,
    power_row,
    records,
    slots,
)
from transform.daily import daily
from transform.intervals import shape_energy_intervals, shape_power
from transform.periods import shape_periods
from transform.sites import Site
from warehouse.schema import API_FLOWS

DAY = date(2025, 6, 10)
LATER = datetime(2025, 7, 10, tzinfo=UTC)
SETTLE_HOURS = 48
FLOWS = {"solar_energy_exported": 12, "consumer_energy_imported_from_solar": 7, "grid_energy_exported_from_solar": 5}
"""Of each five minutes: 288 of them make 3,456 Wh of sun, 2,016 for the home, 1,440 for the grid."""
WHOLE = {name: 288 * value for name, value in FLOWS.items()}


def frames(
    *,
    intervals: Mapping[date, Mapping[str, object]] | None = None,
    month: Mapping[date, Mapping[str, object]] | None = None,
    week: Mapping[date, Mapping[str, object]] | None = None,
    powers: Mapping[date, tuple[float, float, float]] | None = None,
    missing: int = 0,
    asked: datetime = LATER,
    site: Site = BATTERY_SITE,
) -> tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame]:
    """Frames of intervals, periods and power: each day's flows by source, all asked at the same time."""
    facts: dict[str, Any] = {"asked": asked, "site_id": site.site_id}
    of_intervals = [
        answer(
            "energy_interval",
            [energy_row(stamp, **flows) for stamp in slots(day, LOS_ANGELES)[missing:]],
            day=day,
            raw_id=f"i{day}",
            **facts,
        )
        for day, flows in (intervals or {}).items()
    ]
    of_periods = [
        answer(
            "energy_day",
            [energy_row(f"{day}T01:00:00-07:00", **flows) for day, flows in days.items()],
            day=DAY.replace(day=1),
            until=DAY.replace(day=30),
            raw_id=period,
            envelope={"period": period},
            **facts,
        )
        for period, days in (("month", month or {}), ("week", week or {}))
    ]
    of_power = [
        answer(
            "power",
            [power_row(stamp, *watts) for stamp in slots(day, LOS_ANGELES)[missing:]],
            day=day,
            raw_id=f"p{day}",
            **facts,
        )
        for day, watts in (powers or {}).items()
    ]
    return (
        shape_energy_intervals(of_intervals, site)["energy_intervals"],
        shape_periods(of_periods, site)["energy_periods"],
        shape_power(of_power, site)["power"],
    )


def estimate(
    given: Sequence[pd.DataFrame],
    first: date = DAY,
    last: date = DAY,
    *,
    now: datetime = LATER,
    site: Site = BATTERY_SITE,
) -> list[dict[str, Any]]:
    frame = daily(given[0], given[1], given[2], site, first, last, now, SETTLE_HOURS)
    return records(checked({"daily": frame})["daily"])


def word(row: Mapping[str, Any]) -> tuple[str, object, float]:
    """Status, source and solar energy of a day."""
    return row["status"], None if pd.isna(row["source"]) else row["source"], row["solar_energy_exported_wh"]


def test_two_sources_that_agree() -> None:
    (row,) = estimate(frames(intervals={DAY: FLOWS}, month={DAY: WHOLE}))
    assert word(row) == ("agreed", "calendar_history/month", 3456.0)
    assert row["coverage_pct"] == 100.0
    assert (row["home_wh"], row["grid_export_wh"], row["battery_charge_wh"]) == (2016.0, 1440.0, 0.0)


@pytest.mark.parametrize(("off", "status"), [(288, "agreed"), (-288, "agreed"), (289, "adjusted"), (-289, "adjusted")])
def test_a_wh_for_each_row_summed_is_tolerated_and_no_more(off: int, status: str) -> None:
    """The period series wins where they differ."""
    whole = {**WHOLE, "solar_energy_exported": 3456 + off}
    (row,) = estimate(frames(intervals={DAY: FLOWS}, month={DAY: whole}))
    assert word(row) == (status, "calendar_history/month", 3456.0 + off)


def test_splits_that_differ_while_totals_match_are_agreement() -> None:
    """Q21: day and quarter hours allocate differently as a matter of course."""
    shifted = {**WHOLE, "consumer_energy_imported_from_solar": 1000, "consumer_energy_imported_from_grid": 1016}
    assert [row["status"] for row in estimate(frames(intervals={DAY: FLOWS}, month={DAY: shifted}))] == ["agreed"]


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ({"month": {DAY: WHOLE}}, "calendar_history/month"),
        ({"week": {DAY: WHOLE}}, "calendar_history/week"),
        ({"intervals": {DAY: FLOWS}}, "energy_intervals"),
    ],
)
def test_a_single_source(given: dict[str, Any], source: str) -> None:
    assert word(estimate(frames(**given))[0]) == ("single_source", source, 3456.0)


def test_intervals_fill_the_day_that_the_month_dropped() -> None:
    """Q19: the month was asked, has the days around it, and lacks this one."""
    around = {DAY - timedelta(days=1): WHOLE, DAY + timedelta(days=1): WHOLE}
    assert word(estimate(frames(intervals={DAY: FLOWS}, month=around))[0]) == ("filled", "energy_intervals", 3456.0)


def test_the_week_fills_before_the_intervals_do() -> None:
    """Q19: the week gave an adjusted value for the day."""
    around = {DAY - timedelta(days=1): WHOLE}
    (row,) = estimate(frames(intervals={DAY: FLOWS}, month=around, week={DAY: WHOLE}))
    assert word(row) == ("filled", "calendar_history/week", 3456.0)


def test_a_month_that_was_asked_too_early_dropped_nothing() -> None:
    """The month was asked while the day was still to come: it lacks the day for no fault."""
    early = frames(month={date(2025, 6, 1): WHOLE}, asked=datetime(2025, 6, 5, tzinfo=UTC))
    late = frames(intervals={DAY: FLOWS})
    assert word(estimate((late[0], early[1], late[2]))[0]) == ("single_source", "energy_intervals", 3456.0)


def test_a_month_without_any_day_dropped_nothing() -> None:
    """A site may have no month series at all; another month's days say nothing of this one."""
    other = frames(month={date(2025, 6, 30): WHOLE})[1]
    other = other.assign(period_start=pd.Series([date(2025, 5, 30)], dtype=other["period_start"].dtype))
    given = frames(intervals={DAY: FLOWS})
    assert estimate((given[0], other, given[2]))[0]["status"] == "single_source"


def test_each_flow_is_of_the_best_source_that_has_it() -> None:
    """Q24: the month has no column of the sun into the home; the intervals have it, and the home is known."""
    month = {**WHOLE, "consumer_energy_imported_from_solar": None}
    (row,) = estimate(frames(intervals={DAY: FLOWS}, month={DAY: month}))
    assert word(row) == ("filled", "calendar_history/month", 3456.0)
    assert (row["consumer_energy_imported_from_solar_wh"], row["home_wh"]) == (2016.0, 2016.0)
    early = datetime(2025, 6, 11, 8, tzinfo=UTC)
    settled = frames(intervals={DAY: {**FLOWS, "consumer_energy_imported_from_solar": None}})
    (row,) = estimate((settled[0], frames(month={DAY: WHOLE}, asked=early)[1], settled[2]))
    assert word(row) == ("filled", "energy_intervals", 3456.0)
    assert (row["consumer_energy_imported_from_solar_wh"], row["home_wh"]) == (2016.0, 2016.0)


def test_a_row_of_another_day_completes_none() -> None:
    """Q7: the month was cut by another clock, so its flows are those of other hours."""
    given = frames(intervals={DAY: {**FLOWS, "consumer_energy_imported_from_solar": None}}, month={DAY: WHOLE})
    (row,) = estimate((given[0], given[1].assign(timezone="Pacific/Honolulu"), given[2]))
    assert row["source"] == "energy_intervals"
    assert pd.isna(row["consumer_energy_imported_from_solar_wh"])
    assert row["solar_energy_exported_wh"] == 3456.0


@pytest.mark.parametrize(("days", "home_wh"), [(3, None), (1, 0.0)])
def test_a_total_without_a_part_that_other_days_of_the_month_have_is_unknown(days: int, home_wh: float | None) -> None:
    """Q24: the row of one day omits the column; where most days omit it, it is none of the site's."""
    month = {DAY + timedelta(days=ahead): WHOLE for ahead in range(1, days + 1)} | {
        DAY: {**WHOLE, "consumer_energy_imported_from_solar": None, "consumer_energy_imported_from_grid": 0}
    }
    if days == 1:
        month[DAY + timedelta(days=2)] = month[DAY]
    row = estimate(frames(month=month), last=DAY + timedelta(days=3))[0]
    assert (None if pd.isna(row["home_wh"]) else row["home_wh"], row["grid_export_wh"]) == (home_wh, 1440.0)


def test_a_measure_that_other_sources_lack_is_no_difference() -> None:
    """Nor is a total without one of its parts; the other measures agree."""
    (row,) = estimate(
        frames(intervals={DAY: {**FLOWS, "consumer_energy_imported_from_solar": None}}, month={DAY: WHOLE})
    )
    assert (word(row), row["home_wh"]) == (("agreed", "calendar_history/month", 3456.0), 2016.0)


def test_a_measure_of_too_few_values_is_no_sum() -> None:
    """Five of 288 may be missing; the totals of other parts are known."""
    rows = [energy_row(stamp, **FLOWS) for stamp in slots(DAY, LOS_ANGELES)]
    for row in rows[100:106]:
        row["consumer_energy_imported_from_solar"] = "?"
    shaped = shape_energy_intervals([answer("energy_interval", rows, day=DAY, asked=LATER)], BATTERY_SITE)
    nothing = frames()
    (row,) = estimate((shaped["energy_intervals"], nothing[1], nothing[2]))
    assert word(row) == ("single_source", "energy_intervals", 3456.0)
    assert pd.isna(row["consumer_energy_imported_from_solar_wh"])
    assert (pd.isna(row["home_wh"]), row["grid_export_wh"]) == (True, 1440.0)


@pytest.mark.parametrize(("missing", "source"), [(0, "energy_intervals"), (1, "calendar_history/month")])
def test_a_settled_sum_without_some_rows_is_no_better_than_the_day_when_it_was_over(missing: int, source: str) -> None:
    """Q13, Q14: five rows at noon are more than a late revision; the month had all of the day."""
    month = frames(month={DAY: WHOLE}, asked=datetime(2025, 6, 11, 8, tzinfo=UTC))
    sums = frames(intervals={DAY: FLOWS}, missing=missing)
    (row,) = estimate((sums[0], month[1], month[2]))
    assert row["source"] == source
    assert row["solar_energy_exported_wh"] == 3456.0


def test_a_day_that_no_source_has_is_missing() -> None:
    (row,) = estimate(frames())
    assert (row["status"], row["coverage_pct"]) == ("missing", 0.0)
    assert pd.isna(row["source"])
    assert pd.isna(row["home_wh"])
    assert pd.isna(row["solar_energy_exported_wh"])


@pytest.mark.parametrize(
    ("now", "status"),
    [(datetime(2025, 6, 13, 6, 59, tzinfo=UTC), "provisional"), (datetime(2025, 6, 13, 7, 0, tzinfo=UTC), "agreed")],
)
def test_a_day_is_provisional_until_its_responses_settled(now: datetime, status: str) -> None:
    """Q13: 48 hours after local midnight."""
    given = frames(intervals={DAY: FLOWS}, month={DAY: WHOLE}, asked=now)
    assert estimate(given, now=now)[0]["status"] == status


def test_a_response_of_the_same_evening_stays_provisional_however_late_it_is_now() -> None:
    """Q13, Q25: what was asked minutes after midnight is not final, and time does not make it so."""
    given = frames(intervals={DAY: FLOWS}, asked=datetime(2025, 6, 11, 7, 5, tzinfo=UTC))
    assert estimate(given)[0]["status"] == "provisional"


def test_today_is_the_energy_so_far() -> None:
    """Q11: at noon half of the day is stored, and there is no more."""
    noon = datetime(2025, 6, 10, 19, tzinfo=UTC)
    (row,) = estimate(frames(intervals={DAY: FLOWS}, asked=noon), now=noon)
    assert word(row) == ("provisional", "energy_intervals", 144 * 12.0)
    assert row["coverage_pct"] == 50.0


def test_a_settled_sum_beats_the_month_as_it_was_at_noon() -> None:
    """A stale word of the better source is worse than a final one of the other."""
    stale = frames(month={DAY: {"solar_energy_exported": 5}}, asked=datetime(2025, 6, 10, 19, tzinfo=UTC))
    final = frames(intervals={DAY: FLOWS})
    assert word(estimate((final[0], stale[1], final[2]))[0]) == ("single_source", "energy_intervals", 3456.0)


@pytest.mark.parametrize(("missing", "status"), [(5, "single_source"), (6, "missing")])
def test_intervals_with_a_gap_do_not_speak_for_the_day(missing: int, status: str) -> None:
    """Five of 288 rows may be missing; the coverage is given in any case."""
    (row,) = estimate(frames(intervals={DAY: FLOWS}, missing=missing))
    assert row["status"] == status
    assert row["coverage_pct"] == pytest.approx((288 - missing) / 2.88)


def test_nights_left_out_do_not_matter_without_a_battery() -> None:
    """Q15: from the first to the last row everything is there."""
    given = frames(intervals={DAY: {"solar_energy_exported": 12}}, missing=96, site=SOLAR_SITE)
    (row,) = estimate(given, site=replace(SOLAR_SITE, timezone="America/Los_Angeles"))
    assert word(row) == ("single_source", "energy_intervals", 192 * 12.0)


def test_a_midnight_zero_is_no_candidate() -> None:
    """Q2: asked exactly at midnight, the API gives zeros for the day; the intervals show otherwise."""
    around = {DAY - timedelta(days=1): WHOLE, DAY: {}}
    assert word(estimate(frames(intervals={DAY: FLOWS}, month=around))[0]) == ("filled", "energy_intervals", 3456.0)
    assert word(estimate(frames(week={DAY: WHOLE}, month=around))[0]) == ("filled", "calendar_history/week", 3456.0)


def test_a_day_of_zeros_that_no_source_refutes_is_a_day_of_zeros() -> None:
    """Snow on the panels and an empty home."""
    assert word(estimate(frames(intervals={DAY: {}}, month={DAY: {}}))[0]) == ("agreed", "calendar_history/month", 0.0)


def test_zeros_of_a_day_that_was_not_over_are_no_candidate() -> None:
    """Q2, Q11."""
    asked = datetime(2025, 6, 10, 7, 2, tzinfo=UTC)
    assert estimate(frames(month={DAY: {}}, asked=asked), now=asked)[0]["status"] == "missing"


def test_the_home_of_a_solar_only_site_without_splits_is_unknown() -> None:
    """Q43: only the solar energy is filled in; the zeros of grid and splits are no measurement, those of a battery are."""
    given = frames(month={DAY: {"solar_energy_exported": 18630}}, site=SOLAR_SITE)
    (row,) = estimate(given, site=replace(SOLAR_SITE, timezone="America/Los_Angeles"))
    unknown = ["home_wh", "grid_energy_imported_wh", "grid_export_wh", "consumer_energy_imported_from_solar_wh"]
    assert all(pd.isna(row[name]) for name in unknown)
    assert (row["solar_energy_exported_wh"], row["battery_charge_wh"]) == (18630.0, 0.0)


def test_a_solar_only_site_that_imports_has_a_grid_meter() -> None:
    """Q43: its home is unknown, since nothing is split; what it imported was measured."""
    reported = {"solar_energy_exported": 18630, "grid_energy_imported": 400}
    given = frames(month={DAY: reported}, site=SOLAR_SITE)
    (row,) = estimate(given, site=replace(SOLAR_SITE, timezone="America/Los_Angeles"))
    assert pd.isna(row["home_wh"])
    assert (row["grid_energy_imported_wh"], row["grid_export_wh"]) == (400.0, 0.0)


def test_a_solar_only_site_with_splits_has_a_home() -> None:
    """Q43 is about sites whose splits are all zero."""
    (row,) = estimate(
        frames(month={DAY: WHOLE}, site=SOLAR_SITE), site=replace(SOLAR_SITE, timezone="America/Los_Angeles")
    )
    assert row["home_wh"] == 2016.0


def test_power_is_the_source_of_a_day_without_stored_energy() -> None:
    """3,000 W of sun, 1,000 W into the battery, 500 W to the grid: the home takes 1,500 W."""
    (row,) = estimate(frames(powers={DAY: (3000.0, -1000.0, -500.0)}))
    assert word(row) == ("single_source", "power", 72_000.0)
    assert (row["home_wh"], row["grid_export_wh"], row["battery_charge_wh"]) == (36_000.0, 12_000.0, 24_000.0)
    assert (row["battery_energy_exported_wh"], row["grid_energy_imported_wh"], row["coverage_pct"]) == (0.0, 0.0, 100.0)
    assert pd.isna(row["consumer_energy_imported_from_solar_wh"])


def test_power_never_outvotes_energy() -> None:
    (row,) = estimate(frames(month={DAY: WHOLE}, powers={DAY: (3000.0, -1000.0, -500.0)}))
    assert word(row) == ("single_source", "calendar_history/month", 3456.0)


def test_not_even_settled_power_outvotes_energy_that_is_not_settled() -> None:
    early = frames(month={DAY: WHOLE}, asked=datetime(2025, 6, 11, 8, tzinfo=UTC))
    settled = frames(powers={DAY: (3000.0, -1000.0, -500.0)})
    assert word(estimate((early[0], early[1], settled[2]))[0]) == ("provisional", "calendar_history/month", 3456.0)


def test_sources_without_a_measure_in_common_do_not_agree() -> None:
    """Q24: what one of them does not mention is no evidence for or against the other; the day has all of it."""
    month = {**dict.fromkeys(API_FLOWS), "solar_energy_exported": 3456}
    intervals = {**dict.fromkeys(API_FLOWS), "grid_energy_imported": 1}
    (row,) = estimate(frames(intervals={DAY: intervals}, month={DAY: month}))
    assert word(row) == ("filled", "calendar_history/month", 3456.0)
    assert row["grid_energy_imported_wh"] == 288.0


@pytest.mark.parametrize(("day", "rows"), [(date(2025, 3, 9), 276), (date(2025, 11, 2), 300)])
def test_a_whole_day_is_a_whole_day_when_the_clocks_change(day: date, rows: int) -> None:
    """Q5: 23 and 25 hours are 100 %."""
    given = frames(intervals={day: FLOWS}, asked=datetime(2026, 1, 1, tzinfo=UTC))
    (row,) = estimate(given, day, day, now=datetime(2026, 1, 1, tzinfo=UTC))
    assert word(row) == ("single_source", "energy_intervals", 12.0 * rows)
    assert row["coverage_pct"] == 100.0


def test_every_day_asked_for_is_a_row_and_no_other() -> None:
    """Neighbouring days in the frames change nothing."""
    days = {DAY + timedelta(days=ahead): FLOWS for ahead in (-1, 0, 2)}
    rows = estimate(frames(intervals=days), DAY, DAY + timedelta(days=1))
    assert [(row["local_date"], row["status"]) for row in rows] == [
        (DAY, "single_source"),
        (DAY + timedelta(days=1), "missing"),
    ]


def test_a_day_that_the_zone_never_had_is_no_row() -> None:
    """Apia had no 30 December 2011."""
    site = replace(BATTERY_SITE, timezone="Pacific/Apia")
    rows = estimate(frames(), date(2011, 12, 29), date(2011, 12, 31), site=site)
    assert [row["local_date"] for row in rows] == [date(2011, 12, 29), date(2011, 12, 31)]


def test_no_days_asked_for_are_no_rows() -> None:
    assert estimate(frames(intervals={DAY: FLOWS}), DAY, DAY - timedelta(days=1)) == []


def test_a_sum_beyond_all_measure_is_no_candidate() -> None:
    """Each interval is within bounds, the day is not: no value is better than a table that cannot be loaded."""
    assert estimate(frames(intervals={DAY: {"solar_energy_exported": 9e8}}))[0]["status"] == "missing"
