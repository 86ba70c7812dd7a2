"""Days for which it is worth asking the witnesses: the week, and the day itself."""

from datetime import date
from typing import Final

import pandas as pd

from transform.candidates import MONTH_SERIES
from transform.reconciliation.vocabulary import Cause, Check, Verdict

CHECKS: Final = (Check.INTERVAL_VS_DAY.value, Check.DAY_VS_MONTH_SERIES.value)

PASSING: Final = (Cause.PARTIAL_PERIOD.value, Cause.REVISED.value)
"""Causes that go by themselves: such days will be asked again in any case."""


def doubtful_days(days: pd.DataFrame) -> list[date]:
    """Days that are missing from the month series, or that it tells differently than their intervals or rows do, or of which
    it alone tells, and that nothing flowed.

    Args:
        days: Rows of table `reconciliation` about days.

    Returns:
        The days in order, each once. A day that the witnesses have spoken of stays among them as long as it differs: the
        planner asks only what it has not asked.
    """
    is_month = days["check_name"].isin(CHECKS) & (days["right_source"] == MONTH_SERIES)
    is_off = days["verdict"].isin([Verdict.DIFFERS.value, Verdict.MISSING_RIGHT.value]) & ~days["cause"].isin(PASSING)
    is_alone = (days["check_name"] == Check.DAY_VS_MONTH_SERIES) & (days["verdict"] == Verdict.MISSING_LEFT)
    return sorted(set(days.loc[(is_month & (is_off | is_alone)).to_numpy(dtype=bool), "period_start"]))
