"""Both tellings of the same days, with all that the API is known to do to them: shifts are found, and nothing else is.

What has to be found is worked out a second time here, from the answers themselves, slot by slot and in whole numbers.
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
    CloudGap,
    Contradiction,
    DuplicateInstants,
    GapStyle,
    KilowattHours,
    MissingColumns,
    SiteSpec,
    UnknownColumn,
)
from extract.simulator.local_day import day_bounds
from tests.mixtures import SETTLE_HOURS, Question, Wanted, site_of
from transform import energy_intervals, power
from transform.energy_intervals import BESIDE
from transform.frames import empty_frame
from transform.reconciliation import compare_tellings, in_unit_of
from transform.units import in_watt_hours
from warehouse.schema import API_FLOWS

FIRST, DAYS = date(2025, 3, 7), 5
"""The third of them is the day on which the clocks change."""

NOW = datetime(2025, 4, 10, 20, tzinfo=UTC)
SITE = SiteSpec(site_id=101, installed_at=datetime(2025, 3, 1, 20, tzinfo=UTC), seed=3)
SPLITS = [name for name in API_FLOWS if "_from_" in name]


def drawn(seed: int) -> tuple[Contradiction, ...]:
    """A shift of some days, and by chance what else touches intervals; an era in kWh is done last."""
    random = np.random.default_rng(seed)

    def day() -> date:
        return FIRST + timedelta(days=int(random.integers(DAYS)))

    start = datetime.fromtimestamp(day_bounds(SITE.zone, day())[0] + int(random.integers(80)) * 900, UTC)
    others: list[Contradiction] = [
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


def wanted(spec: SiteSpec) -> Iterator[Wanted]:
    """Power, five minutes and quarter hours of each day."""
    for day in (FIRST + timedelta(days=ahead) for ahead in range(DAYS)):
        for series, interval in (("power", None), ("energy_interval", None), ("energy_interval", "15m")):
            yield Wanted(spec, NOW, Question(series, day, day, "day", interval))


def expected(spec: SiteSpec) -> dict[tuple[date, str], datetime]:
    """(day, split) → the first quarter hour that differs, of days whose splits differ beyond rounding."""
    found = {}
    told = [each for each in wanted(spec) if each.question.series == "energy_interval"]
    scale = 1000 if any(isinstance(each, KilowattHours) for each in spec.contradictions) else 1
    for five, quarter in zip(told[::2], told[1::2], strict=True):
        minutes, coarse = (_by_instant(each, scale) for each in (five, quarter))
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
                found[five.question.first, f"{name}_wh"] = first
    return found


def _by_instant(each: Wanted, scale: int) -> dict[datetime, dict[str, int]]:
    """Rows of an answer by their instant, in Wh; of an instant told twice the last."""
    rows = orjson.loads(each.answer().body)["response"]["time_series"]
    return {
        datetime.fromisoformat(row["timestamp"]).astimezone(UTC): {
            name: round(row[name] * scale) for name in SPLITS if name in row
        }
        for row in rows
    }


@pytest.mark.parametrize("seed", range(12))
def test_every_shift_is_found_to_the_quarter_hour_and_nothing_else(seed: int) -> None:
    """Q21, beside Q14, Q18 and eras in kWh: days, splits, causes and moments."""
    spec = replace(SITE, contradictions=drawn(seed))
    site = site_of(spec)
    answers = {each: each.answer() for each in wanted(spec)}
    tables = energy_intervals.shape([answers[each] for each in answers if each.question.series != "power"], site)
    watts = power.shape([answers[each] for each in answers if each.question.series == "power"], site)["power"]
    told = tables["energy_intervals"]
    intervals, _, _ = in_watt_hours(told, empty_frame("energy_periods"), watts, site)
    rows = compare_tellings(in_unit_of(tables[BESIDE], told, intervals), intervals, site, SETTLE_HOURS)
    differing = rows[(rows["verdict"] == "differs").to_numpy(dtype=bool)]
    found = {
        (day, measure): instant.to_pydatetime()
        for day, measure, instant in zip(
            differing["period_start"], differing["measure"], differing["parts_at"], strict=True
        )
    }
    assert found == expected(spec), spec.contradictions
    assert set(differing["cause"]) <= {"allocation_shift"}, spec.contradictions
    assert not pd.isna(rows["difference_wh"]).any()
