"""Whatever the API does to a day's rows, the energy that comes out is the energy that went in."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import pandas as pd
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from tests.examples import examples
from tests.unit.transform.answers import BATTERY_SITE, KeptAnswer, answer, checked, energy_row, slots
from transform.daily import daily
from transform.intervals import shape_energy_intervals, shape_power
from transform.periods import shape_periods
from transform.responses import Tables
from warehouse.schema import API_FLOWS, FLOWS
from wattlog.zones import Zone

EARLY = datetime(2026, 1, 1, tzinfo=UTC)
LATE = datetime(2026, 1, 2, tzinfo=UTC)


@dataclass(frozen=True)
class Case:
    """A few days of one site, and the responses that report them, in every bad form that the API has."""

    zone: str
    days: list[date]
    answers: list[KeptAnswer]
    truth: pd.DataFrame


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Days around changes of offset; rows missing, doubled, in disorder, early responses with other values."""
    zone, change = draw(
        st.sampled_from(
            [
                ("America/Los_Angeles", date(2025, 11, 2)),
                ("America/Los_Angeles", date(2025, 3, 9)),
                ("Australia/Lord_Howe", date(2025, 4, 6)),
                ("Australia/Lord_Howe", date(2025, 10, 5)),
                ("Pacific/Chatham", date(2025, 9, 28)),
                ("Asia/Kolkata", date(2025, 6, 10)),
            ]
        )
    )
    random = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    days = [change + timedelta(days=ahead) for ahead in range(draw(st.integers(1, 2)))]
    loss = draw(st.sampled_from([0.0, 0.01, 0.02]))
    answers: list[KeptAnswer] = []
    truth: list[dict[str, object]] = []
    for day in days:
        stamps = [stamp for stamp in slots(day, Zone(zone)) if random.random() >= loss]
        flows = random.integers(0, 60_000, (len(stamps), len(API_FLOWS)))
        rows = [
            energy_row(stamp, **dict(zip(API_FLOWS, row, strict=True)))
            for stamp, row in zip(stamps, flows.tolist(), strict=True)
        ]
        truth += [{"day": day, **dict(zip(FLOWS, row, strict=True))} for row in flows.tolist()]
        early = [energy_row(stamp, solar_energy_exported=1) for stamp in stamps[: len(stamps) // 2]]
        doubled = [
            {**row, "timestamp": stamp.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")}
            for stamp, row in zip(stamps[::50], rows[::50], strict=True)
        ]
        final = [*rows, *doubled]
        final = [final[index] for index in random.permutation(len(final))]
        named = {"installation_time_zone": zone}
        answers.append(answer("energy_interval", early, day=day, asked=EARLY, raw_id=f"early-{day}", envelope=named))
        answers.append(answer("energy_interval", final, day=day, asked=LATE, raw_id=f"late-{day}", envelope=named))
    return Case(zone, days, answers, pd.DataFrame(truth))


def shaped(case: Case, answers: list[KeptAnswer]) -> Tables:
    return checked(shape_energy_intervals(answers, replace(BATTERY_SITE, timezone=case.zone)))


def assert_same(left: Tables, right: Tables) -> None:
    assert left.keys() == right.keys()
    for name in left:
        assert_frame_equal(left[name], right[name])


@examples(25)
@given(case=cases())
def test_every_watt_hour_of_every_flow_and_day_is_there_once(case: Case) -> None:
    """Σ in = Σ out to the Wh, in sixteen flows, per local day; nothing goes to quarantine."""
    tables = shaped(case, case.answers)
    assert len(tables["energy_intervals"]) == len(case.truth)
    stored = tables["energy_intervals"].groupby("local_date")[list(FLOWS)].sum()
    expected = case.truth.groupby("day")[list(FLOWS)].sum()
    assert stored.to_numpy().tolist() == expected.to_numpy().tolist()
    assert stored.index.tolist() == expected.index.tolist()
    assert len(tables["quarantine"]) == 0


@examples(10)
@given(case=cases(), seed=st.integers(0, 2**16))
def test_the_order_of_responses_and_their_repetition_mean_nothing(case: Case, seed: int) -> None:
    """Idempotent: the same responses once more, or the other way round, make the same tables."""
    order = np.random.default_rng(seed).permutation(len(case.answers))
    mixed = [case.answers[index] for index in order]
    once = shaped(case, case.answers)
    assert_same(once, shaped(case, mixed))
    assert_same(once, shaped(case, [*mixed, *case.answers]))


@examples(10)
@given(case=cases())
def test_days_apart_make_the_same_rows_as_days_together(case: Case) -> None:
    """A chunk of one day or of many: rows do not depend on what else was in the call."""
    together = shaped(case, case.answers)["energy_intervals"]
    apart = [
        shaped(case, [answer for answer in case.answers if answer.window_start == day])["energy_intervals"]
        for day in case.days
    ]
    assert_frame_equal(together, pd.concat(apart, ignore_index=True))


@examples(10)
@given(case=cases())
def test_the_day_is_the_sum_of_its_intervals(case: Case) -> None:
    """`daily` adds nothing and loses nothing, on days of every length."""
    intervals = shaped(case, case.answers)["energy_intervals"]
    site = replace(BATTERY_SITE, timezone=case.zone)
    nothing = shape_periods([], site)["energy_periods"]
    frame = daily(intervals, nothing, shape_power([], site)["power"], site, case.days[0], case.days[-1], LATE, 48)
    stored = frame[frame["status"] != "missing"]
    expected = case.truth.groupby("day")[list(FLOWS)].sum().loc[stored["local_date"].tolist()]
    assert stored[list(FLOWS)].to_numpy().tolist() == expected.to_numpy().tolist()
    assert (frame["coverage_pct"] <= 100.0).all()


@examples(30)
@given(
    values=st.lists(st.one_of(st.integers(0, 10**6), st.floats(0, 1e6)), min_size=1, max_size=30),
    seed=st.integers(0, 2**16),
)
def test_daily_rows_of_a_month_keep_their_values_in_any_order(values: list[float], seed: int) -> None:
    """Q9: rows stamped 01:00, whatever their order, are the days of the month with exactly the values given."""
    days = [date(2025, 6, 1) + timedelta(days=index) for index in range(len(values))]
    rows = [
        energy_row(f"{day}T01:00:00-07:00", solar_energy_exported=value)
        for day, value in zip(days, values, strict=True)
    ]
    mixed = [rows[index] for index in np.random.default_rng(seed).permutation(len(rows))]
    given_answer = answer("energy_day", mixed, day=date(2025, 6, 1), until=date(2025, 6, 30))
    frame = checked(shape_periods([given_answer], BATTERY_SITE))["energy_periods"].sort_values("period_start")
    assert frame["period_start"].tolist() == days
    assert frame["solar_energy_exported_wh"].tolist() == [float(value) for value in values]
