"""Both interval variants of some days, with all known faults of the API: shifts are found, and nothing else is.

The expected differences are calculated independently here, from the responses, slot by slot and in whole numbers.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import numpy as np
import orjson
import pandas as pd
import pytest

from extract.simulator import (
    AllocationShift,
    Anomaly,
    CloudGap,
    DuplicateInstants,
    GapStyle,
    KilowattHours,
    MissingColumns,
    SiteSpec,
    UnknownColumn,
)
from extract.simulator.local_day import day_bounds
from tests.mixture_requests import SETTLE_HOURS, RequestedWindow, SiteRequest, site_of
from transform.frames import empty_frame
from transform.intervals import SUPERSEDED, shape_energy_intervals, shape_power
from transform.reconciliation import compare_interval_variants, in_unit_of
from transform.units import in_watt_hours
from warehouse.schema import API_FLOWS

FIRST, DAYS = date(2025, 3, 7), 5
"""The third of them is the day on which the clocks change."""

NOW = datetime(2025, 4, 10, 20, tzinfo=UTC)
SITE = SiteSpec(site_id=101, installed_at=datetime(2025, 3, 1, 20, tzinfo=UTC), seed=3)
SPLITS = [name for name in API_FLOWS if "_from_" in name]


def drawn(seed: int) -> tuple[Anomaly, ...]:
    """A shift of some days, and random other faults of intervals; an era in kWh is applied last."""
    random = np.random.default_rng(seed)

    def day() -> date:
        return FIRST + timedelta(days=int(random.integers(DAYS)))

    start = datetime.fromtimestamp(day_bounds(SITE.zone, day())[0] + int(random.integers(80)) * 900, UTC)
    others: list[Anomaly] = [
        CloudGap(start, start + timedelta(hours=int(random.integers(1, 9))), list(GapStyle)[int(random.integers(2))]),
        DuplicateInstants(*(day(),) * 2, 7, bool(random.integers(2))),
        MissingColumns(*(day(),) * 2),
        UnknownColumn(*(day(),) * 2),
        KilowattHours(FIRST, FIRST + timedelta(days=DAYS)),
    ]
    first = day()
    shift = AllocationShift(first, first + timedelta(days=int(random.integers(3))), int(random.integers(20)) * 3600)
    chosen = sorted(random.choice(len(others), int(random.integers(len(others))), replace=False).tolist())
    return (shift, *(others[index] for index in chosen))


def scope(spec: SiteSpec) -> Iterator[SiteRequest]:
    """Power, 5-minute and 15-minute intervals of each day."""
    for day in (FIRST + timedelta(days=ahead) for ahead in range(DAYS)):
        for series, interval in (("power", None), ("energy_interval", None), ("energy_interval", "15m")):
            yield SiteRequest(spec, NOW, RequestedWindow(series, day, day, "day", interval))


def expected(spec: SiteSpec) -> dict[tuple[date, str], datetime]:
    """(day, split) → the first quarter hour that differs, of days whose splits differ beyond rounding."""
    found = {}
    requests = [request for request in scope(spec) if request.window.series == "energy_interval"]
    scale = 1000 if any(isinstance(fault, KilowattHours) for fault in spec.anomalies) else 1
    for five, quarter in zip(requests[::2], requests[1::2], strict=True):
        minutes, coarse = (_by_instant(request, scale) for request in (five, quarter))
        for name in SPLITS:
            total, first, larger = 0, None, 0
            for instant, flows in sorted(coarse.items()):
                parts = [minutes.get(instant + timedelta(minutes=ahead)) for ahead in (0, 5, 10)]
                known = [part[name] for part in parts if part is not None and name in part]
                if len(known) == 3 and name in flows:
                    total += flows[name] - sum(known)
                    larger += flows[name]
                    first = instant if first is None and abs(flows[name] - sum(known)) > 3 else first
            if first is not None and abs(total) > max(3, 0.001 * (larger + abs(total))):
                found[five.window.first, f"{name}_wh"] = first
    return found


def _by_instant(request: SiteRequest, scale: int) -> dict[datetime, dict[str, int]]:
    """Rows of a response by their instant, in Wh; of two rows with one instant, the last."""
    rows = orjson.loads(request.response().body)["response"]["time_series"]
    return {
        datetime.fromisoformat(row["timestamp"]).astimezone(UTC): {
            name: round(row[name] * scale) for name in SPLITS if name in row
        }
        for row in rows
    }


@pytest.mark.parametrize("seed", range(12))
def test_every_shift_is_found_to_the_quarter_hour_and_nothing_else(seed: int) -> None:
    """Q21, together with Q14, Q18 and eras in kWh: days, splits, causes and moments."""
    spec = replace(SITE, anomalies=drawn(seed))
    site = site_of(spec)
    responses = {request: request.response() for request in scope(spec)}
    of_energy = [response for request, response in responses.items() if request.window.series != "power"]
    of_power = [response for request, response in responses.items() if request.window.series == "power"]
    tables, watts = shape_energy_intervals(of_energy, site), shape_power(of_power, site)["power"]
    reported = tables["energy_intervals"]
    intervals, _, _ = in_watt_hours(reported, empty_frame("energy_periods"), watts, site)
    rows = compare_interval_variants(in_unit_of(tables[SUPERSEDED], reported, intervals), intervals, site, SETTLE_HOURS)
    differing = rows[(rows["verdict"] == "differs").to_numpy(dtype=bool)]
    found = {
        (day, measure): instant.to_pydatetime()
        for day, measure, instant in zip(
            differing["period_start"], differing["measure"], differing["diverges_at"], strict=True
        )
    }
    assert found == expected(spec), spec.anomalies
    assert set(differing["cause"]) <= {"allocation_shift"}, spec.anomalies
    assert not pd.isna(rows["difference_wh"]).any()
