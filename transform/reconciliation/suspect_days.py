"""Suspect days, for which cross-check requests are worthwhile: the week series, and the day itself."""

from datetime import date
from typing import Final

import pandas as pd

from transform.candidates import MONTH_SERIES
from wattlog.causes import Cause, Check, Verdict

CHECKS: Final = (Check.INTERVAL_VS_DAY.value, Check.DAY_VS_MONTH_SERIES.value)

VERDICTS: Final = (Verdict.DIFFERS.value, Verdict.MISSING_RIGHT.value, Verdict.MISSING_LEFT.value)
"""Rows with other verdicts make no day suspect."""

PASSING: Final = (Cause.PARTIAL_PERIOD.value, Cause.REVISED.value)
"""Causes that disappear without a cross-check: such days are requested again in any case."""


def suspect_days(days: pd.DataFrame) -> list[date]:
    """Days that the month series lacks, or reports differently from other sources, or alone reports, with only zeros.

    Args:
        days: Rows of table `reconciliation` about days, at least those with one of `VERDICTS` for one of `CHECKS`.

    Returns:
        The days in order, each once. A day stays suspect after its cross-check as long as it differs; the planner requests
        nothing twice.
    """
    is_month = days["check_name"].isin(CHECKS) & (days["right_source"] == MONTH_SERIES)
    is_off = days["verdict"].isin([Verdict.DIFFERS.value, Verdict.MISSING_RIGHT.value]) & ~days["cause"].isin(PASSING)
    is_only_source = (days["check_name"] == Check.DAY_VS_MONTH_SERIES) & (days["verdict"] == Verdict.MISSING_LEFT)
    return sorted(set(days.loc[(is_month & (is_off | is_only_source)).to_numpy(dtype=bool), "period_start"]))
