"""Measures 6 and 10: publishing a night beside publishing everything, and a query of the lake beside one of the warehouse."""

import json
import time
from collections.abc import Iterator
from pathlib import Path

import duckdb

from tests.bench.child import module, run
from tests.bench.fleet_lake import LAST_YEAR, fleet, one_more_night
from tests.bench.histories import Histories
from tests.bench.result import Limit, Result
from warehouse.lake.lake import Lake
from warehouse.query.query import connect

DAILY_SUMS = f"""
select
    site_id,
    local_date,
    sum(solar_energy_exported_wh) as solar_wh,
    sum(grid_energy_imported_wh) as grid_wh,
    sum(battery_energy_exported_wh) as battery_wh
from main.energy_intervals
where local_date between '{LAST_YEAR - 1}-01-01' and '{LAST_YEAR - 1}-12-31'
group by site_id, local_date
"""


def measure_publishing(histories: Histories) -> Iterator[Result]:
    """Measure 6: the new rows of one night are in the newest month of every site."""
    sizes = histories.sizes
    directory = histories.directory / "fleet"
    lake, sites = fleet(directory, sizes.sites, sizes.years)
    warehouse = directory / "warehouse.duckdb"
    whole = min(_publish(lake, warehouse, "anew", "whole") for _ in range(min(2, sizes.rounds)))
    nights = []
    for night in range(1, sizes.rounds + 1):
        one_more_night(lake, sites, night)
        nights.append(_publish(lake, warehouse, "", "changes"))
    name = f"publish one new day / everything, {sizes.sites} sites × {sizes.years} y"
    yield Result(
        6, name, min(nights) / whole * 100, "%", Limit(10, 3), {"one new day": min(nights), "everything": whole}
    )


def measure_in_place(histories: Histories) -> Iterator[Result]:
    """Measure 10: one year's daily sums over the whole fleet."""
    sizes = histories.sizes
    directory = histories.directory / "fleet"
    lake, _ = fleet(directory, sizes.sites, sizes.years)
    published, views = directory / "warehouse.duckdb", directory / "views.duckdb"
    if not published.exists():
        _publish(lake, published, "anew", "whole")
    _publish(lake, views, "views", "views")
    with connect(published) as stored, connect(views) as in_place:
        assert sorted(stored.execute(DAILY_SUMS).fetchall()) == sorted(in_place.execute(DAILY_SUMS).fetchall())
        pairs = [(_cpu_s(in_place), _cpu_s(stored)) for _ in range(sizes.often)]
    over_lake, over_warehouse = (min(side) for side in zip(*pairs, strict=True))
    name = f"a year's daily sums, lake in place / warehouse, {sizes.sites} sites × {sizes.years} y"
    parts: dict[str, float | str] = {"lake in place": over_lake, "warehouse": over_warehouse}
    yield Result(10, name, over_lake / over_warehouse, "×", Limit(3.0, 1.5), parts)


def _publish(lake: Lake, warehouse: Path, how: str, loading: str) -> float:
    """CPU of one publishing, by a process of its own."""
    found = json.loads(run(module("publish", lake.root, warehouse, how)).output)
    assert found["loading"] == loading, found
    return float(found["cpu_s"])


def _cpu_s(connection: duckdb.DuckDBPyConnection) -> float:
    began = time.process_time()
    connection.execute(DAILY_SUMS).fetchall()
    return time.process_time() - began
