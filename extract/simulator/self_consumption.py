"""kind=self_consumption: how much of the home's energy came from the sun and from the battery."""

import numpy as np

from extract.simulator.local_day import day_bounds, stamps
from extract.simulator.measures import FLOWS, HOME
from extract.simulator.query import Query
from extract.simulator.window import asked_period, metering, spans


def self_consumption(query: Query) -> dict[str, object]:
    """Percent of home use from solar and battery, the rest is grid; stamped 00:00, without zone and serial number."""
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
