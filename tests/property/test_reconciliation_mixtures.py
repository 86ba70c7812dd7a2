"""Two hundred mixtures of all known faults of the API: each is found, and nothing else is.

The expected differences are calculated independently here, by plain sums of the shaped rows and of the true energy. Where
several faults affect one source on one day, any of their causes is right for a measure that differs.
"""

from dataclasses import replace
from datetime import date
from functools import cache
from typing import Final

import numpy as np
import pandas as pd
import pytest

from extract.simulator import Anomaly, InvertedCt, LateData, Series, SiteSpec, Truth
from extract.simulator.local_day import day_bounds, days_between
from tests.examples import share
from tests.mixture_requests import Frames
from tests.mixture_worlds import BATTERY, FIRST, LAST, MONTH_ENDS, NOW, SETTLED, mixture, with_weeks
from tests.mixtures import Reconciled, reconciled
from transform.candidates import MIN_COVERAGE
from transform.day_sums import COMPARED, GRID_EXPORT, HOME, TOTALS
from warehouse.lake.conform import conform
from warehouse.schema import FLOWS
from wattlog.causes import Cause
from wattlog.zones import Zone

SERIES_OF: Final = {
    "interval_vs_day": {Series.INTERVALS, Series.QUARTERS},
    "day_vs_month_series": {Series.MONTH},
    "power_vs_energy": {Series.POWER},
    "month_vs_days": {Series.YEAR},
    "year_vs_days": {Series.LIFETIME},
    "lifetime_vs_days": {Series.LIFETIME},
}
"""Check → the series whose faults it finds."""

SERIES_OF_DAYS: Final = {Series.INTERVALS, Series.QUARTERS, Series.DAY, Series.WEEK, Series.MONTH}
"""Series with energy of days."""


UNMETERED: Final = ("home_wh", "grid_energy_imported_wh", "grid_export_wh", *HOME, *GRID_EXPORT)
"""Measures that a site without a battery and a meter does not have."""


def totals(flows: pd.DataFrame, spec: SiteSpec) -> pd.DataFrame:
    """Flows and their totals; a solar-only site without a meter has neither home nor grid (Q43)."""
    made = flows.assign(**{total: flows[list(parts)].sum(axis=1) for total, parts in TOTALS.items()})
    is_unmetered = [not spec.on(day).has_battery for day in made.index]
    made.loc[is_unmetered, list(UNMETERED)] = np.nan
    return made


def true_days(found: Reconciled) -> pd.DataFrame:
    """The true energy that has arrived, days × measures; no other fault changes it."""
    late = tuple(fault for fault in found.truth.spec.anomalies if isinstance(fault, LateData))
    return _true_days(replace(found.truth.spec, anomalies=late))


@cache
def _true_days(spec: SiteSpec) -> pd.DataFrame:
    truth = Truth(spec)
    days = list(days_between(truth.first_date, LAST))
    rows = [truth.daily_sums(day) - sum(_late_wh(truth, day, fault) for fault in spec.anomalies) for day in days]
    return totals(pd.DataFrame(rows, index=pd.Index(days), columns=list(FLOWS), dtype="float64"), spec)


def interval_totals(found: Reconciled) -> tuple[pd.DataFrame, pd.Series]:
    """Sums of the intervals of each day, and how many rows each has."""
    groups = found.frames["energy_intervals"].groupby("local_date")
    return totals(groups[list(FLOWS)].sum(min_count=1), found.truth.spec), groups.size()


def integrals(found: Reconciled) -> pd.DataFrame:
    """∫ power dt of each day."""
    power = found.frames["power"]
    hours = power["interval_s"] / 3600
    parts = {
        "solar_energy_exported_wh": power["solar_w"],
        "generator_energy_exported_wh": power["generator_w"],
        "grid_energy_imported_wh": power["grid_w"],
        "battery_energy_exported_wh": power["battery_w"],
        "home_wh": power["home_w"],
        "grid_export_wh": -power["grid_w"],
        "battery_charge_wh": -power["battery_w"],
    }
    energy = pd.DataFrame({name: watts.clip(lower=0.0) * hours for name, watts in parts.items()})
    return energy.groupby(power["local_date"]).sum(min_count=1)


def _late_wh(truth: Truth, day: date, late: Anomaly) -> np.ndarray:
    """What has not arrived of a day."""
    assert isinstance(late, LateData)
    start_s, end_s = day_bounds(truth.spec.zone, day)
    first_s, last_s = (int(instant.timestamp()) for instant in (late.start, late.end))
    first_s, last_s = max(first_s, start_s), min(last_s, end_s)
    return truth.sums_between(first_s, last_s) if first_s < last_s else np.zeros(len(FLOWS), np.int64)


Cells = set[tuple[str, date, str]]


def cells(check: str, is_off: pd.DataFrame) -> Cells:
    """(check, day, measure) of every cell that is set."""
    days, measures = is_off.index.tolist(), is_off.columns.tolist()
    return {(check, days[day], measures[measure]) for day, measure in np.argwhere(is_off.to_numpy(dtype=bool)).tolist()}


def expected(found: Reconciled) -> tuple[Cells, Cells]:
    """Cells that differ by more than the tolerance, and cells without a value on one side."""
    truth = true_days(found)
    sums, rows = interval_totals(found)
    shared = sums.index.intersection(truth.index)
    difference = (sums.loc[shared] - truth.loc[shared]).abs()
    larger = np.maximum(sums.loc[shared], truth.loc[shared])
    is_unknown = sums.loc[shared].isna()  # a response about another day may have rows of it, with the measure
    for fault in found.truth.injections:
        if fault.kind == "OmittedMeasures" and fault.series is not Series.MONTH:
            for name in fault.measures:
                incomparable = [f"{name}_wh", *(total for total, parts in TOTALS.items() if f"{name}_wh" in parts)]
                is_omitted = difference.index.isin(fault.dates) & is_unknown[f"{name}_wh"].to_numpy(dtype=bool)
                difference.loc[is_omitted, incomparable] = np.nan
    differs = cells("interval_vs_day", difference > np.maximum(larger * 0.001, rows.loc[shared].to_numpy()[:, None]))
    power = integrals(found).reindex(columns=list(COMPARED))
    known = power.index.intersection(truth.index)
    difference = (power.loc[known] - truth.loc[known, list(COMPARED)]).abs()
    larger = np.maximum(power.loc[known], truth.loc[known, list(COMPARED)])
    differs |= cells("power_vs_energy", difference > np.maximum(larger * 0.03, 50.0))
    has_energy = truth[list(COMPARED)] > 0
    lacks = cells("interval_vs_day", has_energy.drop(index=shared))
    lacks |= cells("power_vs_energy", has_energy.drop(index=known))
    periods = found.frames["energy_periods"]
    is_of_month = (periods["source"] == "calendar_history/month") & (periods["granularity"] == "day")
    month = periods.loc[is_of_month.to_numpy(dtype=bool), "period_start"]
    settled = truth.index[[found.is_settled(day) for day in truth.index]]
    return differs, lacks | cells("day_vs_month_series", has_energy.loc[settled.difference(list(month))])


def reported(rows: pd.DataFrame, *verdicts: str) -> Cells:
    is_chosen = rows["verdict"].isin(verdicts) & (rows["cause"] != "unit_mismatch") & (rows["period_start"] <= LAST)
    mine = rows[is_chosen.to_numpy(dtype=bool)]
    return set(zip(mine["check_name"], mine["period_start"], mine["measure"], strict=True))


def allowed(found: Reconciled, check: str, day: date) -> set[str]:
    """Causes of the faults that a check can find on a day, or in a month or year."""
    touching = [
        fault for fault in found.truth.injections if fault.cause is not None and fault.series in SERIES_OF[check]
    ]
    is_lifetime = check == "lifetime_vs_days"
    return {str(fault.cause) for fault in touching if is_lifetime or day in fault.dates}


@pytest.mark.parametrize(
    "block",
    [
        0,
        pytest.param(1, marks=pytest.mark.slow),
        *(pytest.param(number, marks=pytest.mark.exhaustive) for number in range(2, 13)),
    ],
)
def test_every_fault_of_a_mixture_is_found_and_nothing_else(block: int) -> None:
    """Fifteen mixtures: days, measures, verdicts and causes, and the truth in `daily`."""
    for seed in range(block * 15, block * 15 + min(15, share(15))):
        check_mixture(seed)


@pytest.mark.slow
def test_sums_of_weeks_are_no_days_whatever_else_is_wrong() -> None:
    """A Sunday of such a month is a week, and its day is found elsewhere."""
    for seed in range(share(5)):
        check_world(with_weeks(seed), f"with weeks, seed {seed}")


def test_a_few_watt_hours_with_the_wrong_sign_are_a_wrong_sensor() -> None:
    """58 Wh less import differs, 58 Wh more export is within the tolerance of a day of much export."""
    day = date(2025, 12, 30)
    found = reconciled(replace(BATTERY, anomalies=(InvertedCt(day, 5 * 3600, 10 * 3600),)), NOW)
    rows = found.days[is_off(found.days).to_numpy(dtype=bool)]
    assert set(zip(rows["period_start"], rows["measure"], rows["cause"], strict=True)) == {
        (day, "grid_energy_imported_wh", "sensor_inversion")
    }


def check_mixture(seed: int) -> None:
    """Days, measures, verdicts and causes of a mixture, and the truth in `daily`."""
    check_world(mixture(seed), f"seed {seed}")


def check_world(spec: SiteSpec, name: str, imported: Frames | None = None) -> Reconciled:
    """The same of a site with faults; imported histories change nothing of it."""
    label = f"{name}: {spec.anomalies}"
    with_imports = reconciled(spec, NOW, imported=imported)
    if unreported(with_imports):
        assert_not_settled(with_imports, label)
        with_imports = reconciled(spec, SETTLED, imported=imported)
    assert conform(with_imports.days, "reconciliation").num_rows == len(with_imports.days)
    found = replace(with_imports, days=with_imports.days[~is_of_imports(with_imports.days)])
    assert_days(found, label)
    assert_causes(found, label)
    assert_skipped(found, label)
    assert_months_and_years(found, label)
    assert_truth(found, label)
    assert_clean_days(found, label)
    return with_imports


def is_of_imports(rows: pd.DataFrame) -> pd.Series:
    """Rows that compare an imported history."""
    return rows["check_name"].str.startswith("import_").astype(bool)


def unreported(found: Reconciled) -> set[date]:
    """Days without a source that are not settled: the month lacks them, and some of their intervals are lost.

    It is unknown whether the month has dropped such a day or is only late (Q13), so no cross-check is made before it settles.
    """
    spec = found.truth.spec
    lost = {Cause.WRONG_WINDOW} | ({Cause.MISSING_INTERVALS} if spec.five_minute_since <= FIRST else set())
    of_month = {fault.dates[0] for fault in found.truth.injections if fault.kind == "MonthDropsDay"}
    of_intervals = [
        fault for fault in found.truth.injections if fault.series is Series.INTERVALS and fault.cause in lost
    ]
    days = of_month & {day for fault in of_intervals for day in fault.dates}
    return {day for day in days if not found.is_settled(day)}


def assert_not_settled(found: Reconciled, label: str) -> None:
    """Days without a source that are not settled are not final."""
    mine = found.daily[found.daily["local_date"].isin(unreported(found)).to_numpy(dtype=bool)]
    assert len(mine) == len(unreported(found))
    assert set(mine["status"]) <= {"provisional", "missing"}, label


def assert_days(found: Reconciled, label: str) -> None:
    differs, lacks = expected(found)
    zeros = [fault.dates[0] for fault in found.truth.injections if fault.kind == "MidnightZero"]
    rows = found.days[found.days["check_name"] != "day_vs_month_series"]
    of_units = reported_units(found)
    assert reported(rows, "differs") - of_units == differs - of_units, label
    assert reported(found.days, "missing_left", "missing_right") == lacks - of_units, label
    of_month = found.days[(found.days["check_name"] == "day_vs_month_series") & (found.days["verdict"] == "differs")]
    is_dropped = {fault.dates[0] for fault in found.truth.injections if fault.kind == "MonthDropsDay"}
    assert set(of_month["period_start"]) == set(zeros) - is_dropped, label
    truth = true_days(found)
    for day in set(zeros) - is_dropped:
        seen = set(of_month.loc[of_month["period_start"] == day, "measure"])
        energy = truth.loc[day].fillna(0.0).to_dict()
        assert {name for name, wh in energy.items() if wh > 400} <= seen, label
        assert seen <= {name for name, wh in energy.items() if wh > 0}, label


def reported_units(found: Reconciled) -> Cells:
    """Rows about units, made while shaping: their days in kWh are those with that fault."""
    rows = found.days[found.days["cause"] == "unit_mismatch"]
    days = {day for fault in found.truth.injections if fault.kind == "KilowattHours" for day in fault.dates}
    assert set(rows["period_start"]) <= days
    in_unit = {day for day in days if FIRST <= day <= LAST}
    misfiled = {day for fault in found.truth.injections if fault.kind == "WrongWindow" for day in fault.dates}
    assert in_unit - misfiled <= set(rows["period_start"])
    return set(zip(rows["check_name"], rows["period_start"], rows["measure"], strict=True))


def is_off(rows: pd.DataFrame) -> pd.Series:
    """Rows on which two sources do not agree; a skipped check has no verdict."""
    return rows["verdict"].notna() & (rows["verdict"] != "agree")


def assert_skipped(found: Reconciled, label: str) -> None:
    """Identities of a site without splits are skipped on every day with reported energy, and on no other (Q43)."""
    rows = found.days[found.days["verdict"].isna()]
    best = found.daily[(found.daily["solar_energy_exported_wh"] > 0) & (found.daily["source"] != "power")]
    days = {day for day in best["local_date"] if not found.truth.spec.on(day).has_battery}
    assert set(rows["period_start"]) == days, label
    assert set(rows["check_name"]) | set(rows["cause"]) == ({"flow_identity", "no_splits"} if days else set()), label


def assert_causes(found: Reconciled, label: str) -> None:
    rows = found.days[is_off(found.days) & (found.days["cause"] != "unit_mismatch")]
    for check, day, measure, cause in zip(
        *(rows[name] for name in ("check_name", "period_start", "measure", "cause")), strict=True
    ):
        assert cause in allowed(found, check, day), f"{check} {day} {measure} {cause} {label}"


def assert_months_and_years(found: Reconciled, label: str) -> None:
    """Where a month is in kWh and has drifted, the unit comes first, and is the only cause if solar is the only flow."""
    rows = found.periods[is_off(found.periods)]
    causes = {(str(row.check_name), str(row.period_start)[:7], str(row.cause)) for row in rows.itertuples()}
    scope, may_be = set(), set()
    for fault in sorted(found.truth.injections, key=lambda injection: injection.kind, reverse=True):
        if fault.kind == "RollupDrift" and fault.series is Series.YEAR:
            scope.add(("month_vs_days", "2025-12", "rollup_drift"))
            may_be.add(("flow_identity", "2025-12", "rollup_drift"))
        elif fault.kind == "RollupDrift":
            scope.add(("year_vs_days", "2025-01", "rollup_drift"))
            may_be.add(("flow_identity", "2025-01", "rollup_drift"))
            may_be.add(("lifetime_vs_days", "2025-12", "rollup_drift"))
        elif fault.kind == "KilowattHours":
            of_month = ("month_vs_days", f"{fault.dates[0]:%Y-%m}", "rollup_drift")
            may_be |= {of_month} & scope
            scope -= {of_month}
            may_be.add(("month_vs_days", f"{fault.dates[0]:%Y-%m}", "unit_mismatch"))
            may_be.add(("day_vs_month_series", f"{fault.dates[0]:%Y-%m}", "unit_mismatch"))  # weeks among its days
    for day in days_without_a_measure(found):
        may_be.add(("month_vs_days", f"{day:%Y-%m}", "partial_period"))
        may_be.add(("year_vs_days", f"{day:%Y}-01", "partial_period"))
        may_be.add(("lifetime_vs_days", "2025-12", "partial_period"))
    for month in months_as_short_as_their_intervals(found):
        may_be |= {("month_vs_days", month, "missing_intervals"), *(scope & {("month_vs_days", month, "rollup_drift")})}
        scope -= {("month_vs_days", month, "rollup_drift")}
    assert scope <= causes <= scope | may_be, label


def days_without_a_measure(found: Reconciled) -> list[date]:
    """Days before today of which `daily` lacks a measure with true energy: what the month omits, and no whole day has."""
    best = found.daily.set_index("local_date")
    truth = true_days(found).reindex(best.index)
    is_lacking = best[list(truth.columns)].isna() & (truth > 0.0)
    return [day for day, lacks in zip(best.index, is_lacking.any(axis=1), strict=True) if lacks]


def months_as_short_as_their_intervals(found: Reconciled) -> set[str]:
    """Months (`YYYY-MM`) that lack by chance what their intervals lack: drift and a sum of intervals look alike."""
    days = found.days[(found.days["check_name"] == "interval_vs_day") & (found.days["cause"] == "missing_intervals")]
    months = days["period_start"].map("{:%Y-%m}".format)
    lacking = days["difference_wh"].groupby([months, days["measure"]]).sum()
    rows = found.periods[found.periods["check_name"] == "month_vs_days"]
    chances = {
        f"{row.period_start:%Y-%m}"
        for row in rows.itertuples()
        if abs(row.difference_wh + lacking.get((f"{row.period_start:%Y-%m}", row.measure), np.inf)) <= row.tolerance_wh
    }
    return chances & {f"{day:%Y-%m}" for day, _ in MONTH_ENDS.values()}


def assert_clean_days(found: Reconciled, label: str) -> None:
    """Settled days that no fault touches agree."""
    touched = {day for fault in found.truth.injections if fault.series in SERIES_OF_DAYS for day in fault.dates}
    status = found.daily.set_index("local_date")["status"]
    off = {
        day: status[day]
        for day in days_between(FIRST, LAST)
        if found.is_settled(day) and day not in touched and status[day] != "agreed"
    }
    assert not off, f"{off} {label}"


def without_source(found: Reconciled, days: pd.Index) -> pd.DataFrame:
    """Days × flows that the month omits, on days whose intervals are no source since rows are missing: they are unknown."""
    is_unknown = pd.DataFrame(False, index=days, columns=list(FLOWS))
    coverage = found.daily.set_index("local_date")["coverage_pct"]
    for fault in found.truth.injections:
        if fault.kind == "OmittedMeasures" and fault.series is Series.MONTH:
            lost = [day for day in fault.dates if day in days and coverage[day] < MIN_COVERAGE * 100]
            is_unknown.loc[lost, [f"{name}_wh" for name in fault.measures]] = True
    return is_unknown


def assert_truth(found: Reconciled, label: str) -> None:
    best = found.daily.set_index("local_date").drop(index=found.now.astimezone(Zone(found.truth.spec.time_zone)).date())
    truth = true_days(found).reindex(best.index).dropna(how="all")
    off = (best.loc[truth.index, list(FLOWS)] - truth[list(FLOWS)]).abs() > 1e-6
    misjudged = best.loc[truth.index, list(FLOWS)].isna() != truth[list(FLOWS)].isna()
    misjudged &= ~without_source(found, truth.index)
    assert not (off | misjudged).to_numpy().any(), f"{off.index[off.any(axis=1)].tolist()} {label}"
