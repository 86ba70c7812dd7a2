"""The arithmetic of table `reconciliation` is right for any reported values, in any order."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from tests.examples import examples
from tests.unit.transform.answers import BATTERY_SITE
from tests.unit.transform.reconciliation.evidence import DAY, Row, SourceValues
from transform.day_sums import MEASURES
from transform.frames import empty_frame
from transform.reconciliation import DayEvidence, PeriodEvidence, reconcile_days, reconcile_periods
from warehouse.schema import FLOWS

DAYS = [DAY + timedelta(days=ahead) for ahead in range(4)]
SITE = replace(BATTERY_SITE, installed_at=None)


def flows_of(seed: int) -> dict[date, Row]:
    """Flows of every five minutes of each day, a few Wh of each kind, that satisfy the identities."""
    random = np.random.default_rng(seed)
    found: dict[date, Row] = {}
    for day in DAYS:
        home, charge, export = random.integers(0, 200, 3).tolist()
        found[day] = {
            "solar_energy_exported": home + charge + export,
            "consumer_energy_imported_from_solar": home,
            "battery_energy_imported_from_solar": charge,
            "grid_energy_exported_from_solar": export,
        }
    return found


def times(flows: dict[date, Row], factor: float) -> dict[date, Row]:
    """The flows of the whole days, times a factor."""
    return {day: {name: round(float(str(wh)) * 288 * factor) for name, wh in row.items()} for day, row in flows.items()}


def whole(evidence: DayEvidence) -> pd.DataFrame:
    return reconcile_days(replace(evidence, site=SITE, first_day=DAYS[0], last_day=DAYS[-1]))


@examples(5)
@given(seed=st.integers(0, 2**16), factor=st.sampled_from([0.9, 0.9995, 1.0, 1.0005, 1.2]))
def test_a_row_adds_up_and_differs_just_when_it_is_beyond_its_tolerance(seed: int, factor: float) -> None:
    """difference = left − right; agree ⇔ within the tolerance; a cause ⇔ no agreement."""
    flows = flows_of(seed)
    rows = whole(SourceValues(flows, {"month": times(flows, factor)}).evidence(DAYS[0], DAYS[-1]))
    both = rows[rows["left_wh"].notna() & rows["right_wh"].notna()]
    assert both["difference_wh"].tolist() == (both["left_wh"] - both["right_wh"]).tolist()
    is_within = both["difference_wh"].abs() <= both["tolerance_wh"]
    assert is_within.tolist() == (both["verdict"] == "agree").tolist()
    assert rows["cause"].isna().tolist() == (rows["verdict"] == "agree").tolist()
    if factor == 1.0:
        assert set(rows["verdict"]) <= {"agree"}


@examples(5)
@given(seed=st.integers(0, 2**16))
def test_the_order_of_rows_has_no_effect(seed: int) -> None:
    """Determinism: the same rows in the same order, however the frames were sorted."""
    random, flows = np.random.default_rng(seed), flows_of(seed)
    dropped = {day: row for day, row in times(flows, 1.0).items() if day != DAYS[1]}
    sources = SourceValues(
        flows, {"month": dropped, "week": times(flows, 1.1)}, dict.fromkeys(DAYS, (900.0, 0.0, -300.0))
    )
    evidence = sources.evidence(DAYS[0], DAYS[-1])

    def mixed(frame: pd.DataFrame) -> pd.DataFrame:
        return frame.iloc[random.permutation(len(frame))].reset_index(drop=True)

    shuffled = replace(
        evidence,
        intervals=mixed(evidence.intervals),
        periods=mixed(evidence.periods),
        power=mixed(evidence.power),
        daily=mixed(evidence.daily),
    )
    assert_frame_equal(whole(evidence), whole(shuffled))


@examples(6)
@given(seed=st.integers(0, 2**16), factor=st.sampled_from([0.96, 1.0, 1.5]))
def test_left_of_a_month_is_the_sum_of_its_days_to_the_wh(seed: int, factor: float) -> None:
    """Σ `daily` in every measure, for any value of the roll-up."""
    flows = flows_of(seed)
    evidence = SourceValues(flows, {"month": times(flows, 1.0)}).evidence(DAYS[0], DAYS[-1])
    daily, now = evidence.daily, evidence.now
    assert isinstance(now, datetime)
    sums = daily[list(FLOWS)].sum() * factor
    month = evidence.periods.iloc[:1].assign(
        granularity="month",
        source="calendar_history/year",
        period_start=pd.Series([date(2025, 6, 1)], dtype=evidence.periods["period_start"].dtype).to_numpy(),
        **{name: float(sums[name]) for name in FLOWS},
    )
    nothing = empty_frame("reconciliation")
    rows = reconcile_periods(PeriodEvidence(daily, month, nothing, nothing, SITE, now, 48.0))
    mine = rows[rows["check_name"] == "month_vs_days"].set_index("measure")["left_wh"]
    assert mine.to_dict() == {name: float(daily[name].sum()) for name in MEASURES if name in mine.index}
    assert (sums.sum() == 0) == mine.empty
