"""Quarter hours that differ from the five minutes after a time of day: through the whole pipeline, to the quarter hour (Q21).

Days are asked both ways: as five minutes, or as the one row of the old era, and as quarter hours. What has to be found is
worked out a second time here, from what the server reported.
"""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import orjson
import pandas as pd
import pytest

from extract.archive.raw_archive import RawArchive
from extract.simulator import FLOWS, AllocationShift, MonthDropsDay, SiteSpec, World
from flows.cli import run
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, backfill, rebuild, reconcile
from tests.simulated import Account, account
from warehouse.lake.lake import Lake
from warehouse.query.query import connect
from wattlog.series_spec import Series

FIRST, LAST = date(2024, 3, 8), date(2024, 3, 14)
SPRING = date(2024, 3, 10)
"""The day without an hour between two and three."""

SITE = SiteSpec(
    site_id=91,
    installed_at=datetime(2024, 3, 1, 20, tzinfo=UTC),
    seed=11,
    five_minute_since=date(2024, 3, 1),
    anomalies=(
        AllocationShift(date(2024, 3, 9), date(2024, 3, 10), after_s=23_400),
        AllocationShift(date(2024, 3, 11), date(2024, 3, 12), after_s=12 * 3600),
        MonthDropsDay(date(2024, 3, 11)),
    ),
)
OLD = replace(SITE, site_id=92, seed=12, five_minute_since=date(2024, 4, 8))
"""The same in the old era: a day is one row, so only its sums can be compared."""

DAYS: Final = [FIRST + timedelta(days=ahead) for ahead in range(7)]
SHIFTED: Final = {
    date(2024, 3, 9): datetime(2024, 3, 9, 6, 30, tzinfo=SITE.zone),
    SPRING: datetime(2024, 3, 10, 6, 30, tzinfo=SITE.zone),
    date(2024, 3, 11): datetime(2024, 3, 11, 12, tzinfo=SITE.zone),
    date(2024, 3, 12): datetime(2024, 3, 12, 12, tzinfo=SITE.zone),
}
"""Day → from when on its quarter hours may differ, by the site's clock."""

FIVES, QUARTERS = "kind=energy&period=day", "kind=energy&period=day&interval=15m"
SPLITS: Final = tuple(name for name in FLOWS if "_from_" in name)
ROUNDING_WH: Final = 3
"""Three rows of whole Wh add up to one of a quarter hour."""


@dataclass(frozen=True)
class Asked:
    """Both sites, asked both ways."""

    served: Account
    data_dir: Path

    def differences(self, site_id: int) -> list[dict[str, Any]]:
        """Rows about days that do not agree."""
        rows = Lake(self.data_dir / "lake").read("reconciliation", site_id=site_id)
        mine = rows[(rows["verdict"] != "agree") & (rows["granularity"] == "day")]
        return [{str(name): value for name, value in row.items()} for row in mine.to_dict("records")]

    def reported(self, site_id: int, day: date) -> dict[str, list[dict[str, Any]]]:
        """What the server reported for a day, by question."""
        archive = RawArchive(self.data_dir / "raw")
        return {
            entry.question: orjson.loads(archive.load(entry).body)["response"]["time_series"]
            for entry in archive.entries(site_id)
            if entry.series == Series.ENERGY_INTERVAL and entry.window_start == day
        }


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """A week of both sites, with quarter hours, and the roll-ups beside it."""
    data_dir = tmp_path_factory.mktemp("shift")
    with account(World((SITE, OLD)), now=lambda: datetime(2024, 4, 2, 20, tzinfo=UTC)) as served:
        context = served.context(data_dir)
        series = (Series.POWER, Series.ENERGY_INTERVAL, Series.ENERGY_DAY)
        scope = BackfillRequest(series=series, since=FIRST, until=LAST, has_quarter_hours=True)
        assert backfill(context, ThreadExecutor(), scope).exit_code == 0
        yield Asked(served, data_dir)


@pytest.mark.slow
def test_each_shifted_day_has_the_quarter_hour_from_which_on_the_two_differ(asked: Asked) -> None:
    """Every split of every shifted day that is off by more than its rows round to, and nothing else; DST day included."""
    found = {
        (row["period_start"], row["measure"]): (row["difference_wh"], row["cause"], row["diverges_at"])
        for row in asked.differences(SITE.site_id)
        if row["check_name"] == "interval_vs_interval"
    }
    expected = {}
    for day in DAYS:
        rows = asked.reported(SITE.site_id, day)
        quarters, minutes = rows[QUARTERS], rows[FIVES]
        fives = [
            {name: sum(row[name] for row in minutes[at : at + 3]) for name in FLOWS} for at in range(0, len(minutes), 3)
        ]
        for name in SPLITS:
            difference = sum(row[name] for row in quarters) - sum(row[name] for row in fives)
            if abs(difference) > max(ROUNDING_WH, 0.001 * sum(row[name] for row in fives)):
                first = next(
                    row["timestamp"]
                    for row, five in zip(quarters, fives, strict=True)
                    if abs(row[name] - five[name]) > ROUNDING_WH
                )
                expected[day, f"{name}_wh"] = (difference, "allocation_shift", datetime.fromisoformat(first))
    assert found == expected
    assert {day for day, _ in found} == set(SHIFTED)
    assert all(diverges_at >= SHIFTED[day] for (day, _), (_, _, diverges_at) in found.items())


def test_intervals_that_count_are_the_finer_ones_and_agree_with_everything_else(asked: Asked) -> None:
    """Superseded intervals change no sum: no other check has a difference, except for the dropped day."""
    others = {
        (row["check_name"], row["cause"])
        for row in asked.differences(SITE.site_id)
        if row["check_name"] != "interval_vs_interval"
    }
    assert others == {("day_vs_month_series", "dropped_day")}
    lake = Lake(asked.data_dir / "lake")
    assert set(lake.read("energy_intervals", site_id=SITE.site_id)["interval_s"]) == {300}


def test_where_the_day_is_one_row_the_shift_is_found_and_its_moment_is_not_known(asked: Asked) -> None:
    """Q10: in the old era by sums alone, so by more than the day's 96 (or 92) rows round to."""
    mine = [row for row in asked.differences(OLD.site_id) if row["check_name"] == "interval_vs_day"]
    expected = set()
    for day in DAYS:
        rows = asked.reported(OLD.site_id, day)
        quarters, (whole,) = rows[QUARTERS], rows[FIVES]
        for name in SPLITS:
            if abs(sum(row[name] for row in quarters) - whole[name]) > max(len(quarters), 0.001 * whole[name]):
                expected.add((day, f"{name}_wh", "allocation_shift"))
    assert {(row["period_start"], row["measure"], row["cause"]) for row in mine} == expected
    assert {day for day, _, _ in expected} >= {date(2024, 3, 9), SPRING}
    assert all(pd.isna(row["diverges_at"]) for row in mine)


def test_the_moment_is_in_the_warehouse_by_instant_and_by_the_sites_clock(asked: Asked) -> None:
    """Model `disagreements`: UTC and local side by side; NULL where only sums were compared."""
    with connect(asked.data_dir / "warehouse.duckdb") as warehouse:
        rows = warehouse.execute(
            "select period_start, measure, diverges_at, local_diverges_at from analytics.disagreements"
            " where site_id = ? and check_name = 'interval_vs_interval'",
            [SITE.site_id],
        ).fetchall()
    of_lake = {(row["period_start"], row["measure"]): row["diverges_at"] for row in asked.differences(SITE.site_id)}
    assert len(rows) >= 16
    for day, measure, diverges_at, local in rows:
        assert diverges_at == of_lake[day, measure]
        assert local == diverges_at.astimezone(SITE.zone).replace(tzinfo=None)


def test_the_sentence_says_from_when_on(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`reconcile` for people and for programs."""
    monkeypatch.setattr(sys, "argv", ["wattlog", "--data-dir", str(asked.data_dir), "reconcile", "--json"])
    assert run() == 0
    sites = {site["site_id"]: site["differences"] for site in json.loads(capsys.readouterr().out)["sites"]}
    shifts = [row for row in sites[SITE.site_id] if row["check_name"] == "interval_vs_interval"]
    for row in shifts:
        local = datetime.fromisoformat(row["diverges_at"]).astimezone(SITE.zone)
        assert f"since {local:%H:%M}): totals match" in row["in_words"]
    (battery,) = (
        row["in_words"]
        for row in shifts
        if row["period_start"] == str(SPRING) and row["measure"] == "grid_energy_exported_from_battery_wh"
    )
    assert battery == (
        "2024-03-10: the 15-minute intervals give 14.4 kWh of grid export from battery, the 5-minute intervals 12.5 kWh"
        " (+1.8 kWh since 16:30): totals match, but the split is different"
    )
    old = [row for row in sites[OLD.site_id] if row["cause"] == "allocation_shift"]
    assert all(row["diverges_at"] is None and "a daily total does not show" in row["in_words"] for row in old)
    assert all(row["parts_at"] == row["diverges_at"] for row in [*shifts, *old])


@pytest.mark.slow
@pytest.mark.parametrize("make", [reconcile, rebuild])
def test_the_same_raw_gives_the_same_rows(asked: Asked, make: Any) -> None:
    """What shaping found survives reconciling again, and is found again from raw."""
    lake = Lake(asked.data_dir / "lake")
    before = lake.read("reconciliation")
    context = asked.served.context(asked.data_dir)
    make(context, ThreadExecutor())
    assert lake.read("reconciliation").equals(before)
