"""Table `daily`: the best estimate of each local day, and how far it can be trusted.

The API gives a day's energy in several ways, and they differ (Q19, Q20, Q21). Here one of them is chosen by a simple rule; the
differences themselves are the subject of reconciliation.
"""

from collections.abc import Mapping
from datetime import date, datetime
from enum import IntEnum, StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.candidates import (
    IMPORT_SOURCES,
    MONTH_SERIES,
    POWER,
    day_candidates,
    imported_candidates,
    is_of_another_day,
    month_asked_us,
)
from transform.day_sums import (
    COLUMN,
    COMPARED,
    MEASURES,
    TOTALS,
    is_unknown_total,
    with_totals,
    without_unshared_parts,
)
from transform.frames import table_frame
from transform.local_calendar import Calendar, requested_until_us
from transform.sites import Site
from transform.time import Days, Ints, date_column
from warehouse.schema import FLOWS
from wattlog.tolerances import tolerance_wh

Mask = npt.NDArray[np.bool_]
Floats = npt.NDArray[np.float64]


BALANCED: Final = 5
"""How many values what charged the battery follows from, where a file does not have it."""

_COMPARED_AT: Final = [COLUMN[name] for name in COMPARED]


class DayStatus(StrEnum):
    """How far a day's values can be trusted."""

    AGREED = "agreed"
    SINGLE_SOURCE = "single_source"
    FILLED = "filled"
    ADJUSTED = "adjusted"
    PROVISIONAL = "provisional"
    MISSING = "missing"


class Finality(IntEnum):
    """When a source was asked for, relative to its day; smaller is better.

    A day that is over is still revised for some hours (Q12, Q13); one that is open is not even whole.
    """

    SETTLED = 0
    OVER = 1
    OPEN = 2


def daily(
    intervals: pd.DataFrame,
    periods: pd.DataFrame,
    power: pd.DataFrame,
    site: Site,
    first_day: date,
    last_day: date,
    now: datetime | Mapping[str, datetime],
    settle_hours: float,
    imported: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """The best estimate of each local day.

    **Shape**: frames of tables `energy_intervals`, `energy_periods` and `power` of one site, of any dates → one row of
    table `daily` per local day from `first_day` to `last_day`, both included. **Units**: Wh, %.

    Imported histories are only used for days of which the API has no response that is later than the day.
    **Source**: Q2, Q13, Q19, Q21, Q43.

    Args:
        intervals: Interval energy.
        periods: Energy by calendar period; rows of granularity `day` are used.
        power: Power, for days without stored energy.
        site: The site.
        first_day: First local day wanted.
        last_day: Last local day wanted.
        now: The time of the request (aware): a day that is not over and final by then is provisional. Where months were
            requested at different times: month (`YYYY-MM`) → its time.
        settle_hours: Hours after the end of a day until responses about it are final (Q12, Q13).
        imported: Table `import_days`; None for none.
    """
    calendar = Calendar.of(site, first_day, last_day, settle_hours)
    requested_us = requested_until_us(now, calendar)
    candidates = _graded(day_candidates(intervals, periods, power, site, calendar), calendar, requested_us)
    if imported is not None and len(imported):
        candidates = _with_imports(candidates, imported_candidates(imported, calendar), calendar)
    has_battery = site.has_battery_on(calendar.days)
    chosen = choose(candidates, has_battery).reindex(range(len(calendar.days)))
    chosen = without_partial_totals(chosen, calendar.days, has_battery)
    covered_s = np.bincount(calendar.index(intervals["local_date"]) + 1, intervals["interval_s"], len(chosen) + 1)[1:]
    is_covered_otherwise = (chosen["source"] == POWER) | chosen["source"].isin(IMPORT_SOURCES)
    covered_s = np.where(is_covered_otherwise, chosen["covered_s"], covered_s)
    return table_frame(
        "daily",
        {
            "site_id": site.site_id,
            "local_date": date_column(calendar.days),
            "status": statuses(chosen, candidates, month_dropped(periods, candidates, calendar)),
            "source": chosen["source"].astype("str"),
            "coverage_pct": np.minimum(100.0, covered_s / calendar.lengths_s * 100.0),
            **{name: chosen[name] for name in MEASURES},
        },
    )


def _graded(candidates: pd.DataFrame, calendar: Calendar, requested_us: Ints) -> pd.DataFrame:
    """Add `finality` to each candidate, and `preference`: the smallest is the best of a day, of equals the one of best rank.

    A candidate is complete up to when it was fetched, never later than its month's request. A sum that lacks some of its rows
    is no better than what was reported when the day was over, however late it was fetched.
    """
    at = candidates["day"].to_numpy(dtype=np.int64)
    asked_us = np.minimum(candidates["fetched_us"].to_numpy(dtype=np.int64), requested_us[at])
    is_settled, is_over = asked_us >= calendar.settled_us[at], asked_us >= calendar.ends_us[at]
    finality = np.where(is_settled, Finality.SETTLED, np.where(is_over, Finality.OVER, Finality.OPEN))
    is_incomplete = candidates["is_incomplete"].to_numpy(dtype=bool)
    return candidates.assign(
        finality=finality, preference=np.where(is_incomplete, np.maximum(finality, Finality.OVER), finality)
    )


def _with_imports(candidates: pd.DataFrame, imported: pd.DataFrame, calendar: Calendar) -> pd.DataFrame:
    """The API's candidates, and the imported ones of days of which the API has none that is later than the day.

    So an import changes no value of a better source; the differences between the two are the subject of reconciliation.
    """
    is_over = (candidates["finality"] <= Finality.OVER).to_numpy(dtype=bool)
    reported = candidates["day"].to_numpy(dtype=np.int64)[is_over]
    own = imported[~np.isin(imported["day"].to_numpy(dtype=np.int64), reported)]
    own = _graded(own, calendar, np.full(len(calendar.days), np.iinfo(np.int64).max))
    graded = own[own["finality"] <= Finality.OVER]  # what was imported before the day was over is a part of it
    if graded.empty:
        return candidates
    others = candidates[~np.isin(candidates["day"].to_numpy(np.int64), graded["day"].to_numpy(np.int64))]
    found = pd.concat([others, graded], ignore_index=True) if len(others) else graded.reset_index(drop=True)
    unrounded = {"rounding_wh": found["rounding_wh"].fillna(0.0)}
    return found.assign(**unrounded, is_charge_derived=found["is_charge_derived"].eq(True))


def choose(candidates: pd.DataFrame, has_battery: Mask) -> pd.DataFrame:
    """The preferred candidate of each day; a flow that it does not have is that of the next candidate that has it.

    A row of another day completes none (Q7): its flows are those of other hours.

    **Shape**: candidates with `day`, `preference`, `rank` → one row per day, indexed by `day`, with `is_completed`: some
    energy is of another source than `source`.

    Args:
        candidates: The candidates.
        has_battery: Whether the site has a battery on each day of the calendar.
    """
    ordered = candidates.sort_values(["day", "preference", "rank"])
    best = ordered.drop_duplicates("day").set_index("day")
    is_filled = (
        best["is_filled"].eq(True).to_numpy(dtype=bool) if "is_filled" in best else np.zeros(len(best), dtype=bool)
    )
    best = best.assign(is_completed=is_filled)
    flows = best[list(FLOWS)].to_numpy(dtype=np.float64)
    if len(best) == len(ordered) or not np.isnan(flows).any():
        return best
    own_days = ordered[~is_of_another_day(ordered["rank"].to_numpy(dtype=np.int64))]
    completed = own_days.groupby("day")[list(FLOWS)].first().reindex(best.index).to_numpy(dtype=np.float64)
    is_imported = best["source"].isin(IMPORT_SOURCES).to_numpy(dtype=bool)  # has totals that are no sums of its flows
    is_gained = np.asarray(np.isnan(flows) & ~np.isnan(completed) & ~is_imported[:, None])
    rows = np.flatnonzero(is_gained.any(axis=1))
    if len(rows) == 0:
        return best
    own, values = best[list(MEASURES)].to_numpy(dtype=np.float64), best[list(MEASURES)].to_numpy(dtype=np.float64)
    values[rows] = with_totals(completed[rows], has_battery[best.index.to_numpy()[rows]])
    values = np.where(is_unknown_total(own, values), np.nan, values)
    has_energy = np.asarray((np.where(is_gained, completed, 0.0) > 0.0).any(axis=1))
    return best.assign(is_completed=has_energy | is_filled, **dict(zip(MEASURES, values.T, strict=True)))


def without_partial_totals(chosen: pd.DataFrame, days: Days, has_battery: Mask) -> pd.DataFrame:
    """The chosen days, without totals that lack a part which most days of their month have, on some of them with energy.

    A part that the site never reports is none of the total's. Days before and after a battery was added are not alike.

    Args:
        chosen: One row per day.
        days: The days.
        has_battery: Whether the site has a battery on each of them.
    """
    values = chosen[list(MEASURES)].to_numpy(dtype=np.float64)
    has_parts = chosen["source"].notna() & (chosen["source"] != POWER) & ~chosen["source"].isin(IMPORT_SOURCES)
    is_split = has_parts.to_numpy(dtype=bool)
    months = days.astype("datetime64[M]").astype(np.int64) * 2 + has_battery
    for month in np.unique(months):
        mine = np.flatnonzero((months == month) & is_split)
        flows = values[mine, len(TOTALS) :]
        is_usual = ((~np.isnan(flows)).sum(axis=0) * 2 > len(mine)) & (np.nan_to_num(flows) > 0.0).any(axis=0)
        for total, parts in TOTALS.items():
            lacks = np.isnan(flows) & is_usual & np.isin(FLOWS, parts)
            values[mine[lacks.any(axis=1)], COLUMN[total]] = np.nan
    return chosen.assign(**{total: values[:, COLUMN[total]] for total in TOTALS})


def compared(chosen: pd.DataFrame, candidates: pd.DataFrame) -> pd.DataFrame:
    """Every other energy source of a day, compared with the chosen one.

    **Shape**: one row per day and other source: `day`, `finality` (of the other), `agrees`. A measure that one of the two
    does not have is no evidence; two sources without a measure in common are not compared.
    """
    day = candidates["day"].to_numpy(dtype=np.int64)
    preferred = chosen.iloc[day]
    is_other = (candidates["source"].to_numpy() != preferred["source"].to_numpy()) & (
        candidates["source"] != POWER
    ).to_numpy()
    left, right = (rows[list(MEASURES)].to_numpy(dtype=np.float64) for rows in (candidates, preferred))
    rows = np.maximum(candidates["rows"].to_numpy(np.float64), preferred["rows"].to_numpy(np.float64))
    # The totals of imported days are what their files have, not sums of parts.
    is_imported = candidates["source"].isin(IMPORT_SOURCES).to_numpy(dtype=bool)[:, np.newaxis]
    shared = without_unshared_parts(left, right), without_unshared_parts(right, left)
    left, right = (
        np.where(is_imported, own, values)[:, _COMPARED_AT] for own, values in zip((left, right), shared, strict=True)
    )
    difference = np.abs(left - right)
    tolerance = tolerance_wh(left, right, rows[:, np.newaxis])
    if "rounding_wh" in candidates:
        tolerance = np.maximum(tolerance, _rounding_wh(candidates) + _rounding_wh(preferred))
    agrees = np.asarray(~(difference > tolerance).any(axis=1))
    is_evident = np.asarray(is_other & ~np.isnan(difference).all(axis=1))
    others: pd.DataFrame = candidates.loc[is_evident, ["day", "finality"]]
    return others.assign(agrees=agrees[is_evident])


def _rounding_wh(rows: pd.DataFrame) -> Floats:
    """By how much each compared measure of imported days may be off through rounding, rows × `COMPARED`."""
    columns = rows[["rounding_wh", "is_charge_derived"]]
    return rounding_of(columns["rounding_wh"].to_numpy(np.float64), columns["is_charge_derived"].to_numpy(dtype=bool))


def rounding_of(rounding_wh: Floats, is_charge_derived: Mask) -> Floats:
    """By how much each compared measure may be off, rows × `COMPARED`: what follows from five others, five times as much.

    Args:
        rounding_wh: By how much a single value may be off.
        is_charge_derived: What charged the battery follows from the others.
    """
    found = np.repeat(rounding_wh[:, None], len(COMPARED), axis=1)
    found[:, COMPARED.index("battery_charge_wh")] *= np.where(is_charge_derived, BALANCED, 1)
    return found


def month_dropped(periods: pd.DataFrame, candidates: pd.DataFrame, calendar: Calendar) -> Mask:
    """Days that the month series lacks although it was asked for after them and has other days of their month (Q19)."""
    is_stored = np.isin(
        np.arange(len(calendar.days)), candidates.loc[candidates["source"] == MONTH_SERIES, "day"].to_numpy()
    )
    return np.asarray(~is_stored & (month_asked_us(periods, calendar) >= calendar.ends_us))


def statuses(chosen: pd.DataFrame, candidates: pd.DataFrame, is_dropped: Mask) -> list[str]:
    """How far each day can be trusted.

    Args:
        chosen: One row per day of the calendar, NULL throughout where no source has the day.
        candidates: All candidates.
        is_dropped: Days that the month series dropped.
    """
    others = compared(chosen, candidates)
    days = np.arange(len(chosen))
    differs = np.isin(days, others.loc[~others["agrees"] & (others["finality"] == Finality.SETTLED), "day"])
    agrees = np.isin(days, others.loc[others["agrees"], "day"])
    rules: list[tuple[Mask, DayStatus]] = [
        (chosen["source"].isna().to_numpy(), DayStatus.MISSING),
        ((chosen["finality"] != Finality.SETTLED).to_numpy(dtype=bool), DayStatus.PROVISIONAL),
        (np.asarray(is_dropped | chosen["is_completed"].fillna(False).to_numpy(dtype=bool)), DayStatus.FILLED),
        (differs, DayStatus.ADJUSTED),
        (agrees, DayStatus.AGREED),
    ]
    names = np.select([mask for mask, _ in rules], [name.value for _, name in rules], DayStatus.SINGLE_SOURCE.value)
    return [str(name) for name in names]
