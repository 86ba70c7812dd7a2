"""A year of bills of the demo's first site, from responses to `analytics.bills`, against SQL that was written independently.

The simulator's anomalies are left out: with them, some months have no exact bill.
"""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import orjson
import pytest

from extract.archive.imported import ImportedFile
from extract.simulator import SCENARIOS, World, dated_tariffs
from flows.cli.demo import SCENARIO
from flows.imports import keep
from flows.pipeline import BackfillRequest
from tests.simulated import NOW, account
from warehouse.query.query import connect
from wattlog.series_spec import Series

pytestmark = pytest.mark.slow

ORACLE = """
with walls as (
    select *, timezone('America/Los_Angeles', interval_start) as wall
    from main.energy_intervals
),
bands as (
    select
        wall,
        grid_energy_imported_wh::bigint as bought_wh,
        (grid_energy_exported_from_solar_wh + grid_energy_exported_from_battery_wh
            + grid_energy_exported_from_generator_wh)::bigint as sold_wh,
        case when wall < timestamp '2025-08-01' then 'one' else 'two' end
            || case when month(wall) between 6 and 9 then ' summer' else ' winter' end
            || case
                when hour(wall) < 15 then ' off' when hour(wall) in (15, 21, 22, 23) then ' partial' else ' peak'
            end as name
    from walls
    where year(wall) = 2025
),
prices (name, buy, sell) as (
    values
        ('one summer off', 310000, 77500), ('one summer partial', 430000, 107500), ('one summer peak', 560000, 140000),
        ('one winter off', 290000, 72500), ('one winter partial', 330000, 82500), ('one winter peak', 370000, 92500),
        ('two summer off', 305720, 50000), ('two summer partial', 461210, 81250), ('two summer peak', 619830, 200000),
        ('two winter off', 284110, 50000), ('two winter partial', 350170, 65000), ('two winter peak', 402590, 110000)
)
select
    month(wall) as month,
    sum(bought_wh * buy - sold_wh * sell)
        + count(distinct wall::date) * case when month(wall) >= 8 then 793430000 else 0 end as billionths
from bands join prices using (name)
group by month
order by month
"""
"""Wh times millionths a kWh are billionths; the second tariff begins in August, with 0.79343 a day."""


def test_the_bills_of_a_year_equal_the_oracle(tmp_path: Path) -> None:
    """Both changes of the clocks, two seasons, two tariffs with five decimals, daily charges: to a hundredth of a cent."""
    demo = SCENARIOS[SCENARIO].world(NOW.date()).sites[0]
    place = tmp_path / "data"
    with account(World((replace(demo, anomalies=()),))) as served:
        asked = BackfillRequest(since=date(2025, 1, 1), until=date(2025, 12, 31), series=(Series.ENERGY_INTERVAL,))
        context = served.context(place)
        files = [
            (ImportedFile(demo.site_id, Series.TARIFF_FILE, orjson.dumps(document), "json", since), demo.zone)
            for since, document in dated_tariffs(demo)
        ]
        keep(context.open_archive(), files, context, "demo")
        assert served.run(place, asked).exit_code == 0
    with connect(place / "warehouse.duckdb") as connection:
        oracle = connection.execute(ORACLE).fetchall()
        ours = connection.execute(
            "select month(cycle_start), net_cost from analytics.bills where site_id = ? order by 1", [demo.site_id]
        ).fetchall()
    assert [month for month, _ in ours] == list(range(1, 13))
    for (_, billionths), (month, net_cost) in zip(oracle, ours, strict=True):
        assert abs(Decimal(billionths) / 10**9 - net_cost) < Decimal("0.0001"), month
    assert sum(net_cost for _, net_cost in ours) > 100
