"""Series `energy_day`, `energy_month`, `energy_year`: energy by calendar period, as the API sums it up itself.

Rows are stamped 01:00 of the period's first day, of the installation for the first one, or, since 2024, may come finer than
the period asked for (Q9, Q10). Only the day of a stamp means anything; what stands for the same period is added up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from transform.answer import Answer, Tables
from transform.frames import table_frame
from transform.parse import Parsed
from transform.sites import Site
from transform.slots import (
    Mask,
    Ranking,
    Slots,
    aside,
    discard_future,
    gather,
    judge_values,
    last_wins,
    note_changes,
    set_wrong_windows_aside,
)
from transform.time import Days, Ints, date_column, epoch_us, first_instants, local_days


class Granularity(StrEnum):
    """What one row of `energy_periods` stands for."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"


@dataclass(frozen=True, slots=True)
class Grain:
    """What the rows of a series stand for, and by which endpoint and `period` it is asked."""

    granularity: Granularity
    period: str
    endpoint: str = "calendar_history"


GRAINS: Final[dict[str, Grain]] = {
    "energy_interval": Grain(Granularity.DAY, "day"),
    "energy_day": Grain(Granularity.DAY, "month"),
    "energy_month": Grain(Granularity.MONTH, "year"),
    "energy_year": Grain(Granularity.YEAR, "lifetime"),
    "history/day": Grain(Granularity.DAY, "day", "history"),
    "history/week": Grain(Granularity.DAY, "week", "history"),
    "history/month": Grain(Granularity.WEEK, "month", "history"),
    "history/year": Grain(Granularity.MONTH, "year", "history"),
}
"""Source: API.md §1.2 and §1.6, row granularity by period. `energy_interval` is here for its old era alone; what begins with
`history/` are the periods of series `history`."""

_WITNESSES = frozenset({"day", "week", "month"})
"""Periods that may answer for series `energy_day`: week and day are asked where the month drops a day (Q19)."""

_NUMPY_UNIT: Final[dict[Granularity, str]] = {Granularity.MONTH: "M", Granularity.YEAR: "Y"}

_THURSDAY: Final = 4
"""Days from Sunday, with which weeks of `/history` begin (API.md §1.6), to the day that NumPy counts from."""

Names = npt.NDArray[np.str_]


def shape(answers: Sequence[Answer], site: Site) -> Tables:
    """Answers of the three period series → table `energy_periods`, and `quarantine` for what could not be used.

    **Shape**: answers of any windows in any order → one row per granularity, period and source, the last fetched.
    **Units**: Wh. **Source**: Q9, Q10, Q12, Q18, Q22.

    Raises:
        ValueError: An answer is of another site or series.
    """
    series = {"energy_day", "energy_month", "energy_year"}
    slots = gather(answers, site, series=series, table="energy_periods")
    frame = periods(slots)
    return {"energy_periods": frame, **aside(slots)}


def periods(slots: Slots) -> pd.DataFrame:
    """Rows of any period series as a frame of table `energy_periods`; wrong ones are set aside in `slots`."""
    grains = np.array([GRAINS[answer.series].granularity.value for answer in slots.answers], dtype="str")
    slots.rows = slots.rows.assign(start=first_days(stamped(slots)[0], grains[slots.rows["answer"]]))
    set_wrong_windows_aside(slots, _starts(slots), _ends(slots, grains))
    discard_future(slots, _starts(slots) > _asked_on(slots))
    last_wins(slots, Ranking.of(slots, [slots.rows["answer"].to_numpy(), epoch_us(slots.rows["instant"])]))
    if _add_up(slots):
        judge_values(slots, "energy_periods")
    sources = [_source(answer.series, parsed) for answer, parsed in zip(slots.answers, slots.parsed, strict=True)]
    codes = pd.Series(sources, dtype="category").cat.codes.to_numpy()
    ranking = Ranking.of(slots, [codes[slots.rows["answer"]], _starts(slots).astype(np.int64)])
    slots.rows = slots.rows.assign(is_partial=_is_partial(slots, grains))
    is_over = ~slots.rows["is_partial"].to_numpy(dtype=bool)
    note_changes(slots, ranking, first_instants(_starts(slots), slots.site.zone), is_over)
    last_wins(slots, ranking)
    return table_frame(
        "energy_periods",
        {
            "site_id": slots.site.site_id,
            "granularity": slots.per_row(grains.tolist(), "str"),
            "period_start": date_column(_starts(slots)),
            "source": slots.per_row(sources, "str"),
            "is_partial": slots.rows["is_partial"],
            **{name: slots.rows[name] for name in slots.measures},
            **slots.lineage,
        },
    )


def stamped(slots: Slots) -> tuple[Days, Ints]:
    """Day and minute of the day that each row is stamped with, by the offset it carries itself (Q9).

    A stamp in UTC (`Z`) says nothing of the site's clock, so it is read on the clock of its answer (Q18).
    """
    texts = pa.array(slots.rows["timestamp"], pa.string())
    days = np.asarray(pc.utf8_slice_codeunits(texts, 0, 10).cast(pa.date32()).to_numpy(zero_copy_only=False))
    hours = pc.utf8_slice_codeunits(texts, 11, 13).cast(pa.int64()).to_numpy()
    minutes = hours * 60 + pc.utf8_slice_codeunits(texts, 14, 16).cast(pa.int64()).to_numpy()
    is_utc = pc.match_substring_regex(texts, r"(Z|[+-]00:?00)$").to_numpy(zero_copy_only=False)
    walls = slots.answer_walls()
    wall_days = walls.astype("datetime64[D]")
    wall_minutes = (walls - wall_days) // np.timedelta64(1, "m")
    return np.where(is_utc, wall_days, days), np.where(is_utc, wall_minutes, minutes)


def first_days(days: Days, granularities: Names) -> Days:
    """First day of the calendar period of each day, by what its row stands for; weeks begin on Sunday (API.md §1.6)."""
    days = days.astype("datetime64[D]")
    weekdays = (days.astype(np.int64) + _THURSDAY) % 7
    starts = np.where(granularities == Granularity.WEEK.value, days - weekdays, days)
    for each, unit in _NUMPY_UNIT.items():
        firsts = days.astype(f"datetime64[{unit}]").astype("datetime64[D]")
        starts = np.where(granularities == each.value, firsts, starts)
    return np.asarray(starts, dtype="datetime64[D]")


def last_days(starts: Days, granularities: Names) -> Days:
    """Last day of each calendar period, included; `starts` are the first days."""
    ends = np.where(granularities == Granularity.WEEK.value, starts + 6, starts)
    for each, unit in _NUMPY_UNIT.items():
        following = (starts.astype(f"datetime64[{unit}]") + 1).astype("datetime64[D]")
        ends = np.where(granularities == each.value, following - 1, ends)
    return np.asarray(ends, dtype="datetime64[D]")


def _starts(slots: Slots) -> Days:
    return slots.rows["start"].to_numpy().astype("datetime64[D]")


def _ends(slots: Slots, grains: Names) -> Days:
    """Last day of each row's period."""
    return last_days(_starts(slots), grains[slots.rows["answer"]])


def _asked_on(slots: Slots) -> Days:
    """The day on which each row's answer was asked, on the clock of that answer."""
    asked = pd.Series([each.requested_at for each in slots.answers], dtype="datetime64[us, UTC]")
    days = np.zeros(len(asked), dtype="datetime64[D]")
    clocks = slots.clocks
    for clock in set(clocks):
        mine = np.array([each == clock for each in clocks])
        days[mine] = local_days(asked[mine], clock)
    return np.asarray(days[slots.rows["answer"].to_numpy()])


def _add_up(slots: Slots) -> bool:
    """Add up the rows of one answer that stand for the same period, if there are such; tells whether there were.

    A measure that none of them has stays NULL.
    """
    keys = ["answer", "start"]
    ranking = Ranking.of(slots, [slots.rows["answer"].to_numpy(), _starts(slots)])
    if ranking.is_last.all():
        return False
    groups = slots.rows.groupby(keys, sort=False)
    sums = groups[slots.measures].sum(min_count=1)
    firsts = groups[["row_number", "timestamp", "instant"]].first()
    slots.rows = pd.concat([firsts, sums], axis=1).reset_index()[list(slots.rows.columns)]
    return True


def _source(series: str, parsed: Parsed) -> str:
    """Endpoint and period that gave an answer's rows; the answer names the period itself."""
    grain = GRAINS[series]
    period = parsed.period if series == "energy_day" and parsed.period in _WITNESSES else grain.period
    return f"{grain.endpoint}/{period}"


def _is_partial(slots: Slots, grains: Names) -> Mask:
    """Whether the period was not over when asked, or the site was installed in the middle of it."""
    starts, ends = _starts(slots), _ends(slots, grains)
    is_open = _asked_on(slots) <= ends
    if slots.site.installed_at is None:
        return np.asarray(is_open)
    installed = np.datetime64(slots.site.installed_at.astimezone(slots.site.zone).replace(tzinfo=None), "us")
    return np.asarray(is_open | ((starts < installed) & (installed < ends + 1)))
