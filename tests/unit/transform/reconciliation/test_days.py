"""Days: each cause has its evidence, and without evidence there is none."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd

from tests.unit.transform.answers import BATTERY_SITE, SOLAR_SITE, checked, cut_by, records
from tests.unit.transform.reconciliation.evidence import (
    DAY,
    FLOWS,
    MONTH,
    TOTALS,
    WATTS,
    WHOLE,
    SourceValues,
    around,
    causes,
    off,
)
from transform.frames import table_frame
from transform.reconciliation import reconcile_days


def test_sources_that_agree_leave_one_row_per_check_and_total_and_no_cause() -> None:
    """Nothing flowed through battery, generator and grid import: they are no rows."""
    sources = SourceValues(around(FLOWS), {MONTH: around(WHOLE)}, dict.fromkeys(around({}), WATTS))
    rows = reconcile_days(sources.evidence())
    assert set(rows["verdict"]) == {"agree"}
    assert rows["cause"].isna().all()
    assert sorted(rows["check_name"].unique()) == [
        "day_vs_month_series",
        "flow_identity",
        "interval_vs_day",
        "power_vs_energy",
    ]
    assert set(rows.loc[rows["check_name"] == "interval_vs_day", "measure"]) == TOTALS


def test_intervals_that_were_never_requested_are_no_difference() -> None:
    """A site may have no intervals at all."""
    assert off(SourceValues({}, {MONTH: around(WHOLE)})) == set()


def test_splits_that_differ_while_totals_match_are_another_allocation() -> None:
    """Q21."""
    shifted = {
        **WHOLE,
        "consumer_energy_imported_from_solar": 10_000,
        "consumer_energy_imported_from_battery": 7_280,
    }
    found = off(SourceValues(around(FLOWS), {MONTH: around(WHOLE) | {DAY: shifted}}))
    assert causes(found, "interval_vs_day") == {"allocation_shift"}
    assert {measure for check, measure, _, _ in found if check == "interval_vs_day"} == {
        "consumer_energy_imported_from_solar_wh",
        "consumer_energy_imported_from_battery_wh",
    }


def test_power_with_the_wrong_sign_is_an_inverted_sensor() -> None:
    """Q19: export by power, import by energy; only measures at the meter have this cause."""
    flows = {"grid_energy_imported": 100, "consumer_energy_imported_from_grid": 100}
    whole = {name: 288 * wh for name, wh in flows.items()}
    watts = dict.fromkeys(around({}), (0.0, 0.0, 1200.0)) | {DAY: (0.0, 0.0, -1200.0)}
    found = off(SourceValues(around(flows), {MONTH: around(whole)}, watts))
    assert found == {
        ("power_vs_energy", name, "differs", "sensor_inversion")
        for name in ("grid_energy_imported_wh", "grid_export_wh", "home_wh")
    }


def test_a_small_difference_of_intervals_with_another_sign_is_an_inverted_sensor() -> None:
    """Q19: one interval imports 58 Wh, and exports them by power; export and home are within their tolerances."""
    whole = {**WHOLE, "grid_energy_imported": 58, "grid_energy_exported_from_solar": 287 * 40}
    evidence = SourceValues(around(FLOWS), {MONTH: around(whole)}, dict.fromkeys(around({}), WATTS)).evidence()
    power, intervals = evidence.power.copy(), evidence.intervals.copy()
    power.loc[power.index[power["local_date"] == DAY][100], "grid_w"] = -58.0 * 12
    at = intervals.index[intervals["local_date"] == DAY][100]
    intervals.loc[at, ["grid_energy_imported_wh", "grid_energy_exported_from_solar_wh"]] = [58.0, 0.0]
    rows = reconcile_days(replace(evidence, power=power, intervals=intervals))
    is_off = (rows["check_name"] == "power_vs_energy") & (rows["verdict"] == "differs")
    assert rows.loc[is_off, ["measure", "cause"]].to_numpy().tolist() == [
        ["grid_energy_imported_wh", "sensor_inversion"]
    ]


def test_too_little_power_without_another_sign_is_no_inverted_sensor() -> None:
    """Import is short and export is not larger."""
    flows = {"grid_energy_imported": 100, "consumer_energy_imported_from_grid": 100}
    whole = {name: 288 * wh for name, wh in flows.items()}
    watts = dict.fromkeys(around({}), (0.0, 0.0, 1200.0)) | {DAY: (0.0, 0.0, 600.0)}
    found = off(SourceValues(around(flows), {MONTH: around(whole)}, watts))
    assert causes(found, "power_vs_energy") == {"unexplained"}


def test_flows_of_both_directions_within_a_row_are_not_in_its_mean() -> None:
    """Q34: a meter that turns within each five minutes: 10 Wh come and 8 go, so power shows 2."""
    flows = {
        "grid_energy_imported": 10,
        "consumer_energy_imported_from_grid": 10,
        "solar_energy_exported": 50,
        "battery_energy_imported_from_solar": 42,
        "grid_energy_exported_from_solar": 8,
    }
    whole = {name: 288 * wh for name, wh in flows.items()}
    watts = dict.fromkeys(around({}), (600.0, -504.0, 24.0))
    assert off(SourceValues(around(flows), {MONTH: around(whole)}, watts)) == set()
    without_intervals = off(SourceValues({}, {MONTH: around(whole)}, watts))
    assert causes(without_intervals, "power_vs_energy") == {"unexplained"}


def test_a_thousandth_is_another_unit() -> None:
    """API.md#units: where the unit could not be recognised while shaping."""
    found = off(
        SourceValues(around(FLOWS), {MONTH: around(WHOLE) | {DAY: {name: wh / 1000 for name, wh in WHOLE.items()}}})
    )
    assert causes(found, "interval_vs_day") == {"unit_mismatch"}


def test_whole_kilowatt_hours_are_rounding() -> None:
    """28.8 kWh of solar reported as 29 kWh."""
    rounded = {name: round(wh / 1000) * 1000 for name, wh in WHOLE.items()}
    found = off(SourceValues({}, {MONTH: around(WHOLE), "week": {DAY: rounded}}))
    assert found == set()
    found = off(
        SourceValues(
            around(FLOWS), {MONTH: around(WHOLE) | {DAY: {**rounded, "grid_energy_exported_from_solar": 12_000}}}
        )
    )
    assert causes(found, "interval_vs_day") == {"rounding"}


def test_a_response_that_had_not_settled_is_revised() -> None:
    """Q12, Q13: requested half an hour after midnight."""
    asked = datetime(2025, 6, 11, 7, 30, tzinfo=UTC)
    month = {day: flows for day, flows in around(WHOLE).items() if day < DAY} | {
        DAY: {**WHOLE, "solar_energy_exported": 28_000}
    }
    sources = SourceValues(dict.fromkeys(month, FLOWS), {MONTH: month}, asked=asked)
    assert causes(off(sources), "interval_vs_day") == {"revised"}


def test_a_value_that_changed_after_the_request_of_the_other_is_revised() -> None:
    """Q12: by table `revisions`."""
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
    assert causes(off(SourceValues(around(FLOWS), month)), "interval_vs_day") == {"unexplained"}
    assert causes(off(SourceValues(around(FLOWS), month, revisions=revisions)), "interval_vs_day") == {"revised"}


def test_a_day_that_is_not_over_is_partial() -> None:
    """Q13: the month was requested at noon."""
    noon = datetime(2025, 6, 10, 19, tzinfo=UTC)
    month = {day: flows for day, flows in around(WHOLE).items() if day < DAY} | {DAY: {"solar_energy_exported": 999}}
    found = off(SourceValues({DAY: FLOWS}, {MONTH: month}, asked=noon))
    assert causes(found, "interval_vs_day") == {"partial_period"}


def test_the_row_of_a_week_that_was_requested_within_the_day_says_nothing_of_a_final_day() -> None:
    """Q13: the month is requested again, the week is not."""
    noon = datetime(2025, 6, 10, 19, tzinfo=UTC)
    half = {name: wh // 2 for name, wh in WHOLE.items()}
    week = {"week": {DAY: half}}
    sources = SourceValues(around(FLOWS), {MONTH: around(WHOLE), **week}, rows_asked={"week": noon})
    assert off(sources) == set()
    assert set(sources.evidence().daily["status"]) == {"agreed"}
    assert off(replace(sources, rows=week)) == set()


def test_a_day_that_the_month_had_before_its_end_and_then_no_more_is_dropped() -> None:
    """Q19: the row of the first request stays in the lake; the later month has the other days."""
    noon = datetime(2025, 6, 10, 19, tzinfo=UTC)
    early = SourceValues({}, {MONTH: {DAY: {"solar_energy_exported": 999}}}, asked=noon).evidence().periods
    month = {day: flows for day, flows in around(WHOLE).items() if day != DAY}
    evidence = SourceValues(around(FLOWS), {MONTH: month}).evidence()
    rows = reconcile_days(replace(evidence, periods=pd.concat([early, evidence.periods], ignore_index=True)))
    found = rows[rows["verdict"] != "agree"]
    assert set(zip(found["check_name"], found["cause"], strict=True)) == {("day_vs_month_series", "dropped_day")}


def test_a_dropped_day_is_reported_for_measures_that_its_first_source_omits() -> None:
    """The week has the measure; the day's own row, and the intervals, have none of it."""
    known = {**WHOLE, "solar_energy_exported": None}
    intervals = {day: ({**FLOWS, "solar_energy_exported": None} if day == DAY else FLOWS) for day in around({})}
    month = {day: flows for day, flows in around(WHOLE).items() if day != DAY}
    found = off(SourceValues(intervals, {MONTH: month, "day": {DAY: known}, "week": {DAY: WHOLE}}))
    assert {row for row in found if row[0] == "day_vs_month_series"} == {
        ("day_vs_month_series", name, "missing_right", "dropped_day") for name in TOTALS
    }


def test_intervals_are_compared_with_the_month_in_measures_that_the_row_of_the_day_omits() -> None:
    """The home, too: the row of the day lacks one of its parts."""
    known = {**WHOLE, "consumer_energy_imported_from_solar": None}
    silent = {DAY: range(12, 18)}
    sources = SourceValues(around(FLOWS), {MONTH: around(WHOLE), "day": {DAY: known}}, silent=silent)
    differs = {
        measure for check, measure, verdict, _ in off(sources) if (check, verdict) == ("interval_vs_day", "differs")
    }
    assert differs >= TOTALS | {"consumer_energy_imported_from_solar_wh"}


def test_the_day_of_the_installation_may_begin_at_different_hours() -> None:
    """Q17: the intervals begin at noon, the month some hours earlier; with an earlier installation that is unexplained."""
    noon = datetime(2025, 6, 10, 19, tzinfo=UTC)
    afternoon = {DAY: range(12)}
    more = {name: 200 * wh for name, wh in FLOWS.items()}
    sources = SourceValues({DAY: FLOWS}, {MONTH: {DAY: more}}, absent=afternoon)
    first = replace(sources, site=replace(BATTERY_SITE, installed_at=noon))
    assert causes(off(first), "interval_vs_day") == {"partial_period"}
    whole = replace(first, intervals={DAY: FLOWS}, rows={MONTH: {DAY: more}}, absent={})
    earlier = replace(whole, site=replace(BATTERY_SITE, installed_at=noon - timedelta(days=1)))
    assert causes(off(earlier), "interval_vs_day") == {"unexplained"}


def test_a_week_that_differs_is_a_difference_of_the_week_only() -> None:
    """Neither the month nor the intervals differ."""
    week = {"week": {DAY: {**WHOLE, "solar_energy_exported": 40_000}}}
    found = off(SourceValues(around(FLOWS), {MONTH: around(WHOLE), **week}))
    assert found == {("day_vs_week", "solar_energy_exported_wh", "differs", "unexplained")}


def test_a_source_that_is_not_the_sum_of_its_uses_breaks_an_identity() -> None:
    """API.md#flow-identities: they are exact to the Wh in every row of a battery site."""
    broken = {**WHOLE, "grid_energy_exported_from_solar": 9_000}
    found = off(SourceValues({}, {MONTH: around(WHOLE) | {DAY: broken}}))
    assert found == {("flow_identity", "solar_energy_exported_wh", "differs", "unexplained")}


def test_a_solar_only_site_without_splits_has_no_home_and_its_identities_are_skipped_with_the_reason() -> None:
    """Q43: its splits are all zero."""
    site = replace(SOLAR_SITE, timezone="America/Los_Angeles")
    month = {MONTH: around({"solar_energy_exported": 28_800})}
    rows = reconcile_days(SourceValues(around({"solar_energy_exported": 100}), month, site=site).evidence())
    assert set(rows["check_name"]) == {"interval_vs_day", "day_vs_month_series", "flow_identity"}
    assert set(rows["measure"]) == {"solar_energy_exported_wh"}
    (skipped,) = records(rows[rows["check_name"] == "flow_identity"])
    assert (pd.isna(skipped["verdict"]), skipped["cause"]) == (True, "no_splits")
    assert (skipped["left_wh"], skipped["right_source"]) == (28_800.0, "flows")
    assert pd.isna(skipped["right_wh"])
    checked({"reconciliation": rows})


def test_a_site_without_a_battery_that_reports_splits_is_checked() -> None:
    """Q43: identities are skipped only where all splits are zero; broken ones are found."""
    site = replace(SOLAR_SITE, timezone="America/Los_Angeles")
    broken = {**WHOLE, "grid_energy_exported_from_solar": 9_000}
    rows = reconcile_days(SourceValues({}, {MONTH: around(broken)}, site=site).evidence())
    of_flows = rows[rows["check_name"] == "flow_identity"]
    assert of_flows[["measure", "verdict", "cause"]].to_numpy().tolist() == [
        ["solar_energy_exported_wh", "differs", "unexplained"]
    ]


def test_a_row_about_a_unit_is_kept_and_not_made_twice() -> None:
    """API.md#units: of two rows with one key, the one made while shaping is kept."""
    sources = SourceValues(around(FLOWS), {MONTH: around(WHOLE)}, dict.fromkeys(around({}), WATTS))
    evidence = sources.evidence()
    rows = reconcile_days(evidence)
    mine = rows[(rows["check_name"] == "power_vs_energy") & (rows["measure"] == "solar_energy_exported_wh")]
    units = mine.assign(verdict="differs", cause="unit_mismatch", right_wh=28.8)
    again = reconcile_days(replace(evidence, shaped=units))
    assert len(again) == len(rows)
    assert again.loc[again["cause"].notna(), "right_wh"].tolist() == [28.8]
    other_day = units.assign(period_start=pd.Series([date(2025, 6, 11)], dtype=units["period_start"].dtype).to_numpy())
    assert len(reconcile_days(replace(evidence, shaped=other_day))) == len(rows)


def test_no_days_are_no_rows() -> None:
    evidence = SourceValues(around(FLOWS)).evidence()
    assert len(reconcile_days(replace(evidence, first_day=DAY, last_day=DAY - timedelta(days=1)))) == 0


def test_a_day_cut_by_another_clock_is_partial_and_loses_to_the_intervals() -> None:
    """Q7: in winter the server cuts the days of June by winter's offset, an hour off; or it had another zone for the site."""
    winter = datetime(2026, 1, 10, tzinfo=UTC)
    month = {MONTH: around({**WHOLE, "solar_energy_exported": 29_999})}
    sources = SourceValues(around(FLOWS), month, asked=winter, site=cut_by(BATTERY_SITE, "UTC-08:00"))
    evidence = replace(sources.evidence(), now=winter)
    assert causes(off(sources), "interval_vs_day") == {"partial_period"}
    assert evidence.daily["source"].tolist() == ["energy_intervals"]
    in_zone = replace(sources, site=BATTERY_SITE).evidence()
    assert in_zone.daily["source"].tolist() == ["calendar_history/month"]
