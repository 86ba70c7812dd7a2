"""Days of several months, each requested at its own time: together they are what each month is alone."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pandas.testing import assert_frame_equal

from tests.examples import examples, instants
from tests.unit.transform.answers import BATTERY_SITE
from tests.unit.transform.reconciliation.evidence import FLOWS, WATTS, Row, SourceValues
from transform.daily import daily
from transform.reconciliation import DayEvidence, reconcile_days

SITE = replace(BATTERY_SITE, installed_at=None)
MONTHS = {"2025-05": (date(2025, 5, 30), date(2025, 5, 31)), "2025-06": (date(2025, 6, 1), date(2025, 6, 2))}
"""The last days of a month and the first of the next one."""

DAYS = [date(2025, 5, 30) + timedelta(days=ahead) for ahead in range(4)]
INSTANTS = instants(datetime(2025, 5, 30, 18, tzinfo=UTC), datetime(2025, 6, 9, tzinfo=UTC))
"""From the middle of the first day until all of them have settled."""


def evidence(asked: datetime, present: set[date], factor: int) -> DayEvidence:
    """Intervals and power of some days, and some rows of the weeks, which may differ."""
    flows: dict[date, Row] = {day: FLOWS for day in DAYS if day in present}
    rows: dict[date, Row] = {day: {name: 288 * value + factor for name, value in FLOWS.items()} for day in DAYS[:3]}
    sources = SourceValues(flows, {"week": rows}, dict.fromkeys(DAYS[1:], WATTS), asked=asked, site=SITE)
    return sources.evidence(DAYS[0], DAYS[-1])


def estimated(of: DayEvidence, first: date, last: date, now: datetime | dict[str, datetime]) -> pd.DataFrame:
    return daily(of.intervals, of.periods, of.power, SITE, first, last, now, 48.0)


@pytest.mark.slow
@examples(10)
@given(
    asked=INSTANTS,
    now=st.fixed_dictionaries(dict.fromkeys(MONTHS, INSTANTS)),
    present=st.sets(st.sampled_from(DAYS)),
    factor=st.sampled_from([0, 100, 5000]),
)
def test_months_together_are_what_each_is_alone(
    asked: datetime, now: dict[str, datetime], present: set[date], factor: int
) -> None:
    """Estimates and differences, whatever is missing, whenever each month was requested last."""
    given_ = evidence(asked, present, factor)
    together = estimated(given_, DAYS[0], DAYS[-1], now)
    alone = [estimated(given_, first, last, now[month]) for month, (first, last) in MONTHS.items()]
    assert_frame_equal(together, pd.concat(alone, ignore_index=True))

    def reconciled(first: date, last: date, instants: datetime | dict[str, datetime]) -> pd.DataFrame:
        return reconcile_days(replace(given_, daily=together, first_day=first, last_day=last, now=instants))

    of_months = [reconciled(first, last, now[month]) for month, (first, last) in MONTHS.items()]
    keys = ["period_start", "check_name", "measure"]
    found, expected = (
        frame.sort_values(keys, kind="stable").reset_index(drop=True)
        for frame in (reconciled(DAYS[0], DAYS[-1], now), pd.concat(of_months, ignore_index=True))
    )
    assert_frame_equal(found, expected, check_dtype=len(expected) > 0)
    one = reconciled(DAYS[0], DAYS[-1], dict.fromkeys(MONTHS, asked))
    assert_frame_equal(one, reconciled(DAYS[0], DAYS[-1], asked))
