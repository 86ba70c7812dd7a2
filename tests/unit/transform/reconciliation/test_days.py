"""Days: each cause has its evidence, and without evidence there is none."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest

from tests.unit.transform.answers import BATTERY_SITE, LOS_ANGELES, SOLAR_SITE, checked, records
from tests.unit.transform.reconciliation.evidence import DAY, FLOWS, WATTS, WHOLE, Told, around, gap, off
from transform.candidates import MONTH_SERIES
from transform.frames import table_frame
from transform.reconciliation import doubtful_days, reconcile_days

MONTH = "month"
TOTALS = {"solar_energy_exported_wh", "home_wh", "grid_export_wh"}
Findings = set[tuple[str, str, str, str | None]]


def causes(found: Findings, check: str) -> set[str | None]:
    """Causes of one check."""
    return {cause for name, _, _, cause in found if name == check}


def test_sources_that_agree_leave_one_row_per_check_and_total_and_no_cause() -> None:
    """Nothing flowed through battery, generator and grid import: they are no rows."""
    told = Told(around(FLOWS), {MONTH: around(WHOLE)}, dict.fromkeys(around({}), WATTS))
    rows = reconcile_days(told.evidence())
    assert set(rows["verdict"]) == {"agree"}
    assert rows["cause"].isna().all()
    assert sorted(rows["check_name"].unique()) == [
        "day_vs_month_series",
        "flow_identity",
        "interval_vs_day",
        "power_vs_energy",
    ]
    assert set(rows.loc[rows["check_name"] == "interval_vs_day", "measure"]) == TOTALS


def test_a_day_that_the_month_lacks_is_dropped_and_doubtful() -> None:
    """Q19: the intervals have it; the totals are missing on the right."""
    month = {day: flows for day, flows in around(WHOLE).items() if day != DAY}
    told = Told(around(FLOWS), {MONTH: month})
    assert off(told) == {("day_vs_month_series", name, "missing_right", "dropped_day") for name in TOTALS}
    assert doubtful_days(reconcile_days(told.evidence())) == [DAY]


def test_a_day_that_nobody_tells_of_is_dropped_and_doubtful_too() -> None:
    """Q19: only so is the week asked for it."""
    others = {day: flows for day, flows in around(WHOLE).items() if day != DAY}
    told = Told({}, {MONTH: others})
    assert off(told) == {("day_vs_month_series", "home_wh", "missing_right", "dropped_day")}
    assert doubtful_days(reconcile_days(told.evidence())) == [DAY]


def test_a_month_that_was_asked_before_the_day_settled_has_dropped_nothing() -> None:
    """Q13: it may only be late."""
    month = {day: flows for day, flows in around(WHOLE).items() if day < DAY}
    asked = datetime(2025, 6, 12, 12, tzinfo=UTC)
    assert off(Told(dict.fromkeys(month, FLOWS) | {DAY: FLOWS}, {MONTH: month}, asked=asked)) == set()


def test_a_row_of_zeros_that_intervals_refute_was_cut_at_midnight() -> None:
    """Q2: it is one finding, of the month, and none of the intervals."""
    found = off(Told(around(FLOWS), {MONTH: around(WHOLE) | {DAY: {}}}))
    assert {(check, cause) for check, _, _, cause in found} == {("day_vs_month_series", "midnight_zero")}
    assert {measure for _, measure, _, _ in found} > TOTALS


def test_power_refutes_a_row_of_zeros_where_nothing_else_does() -> None:
    """Q2, Q34."""
    intervals = {day: flows for day, flows in around(FLOWS).items() if day != DAY}
    found = off(Told(intervals, {MONTH: around(WHOLE) | {DAY: {}}}, dict.fromkeys(around({}), WATTS)))
    assert causes(found, "day_vs_month_series") == {"midnight_zero"}


HOURS_LOST = pytest.mark.parametrize(
    ("silent", "absent"), [({DAY: range(9, 12)}, {}), ({}, {DAY: range(9, 12)})], ids=["zeros", "no rows"]
)


@HOURS_LOST
def test_hours_of_intervals_refute_a_row_of_zeros_where_no_sum_is_whole(
    silent: dict[date, range], absent: dict[date, range]
) -> None:
    """Q2, Q14: no estimate is made of the zeros, the week is asked, and what it tells is believed."""
    zero = {MONTH: around(WHOLE) | {DAY: {}}}
    told = Told(around(FLOWS), zero, dict.fromkeys(around({}), WATTS), silent, absent)
    assert causes(off(told), "day_vs_month_series") == {"midnight_zero"}
    assert doubtful_days(reconcile_days(told.evidence())) == [DAY]
    assert MONTH_SERIES not in told.evidence().daily["source"].tolist()
    asked = replace(told, rows={**zero, "week": {DAY: WHOLE}})
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
    """Q14: the day's row knows more; power lacks the same hours."""
    watts = dict.fromkeys(around({}), WATTS)
    told = Told(around(FLOWS), {MONTH: around(WHOLE)}, watts)
    found = off(replace(told, silent=silent, absent=absent))
    assert {(check, cause) for check, _, _, cause in found} == {
        ("interval_vs_day", "missing_intervals"),
        ("power_vs_energy", "missing_intervals"),
    }


def test_intervals_that_are_short_without_a_row_too_few_are_unexplained() -> None:
    """A finding, not a habit: nothing is missing, nothing is zero."""
    less = {name: wh * 0.9 for name, wh in FLOWS.items()}
    found = off(Told(around(FLOWS) | {DAY: less}, {MONTH: around(WHOLE)}))
    assert {(check, cause) for check, _, _, cause in found} == {
        ("interval_vs_day", "unexplained"),
        ("day_vs_month_series", "unexplained"),
    }


def test_an_answer_of_another_window_is_the_cause_of_missing_intervals() -> None:
    """Q22: gaps know that the rows which came were another day's."""
    start = datetime(2025, 6, 10, tzinfo=LOS_ANGELES)
    intervals = {day: flows for day, flows in around(FLOWS).items() if day != DAY}
    gaps = gap("energy_interval", "wrong_window", start, start + timedelta(days=1))
    found = off(Told(intervals, {MONTH: around(WHOLE)}, gaps=gaps))
    assert found == {("interval_vs_day", name, "missing_left", "wrong_window") for name in TOTALS}


def test_zeros_of_which_the_month_alone_tells_are_doubtful() -> None:
    """Q2, Q22: the intervals were answered with another day; whether nothing flowed only a witness can say."""
    start = datetime(2025, 6, 10, tzinfo=LOS_ANGELES)
    intervals = {day: flows for day, flows in around(FLOWS).items() if day != DAY}
    told = Told(
        intervals,
        {MONTH: around(WHOLE) | {DAY: {}}},
        gaps=gap("energy_interval", "wrong_window", start, start + timedelta(days=1)),
    )
    assert {(check, verdict) for check, _, verdict, _ in off(told)} == {("day_vs_month_series", "missing_left")}
    assert doubtful_days(reconcile_days(told.evidence())) == [DAY]
    asked = replace(told, rows={**told.rows, "week": {DAY: WHOLE}})
    assert causes(off(asked), "day_vs_month_series") == {"midnight_zero"}


def test_intervals_that_were_never_asked_for_are_no_finding() -> None:
    """A site may have no intervals at all."""
    assert off(Told({}, {MONTH: around(WHOLE)})) == set()


def test_splits_that_differ_while_totals_match_are_another_allocation() -> None:
    """Q21."""
    shifted = {
        **WHOLE,
        "consumer_energy_imported_from_solar": 10_000,
        "consumer_energy_imported_from_battery": 7_280,
    }
    found = off(Told(around(FLOWS), {MONTH: around(WHOLE) | {DAY: shifted}}))
    assert causes(found, "interval_vs_day") == {"allocation_shift"}
    assert {measure for check, measure, _, _ in found if check == "interval_vs_day"} == {
        "consumer_energy_imported_from_solar_wh",
        "consumer_energy_imported_from_battery_wh",
    }


def test_power_with_the_wrong_sign_is_an_inverted_sensor() -> None:
    """Q19: export by power, import by energy; only what is measured at the meter is blamed on it."""
    flows = {"grid_energy_imported": 100, "consumer_energy_imported_from_grid": 100}
    whole = {name: 288 * wh for name, wh in flows.items()}
    watts = dict.fromkeys(around({}), (0.0, 0.0, 1200.0)) | {DAY: (0.0, 0.0, -1200.0)}
    found = off(Told(around(flows), {MONTH: around(whole)}, watts))
    assert found == {
        ("power_vs_energy", name, "differs", "sensor_inversion")
        for name in ("grid_energy_imported_wh", "grid_export_wh", "home_wh")
    }


def test_too_little_power_without_another_sign_is_no_inverted_sensor() -> None:
    """Import is short and export is not larger."""
    flows = {"grid_energy_imported": 100, "consumer_energy_imported_from_grid": 100}
    whole = {name: 288 * wh for name, wh in flows.items()}
    watts = dict.fromkeys(around({}), (0.0, 0.0, 1200.0)) | {DAY: (0.0, 0.0, 600.0)}
    found = off(Told(around(flows), {MONTH: around(whole)}, watts))
    assert causes(found, "power_vs_energy") == {"unexplained"}


def test_a_thousandth_is_another_unit() -> None:
    """Fact 1: where the units' step had no evidence."""
    found = off(Told(around(FLOWS), {MONTH: around(WHOLE) | {DAY: {name: wh / 1000 for name, wh in WHOLE.items()}}}))
    assert causes(found, "interval_vs_day") == {"unit_mismatch"}


def test_whole_kilowatt_hours_are_rounding() -> None:
    """28.8 kWh of sun told as 29 kWh."""
    rounded = {name: round(wh / 1000) * 1000 for name, wh in WHOLE.items()}
    found = off(Told({}, {MONTH: around(WHOLE), "week": {DAY: rounded}}))
    assert found == set()
    found = off(
        Told(around(FLOWS), {MONTH: around(WHOLE) | {DAY: {**rounded, "grid_energy_exported_from_solar": 12_000}}})
    )
    assert causes(found, "interval_vs_day") == {"rounding"}


def test_an_answer_that_had_not_settled_is_revised() -> None:
    """Q12, Q13: asked half an hour after midnight."""
    asked = datetime(2025, 6, 11, 7, 30, tzinfo=UTC)
    month = {day: flows for day, flows in around(WHOLE).items() if day < DAY} | {
        DAY: {**WHOLE, "solar_energy_exported": 28_000}
    }
    told = Told(dict.fromkeys(month, FLOWS), {MONTH: month}, asked=asked)
    assert causes(off(told), "interval_vs_day") == {"revised"}


def test_a_value_that_changed_after_the_other_was_asked_is_revised() -> None:
    """Q12: what table `revisions` saw."""
    start = datetime(2025, 6, 10, 12, tzinfo=UTC)
    revisions = table_frame(
        "revisions",
        {
            "site_id": [101],
            "series": ["energy_day"],
            "interval_start": [start],
            "measure": ["solar_energy_exported_wh"],
            "seen_at": [datetime(2025, 8, 1, tzinfo=UTC)],
            "old_value": [28_000.0],
            "new_value": [28_800.0],
        },
    )
    month = {MONTH: around(WHOLE) | {DAY: {**WHOLE, "solar_energy_exported": 28_000}}}
    assert causes(off(Told(around(FLOWS), month)), "interval_vs_day") == {"unexplained"}
    assert causes(off(Told(around(FLOWS), month, revisions=revisions)), "interval_vs_day") == {"revised"}


def test_a_day_that_is_not_over_is_partial() -> None:
    """Q13: the month was asked at noon."""
    noon = datetime(2025, 6, 10, 19, tzinfo=UTC)
    month = {day: flows for day, flows in around(WHOLE).items() if day < DAY} | {DAY: {"solar_energy_exported": 999}}
    found = off(Told({DAY: FLOWS}, {MONTH: month}, asked=noon))
    assert causes(found, "interval_vs_day") == {"partial_period"}


def test_the_day_of_the_installation_may_begin_at_different_hours() -> None:
    """Q17: installed at noon, the intervals begin then, the month tells of some hours more; a day later that is unexplained."""
    noon = datetime(2025, 6, 10, 19, tzinfo=UTC)
    afternoon = {DAY: range(12)}
    more = {name: 200 * wh for name, wh in FLOWS.items()}
    told = Told({DAY: FLOWS}, {MONTH: {DAY: more}}, absent=afternoon)
    first = replace(told, site=replace(BATTERY_SITE, installed_at=noon))
    assert causes(off(first), "interval_vs_day") == {"partial_period"}
    whole = replace(first, intervals={DAY: FLOWS}, rows={MONTH: {DAY: more}}, absent={})
    earlier = replace(whole, site=replace(BATTERY_SITE, installed_at=noon - timedelta(days=1)))
    assert causes(off(earlier), "interval_vs_day") == {"unexplained"}


def test_the_week_stands_between_the_day_and_the_month() -> None:
    """A week that tells otherwise is a finding of the week alone."""
    week = {"week": {DAY: {**WHOLE, "solar_energy_exported": 40_000}}}
    found = off(Told(around(FLOWS), {MONTH: around(WHOLE), **week}))
    assert found == {("day_vs_week", "solar_energy_exported_wh", "differs", "unexplained")}


def test_a_source_that_is_not_the_sum_of_its_uses_breaks_an_identity() -> None:
    """API.md §1.2: they hold to the Wh in every row of a battery site."""
    broken = {**WHOLE, "grid_energy_exported_from_solar": 9_000}
    found = off(Told({}, {MONTH: around(WHOLE) | {DAY: broken}}))
    assert found == {("flow_identity", "solar_energy_exported_wh", "differs", "unexplained")}


def test_a_solar_only_site_without_splits_has_no_home_and_its_identities_are_skipped_with_the_reason() -> None:
    """Q43: its splits are all zero."""
    site = replace(SOLAR_SITE, timezone="America/Los_Angeles")
    month = {MONTH: around({"solar_energy_exported": 28_800})}
    rows = reconcile_days(Told(around({"solar_energy_exported": 100}), month, site=site).evidence())
    assert set(rows["check_name"]) == {"interval_vs_day", "day_vs_month_series", "flow_identity"}
    assert set(rows["measure"]) == {"solar_energy_exported_wh"}
    (skipped,) = records(rows[rows["check_name"] == "flow_identity"])
    assert (pd.isna(skipped["verdict"]), skipped["cause"]) == (True, "no_splits")
    assert (skipped["left_wh"], skipped["right_source"]) == (28_800.0, "flows")
    assert pd.isna(skipped["right_wh"])
    checked({"reconciliation": rows})


def test_a_site_without_a_battery_that_tells_its_splits_is_checked() -> None:
    """Q43: not the battery decides but that nothing is split; broken identities are found."""
    site = replace(SOLAR_SITE, timezone="America/Los_Angeles")
    broken = {**WHOLE, "grid_energy_exported_from_solar": 9_000}
    rows = reconcile_days(Told({}, {MONTH: around(broken)}, site=site).evidence())
    of_flows = rows[rows["check_name"] == "flow_identity"]
    assert of_flows[["measure", "verdict", "cause"]].to_numpy().tolist() == [
        ["solar_energy_exported_wh", "differs", "unexplained"]
    ]


def test_what_the_units_step_found_is_kept_and_not_reported_twice() -> None:
    """Fact 1: the same key is told once, as that step told it."""
    told = Told(around(FLOWS), {MONTH: around(WHOLE)}, dict.fromkeys(around({}), WATTS))
    evidence = told.evidence()
    rows = reconcile_days(evidence)
    mine = rows[(rows["check_name"] == "power_vs_energy") & (rows["measure"] == "solar_energy_exported_wh")]
    units = mine.assign(verdict="differs", cause="unit_mismatch", right_wh=28.8)
    again = reconcile_days(replace(evidence, shaped=units))
    assert len(again) == len(rows)
    assert again.loc[again["cause"].notna(), "right_wh"].tolist() == [28.8]
    other_day = units.assign(period_start=pd.Series([date(2025, 6, 11)], dtype=units["period_start"].dtype).to_numpy())
    assert len(reconcile_days(replace(evidence, shaped=other_day))) == len(rows)


def test_no_days_are_no_rows() -> None:
    evidence = Told(around(FLOWS)).evidence()
    assert len(reconcile_days(replace(evidence, first_day=DAY, last_day=DAY - timedelta(days=1)))) == 0


def test_a_day_cut_by_another_clock_is_partial_and_loses_to_the_intervals() -> None:
    """Q7: asked in winter, the server cuts June's days by winter's offset: another hour of another day."""
    site = replace(BATTERY_SITE, clock_offset_minutes=-480)
    winter = datetime(2026, 1, 10, tzinfo=UTC)
    month = {MONTH: around({**WHOLE, "solar_energy_exported": 29_999})}
    told = Told(around(FLOWS), month, asked=winter, site=site)
    evidence = replace(told.evidence(), now=winter)
    assert causes(off(told), "interval_vs_day") == {"partial_period"}
    assert evidence.daily["source"].tolist() == ["energy_intervals"]
    in_zone = replace(told, site=BATTERY_SITE).evidence()
    assert in_zone.daily["source"].tolist() == ["calendar_history/month"]
