"""The window rule: which days a response covers.

The response covers the day, week, month, or year that contains `end_date` on the server's clock, from its beginning up to
and including `end_date`. `start_date` and `time_zone` have no effect. Source: Q1.
"""

from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from extract.simulator.endpoints.metering import Metering
from extract.simulator.endpoints.query import ApiError, Query
from extract.simulator.local_day import Ints, day_bounds, days_between

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
        ApiError: 400, the parameter is missing or unknown.
    """
    try:
        return Period(query.params.get("period", ""))
    except ValueError as error:
        allowed = "Period must either be 'day', 'week', 'month', 'year', or 'lifetime'"
        raise ApiError(400, f"/api/v3/energy_site/{endpoint} => {allowed}") from error


def metering(query: Query, period: Period = Period.DAY) -> Metering:
    """The truth up to the requested `end_date`; without one, up to now.

    An anomaly of the site may replace the `end_date` of a day (Q22).
    """
    end = query.instant("end_date") or query.now
    if period is Period.DAY:
        for anomaly in query.spec.anomalies:
            end = anomaly.redirect(end, query.clock, query.timing)
    spans = (anomaly.not_arrived(query.now) for anomaly in query.spec.anomalies)
    not_arrived = tuple((int(span[0].timestamp()), int(span[1].timestamp())) for span in spans if span is not None)
    return Metering(query.truth, query.clock, query.now, end, not_arrived)


def period_start(period: Period, meter: Metering) -> date:
    """First day of the period that contains `end_date`; weeks begin on Monday. Source: API.md#requests."""
    requested = meter.requested_date
    match period:
        case Period.DAY:
            return requested
        case Period.WEEK:
            return requested - timedelta(days=requested.weekday())
        case Period.MONTH:
            return requested.replace(day=1)
        case Period.YEAR:
            return date(requested.year, 1, 1)
        case Period.LIFETIME:
            return meter.first_date


def spans(period: Period, meter: Metering, days_before: int = 0) -> list[tuple[date, date]]:
    """First and last day of each row, from the installation on.

    A row is a day; for period=year it is a month, for period=lifetime a year. A day of which no measurement has arrived has no
    row.
    Of `days_before` see `Anomaly.days_before`.
    """
    is_of_days = period in {Period.DAY, Period.WEEK, Period.MONTH}
    first = period_start(period, meter) - timedelta(days=days_before if is_of_days else 0)
    first = max(first, meter.first_date)
    days = days_between(first, meter.last_date)
    if period is Period.YEAR:
        days = tuple(day for day in days if day.day == 1 or day == first)
    elif period is Period.LIFETIME:
        days = tuple(day for day in days if (day.month, day.day) == (1, 1) or day == first)
    if period not in {Period.YEAR, Period.LIFETIME}:
        return [(day, day) for day in days if not meter.has_nothing(day)]
    ends = [day - timedelta(days=1) for day in days[1:]] + [meter.last_date]
    return list(zip(days, ends, strict=False))


def span_stamps(period: Period, meter: Metering, rows: list[tuple[date, date]]) -> Ints:
    """Timestamps of the rows: 01:00 of their first day (Q9).

    The first month and the first year begin with the installation, and so does the timestamp of their row, in whole minutes.
    """
    epochs_s = np.array([day_bounds(meter.clock, first)[0] + HOUR_S for first, _ in rows], np.int64)
    if period in {Period.YEAR, Period.LIFETIME} and rows and rows[0][0] == meter.first_date:
        epochs_s[0] = max(epochs_s[0], int(meter.truth.spec.installed_at.timestamp()) // 60 * 60)
    return epochs_s
