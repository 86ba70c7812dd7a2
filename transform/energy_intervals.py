"""Series `energy_interval`: the energy of every few minutes, or of the whole day where the API still gave one row a day."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd

from transform.answer import Answer, Tables
from transform.energy_periods import periods, stamped
from transform.frames import table_frame
from transform.sites import Site
from transform.slots import Mask, Slots, aside, file_intervals, gather, interval_columns
from transform.time import Days, Ints, epoch_us
from warehouse.schema import FLOWS

DEFAULT_INTERVAL_S = 300
"""Assumed for an answer of a single row (API.md §1.2, kind=energy)."""

BESIDE = "energy_intervals_beside"
"""Name among the shaped tables of the intervals that gave way: they are in no table, but what they say is compared."""

FIVE_MINUTES_SINCE = np.datetime64("2024-04-08", "D")
"""About when the API went from one row a day to five-minute rows (fact 3, Q10)."""

_ONE_O_CLOCK = 60
"""Minute of the day with which a row is stamped that stands for the day (Q9)."""


def shape(answers: Sequence[Answer], site: Site) -> Tables:
    """Answers of series `energy_interval` → `energy_intervals`, and `quarantine` for what could not be used.

    A row that stands for its whole day (the old era) is no interval: it goes to `energy_periods` with granularity `day` and
    source `calendar_history/day`, and that table is among the answers only if there is such a row.

    Where answers of several lengths tell of the same time, it counts once (Q21). The rows that gave way are under `BESIDE`, in
    the columns of `energy_intervals`, if there are any.

    **Shape**: answers of any windows in any order → one row per instant, the last fetched. **Units**: Wh of the interval
    alone. **Source**: Q5, Q7, Q9, Q10, Q11, Q12, Q18, Q22.

    Raises:
        ValueError: An answer is of another site or series.
    """
    slots = gather(answers, site, series={"energy_interval"}, table="energy_intervals")
    is_day = _stands_for_its_day(slots)
    days = replace(slots, rows=slots.rows.loc[is_day].reset_index(drop=True), rejects=[], revisions=[])
    slots.keep(~is_day)
    file_intervals(slots, default_s=DEFAULT_INTERVAL_S)
    tables = {"energy_intervals": _intervals(slots)}
    if slots.beside is not None and len(slots.beside):
        tables[BESIDE] = _intervals(replace(slots, rows=slots.beside))
    if is_day.any():
        tables["energy_periods"] = periods(days)
    return {**tables, **aside(slots, days)}


def _intervals(slots: Slots) -> pd.DataFrame:
    return table_frame("energy_intervals", {**interval_columns(slots), **{name: slots.rows[name] for name in FLOWS}})


def _stands_for_its_day(slots: Slots) -> Mask:
    """Rows that are alone on their day and stamped 01:00, or 00:00 by the oldest vintage of the API (Q9).

    A lone row at midnight is the first interval of a day that has just begun, unless it is of the old era.
    """
    if slots.rows.empty:
        return np.zeros(0, dtype=bool)
    is_day = _are_alone(slots.rows["answer"].to_numpy(), slots.answer_days(), epoch_us(slots.rows["instant"]))
    if is_day.any():
        days, minutes = stamped(replace(slots, rows=slots.rows.loc[is_day]))
        is_day[is_day] = (minutes == _ONE_O_CLOCK) | ((minutes == 0) & (days < FIVE_MINUTES_SINCE))
    return np.asarray(is_day)


def _are_alone(answers: Ints, days: Days, instants: Ints) -> Mask:
    """Which rows stand at the only instant that their answer tells of on their day."""
    order = np.lexsort((instants, days, answers))
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = (np.diff(answers[order]) != 0) | (days[order][1:] != days[order][:-1])
    firsts = np.flatnonzero(is_first)
    is_alone = instants[order][firsts] == instants[order][np.append(firsts[1:], len(order)) - 1]
    found = np.empty(len(order), dtype=bool)
    found[order] = is_alone[np.cumsum(is_first) - 1]
    return found
