"""Series `history`: the endpoint that calendar_history replaced. It knows no dates: everything is told from now.

Each asking tells some of the same days, weeks and months again, so a period belongs to the month it lies in, not to the month
in which it was asked: the last answer that told of it wins, whenever that was. Source: API.md §1.6.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Final

import numpy as np
import pandas as pd

from transform.answer import Answer, Tables
from transform.energy_periods import GRAINS, periods
from transform.parse import Parsed
from transform.power import powers
from transform.quarantine import Reason
from transform.sites import Site
from transform.slots import Mask, Slots, aside, gather, judge_values
from transform.time import days_of, epoch_us, local_days
from warehouse.schema import FLOWS

POWER: Final = "power"

REACH: Final[dict[str, timedelta]] = {
    POWER: timedelta(days=2),
    "day": timedelta(days=2),
    "week": timedelta(days=8),
    "month": timedelta(days=35),
    "year": timedelta(days=400),
}
"""Kind or period of an answer → how long before its asking the oldest period in it may have ended: yesterday, seven days, four
weeks before this one, twelve months before this one, and some room. Source: API.md §1.6."""

LONGEST_PERIOD: Final = timedelta(days=31)
"""No period of these answers is longer than a month."""


@dataclass(frozen=True, slots=True)
class _Told:
    """An answer of `/history` with the days that it may tell of as its window; its series says which period it is of."""

    raw_id: str
    run_id: str
    site_id: int
    series: str
    window_start: date
    window_end: date
    requested_at: datetime
    status: int
    body: bytes


def shape(answers: Sequence[Answer], site: Site) -> Tables:
    """Answers of series `history` → tables `power` and `energy_periods`, `quarantine`, and `revisions` of what changed.

    An answer names its period; one of powers has none. Energy whose period is not named, or of no known length, stands for
    nothing that could be filed and is set aside.

    **Shape**: answers in any order → one row per instant of power, and one per granularity, period and source of energy, the
    last fetched; of all months that the answers tell of. **Units**: W, Wh. **Source**: API.md §1.6, Q9, Q11, Q12, Q18.

    Raises:
        ValueError: An answer is of another site or series.
    """
    slots = _with_windows(gather(answers, site, series={"history"}, table=None))
    of_answers = np.array([each.series.removeprefix("history/") for each in slots.answers], dtype="str")
    of_rows = of_answers[slots.rows["answer"]]
    energy = replace(slots, rows=slots.rows.loc[of_rows != POWER], rejects=[], revisions=[])
    energy.rows = energy.rows[[name for name in energy.rows.columns if not name.endswith("_w")]].reset_index(drop=True)
    slots.rows = slots.rows.loc[of_rows == POWER, [name for name in slots.rows.columns if name not in FLOWS]]
    slots.rows = slots.rows.reset_index(drop=True)
    return {"power": _powers(slots), "energy_periods": _periods(energy, of_answers), **aside(slots, energy)}


def without(legacy: pd.DataFrame, power: pd.DataFrame) -> pd.DataFrame:
    """The rows of table `power` from this endpoint that tell of a time of which calendar_history tells nothing.

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
    is_told = (before_end > 0) & (ends[np.maximum(before_end - 1, 0)] > mine_begin)
    return legacy[~is_told]


def _spans_us(power: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
    begins = epoch_us(power["interval_start"])
    return begins, begins + power["interval_s"].to_numpy(dtype=np.int64) * 1_000_000


def of_month(frame: pd.DataFrame, month: str, site: Site) -> pd.DataFrame:
    """The rows of `power`, `energy_periods` or `revisions` that lie in a calendar month (`YYYY-MM`) of the site.

    A period lies where it begins; instants lie on the day that the site's answers are cut by, as their windows do (Q7).
    """
    if "period_start" in frame.columns:
        days = days_of(frame["period_start"])
    else:
        days = local_days(frame["interval_start"], site.clock if "interval_s" in frame.columns else site.zone)
    is_mine: Mask = days.astype("datetime64[M]") == np.datetime64(month, "M")
    return frame[is_mine]


def _with_windows(slots: Slots) -> Slots:
    """The same rows under answers that know what they may tell of, and by which clock (Q7)."""
    parsed = [replace(each, time_zone_offset=slots.site.clock_offset_minutes) for each in slots.parsed]
    answers: list[Answer] = [
        _told(answer, each, slots.site) for answer, each in zip(slots.answers, parsed, strict=True)
    ]
    return replace(slots, answers=answers, parsed=parsed)


def _told(answer: Answer, parsed: Parsed, site: Site) -> _Told:
    period = _period(parsed)
    today = answer.requested_at.astimezone(site.clock).date()
    return _Told(
        raw_id=answer.raw_id,
        run_id=answer.run_id,
        site_id=answer.site_id,
        series=f"history/{period}",
        window_start=today - REACH.get(period, timedelta()),
        window_end=today + timedelta(days=1),
        requested_at=answer.requested_at,
        status=answer.status,
        body=answer.body,
    )


def _period(parsed: Parsed) -> str:
    """What an answer is of, by what it holds: rows of powers, or the period that it names itself."""
    has_power = any(isinstance(row, dict) and any(key.endswith("_power") for key in row) for row in parsed.records)
    return POWER if has_power else parsed.period or ""


def _powers(slots: Slots) -> pd.DataFrame:
    judge_values(slots, "power")
    return powers(slots)


def _periods(slots: Slots, of_answers: np.ndarray) -> pd.DataFrame:
    """Rows of energy; first those set aside whose period is none, for they have no grain."""
    is_known = np.isin(of_answers, [name.removeprefix("history/") for name in GRAINS if name.startswith("history/")])
    slots.set_aside(~is_known[slots.rows["answer"]], Reason.CONTRACT)
    position = np.cumsum(is_known) - 1
    kept = [index for index, known in enumerate(is_known.tolist()) if known]
    slots.answers, slots.parsed = [slots.answers[index] for index in kept], [slots.parsed[index] for index in kept]
    slots.rows = slots.rows.assign(answer=position[slots.rows["answer"]])
    judge_values(slots, "energy_periods")
    return periods(slots)
