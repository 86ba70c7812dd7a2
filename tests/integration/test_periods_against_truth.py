"""Every personality's days, weeks, months, years and lifetime, and the old endpoint's, against what really happened."""

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

import pytest

from extract.requests import legacy_history, week_cross_check
from extract.simulator import SiteSpec, World, personality_world
from extract.windows import local_today, period_end, window
from flows.pipeline import BackfillRequest
from tests.simulated import NOW, account
from tests.truth import server_clock, wrong_periods
from warehouse.query.query import connect
from wattlog.series_spec import Grain, Series

NOT_SO_OLD = datetime(2023, 11, 20, 17, 30, tzinfo=NOW.tzinfo)
"""One site of ten years shows what ten years show; the other keeps days of both eras."""

pytestmark = pytest.mark.exhaustive

WEEKS = (date(2025, 3, 31), date(2025, 10, 27))
"""Mondays of the weeks in which summer time ends in the south, and in the north."""

OLD_ENDPOINT = (
    "old solar and battery",
    "old solar only, fixed offset",
    "half-hour summer time, zone empty",
    "three days old",
)
"""Sites that are asked by the old endpoint too: both hemispheres, another clock, hardly any history."""


def sites() -> tuple[SiteSpec, ...]:
    """Every personality."""
    return tuple(
        replace(spec, installed_at=NOT_SO_OLD) if spec.site_name == "old solar only, fixed offset" else spec
        for spec in personality_world(NOW.date()).sites
    )


SITES = sites()


@dataclass(frozen=True)
class Stored:
    """A world, and its periods as they were stored: rows of `energy_periods` by site."""

    world: World
    rows: dict[int, list[dict[str, Any]]]
    differences: dict[str, int]


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> Stored:
    """Months of three years, the lifetime, two months of days, weeks around both changes of the clocks."""
    data_dir = tmp_path_factory.mktemp("periods")
    world = World(sites=SITES, has_legacy_history=True)
    with account(world) as served:
        for spec in SITES:
            served.fetch(data_dir, cross_check_requests(spec))
            if spec.site_name in OLD_ENDPOINT:
                served.fetch(data_dir, legacy_history(spec.site_id))
        scope = BackfillRequest(series=(Series.ENERGY_MONTH, Series.ENERGY_YEAR), since=date(2023, 12, 31))
        assert served.run(data_dir, scope).exit_code == 0
    with connect(data_dir / "warehouse.duckdb") as warehouse:
        frame = warehouse.sql("select * from energy_periods order by all").to_arrow_table().to_pandas()
        differences = {table: len(warehouse.sql(f"from {table}").fetchall()) for table in ("quarantine", "revisions")}
    rows = {int(site_id): of_site.to_dict("records") for site_id, of_site in frame.groupby("site_id")}
    return Stored(world, rows, differences)


def cross_check_requests(spec: SiteSpec) -> list[Any]:
    """Requests for the weeks, by the clock that the server cuts them by."""
    clock = server_clock(spec, NOW)
    today = local_today(NOW, clock)
    spans = [window(monday, period_end(monday, Grain.WEEK), clock, today=today) for monday in WEEKS]
    return [week_cross_check(spec.site_id, span, clock) for span in spans]


@pytest.mark.parametrize("spec", SITES, ids=lambda spec: spec.site_name)
def test_every_period_is_the_energy_that_flowed_in_it(stored: Stored, spec: SiteSpec) -> None:
    """0 Wh of error in sixteen flows: the first month and year from the installation on, the running ones up to now."""
    rows = stored.rows[spec.site_id]
    assert wrong_periods(rows, stored.world.truth(spec.site_id)) == []


@pytest.mark.parametrize("spec", SITES, ids=lambda spec: spec.site_name)
def test_no_period_is_missing(stored: Stored, spec: SiteSpec) -> None:
    """Every week asked after the installation, every month since 2023, every year there was."""
    first = spec.installed_at.astimezone(server_clock(spec, NOW)).date()
    today = NOW.astimezone(server_clock(spec, NOW)).date()
    reported: dict[str, set[date]] = {}
    for row in stored.rows[spec.site_id]:
        reported.setdefault(row["source"], set()).add(row["period_start"])
    assert reported["calendar_history/lifetime"] == {date(year, 1, 1) for year in range(first.year, today.year + 1)}
    since = max(first, date(2023, 1, 1))
    numbers = range(since.year * 12 + since.month - 1, today.year * 12 + today.month)
    assert reported["calendar_history/year"] == {date(number // 12, number % 12 + 1, 1) for number in numbers}
    days = {date.fromordinal(monday.toordinal() + ahead) for monday in WEEKS for ahead in range(7)}
    assert reported.get("calendar_history/week", set()) == {day for day in days if day >= first}
    legacy = {f"history/{period}" for period in ("day", "week", "month", "year")}
    expected = legacy if spec.site_name in OLD_ENDPOINT else set()
    if spec.site_name == "three days old":
        expected = {"history/day", "history/week"}
    assert {source for source in reported if source.startswith("history/")} == expected


def test_only_the_first_and_the_running_periods_are_partial(stored: Stored) -> None:
    """By each site's own calendar."""
    for spec in SITES:
        clock = server_clock(spec, NOW)
        first, today = spec.installed_at.astimezone(clock).date(), NOW.astimezone(clock).date()
        partial = {(row["granularity"], row["period_start"]) for row in stored.rows[spec.site_id] if row["is_partial"]}
        periods = {("year", date(day.year, 1, 1)) for day in (first, today)}
        periods |= {("month", day.replace(day=1)) for day in (first, today)}
        assert {period for period in partial if period[0] in ("month", "year")} == {
            period for period in periods if period[0] == "year" or period[1] >= date(2023, 1, 1)
        }, spec.site_name


def test_nothing_was_quarantined_or_revised(stored: Stored) -> None:
    assert stored.differences == {"quarantine": 0, "revisions": 0}
