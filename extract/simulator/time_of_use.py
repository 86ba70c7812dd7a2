"""kind=time_of_use_energy: the energy of each band of the tariff."""

from datetime import date

import numpy as np

from extract.simulator.contradiction import each_day
from extract.simulator.local_day import Ints, offsets_s
from extract.simulator.measures import FLOWS
from extract.simulator.metering import Metering
from extract.simulator.query import Query
from extract.simulator.site import Mode
from extract.simulator.table import Series, Table
from extract.simulator.tariff import Band, bands
from extract.simulator.window import asked_period, metering, span_stamps, spans


def time_of_use_energy(query: Query) -> object:
    """Energy rows by band; a band without any energy is left out.

    The empty string on a site that is not in time-of-use mode (Q23).
    """
    period = asked_period(query, "time_of_use_energy")
    if query.spec.mode is not Mode.AUTONOMOUS:
        return ""
    meter = metering(query, period)
    rows = spans(period, meter)
    epochs_s = span_stamps(period, meter, rows)
    answer: dict[str, object] = {}
    for band in Band:
        values = np.stack([_sums(meter, first, last, band) for first, last in rows], axis=1) if rows else None
        if values is not None and values.any():
            columns = dict(zip(FLOWS, values, strict=True))
            table = Table(Series.DAY, meter.clock, epochs_s, columns, query.spec.five_minute_since)
            answer[band.value] = {"time_series": table.render()}
    return answer


def _sums(meter: Metering, first: date, last: date, band: Band) -> Ints:
    total = np.zeros(len(FLOWS), np.int64)
    for day in each_day(first, last):
        epochs_s, values = meter.flows(day)
        local_s = (epochs_s + offsets_s(meter.clock, epochs_s)) % 86_400
        total += values[:, bands(local_s)[band]].sum(axis=1)
    return total
