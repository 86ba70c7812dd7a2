"""Solar-only sites that leave out rows at night, and days without a row: a night ends with the sun."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from extract.simulator import CloudGap, SettingsChange, SiteSpec, World
from extract.simulator.local_day import day_bounds, days_between, utc
from flows.pipeline import BackfillRequest
from tests.simulated import NOW, account
from warehouse.query.query import connect
from wattlog.series_spec import Series

FIRST, DARK, LAST = date(2026, 1, 7), date(2026, 1, 8), date(2026, 1, 9)
SITE = SiteSpec(
    site_id=77,
    installed_at=datetime(2025, 12, 20, 20, tzinfo=UTC),
    battery_energy_wh=0,
    battery_power_w=0,
    battery_count=0,
    has_grid_meter=False,
    power_interval_s=900,
    omits_night_rows=True,
    seed=7,
)
PLACES = {
    "Phoenix": replace(SITE, time_zone="America/Phoenix", latitude=33.4, longitude=-112.1),
    "Oslo": replace(SITE, time_zone="Europe/Oslo", latitude=59.9, longitude=10.7),
    "Sydney": replace(SITE, time_zone="Australia/Sydney", latitude=-33.9, longitude=151.2),
}
"""In January: ten hours of day, six and a half, and fourteen."""

QUARTER_HOUR = timedelta(minutes=15)
"""The length of the rows."""

Gap = tuple[str, datetime, datetime]


def gaps_of(data_dir: Path, spec: SiteSpec) -> list[Gap]:
    with account(World((spec,))) as served:
        assert served.run(data_dir, BackfillRequest(series=(Series.POWER,), since=FIRST, until=LAST)).exit_code == 0
    with connect(data_dir / "warehouse.duckdb") as warehouse:
        return warehouse.execute("select cause, gap_start, gap_end from gaps order by gap_start").fetchall()


def dark_from_before_sunrise_to_after_sunset(spec: SiteSpec) -> CloudGap:
    begin_s, end_s = day_bounds(spec.zone, DARK)
    return CloudGap(utc(begin_s + 2 * 3600), utc(end_s - 3600))


@pytest.mark.slow
@pytest.mark.parametrize(
    "spec",
    [
        pytest.param(spec, id=name, marks=[] if name == "Oslo" else [pytest.mark.exhaustive])
        for name, spec in PLACES.items()
    ],
)
def test_a_day_without_a_row_is_no_night(tmp_path: Path, spec: SiteSpec) -> None:
    """What the panels made on it is missing; the nights around it are nights, and so are those of all other days."""
    found = gaps_of(tmp_path, replace(spec, anomalies=(dark_from_before_sunrise_to_after_sunset(spec),)))
    day = World((spec,)).truth(77).day(DARK)
    made = [utc(int(start)) for start in day.interval_start.astype("int64")[day.power["solar_power"] > 0].tolist()]
    ((start, end),) = [(start, end) for cause, start, end in found if cause == "no_data"]
    assert abs(start - made[0]) <= QUARTER_HOUR
    assert abs(end - made[-1]) <= QUARTER_HOUR
    assert {cause for cause, *_ in found} == {"night", "no_data"}
    usual = gaps_of(tmp_path / "usual", spec)
    assert {cause for cause, *_ in usual} == {"night"}
    assert len(usual) == len(days_between(FIRST, LAST)) + 1


@pytest.mark.exhaustive
def test_without_a_place_no_night_is_longer_than_twenty_hours(tmp_path: Path) -> None:
    spec = PLACES["Oslo"]
    change = SettingsChange(SITE.installed_at, (("geolocation", None),))
    spec = replace(spec, settings_changes=(change,), anomalies=(dark_from_before_sunrise_to_after_sunset(spec),))
    found = gaps_of(tmp_path, spec)
    assert [cause for cause, *_ in found].count("no_data") == 1
    assert max(end for _, _, end in found) < NOW
