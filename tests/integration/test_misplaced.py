"""Days answered with rows of another day, whole or in part, however these are stamped (Q22)."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from extract.archive.raw_archive import RawArchive
from extract.errors import WrongWindow as WrongAnswer
from extract.simulator import FLOWS, Anomaly, LaggingWindow, SiteSpec, Stamps, World, WrongWindow, ZoneMode
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, Summary, backfill
from tests.simulated import Account, account
from warehouse.query.query import connect
from wattlog.series_spec import Series

pytestmark = pytest.mark.slow

SITE = SiteSpec(site_id=77, installed_at=datetime(2025, 12, 1, 20, tzinfo=UTC), seed=7)
OLD = replace(SITE, five_minute_since=date(2026, 6, 1))
DAY = date(2026, 1, 9)
SERIES = (Series.POWER, Series.SOE, Series.ENERGY_INTERVAL)
ROWS = {"power": 288, "energy_intervals": 288, "state_of_energy": 96}


def fetch(served: Account, data_dir: Path, *, has_quarter_hours: bool = False) -> Summary:
    context = served.context(data_dir)
    since, until = date(2026, 1, 7), date(2026, 1, 11)
    backfill_request = BackfillRequest(series=SERIES, since=since, until=until, has_quarter_hours=has_quarter_hours)
    return backfill(context, ThreadExecutor(), backfill_request)


def query(data_dir: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connect(data_dir / "warehouse.duckdb") as warehouse:
        return warehouse.execute(sql, list(values)).fetchall()


def rows_of_day(data_dir: Path, day: date = DAY) -> Mapping[str, int]:
    return {name: query(data_dir, f"select count(*) from {name} where local_date = ?", day)[0][0] for name in ROWS}


def outcomes(data_dir: Path, series: Series = Series.POWER) -> list[str]:
    entries = RawArchive(data_dir / "raw").entries(SITE.site_id)
    return [entry.outcome for entry in entries if entry.series == series and entry.window_start == DAY]


def daily_wh(data_dir: Path) -> dict[str, float]:
    names = ", ".join(f"{name}_wh" for name in FLOWS)
    (row,) = query(data_dir, f"select {names} from daily where local_date = ?", DAY)
    return dict(zip(FLOWS, row, strict=True))


def served_with(*anomalies: Anomaly, spec: SiteSpec = SITE) -> World:
    return World((replace(spec, anomalies=anomalies),))


ZONES = [ZoneMode.NAMED, ZoneMode.MISSING, ZoneMode.FIXED_OFFSET]

WRONG_DAYS = [
    pytest.param(stamps, shift, zone_mode, marks=[pytest.mark.exhaustive] if (row + column + shift) % 4 else [])
    for row, stamps in enumerate(Stamps)
    for column, zone_mode in enumerate(ZONES)
    for shift in (-1, 1)
]
"""Every way to stamp another day's rows, in every kind of zone, a day too early and a day too late."""


@pytest.mark.parametrize(("stamps", "shift", "zone_mode"), WRONG_DAYS)
def test_a_day_answered_wrongly_once_is_asked_again_and_whole(
    tmp_path: Path, stamps: Stamps, shift: int, zone_mode: ZoneMode
) -> None:
    """Instants are compared, so neither `Z` nor a far clock's offset makes another day's rows those of the day asked."""
    wrong = WrongWindow(DAY, DAY, shift_days=shift, times=1, stamps=stamps)
    with account(served_with(wrong, spec=replace(SITE, zone_mode=zone_mode))) as served:
        summary = fetch(served, tmp_path)
        truth = served.world.truth(SITE.site_id).daily_wh(DAY)
    assert (summary.exit_code, summary.failures) == (0, [])
    assert [outcomes(tmp_path, series) for series in SERIES] == [["wrong_window", "data"]] * 3
    assert rows_of_day(tmp_path) == ROWS
    assert daily_wh(tmp_path) == truth
    assert query(tmp_path, "select * from gaps where gap_start between '2026-01-08' and '2026-01-11'") == []


@pytest.mark.parametrize("stamps", list(Stamps))
def test_a_day_that_stays_wrong_is_reported_and_the_days_around_it_lose_nothing(tmp_path: Path, stamps: Stamps) -> None:
    with account(served_with(WrongWindow(DAY, DAY, stamps=stamps))) as served:
        summary = fetch(served, tmp_path)
    assert summary.exit_code == 1
    assert [type(failure.error) for failure in summary.failures] == [WrongAnswer] * 3
    assert rows_of_day(tmp_path) == dict.fromkeys(ROWS, 0)
    for adjacent in (DAY - timedelta(days=1), DAY + timedelta(days=1)):
        assert rows_of_day(tmp_path, adjacent) == ROWS
    assert query(tmp_path, "select distinct reason from quarantine") == [("wrong_window",)]


@pytest.mark.parametrize("stamps", list(Stamps))
def test_quarter_hours_of_the_old_era_are_asked_again_too(tmp_path: Path, stamps: Stamps) -> None:
    """Q10: 96 rows of the day, beside the one row of the day itself."""
    wrong = WrongWindow(DAY, DAY, times=1, stamps=stamps)
    with account(served_with(wrong, spec=OLD)) as served:
        assert fetch(served, tmp_path, has_quarter_hours=True).exit_code == 0
        truth = served.world.truth(SITE.site_id).daily_wh(DAY)
    assert rows_of_day(tmp_path)["energy_intervals"] == 96
    assert daily_wh(tmp_path) == truth


@pytest.mark.parametrize("zone_mode", ZONES)
def test_a_day_answered_hours_too_early_once_is_whole(tmp_path: Path, zone_mode: ZoneMode) -> None:
    with account(served_with(LaggingWindow(DAY, DAY, times=1), spec=replace(SITE, zone_mode=zone_mode))) as served:
        assert fetch(served, tmp_path).exit_code == 0
        truth = served.world.truth(SITE.site_id).daily_wh(DAY)
    assert [outcomes(tmp_path, series) for series in SERIES] == [["wrong_window", "data"]] * 3
    assert rows_of_day(tmp_path) == ROWS
    assert daily_wh(tmp_path) == truth


@pytest.mark.parametrize("zone_mode", ZONES)
def test_of_a_day_always_answered_hours_too_early_its_own_hours_are_kept(tmp_path: Path, zone_mode: ZoneMode) -> None:
    """Eighteen hours stand, the last six are a gap with its cause, and the six of the day before are in quarantine."""
    lagging = LaggingWindow(DAY, DAY)
    with account(served_with(lagging, spec=replace(SITE, zone_mode=zone_mode))) as served:
        summary = fetch(served, tmp_path)
        truth = served.world.truth(SITE.site_id)
    assert summary.exit_code == 1
    assert rows_of_day(tmp_path) == {name: rows * 3 // 4 for name, rows in ROWS.items()}
    assert rows_of_day(tmp_path, DAY - timedelta(days=1)) == ROWS
    missing = {instant for injection in truth.injections for instant in injection.instants}
    begin, end = min(missing), max(missing) + timedelta(minutes=5)
    found = query(
        tmp_path, "select series, gap_start, gap_end, cause from gaps where cause = 'wrong_window' order by 1"
    )
    assert found == [(series, begin, end, "wrong_window") for series in ("energy_interval", "power", "soe")]
    assert query(tmp_path, "select count(distinct raw_id), count(*) from quarantine") == [(6, 2 * (72 + 72 + 24))]
    stored = query(tmp_path, "select sum(solar_energy_exported_wh) from energy_intervals where local_date = ?", DAY)
    day = truth.day(DAY)
    assert stored == [(float(day.flows["solar_energy_exported"][:216].sum()),)]
