"""`GET /energy_sites/{id}/calendar_history`: what `kind` chooses, and power, soe and energy themselves."""

from collections.abc import Callable

import numpy as np

from extract.simulator.backup import backup
from extract.simulator.local_day import SLOT_S, Floats, Ints, day_bounds
from extract.simulator.measures import FLOWS, POWERS
from extract.simulator.metering import Metering
from extract.simulator.query import ApiError, Query, serial_fields, zone_fields
from extract.simulator.savings import savings
from extract.simulator.self_consumption import self_consumption
from extract.simulator.table import Series, Table
from extract.simulator.time_of_use import time_of_use_energy
from extract.simulator.window import Period, asked_period, metering, span_stamps, spans

QUARTER_S = 900


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


def power(query: Query) -> dict[str, object]:
    """kind=power: one day of mean powers, empty when asked exactly at midnight (Q2) or for a day to come."""
    meter = metering(query)
    epochs_s, watts = np.zeros(0, np.int64), np.zeros((len(POWERS), 0), np.float64)
    if not (meter.is_midnight or meter.asked_date > meter.last_date):
        epochs_s, watts = power_slots(query, meter)
    table = Table(Series.POWER, meter.clock, epochs_s, dict(zip(POWERS, watts, strict=True)))
    return _head(query) | {"time_series": query.tell(table)}


def power_slots(query: Query, meter: Metering) -> tuple[Ints, Floats]:
    """A day's slots and mean powers, as closely as the site gives them."""
    epochs_s, watts = meter.power(meter.last_date)
    if query.spec.power_interval_s != SLOT_S and len(epochs_s):
        epochs_s, first = _steps(meter, epochs_s, query.spec.power_interval_s)
        watts = np.add.reduceat(watts, first, axis=1) * SLOT_S / query.spec.power_interval_s
    if query.spec.omits_night_rows:
        epochs_s, watts = epochs_s[watts.any(axis=0)], watts[:, watts.any(axis=0)]
    return epochs_s, watts


def soe(query: Query) -> dict[str, object]:
    """kind=soe: one day of the state of energy, empty without a battery."""
    meter = metering(query)
    epochs_s, percent = np.zeros(0, np.int64), np.zeros(0, np.int64)
    if not (meter.is_midnight or meter.asked_date > meter.last_date):
        epochs_s, percent = meter.soe(meter.last_date)
    return _head(query) | {"time_series": query.tell(Table(Series.SOE, meter.clock, epochs_s, {"soe": percent}))}


def energy(query: Query) -> dict[str, object]:
    """kind=energy of any period; null rows when the window holds nothing (Q23)."""
    period = asked_period(query)
    interval = query.params.get("interval")
    if interval is not None and (interval != "15m" or period is not Period.DAY):
        raise ApiError(400, f"interval `{interval}` is not supported with period `{period}`")
    meter = metering(query, period)
    rows = spans(period, meter)
    table = None
    if rows and interval is not None:
        table = _quarters(query, meter)
    elif rows and period is Period.DAY and rows[0][0] >= query.spec.five_minute_since:
        table = _energy_table(query, Series.INTERVALS, *_slots(meter))
    elif rows and period in {Period.WEEK, Period.MONTH} and query.spec.has_sub_daily_periods:
        parts = [meter.flows(day) for day, _ in rows]
        epochs_s, values = np.concatenate([each[0] for each in parts]), np.concatenate([each[1] for each in parts], 1)
        table = _energy_table(query, _SERIES[period], epochs_s, values)
    elif rows:
        values = np.stack([meter.sums(*span) for span in rows], axis=1)
        table = _energy_table(query, _SERIES[period], span_stamps(period, meter, rows), values)
    told = None if table is None else query.tell(table)
    return _head(query, period) | {"time_series": told or None}


KINDS: dict[str, Callable[[Query], object]] = {
    "power": power,
    "soe": soe,
    "energy": energy,
    "backup": backup,
    "self_consumption": self_consumption,
    "time_of_use_energy": time_of_use_energy,
    "savings": savings,
}

_SERIES = {
    Period.DAY: Series.DAY,
    Period.WEEK: Series.WEEK,
    Period.MONTH: Series.MONTH,
    Period.YEAR: Series.YEAR,
    Period.LIFETIME: Series.LIFETIME,
}


def _head(query: Query, period: Period | None = None) -> dict[str, object]:
    return {
        **serial_fields(query.spec),
        **({} if period is None else {"period": period.value}),
        **zone_fields(query.spec, query.now),
    }


def _energy_table(query: Query, series: Series, epochs_s: Ints, values: Ints) -> Table:
    columns = dict(zip(FLOWS, values, strict=True))
    return Table(series, query.clock, epochs_s, columns, query.spec.five_minute_since)


def _slots(meter: Metering) -> tuple[Ints, Ints]:
    """The five-minute slots of a day; all zero when asked exactly at midnight (Q2)."""
    epochs_s, values = meter.flows(meter.last_date)
    return epochs_s, values * 0 if meter.is_midnight else values


def _quarters(query: Query, meter: Metering) -> Table:
    """Quarter hours of a day; asked exactly at midnight, a whole day of numbers that mean nothing (Q2)."""
    if meter.is_midnight and query.spec.has_midnight_garbage:
        epochs_s = np.arange(*day_bounds(meter.clock, meter.last_date), QUARTER_S, dtype=np.int64)
        noise = np.random.default_rng([query.spec.seed, meter.last_date.toordinal(), QUARTER_S])
        return _energy_table(query, Series.QUARTERS, epochs_s, noise.integers(0, 900, (len(FLOWS), len(epochs_s))))
    epochs_s, values = _slots(meter)
    if len(epochs_s):
        epochs_s, first = _steps(meter, epochs_s, QUARTER_S)
        values = np.add.reduceat(values, first, axis=1)
    return _energy_table(query, Series.QUARTERS, epochs_s, values)


def _steps(meter: Metering, epochs_s: Ints, step_s: int) -> tuple[Ints, Ints]:
    """Beginnings of the steps of a day that hold slots, and the index of the first slot of each."""
    start_s, _ = day_bounds(meter.clock, meter.last_date)
    steps, first = np.unique((epochs_s - start_s) // step_s, return_index=True)
    return np.asarray(steps * step_s + start_s, np.int64), np.asarray(first, np.int64)
