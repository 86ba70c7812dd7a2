"""Series `history`: the endpoint that calendar_history replaced. It takes no dates: every response counts back from now.

Consecutive responses contain some of the same days, weeks and months, so a period belongs to the month in which it lies, not
to the month in which it was asked: the last response that contains it wins, whenever that was. Source: API.md#legacy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd

from transform.intervals import power_rows
from transform.observations import (
    Observations,
    gather,
    quarantine_and_revisions,
    quarantine_bad_values,
)
from transform.periods import period_rows
from transform.responses import RawResponse, Reason, ResponseFacts, Tables, records_of
from transform.sites import Site
from transform.time import days_of, epoch_us, local_days
from warehouse.schema import FLOWS
from wattlog.lake_periods import within
from wattlog.series import SERIES
from wattlog.series_spec import Series

POWER: Final = "power"

REACH: Final[dict[str, timedelta]] = {
    POWER: timedelta(days=2),
    "day": timedelta(days=2),
    "week": timedelta(days=8),
    "month": timedelta(days=35),
    "year": timedelta(days=400),
}
"""Kind or period of a response → how long before the request the oldest period in it may have ended: yesterday, seven days,
four weeks before this one, twelve months before this one, and some room. Source: API.md#legacy."""

LONGEST_PERIOD: Final = timedelta(days=31)
"""No period of these responses is longer than a month."""


@dataclass(frozen=True, slots=True)
class _Windowed:
    """A response of `/history` whose window is the days that it may contain; its series names its period."""

    raw_id: str
    run_id: str
    site_id: int
    series: str
    path: str
    window_start: date
    window_end: date
    requested_at: datetime
    status: int
    body: bytes


def shape_history(responses: Sequence[RawResponse], site: Site) -> Tables:
    """Responses of series `history` → tables `power` and `energy_periods`, `quarantine`, and `revisions` of what changed.

    A response names its period; one of powers has none. Energy whose period is not named, or of no known length, is
    quarantined.

    **Shape**: responses in any order → one row per instant of power, and one per granularity, period and source of energy, the
    last fetched; of all months that the responses contain. **Units**: W, Wh. **Source**: API.md#legacy, Q9, Q11, Q12, Q18.

    Raises:
        ValueError: A response is of another site or series.
    """
    observations = _with_windows(gather(responses, site, series={Series.HISTORY}, table=None))
    of_responses = np.array(
        [response.series.removeprefix("history/") for response in observations.responses], dtype="str"
    )
    of_rows = of_responses[observations.rows["response"]]
    energy = observations.part(of_rows != POWER)
    energy.rows = energy.rows[[name for name in energy.rows.columns if not name.endswith("_w")]]
    observations.rows = observations.rows.loc[
        of_rows == POWER, [name for name in observations.rows.columns if name not in FLOWS]
    ]
    observations.rows = observations.rows.reset_index(drop=True)
    return {
        "power": _powers(observations),
        "energy_periods": _periods(energy, of_responses),
        **quarantine_and_revisions(observations, energy),
    }


def without(legacy: pd.DataFrame, power: pd.DataFrame) -> pd.DataFrame:
    """The rows of table `power` from this endpoint for times that no row from calendar_history covers.

    Args:
        legacy: Rows from `/history`.
        power: Rows from calendar_history.
    """
    if legacy.empty or power.empty:
        return legacy
    begins, ends = _spans_us(power)
    order = np.argsort(begins, kind="stable")
    begins, ends = begins[order], np.maximum.accumulate(ends[order])
    mine_begin, mine_end = _spans_us(legacy)
    before_end = np.searchsorted(begins, mine_end, side="left")
    is_covered = (before_end > 0) & (ends[np.maximum(before_end - 1, 0)] > mine_begin)
    return legacy[~is_covered]


def _spans_us(power: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    begins = epoch_us(power["interval_start"])
    return begins, begins + power["interval_s"].to_numpy(dtype=np.int64) * 1_000_000


def of_period(frame: pd.DataFrame, period: str, site: Site) -> pd.DataFrame:
    """The rows of `power`, `energy_periods` or `revisions` that lie in a calendar month (`YYYY-MM`) or year of the site.

    A period lies where it begins; instants lie on the day by which the site's responses are cut, as their windows do (Q7).
    """
    if "period_start" in frame.columns:
        days = days_of(frame["period_start"])
    else:
        days = local_days(frame["interval_start"], site.clock if "interval_s" in frame.columns else site.zone)
    return frame[within(days, period)]


def _with_windows(observations: Observations) -> Observations:
    """The same rows under responses with a window, in days of the clock that the server had when it was asked (Q7)."""
    responses: list[RawResponse] = [
        _windowed(response, facts, observations.site)
        for response, facts in zip(observations.responses, observations.facts, strict=True)
    ]
    return replace(observations, responses=responses)


def _windowed(response: RawResponse, facts: ResponseFacts, site: Site) -> _Windowed:
    period = _period(response, facts)
    today = response.requested_at.astimezone(site.clock_at(response.requested_at)).date()
    return _Windowed(
        raw_id=response.raw_id,
        run_id=response.run_id,
        site_id=response.site_id,
        series=f"history/{period}",
        path=response.path,
        window_start=today - REACH.get(period, timedelta()),
        window_end=today + timedelta(days=1),
        requested_at=response.requested_at,
        status=response.status,
        body=response.body,
    )


def _period(response: RawResponse, facts: ResponseFacts) -> str:
    """The kind or period of a response: `power` where its rows are powers, else the period that it names."""
    rows = records_of(response.body, Series.HISTORY)
    has_power = any(isinstance(row, dict) and any(key.endswith("_power") for key in row) for row in rows)
    return POWER if has_power else facts.period or ""


def _powers(observations: Observations) -> pd.DataFrame:
    quarantine_bad_values(observations, "power")
    return power_rows(observations)


def _periods(observations: Observations, of_responses: np.ndarray) -> pd.DataFrame:
    """Rows of energy; those without a known period are quarantined first."""
    is_known = np.isin(of_responses, list(SERIES[Series.HISTORY].granularities))
    observations.quarantine(~is_known[observations.rows["response"]], Reason.CONTRACT)
    position = np.cumsum(is_known) - 1
    kept = [index for index, known in enumerate(is_known.tolist()) if known]
    observations.responses, observations.facts = (
        [observations.responses[index] for index in kept],
        [observations.facts[index] for index in kept],
    )
    observations.rows = observations.rows.assign(response=position[observations.rows["response"]])
    quarantine_bad_values(observations, "energy_periods")
    return period_rows(observations)
