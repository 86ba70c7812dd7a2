"""Capacity of the battery, from live readings and from discharges: literal rows, and the truth of a fading one."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from statistics import mean
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest

from extract.simulator import SiteSpec, Truth
from tests.unit.warehouse.conftest import Database, Row
from warehouse.models import MODELS
from warehouse.schema import TABLES

UTC_SITE: dict[str, Any] = {"site_id": 1001, "timezone": "UTC", "has_battery": True, "nameplate_energy_wh": 13_500.0}
QUARTER = timedelta(minutes=15)


def _discharge(day: date, levels: list[float], wh: float, *, charge_wh: float = 0.0) -> Iterator[tuple[str, Row]]:
    """Points of state of energy every quarter hour from 18:00, and what was discharged between two of them."""
    begins = datetime(day.year, day.month, day.day, 18, tzinfo=UTC)
    for at, level in enumerate(levels):
        stamp = {"interval_start": begins + at * QUARTER, "local_date": day, "interval_s": 900}
        yield "state_of_energy", stamp | {"soe_pct": level}
        if at + 1 < len(levels):
            flows = {"battery_energy_exported_wh": wh, "battery_energy_imported_from_solar_wh": charge_wh}
            yield "energy_intervals", stamp | flows


def _rows(*parts: Iterator[tuple[str, Row]], **more: list[Row]) -> dict[str, list[Row]]:
    found: dict[str, list[Row]] = {"sites": [UTC_SITE], "state_of_energy": [], "energy_intervals": [], **more}
    for part in parts:
        for table, row in part:
            found[table].append(row)
    return found


def _days(count: int, month: int = 3, **more: Any) -> list[Iterator[tuple[str, Row]]]:
    return [_discharge(date(2025, month, 1 + at), [90, 80, 70, 60, 50], **{"wh": 1300.0} | more) for at in range(count)]


def test_capacity_is_energy_by_fall_of_the_level(database: Database) -> None:
    """Five evenings of 40 points and 5.2 kWh each: 13 kWh; equal residuals leave the error of rounding alone."""
    connection = database(_rows(*_days(5)), "battery_capacity")
    found = connection.execute(
        "select month, spans, span_pct, span_kwh, capacity_kwh, capacity_low_kwh, capacity_high_kwh, live_readings "
        "from analytics.battery_capacity"
    ).fetchall()
    error = 13 * np.sqrt(5 / 6) / 200 * (1.96 + 2.372 / 4 + 2.823 / 16)
    assert found == [
        (date(2025, 3, 1), 5, pytest.approx(200), pytest.approx(26), pytest.approx(13), pytest.approx(13 - error),
         pytest.approx(13 + error), 0)
    ]  # fmt: skip


@pytest.mark.parametrize(
    "parts",
    [
        _days(4),
        [_discharge(date(2025, 3, 1 + at), [90, 85, 81], wh=600.0) for at in range(20)],
        [_discharge(date(2025, 3, 1 + at), [90, 79], wh=1400.0) for at in range(8)],
        _days(6, charge_wh=50.0),
    ],
    ids=["four spans", "spans of nine points", "ninety points in all", "charged meanwhile"],
)
def test_thin_evidence_is_no_capacity(database: Database, parts: list[Iterator[tuple[str, Row]]]) -> None:
    connection = database(_rows(*parts), "battery_capacity")
    assert connection.execute("select * from analytics.battery_capacity").fetchall() == []


def test_live_readings_stand_beside_the_estimate(database: Database) -> None:
    live: list[Row] = [
        {"observed_at": datetime(2025, 3, day, tzinfo=UTC), "total_pack_energy_wh": wh}
        for day, wh in ((1, 13_100.0), (2, 13_300.0), (3, 13_200.0), (4, 0.0), (5, None))
    ]
    connection = database(_rows(live_status=live), "battery_capacity")
    query = "select live_capacity_kwh, live_readings, capacity_kwh, spans from analytics.battery_capacity"
    assert connection.execute(query).fetchall() == [(13.2, 3, None, 0)]


def test_health_is_beside_the_first_year_and_the_rated_energy(database: Database) -> None:
    """The first twelve months are one figure; a month after it is compared with that and with 13.5 kWh."""
    parts = [*_days(5, month=1), *_days(5, month=12, wh=1260.0)]
    later = [_discharge(date(2026, 2, 1 + at), [90, 80, 70, 60, 50], wh=1170.0) for at in range(5)]
    connection = database(_rows(*parts, *later), "battery_health")
    found = connection.execute(
        "select month, capacity_kwh, first_year_kwh, of_first_year_pct, of_nameplate_pct from analytics.battery_health "
        "order by month"
    ).fetchall()
    assert [row[0].month for row in found] == [1, 12, 2]
    assert [row[1] for row in found] == pytest.approx([13.0, 12.6, 11.7])
    assert [row[2] for row in found] == pytest.approx([12.8] * 3)
    assert found[2][3:] == (pytest.approx(100 * 11.7 / 12.8), pytest.approx(100 * 11.7 / 13.5))


def _history(spec: SiteSpec, first: date, last: date) -> tuple[pd.DataFrame, pd.DataFrame]:
    """State of energy and energy of intervals of a simulated site, as they are stored."""
    days = list(Truth(spec).days(first, last))
    soe = pd.DataFrame(
        {
            "interval_start": np.concatenate([day.soe_start for day in days]),
            "soe_pct": np.concatenate([day.soe_pct for day in days]).astype(float),
            "local_date": np.concatenate([np.full(len(day.soe_start), np.datetime64(day.local_date)) for day in days]),
            "interval_s": 900,
        }
    )
    energy = pd.DataFrame(
        {
            "interval_start": np.concatenate([day.interval_start for day in days]),
            "local_date": np.concatenate(
                [np.full(len(day.interval_start), np.datetime64(day.local_date)) for day in days]
            ),
            "interval_s": 300,
        }
        | {f"{name}_wh": np.concatenate([day.flows[name] for day in days]).astype(float) for name in days[0].flows}
    )
    return soe, energy


@pytest.mark.slow
@pytest.mark.parametrize(("seed", "fade", "energy_wh"), [(3, 2.5, 13_500), (11, 4.0, 27_000)])
def test_truth_of_a_fading_battery_lies_in_the_interval(
    database: Database, seed: int, fade: float, energy_wh: int
) -> None:
    """Three years: in nine of ten months the capacity in the middle of the month is inside, and the intervals are narrow."""
    spec = SiteSpec(
        seed=seed,
        installed_at=datetime(2022, 1, 1, 12, tzinfo=UTC),
        battery_energy_wh=energy_wh,
        battery_fade_pct_per_year=fade,
        time_zone="America/Los_Angeles",
    )
    connection = database({"sites": [UTC_SITE | {"timezone": "America/Los_Angeles"}]}, "battery_capacity")
    connection.execute("drop table analytics.battery_capacity")
    for name, frame in zip(
        ("state_of_energy", "energy_intervals"), _history(spec, date(2022, 1, 2), date(2024, 12, 31)), strict=True
    ):
        table = TABLES[name]
        lineage: dict[str, Any] = {
            "site_id": 1001,
            "_fetched_at": pd.Timestamp("2026-01-01", tz="UTC"),
            "_raw_id": "x",
            "_run_id": "x",
        }
        whole = frame.assign(**lineage).reindex(columns=list(table.columns))
        connection.from_arrow(
            pa.Table.from_pandas(whole, schema=table.arrow_schema(), preserve_index=False)
        ).insert_into(f"main.{name}")
    connection.execute(MODELS["battery_capacity"].statement.sql)
    found = connection.execute(
        "select month, capacity_kwh, capacity_low_kwh, capacity_high_kwh from analytics.battery_capacity order by month"
    ).fetchall()
    assert len(found) == 36
    true_kwh = [spec.on(month + timedelta(days=14)).battery_energy_wh / 1000 for month, *_ in found]
    inside = [low <= true <= high for true, (_, _, low, high) in zip(true_kwh, found, strict=True)]
    assert mean(inside) >= 0.9, [true - row[1] for true, row in zip(true_kwh, found, strict=True)]
    assert mean(high - low for _, _, low, high in found) < 0.03 * energy_wh / 1000
    assert found[-1][1] < found[0][1] * (1 - 0.02 * fade)
