"""The clock by which the server cuts a site's days: named by the history alone, corrected by its owner, or a fixed offset."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from extract.simulator import FLOWS, EarlierZone, SettingsChange, SiteSpec, World, ZoneMode
from extract.simulator.local_day import day_bounds, days_between
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, Summary, backfill, rebuild
from tests.simulated import Account, account
from warehouse.query.query import connect
from wattlog.series_spec import Series
from wattlog.zones import Zone

pytestmark = pytest.mark.slow

NOW = datetime(2025, 12, 5, 20, 7, 30, tzinfo=UTC)
"""When November is settled."""
INSTALLED = datetime(2025, 10, 20, 19, tzinfo=UTC)
FIRST, LAST = date(2025, 10, 30), date(2025, 11, 5)
"""Around the end of summer time in Los Angeles and New York, on 2 November, and the end of a month."""

CORRECTED = datetime(2025, 11, 20, tzinfo=UTC)
"""When the server gets another zone for a site, if it does."""

SITE = SiteSpec(site_id=77, installed_at=INSTALLED, outages_per_year=0, seed=7)
SERIES = (Series.POWER, Series.ENERGY_INTERVAL, Series.ENERGY_DAY)

PLACES = {
    "geolocation of another zone": (("geolocation", {"latitude": 33.4, "longitude": -112.1}),),
    "installation in UTC": (
        ("geolocation", None),
        ("address", None),
        ("installation_date", "2025-10-20T19:00:00Z"),
    ),
    "installation in summer": (
        ("geolocation", None),
        ("address", None),
        ("installation_date", "2025-10-20T12:00:00-07:00"),
    ),
}
"""What site_info has in place of the zone."""


def without_zone(**facts: Any) -> SiteSpec:
    change = SettingsChange(INSTALLED, tuple(facts.items()))
    return replace(SITE, info_zone_mode=ZoneMode.MISSING, settings_changes=(change,))


def run(
    made: Account, data_dir: Path, *, now: datetime = NOW, since: date = FIRST, until: date = LAST, zone: str = ""
) -> Summary:
    made.now = lambda: now
    zones = {"site_timezones": {77: zone}} if zone else {}
    request = BackfillRequest(series=SERIES, since=since, until=until)
    return backfill(made.context(data_dir, **zones), ThreadExecutor(), request)


def query(data_dir: Path, sql: str, *values: Any) -> list[tuple[Any, ...]]:
    with connect(data_dir / "warehouse.duckdb") as warehouse:
        return warehouse.execute(sql, list(values)).fetchall()


def tables(data_dir: Path) -> dict[str, list[tuple[Any, ...]]]:
    """What is stored of each local day, without lineage."""
    flows = ", ".join(f"{name}_wh" for name in FLOWS)
    return {
        "intervals": query(
            data_dir, f"select interval_start, interval_s, local_date, {flows} from energy_intervals order by 1"
        ),
        "power": query(data_dir, "select interval_start, interval_s, local_date, home_w from power order by 1"),
        "daily": query(data_dir, f"select local_date, status, source, coverage_pct, {flows} from daily order by 1"),
        "reconciliation": query(data_dir, "select * from reconciliation order by all"),
        "gaps": query(data_dir, "select * from gaps order by all"),
    }


def check_days(data_dir: Path, world: World, zone: Zone, first: date = FIRST, last: date = LAST) -> None:
    """Each local day has all its rows, and the energy that flowed on it."""
    truth = world.truth(77)
    for table in ("power", "energy_intervals"):
        rows = query(
            data_dir,
            f"select local_date, count(*) from {table} where local_date between ? and ? group by 1 order by 1",
            first,
            last,
        )
        days = [(day, day_bounds(zone, day)) for day in days_between(first, last)]
        assert rows == [(day, (end_s - start_s) // 300) for day, (start_s, end_s) in days], table
    flows = ", ".join(f"{name}_wh" for name in FLOWS)
    found = query(
        data_dir,
        f"select local_date, coverage_pct, {flows} from daily where local_date between ? and ? order by 1",
        first,
        last,
    )
    assert found == [
        (day, 100.0, *truth.sums_between(*day_bounds(zone, day)).tolist()) for day in days_between(first, last)
    ]
    assert query(data_dir, "select count(*) from quarantine") == [(0,)]
    assert query(data_dir, "select * from reconciliation where cause = 'unexplained'") == []


@pytest.mark.parametrize(
    "facts",
    [
        pytest.param(facts, id=name, marks=[] if name == "installation in UTC" else [pytest.mark.exhaustive])
        for name, facts in PLACES.items()
    ],
)
def test_the_zone_that_the_history_names_is_the_sites(tmp_path: Path, facts: tuple[tuple[str, Any], ...]) -> None:
    """In the first run already, and by no more than one request that it would not make otherwise."""
    world = World((without_zone(**dict(facts)),))
    with account(world, now=lambda: NOW) as made:
        assert run(made, tmp_path).exit_code == 0
        asked = len(made.asked_history())
        check_days(tmp_path, world, Zone("America/Los_Angeles"))
        assert query(tmp_path, "select timezone, timezone_source from sites") == [("America/Los_Angeles", "history")]
        assert query(tmp_path, "select * from gaps where cause not in ('before_install', 'future')") == []
        assert run(made, tmp_path).exit_code == 0
        assert len(made.asked_history()) == asked + 1, "nothing is asked again but the lifetime, which is every night"
    windows = 2 * len(days_between(FIRST, LAST)) + 2
    assert asked == windows + 1


@pytest.mark.parametrize(
    ("zone", "info_zone_mode"),
    [
        ("Australia/Sydney", ZoneMode.MISSING),
        pytest.param("America/New_York", None, marks=pytest.mark.exhaustive),
        pytest.param("America/New_York", ZoneMode.MISSING, marks=pytest.mark.exhaustive),
        pytest.param("Pacific/Honolulu", None, marks=pytest.mark.exhaustive),
        pytest.param("Pacific/Honolulu", ZoneMode.MISSING, marks=pytest.mark.exhaustive),
    ],
)
def test_a_zone_set_by_the_owner_changes_the_days_and_not_the_windows(
    tmp_path: Path, zone: str, info_zone_mode: ZoneMode | None
) -> None:
    """The windows are the server's; both that a local day lies in are requested."""
    world = World((replace(SITE, info_zone_mode=info_zone_mode),))
    with account(world, now=lambda: NOW) as made:
        assert run(made, tmp_path, zone=zone).exit_code == 0
        ends = {params["end_date"][10:] for _, params in made.asked_history() if params.get("period") == "day"}
        assert ends == {"T23:59:59-07:00", "T23:59:59-08:00"}
    check_days(tmp_path, world, Zone(zone))
    assert query(tmp_path, "select timezone, timezone_source from sites") == [(zone, "setting")]


@pytest.mark.parametrize(
    ("before", "after", "info_zone_mode"),
    [
        ("Australia/Sydney", "Australia/Perth", ZoneMode.MISSING),
        pytest.param("America/Los_Angeles", "America/New_York", None, marks=pytest.mark.exhaustive),
        pytest.param("America/Los_Angeles", "America/New_York", ZoneMode.MISSING, marks=pytest.mark.exhaustive),
        pytest.param("Australia/Sydney", "Australia/Perth", None, marks=pytest.mark.exhaustive),
    ],
)
def test_the_zone_of_a_site_is_corrected(
    tmp_path: Path, before: str, after: str, info_zone_mode: ZoneMode | None
) -> None:
    """Stored rows stay, on the days of the new zone, also of the month before, which is settled; no day is asked again but the
    one at an end of which the two zones leave hours out."""
    zones = (EarlierZone(CORRECTED, before),)
    site = replace(SITE, time_zone=after, earlier_zones=zones, info_zone_mode=info_zone_mode)
    world, first, last = World((site,)), date(2025, 10, 30), date(2025, 11, 9)
    with account(world, now=lambda: NOW) as made:
        earlier = CORRECTED - timedelta(days=1)
        assert run(made, tmp_path, now=earlier, since=first, until=date(2025, 11, 5)).exit_code == 0
        check_days(tmp_path, world, Zone(before), first, date(2025, 11, 5))
        stored = query(tmp_path, "select interval_start from power")
        asked = len(made.asked_history())
        assert run(made, tmp_path, now=NOW, since=first, until=last).exit_code == 0
        requested = [params["end_date"][:10] for _, params in made.asked_history()[asked:] if params["kind"] == "power"]
        fresh = [f"2025-11-{day:02d}" for day in range(6, 10)]
        assert sorted(requested) == (["2025-10-30", *fresh] if "New_York" in after else ["2025-11-05", *fresh])
        assert set(stored) <= set(query(tmp_path, "select interval_start from power"))
        check_days(tmp_path, world, Zone(after), first, last)
        assert query(tmp_path, "select timezone from sites") == [(after,)]
        found = tables(tmp_path)
        rebuild(made.context(tmp_path), ThreadExecutor())
        assert tables(tmp_path) == found


@pytest.mark.parametrize("info_zone_mode", [None, pytest.param(ZoneMode.MISSING, marks=pytest.mark.exhaustive)])
def test_days_of_an_offset_that_never_changes(tmp_path: Path, info_zone_mode: ZoneMode | None) -> None:
    """Q7: from 2 November on the days of -07:00 begin an hour before the site's own. Windows are requested on both sides,
    so that each day asked for is whole; the month's rows, which are of other days then, are not taken for the site's."""
    site = replace(SITE, zone_mode=ZoneMode.FIXED_OFFSET, fixed_offset_minutes=-420, info_zone_mode=info_zone_mode)
    world = World((site,))
    with account(world, now=lambda: NOW) as made:
        assert run(made, tmp_path, since=date(2025, 11, 3)).exit_code == 0
    check_days(tmp_path, world, Zone("America/Los_Angeles"), date(2025, 11, 3), LAST)
    rows = query(tmp_path, "select local_date, source from daily where local_date >= '2025-11-02' order by 1 limit 4")
    assert rows == [(date(2025, 11, day), "energy_intervals") for day in range(2, 6)]
    solar = query(
        tmp_path, "select status, solar_energy_exported_wh, home_wh from daily where local_date = '2025-11-02'"
    )
    truth = world.truth(site.site_id).daily_wh(date(2025, 11, 2))
    home = sum(wh for name, wh in truth.items() if name.startswith("consumer_energy_imported_from_"))
    assert solar == [("filled", truth["solar_energy_exported"], home)], "24 hours of the month's row and the 25th"
    whole = {day for (day,) in query(tmp_path, "select local_date from power group by 1 having count(*) = 288")}
    assert whole == set(days_between(date(2025, 11, 3), LAST))
    cut = query(tmp_path, "select local_date, count(*) from power group by 1 having count(*) <> 288 order by 1")
    assert cut == [(date(2025, 11, 2), 12), (date(2025, 11, 6), 12 * 23)], "the hours that the outer windows have, too"
