"""`GET /energy_sites/{id}/calendar_history`: power, soe and energy by the window rule.

The rule (Q1): `end_date` on the site's clock picks the day, week, month or year that holds it; the answer runs from the
beginning of that period up to `end_date`, included. `start_date` and `time_zone` change nothing.
"""

from collections.abc import Callable
from datetime import date, timedelta
from enum import StrEnum

import numpy as np

from extract.simulator.energy_rows import EnergyRows, Series
from extract.simulator.local_day import Floats, Ints, day_bounds
from extract.simulator.metering import Metering
from extract.simulator.query import ApiError, Query, serial_number, zone_fields
from extract.simulator.site import FLOWS, POWERS

HOUR_S = 3600
QUARTER_S = 900


class Period(StrEnum):
    """Values of `period`."""

    DAY = "day"
    WEEK = "week"
    MONTH = "month"
    YEAR = "year"
    LIFETIME = "lifetime"


def calendar_history(query: Query) -> object:
    """The `response` of the endpoint.

    Raises:
        ApiError: 400, a parameter is missing or wrong.
    """
    kind = query.params.get("kind")
    if kind is None:
        raise ApiError(400, "kind is required")
    if kind not in KINDS:
        raise ApiError(400, f"kind `{kind}` is not supported")
    return KINDS[kind](query)


def metering(query: Query) -> Metering:
    """The truth up to the `end_date` asked; without one, up to now."""
    return Metering(query.truth, query.clock, query.now, query.instant("end_date") or query.now)


def power(query: Query) -> dict[str, object]:
    """kind=power: one day of mean powers, empty when asked exactly at midnight (Q2) or for a day to come."""
    meter = metering(query)
    epochs_s, watts = np.zeros(0, np.int64), np.zeros((len(POWERS), 0), np.float64)
    if not (meter.is_midnight or meter.asked_date > meter.last_date):
        epochs_s, watts = meter.power(meter.last_date)
        epochs_s, watts = _averaged(meter, epochs_s, watts, query.spec.power_interval_s)
        if query.spec.omits_night_rows:
            epochs_s, watts = epochs_s[watts.any(axis=0)], watts[:, watts.any(axis=0)]
    columns = dict(zip(POWERS, watts, strict=True))
    return _head(query) | {"time_series": Series(meter.clock, epochs_s, columns).render()}


def soe(query: Query) -> dict[str, object]:
    """kind=soe: one day of the state of energy, empty without a battery."""
    meter = metering(query)
    epochs_s, percent = np.zeros(0, np.int64), np.zeros(0, np.int64)
    if not (meter.is_midnight or meter.asked_date > meter.last_date):
        epochs_s, percent = meter.soe(meter.last_date)
    return _head(query) | {"time_series": Series(meter.clock, epochs_s, {"soe": percent}).render()}


def energy(query: Query) -> dict[str, object]:
    """kind=energy of any period; null rows when the window holds nothing (Q23)."""
    period = _period(query)
    meter = metering(query)
    first = max(_period_start(period, meter), meter.first_date)
    rows = None
    if first <= meter.last_date:
        rows = _intervals(query, meter) if _is_interval(query, period, first) else _dated(query, meter, period, first)
    body = None if rows is None or len(rows.epochs_s) == 0 else rows.render()
    return _head(query, period) | {"time_series": body}


KINDS: dict[str, Callable[[Query], object]] = {"power": power, "soe": soe, "energy": energy}


def _period(query: Query) -> Period:
    try:
        period = Period(query.params.get("period", ""))
    except ValueError as error:
        raise ApiError(
            400,
            "/api/v3/energy_site/energy_history => Period must either be 'day', 'week', 'month', 'year', or 'lifetime'",
        ) from error
    interval = query.params.get("interval")
    if interval is not None and (interval != "15m" or period is not Period.DAY):
        raise ApiError(400, f"interval `{interval}` is not supported with period `{period}`")
    return period


def _head(query: Query, period: Period | None = None) -> dict[str, object]:
    return {
        "serial_number": serial_number(query.spec),
        **({} if period is None else {"period": period.value}),
        **zone_fields(query.spec, query.now),
    }


def _averaged(meter: Metering, epochs_s: Ints, watts: Floats, step_s: int) -> tuple[Ints, Floats]:
    """Means over longer steps, as older solar-only sites give them."""
    starts, first = _steps(meter, epochs_s, step_s)
    if len(first) == 0 or step_s == 300:
        return epochs_s, watts
    return starts, np.add.reduceat(watts, first, axis=1) * 300 / step_s


def _steps(meter: Metering, epochs_s: Ints, step_s: int) -> tuple[Ints, Ints]:
    """Beginnings of the steps of a day that hold slots, and the index of the first slot of each."""
    start_s, _ = day_bounds(meter.clock, meter.last_date)
    steps, first = np.unique((epochs_s - start_s) // step_s, return_index=True)
    return np.asarray(steps * step_s + start_s, np.int64), np.asarray(first, np.int64)


def _period_start(period: Period, meter: Metering) -> date:
    """First day of the period that holds `end_date`; weeks begin on Monday. Source: Q1, API.md §5."""
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


def _is_interval(query: Query, period: Period, day: date) -> bool:
    """A day comes as intervals since 2024, before that only when quarter hours are asked for (Q10)."""
    return period is Period.DAY and ("interval" in query.params or day >= query.spec.five_minute_since)


def _intervals(query: Query, meter: Metering) -> EnergyRows:
    """Five-minute rows of a day, or quarter hours on request; all zero when asked exactly at midnight (Q2)."""
    epochs_s, values = meter.flows(meter.last_date)
    if meter.is_midnight:
        values = values * 0
    if "interval" in query.params and len(epochs_s):
        epochs_s, first = _steps(meter, epochs_s, QUARTER_S)
        values = np.add.reduceat(values, first, axis=1)
    return _rows(query, meter, epochs_s, values)


def _dated(query: Query, meter: Metering, period: Period, first: date) -> EnergyRows:
    """One row a day, month or year, stamped 01:00 of its first day (Q9).

    The first month and the first year begin with the installation: their row is stamped with its minute.
    """
    days = [first + timedelta(days=ahead) for ahead in range((meter.last_date - first).days + 1)]
    if period is Period.YEAR:
        days = [each for each in days if each.day == 1 or each == first]
    elif period is Period.LIFETIME:
        days = [each for each in days if (each.month, each.day) == (1, 1) or each == first]
    ends = [each - timedelta(days=1) for each in days[1:]] + [meter.last_date]
    values = np.stack([meter.sums(*span) for span in zip(days, ends, strict=True)], axis=1)
    epochs_s = np.array([day_bounds(meter.clock, each)[0] + HOUR_S for each in days], np.int64)
    if period in {Period.YEAR, Period.LIFETIME} and first == meter.first_date:
        epochs_s[0] = max(epochs_s[0], int(query.spec.installed_at.timestamp()) // 60 * 60)
    return _rows(query, meter, epochs_s, values)


def _rows(query: Query, meter: Metering, epochs_s: Ints, values: Ints) -> EnergyRows:
    return EnergyRows(meter.clock, epochs_s, dict(zip(FLOWS, values, strict=True)), query.spec.five_minute_since)
