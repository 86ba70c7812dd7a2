"""Series `energy_day`, `energy_month`, `energy_year`: energy by calendar period, as the API sums it up itself.

Rows are stamped 01:00 of the period's first day, of the installation for the first one, or, since 2024, may come finer than
the period asked for (Q9, Q10). Only the day of a stamp means anything; what stands for the same period is added up.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from transform.answer import Answer, Tables
from transform.frames import table_frame
from transform.parse import Parsed
from transform.sites import Site
from transform.slots import (
    Mask,
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
    """What the rows of a series stand for, and which `period` it is asked with."""

    granularity: Granularity
    period: str


GRAINS: Final[dict[str, Grain]] = {
    "energy_interval": Grain(Granularity.DAY, "day"),
    "energy_day": Grain(Granularity.DAY, "month"),
    "energy_month": Grain(Granularity.MONTH, "year"),
    "energy_year": Grain(Granularity.YEAR, "lifetime"),
}
"""Source: API.md §1.2, row granularity by period. `energy_interval` is here for its old era alone."""

_WITNESSES = frozenset({"day", "week", "month"})
"""Periods that may answer for series `energy_day`: week and day are asked where the month drops a day (Q19)."""

_NUMPY_UNIT: Final[dict[Granularity, str]] = {Granularity.DAY: "D", Granularity.MONTH: "M", Granularity.YEAR: "Y"}


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
    grains = [GRAINS[answer.series] for answer in slots.answers]
    units = np.array([_NUMPY_UNIT[each.granularity] for each in grains], dtype="str")
    slots.rows = slots.rows.assign(start=_floor(stamped(slots)[0], units[slots.rows["answer"]]))
    set_wrong_windows_aside(slots, _starts(slots), _ends(slots, units))
    discard_future(slots, _starts(slots) > _asked_on(slots))
    last_wins(slots, [slots.rows["answer"].to_numpy(), epoch_us(slots.rows["instant"])])
    if _add_up(slots):
        judge_values(slots, "energy_periods")
    sources = [_source(answer.series, parsed) for answer, parsed in zip(slots.answers, slots.parsed, strict=True)]
    codes = pd.Series(sources, dtype="category").cat.codes.to_numpy()
    keys = [codes[slots.rows["answer"]], _starts(slots).astype(np.int64)]
    note_changes(slots, keys, first_instants(_starts(slots), slots.site.zone), ~_is_partial(slots, units))
    last_wins(slots, keys)
    return table_frame(
        "energy_periods",
        {
            "site_id": slots.site.site_id,
            "granularity": slots.per_row([each.granularity.value for each in grains], "str"),
            "period_start": date_column(_starts(slots)),
            "source": slots.per_row(sources, "str"),
            "is_partial": _is_partial(slots, units),
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


def _floor(days: Days, units: Ints) -> Days:
    """First day of each day's calendar month or year, or the day itself."""
    starts = days.astype("datetime64[D]")
    for unit in ("M", "Y"):
        starts = np.where(units == unit, days.astype(f"datetime64[{unit}]").astype("datetime64[D]"), starts)
    return starts


def _starts(slots: Slots) -> Days:
    return slots.rows["start"].to_numpy().astype("datetime64[D]")


def _ends(slots: Slots, units: Ints) -> Days:
    """Last day of each row's period."""
    starts = _starts(slots)
    ends, mine = starts, units[slots.rows["answer"]]
    for unit in ("M", "Y"):
        following = (starts.astype(f"datetime64[{unit}]") + 1).astype("datetime64[D]")
        ends = np.where(mine == unit, following - 1, ends)
    return ends


def _asked_on(slots: Slots) -> Days:
    """The day on which each row's answer was asked, on the clock of that answer."""
    asked = pd.Series([each.requested_at for each in slots.answers], dtype="datetime64[us, UTC]")
    days = [local_days(asked.iloc[[index]], clock)[0] for index, clock in enumerate(slots.clocks)]
    return np.array(days, dtype="datetime64[D]")[slots.rows["answer"]]


def _add_up(slots: Slots) -> bool:
    """Add up the rows of one answer that stand for the same period, if there are such; tells whether there were.

    A measure that none of them has stays NULL.
    """
    keys = ["answer", "start"]
    if not slots.rows.duplicated(keys).any():
        return False
    groups = slots.rows.groupby(keys, sort=False)
    sums = groups[slots.measures].sum(min_count=1)
    firsts = groups[["row_number", "timestamp", "instant"]].first()
    slots.rows = pd.concat([firsts, sums], axis=1).reset_index()[list(slots.rows.columns)]
    return True


def _source(series: str, parsed: Parsed) -> str:
    """Endpoint and period that gave an answer's rows; the answer names the period itself."""
    period = GRAINS[series].period
    if series == "energy_day" and parsed.period in _WITNESSES:
        period = parsed.period
    return f"calendar_history/{period}"


def _is_partial(slots: Slots, units: Ints) -> Mask:
    """Whether the period was not over when asked, or the site was installed in the middle of it."""
    starts, ends = _starts(slots), _ends(slots, units)
    is_open = _asked_on(slots) <= ends
    if slots.site.installed_at is None:
        return np.asarray(is_open)
    installed = np.datetime64(slots.site.installed_at.astimezone(slots.site.zone).replace(tzinfo=None), "us")
    return np.asarray(is_open | ((starts < installed) & (installed < ends + 1)))
