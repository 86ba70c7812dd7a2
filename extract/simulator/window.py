"""The window rule: which days an answer is about.

`end_date` on the server's clock picks the day, week, month or year that holds it; the answer runs from the beginning of
that period up to `end_date`, included. `start_date` and `time_zone` change nothing. Source: Q1.
"""

from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from extract.simulator.contradiction import each_day
from extract.simulator.local_day import Ints, day_bounds
from extract.simulator.metering import Metering
from extract.simulator.query import ApiError, Query

HOUR_S = 3600


class Period(StrEnum):
    """Values of `period`."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    LIFETIME = "lifetime"


def asked_period(query: Query, endpoint: str = "energy_history") -> Period:
    """The parameter `period`, which has no default.

    Raises:
        ApiError: 400, it is missing or unknown.
    """
    try:
        return Period(query.params.get("period", ""))
    except ValueError as error:
        wanted = "Period must either be 'day', 'week', 'month', 'year', or 'lifetime'"
        raise ApiError(400, f"/api/v3/energy_site/{endpoint} => {wanted}") from error


def metering(query: Query, period: Period = Period.DAY) -> Metering:
    """The truth up to the `end_date` asked; without one, up to now.

    A day's window may be cut elsewhere than asked, where the site has such a contradiction (Q22).
    """
    end = query.instant("end_date") or query.now
    if period is Period.DAY:
        for each in query.spec.contradictions:
            end = each.redirect(end, query.clock, query.moment)
    return Metering(query.truth, query.clock, query.now, end)


def period_start(period: Period, meter: Metering) -> date:
    """First day of the period that holds `end_date`; weeks begin on Monday. Source: API.md §5."""
    asked = meter.asked_date
    match period:
        case Period.DAY:
            return asked
        case Period.WEEK:
            return asked - timedelta(days=asked.weekday())
        case Period.MONTH:
            return asked.replace(day=1)
        case Period.YEAR:
            return date(asked.year, 1, 1)
        case Period.LIFETIME:
            return meter.first_date


def spans(period: Period, meter: Metering) -> list[tuple[date, date]]:
    """First and last day of each row: days, in a year months, in a lifetime years; nothing before the installation."""
    first = max(period_start(period, meter), meter.first_date)
    days = each_day(first, meter.last_date)
    if period is Period.YEAR:
        days = tuple(each for each in days if each.day == 1 or each == first)
    elif period is Period.LIFETIME:
        days = tuple(each for each in days if (each.month, each.day) == (1, 1) or each == first)
    ends = [each - timedelta(days=1) for each in days[1:]] + [meter.last_date]
    return list(zip(days, ends, strict=False))


def span_stamps(period: Period, meter: Metering, rows: list[tuple[date, date]]) -> Ints:
    """What the rows are stamped with: 01:00 of their first day (Q9).

    The first month and the first year begin with the installation: their row is stamped with its minute.
    """
    epochs_s = np.array([day_bounds(meter.clock, first)[0] + HOUR_S for first, _ in rows], np.int64)
    if period in {Period.YEAR, Period.LIFETIME} and rows and rows[0][0] == meter.first_date:
        epochs_s[0] = max(epochs_s[0], int(meter.truth.spec.installed_at.timestamp()) // 60 * 60)
    return epochs_s
