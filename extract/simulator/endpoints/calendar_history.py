"""`GET /energy_sites/{id}/calendar_history`: the kinds, of which power, soe, energy, and self_consumption are here."""

from collections.abc import Callable
from datetime import date, timedelta
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from extract.simulator.endpoints.events import backup
from extract.simulator.endpoints.metering import Metering
from extract.simulator.endpoints.query import ApiError, Query, serial_fields, zone_fields
from extract.simulator.endpoints.tariff import savings, time_of_use_energy
from extract.simulator.endpoints.window import Period, asked_period, metering, span_stamps, spans
from extract.simulator.local_day import SLOT_S, Floats, Ints, day_bounds, stamps
from extract.simulator.measures import FLOWS, HOME, POWERS
from extract.simulator.table import Series, Table

QUARTER_S = 900

Number = TypeVar("Number", np.int64, np.float64)


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
    """kind=power: mean powers of one day; empty if `end_date` is exactly midnight (Q2) or in a future day."""
    meter = metering(query)
    epochs_s, watts = np.zeros(0, np.int64), np.zeros((len(POWERS), 0), np.float64)
    if not (meter.is_midnight or meter.requested_date > meter.last_date):
        epochs_s, watts = power_slots(query, meter)
    table = Table(Series.POWER, meter.clock, epochs_s, dict(zip(POWERS, watts, strict=True)))
    return _head(query) | {"time_series": query.rows_of(table)}


def power_slots(query: Query, meter: Metering) -> tuple[Ints, Floats]:
    """Slots and mean powers of a day, at the resolution of the site."""
    epochs_s, watts = _of_day(query, meter, meter.power)
    if query.spec.power_interval_s != SLOT_S and len(epochs_s):
        epochs_s, first = _steps(meter, epochs_s, query.spec.power_interval_s)
        watts = np.add.reduceat(watts, first, axis=1) * SLOT_S / query.spec.power_interval_s
    if query.spec.omits_night_rows:
        epochs_s, watts = epochs_s[watts.any(axis=0)], watts[:, watts.any(axis=0)]
    return epochs_s, watts


def soe(query: Query) -> dict[str, object]:
    """kind=soe: state of energy of one day; empty without a battery."""
    meter = metering(query)
    epochs_s, percent = np.zeros(0, np.int64), np.zeros(0, np.int64)
    if not (meter.is_midnight or meter.requested_date > meter.last_date):
        epochs_s, percent = _of_day(query, meter, meter.soe)
    return _head(query) | {"time_series": query.rows_of(Table(Series.SOE, meter.clock, epochs_s, {"soe": percent}))}


def energy(query: Query) -> dict[str, object]:
    """kind=energy of any period; `time_series` is null if the window has no rows (Q23)."""
    period = asked_period(query)
    interval = query.params.get("interval")
    if interval is not None and (interval != "15m" or period is not Period.DAY):
        raise ApiError(400, f"interval `{interval}` is not supported with period `{period}`")
    meter = metering(query, period)
    rows = spans(period, meter, query.days_before)
    table = None
    if rows and interval is not None:
        table = _quarters(query, meter)
    elif rows and period is Period.DAY and rows[-1][0] >= query.spec.five_minute_since:
        table = _energy_table(query, Series.INTERVALS, *_slots(query, meter))
    elif rows and period in {Period.WEEK, Period.MONTH} and query.spec.has_sub_daily_periods:
        parts = [meter.flows(day) for day, _ in rows]
        epochs_s = np.concatenate([starts_s for starts_s, _ in parts])
        values = np.concatenate([flows for _, flows in parts], axis=1)
        table = _energy_table(query, _SERIES[period], epochs_s, values)
    elif rows:
        values = np.stack([meter.sums(*span) for span in rows], axis=1)
        table = _energy_table(query, _SERIES[period], span_stamps(period, meter, rows), values)
    listed = None if table is None else query.rows_of(table)
    return _head(query, period) | {"time_series": listed or None}


def self_consumption(query: Query) -> dict[str, object]:
    """kind=self_consumption: percent of home use from solar and from battery; the rest is from the grid.

    Timestamps are 00:00, and the response has no zone and no serial number.
    """
    period = asked_period(query, "self_consumption")
    meter = metering(query, period)
    rows = spans(period, meter)
    texts = stamps(meter.clock, np.array([day_bounds(meter.clock, first)[0] for first, _ in rows], np.int64))
    series = []
    for text, (first, last) in zip(texts, rows, strict=True):
        wh = dict(zip(FLOWS, meter.sums(first, last).tolist(), strict=True))
        home = sum(wh[name] for name in HOME)
        solar = wh["consumer_energy_imported_from_solar"] * 100 / home if home else 0
        battery = wh["consumer_energy_imported_from_battery"] * 100 / home if home else 0
        series.append({"timestamp": text, "solar": solar, "battery": battery})
    return {"period": period.value, "time_series": series}


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
    """Fields of a response beside its rows."""
    return {
        **serial_fields(query.spec),
        **({} if period is None else {"period": period.value}),
        **zone_fields(query.spec, query.now),
    }


def _energy_table(query: Query, series: Series, epochs_s: Ints, values: Ints) -> Table:
    columns = dict(zip(FLOWS, values, strict=True))
    return Table(series, query.clock, epochs_s, columns, query.spec.five_minute_since)


def _of_day(
    query: Query, meter: Metering, read: Callable[[date], tuple[Ints, npt.NDArray[Number]]]
) -> tuple[Ints, npt.NDArray[Number]]:
    """Instants and values of the requested day.

    Anomalies of the site may move both its ends to an earlier instant, or add days before it (Q22).
    """
    epochs_s, values = read(meter.last_date)
    for number in range(1, query.days_before + 1):
        day = meter.last_date - timedelta(days=number)
        if day >= meter.first_date:
            before_s, before = read(day)
            epochs_s, values = np.concatenate([before_s, epochs_s]), np.concatenate([before, values], axis=-1)
    lag_s = sum(int(anomaly.lag(query.timing).total_seconds()) for anomaly in query.spec.anomalies)
    if not lag_s:
        return epochs_s, values
    before_s, before = read(meter.last_date - timedelta(days=1))
    start_s, end_s = day_bounds(meter.clock, meter.last_date)
    epochs_s, values = np.concatenate([before_s, epochs_s]), np.concatenate([before, values], axis=-1)
    keep = (epochs_s >= start_s - lag_s) & (epochs_s < end_s - lag_s)
    return epochs_s[keep], values[..., keep]


def _slots(query: Query, meter: Metering) -> tuple[Ints, Ints]:
    """The five-minute slots of a day; all zero if `end_date` is exactly midnight (Q2)."""
    epochs_s, values = _of_day(query, meter, meter.flows)
    return epochs_s, values * 0 if meter.is_midnight else values


def _quarters(query: Query, meter: Metering) -> Table:
    """Quarter hours of a day; if `end_date` is exactly midnight, a whole day of meaningless numbers (Q2)."""
    if meter.is_midnight and query.spec.has_midnight_garbage:
        epochs_s = np.arange(*day_bounds(meter.clock, meter.last_date), QUARTER_S, dtype=np.int64)
        noise = np.random.default_rng([query.spec.seed, meter.last_date.toordinal(), QUARTER_S])
        return _energy_table(query, Series.QUARTERS, epochs_s, noise.integers(0, 900, (len(FLOWS), len(epochs_s))))
    epochs_s, values = _slots(query, meter)
    if len(epochs_s):
        epochs_s, first = _steps(meter, epochs_s, QUARTER_S)
        values = np.add.reduceat(values, first, axis=1)
    return _energy_table(query, Series.QUARTERS, epochs_s, values)


def _steps(meter: Metering, epochs_s: Ints, step_s: int) -> tuple[Ints, Ints]:
    """Beginnings of the steps of a day that contain slots, and the index of the first slot of each."""
    start_s, _ = day_bounds(meter.clock, meter.last_date)
    steps, first = np.unique((epochs_s - start_s) // step_s, return_index=True)
    return np.asarray(steps * step_s + start_s, np.int64), np.asarray(first, np.int64)
