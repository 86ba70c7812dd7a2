"""kind=savings and savings_forecast: what the site saved, day by day."""

from datetime import date, timedelta

import numpy as np

from extract.simulator.local_day import as_instants, day_bounds, offsets_s
from extract.simulator.measures import EXPORTS, FLOWS
from extract.simulator.metering import Metering
from extract.simulator.query import ApiError, Query
from extract.simulator.tariff import BUY, SELL_SHARE, bands, season
from extract.simulator.window import asked_period, metering, spans


def savings(query: Query) -> list[dict[str, object]]:
    """One value a day up to yesterday, stamped in UTC: about a day behind. Source: API.md §1.2.

    Raises:
        ApiError: 400, there is no tariff.
    """
    if not query.spec.has_tariff:
        raise ApiError(400, "/api/v3/energy_site/savings_forecast => Tariff not found by tariffID:")
    period = asked_period(query, "savings_forecast")
    meter = metering(query, period)
    yesterday = meter.last_date - timedelta(days=1)
    days = [day for first, last in spans(period, meter) for day in _between(first, min(last, yesterday))]
    starts = np.array([day_bounds(meter.clock, day)[0] for day in days], np.int64)
    texts = np.datetime_as_string(as_instants(starts)).tolist()
    return [{"timestamp": f"{text}Z", "value": _value(meter, day)} for text, day in zip(texts, days, strict=True)]


def _between(first: date, last: date) -> list[date]:
    return [first + timedelta(days=ahead) for ahead in range((last - first).days + 1)]


def _value(meter: Metering, day: date) -> float:
    """What the home did not have to buy, plus what was sold."""
    epochs_s, values = meter.flows(day)
    flow = dict(zip(FLOWS, values, strict=True))
    own = flow["consumer_energy_imported_from_solar"] + flow["consumer_energy_imported_from_battery"]
    sold = np.sum([flow[name] for name in EXPORTS], axis=0)
    local_s = (epochs_s + offsets_s(meter.clock, epochs_s)) % 86_400
    prices = BUY[season(day)]
    worth = sum(
        float((own[inside].sum() + sold[inside].sum() * SELL_SHARE) * prices[band] / 1000)
        for band, inside in bands(local_s).items()
    )
    return round(worth, 2)
