"""What it costs to price energy: ten sites with ten years of five-minute rows, in the time of one sum over the same rows."""

import tempfile
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import numpy as np

from tests.bench.histories import Histories
from tests.bench.models import ONE_SUM, cpu_s_of, filled
from tests.bench.result import Limit, Result
from tests.tariffs import two_seasons
from transform.costs.flows import FLOWS, Intervals
from transform.costs.pricing import hourly_costs, priced_energy
from transform.costs.spans import DatedTariff, spans_of
from transform.tariffs import read_tariff
from wattlog.zones import zone_named

_SITES = "select site_id, timezone from main.sites order by site_id"
_ROWS = f"""
select epoch_us(interval_start) as starts_us, interval_s::bigint as length_s, {", ".join(FLOWS)}
from main.energy_intervals
where site_id = ?
order by interval_start
"""


def measure_ratio(histories: Histories) -> Iterator[Result]:
    """Measure 14: cost and credit of every hour by a tariff of two seasons; and the whole table, with what was saved."""
    sites, years, often = histories.sizes.sites, histories.sizes.years, histories.sizes.often
    first = datetime(2026 - years, 1, 1, tzinfo=UTC)
    with tempfile.TemporaryDirectory() as directory, filled(Path(directory), sites, f"{first:%Y-%m-%d}") as connection:
        one_sum = min(cpu_s_of(connection, ONE_SUM) for _ in range(often))
        priced, tabled = 0.0, 0.0
        for site_id, zone, intervals in _histories_of(connection):
            rounds = [_price(site_id, zone, intervals) for _ in range(often)]
            priced += min(of_round[0] for of_round in rounds)
            tabled += min(of_round[1] for of_round in rounds)
    size = f"{sites} sites × {years} y / one full-column sum"
    parts: dict[str, float | str] = {"one sum": one_sum, "priced": priced, "table": tabled}
    yield Result(14, f"price {size}", priced / one_sum, "×", Limit(20, 10), parts)
    yield Result(14, "  with its parts and what was saved, as a table", tabled / one_sum, "×", Limit(60, 30), parts)


def _histories_of(connection: duckdb.DuckDBPyConnection) -> Iterator[tuple[int, str, Intervals]]:
    """Each site's rows in memory, one site at a time."""
    for site_id, zone in connection.execute(_SITES).fetchall():
        found = connection.execute(_ROWS, [site_id]).fetchnumpy()
        flows = {name: np.ma.filled(found[name], 0.0) for name in FLOWS}
        yield site_id, zone, Intervals(np.asarray(found["starts_us"]), np.asarray(found["length_s"]), flows)


def _price(site_id: int, zone_name: str, intervals: Intervals) -> tuple[float, float]:
    """Seconds of the processor that pricing takes, and that the whole table takes; cutting time into spans included."""
    zone = zone_named(zone_name)
    if zone is None:
        raise ValueError(f"{zone_name} is no time zone")
    begin_us, end_us = int(intervals.starts_us[0]), int(intervals.ends_us[-1])
    tariffs = [DatedTariff(read_tariff(two_seasons()), 0)]
    began = time.process_time()
    spans = spans_of(begin_us, end_us, zone, tariffs)
    found = priced_energy(intervals, spans)
    priced = time.process_time() - began
    if not (found.import_nano[found.import_wh > 0] > 0).all():
        raise ValueError(f"site {site_id} has energy without a price")
    began = time.process_time()
    hourly_costs(site_id, intervals, spans_of(begin_us, end_us, zone, tariffs))
    return priced, time.process_time() - began
