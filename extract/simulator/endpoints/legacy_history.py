"""`GET /energy_sites/{id}/history`: the endpoint that calendar_history replaced. Source: API.md#legacy.

It has no `end_date`: every response ends now.
"""

from datetime import date, timedelta
from itertools import pairwise

import numpy as np

from extract.simulator.endpoints.metering import Metering
from extract.simulator.endpoints.query import ApiError, Query, serial_fields
from extract.simulator.endpoints.window import HOUR_S, Period, asked_period
from extract.simulator.local_day import Ints, day_bounds
from extract.simulator.measures import FLOWS, POWERS
from extract.simulator.table import Series, Table

Span = tuple[date, date]
NEVER = date(9000, 1, 1)
GONE = "No longer supported: Use 'calendar_history' /v3/energy_site/{kind}_history instead"


def history(query: Query) -> dict[str, object]:
    """The `response` of the endpoint.

    Raises:
        ApiError: 410, the endpoint is retired for the account, or never had this kind; 400, a parameter is wrong.
    """
    kind = query.params.get("kind", "")
    if not query.world.has_legacy_history or kind == "backup":
        raise ApiError(410, GONE.format(kind=kind or "energy"))
    if kind not in {"power", "energy"}:
        raise ApiError(400, f"kind `{kind}` is not supported")
    meter = Metering(query.truth, query.clock, query.now, query.now)
    if kind == "power":
        return serial_fields(query.spec) | {"time_series": _power(meter).render()}
    period = asked_period(query)
    rows = [span for span in _spans(period, meter.last_date) if span[1] >= meter.first_date]
    table = _energy(period, meter, rows)
    return serial_fields(query.spec) | {"period": period.value, "time_series": table.render()}


def _power(meter: Metering) -> Table:
    """Mean powers from the beginning of yesterday to now."""
    parts = [meter.power(meter.last_date - timedelta(days=1)), meter.power(meter.last_date)]
    epochs_s = np.concatenate([starts_s for starts_s, _ in parts])
    watts = np.concatenate([powers for _, powers in parts], axis=1)
    return Table(Series.POWER, meter.clock, epochs_s, dict(zip(POWERS, watts, strict=True)))


def _spans(period: Period, today: date) -> list[Span]:
    """First and last day of each row.

    For period=day: yesterday and today. For week: the seven days before today. For month: the four weeks (Sunday to
    Saturday) before the current one. For year: the twelve months before the current one.
    """
    match period:
        case Period.DAY:
            return [(today - timedelta(days=back),) * 2 for back in (1, 0)]
        case Period.WEEK:
            return [(today - timedelta(days=back),) * 2 for back in range(7, 0, -1)]
        case Period.MONTH:
            sunday = today - timedelta(days=(today.weekday() + 1) % 7)
            starts = [sunday - timedelta(weeks=back) for back in range(4, 0, -1)]
            return [(start, start + timedelta(days=6)) for start in starts]
        case Period.YEAR:
            number = today.year * 12 + today.month - 1
            firsts = [date(month // 12, month % 12 + 1, 1) for month in range(number - 12, number + 1)]
            return [(first, after - timedelta(days=1)) for first, after in pairwise(firsts)]
        case Period.LIFETIME:
            raise ApiError(400, "Period must either be 'day', 'week', 'month', or 'year'")


def _energy(period: Period, meter: Metering, rows: list[Span]) -> Table:
    """Rows in the old format; the timestamp of a week is in its Saturday."""
    stamped_days = [last if period is Period.MONTH else first for first, last in rows]
    epochs_s: Ints = np.array([day_bounds(meter.clock, day)[0] + HOUR_S for day in stamped_days], np.int64)
    sums = [meter.sums(max(first, meter.first_date), last) for first, last in rows]
    values = np.stack(sums, axis=1) if sums else np.zeros((len(FLOWS), 0), np.int64)
    return Table(Series.DAY, meter.clock, epochs_s, dict(zip(FLOWS, values, strict=True)), modern_since=NEVER)
