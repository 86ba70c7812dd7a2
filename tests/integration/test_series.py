"""Every series against the server: what is asked, what is kept, and what a provider that lacks one costs."""

import logging
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from extract.archive.raw_archive import RawArchive
from extract.archive.record import IndexEntry
from extract.errors import PagingLooped, WrongWindow
from extract.simulator import SiteSpec, World, demo_world
from extract.simulator import WrongWindow as WrongDay
from extract.simulator.scenarios import scenario
from extract.simulator.site import ZoneMode
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, Summary, backfill
from tests.simulated import NOW, Account, account
from wattlog.series_spec import Series

SITE = SiteSpec(
    site_id=77, installed_at=datetime(2025, 3, 1, 20, tzinfo=UTC), wall_connectors=1, outages_per_year=60, seed=7
)
SINCE = date(2026, 1, 8)


def fetch(served: Account, data_dir: Path, *series: Series, since: date | None = SINCE) -> Summary:
    context = served.context(data_dir)
    return backfill(context, ThreadExecutor(), BackfillRequest(series=series, since=since))


def entries(data_dir: Path, series: Series, site_id: int = SITE.site_id) -> list[IndexEntry]:
    return [entry for entry in RawArchive(data_dir / "raw").entries(site_id) if entry.series == series]


def test_outages_are_paged_to_the_first(tmp_path: Path) -> None:
    """Q32: every outage of the site is in the pages, each once."""
    with account(World((replace(SITE, backup_page_size=4),))) as served:
        summary = fetch(served, tmp_path, Series.BACKUP)
        pages = entries(tmp_path, Series.BACKUP)
        outages = served.world.truth(SITE.site_id).outages(date(2025, 3, 1), date(2026, 1, 15))
    truth = [outage for outage in outages if outage.start_s + outage.duration_ms / 1000 <= NOW.timestamp()]
    assert summary.exit_code == 0
    assert len(pages) == -(-len(truth) // 4) > 3
    assert {(page.window_start, page.window_end) for page in pages} == {(date(2025, 3, 1), date(2026, 1, 15))}
    assert summary.rows["backup_events"] == len(truth)


def test_a_paging_loop_is_one_failure(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Q32: the loop is noticed at its first turn, and what came is kept."""
    caplog.set_level(logging.WARNING)  # a command that another test ran may have left a higher level
    with account(World((replace(SITE, has_backup_loop=True, backup_page_size=10),))) as served:
        summary = fetch(served, tmp_path, Series.BACKUP)
    (failure,) = summary.failures
    assert isinstance(failure.error, PagingLooped)
    assert summary.exit_code == 1
    assert "does not go back" in caplog.text
    assert len(entries(tmp_path, Series.BACKUP)) <= 8


def test_charge_sessions_are_asked_by_the_month(tmp_path: Path) -> None:
    """API.md#charge-sessions: sites with wall connectors, whole months, both dates."""
    with account(World((SITE,))) as served:
        summary = fetch(served, tmp_path, Series.CHARGE, since=None)
        asked = [request.params for request in served.server.requests if request.path.endswith("telemetry_history")]
        truth = served.world.truth(SITE.site_id).charge_sessions(date(2025, 3, 1), date(2026, 1, 15))
    assert sorted(params["start_date"][:10] for params in asked) == [
        f"{2025 + month // 12}-{month % 12 + 1:02d}-01" for month in range(2, 13)
    ]
    over = [outage for outage in truth if outage.start_s + outage.duration_s <= NOW.timestamp()]
    assert summary.rows["charge_sessions"] == len(over) > 10


@pytest.mark.slow
def test_what_is_off_by_default_is_asked_by_name(tmp_path: Path) -> None:
    with account(replace(demo_world(NOW.date()), sites=(SITE,), has_legacy_history=True)) as served:
        assert fetch(served, tmp_path / "usual").exit_code == 0
        usual = {entry.series for entry in RawArchive(tmp_path / "usual" / "raw").entries(SITE.site_id)}
        assert {Series.HISTORY, Series.SELF_CONSUMPTION} & usual == set()
        assert fetch(served, tmp_path, Series.SELF_CONSUMPTION, Series.HISTORY).exit_code == 0
    assert [entry.outcome for entry in entries(tmp_path, Series.HISTORY)] == ["data"] * 5
    (month,) = entries(tmp_path, Series.SELF_CONSUMPTION)
    assert (month.window_start, month.outcome) == (date(2026, 1, 1), "data")


def test_the_retired_endpoint_costs_one_request_and_no_failure(tmp_path: Path) -> None:
    """API.md#legacy: 410 ends the series for the run."""
    with account(World((SITE,))) as served:
        summary = fetch(served, tmp_path, Series.HISTORY, Series.POWER)
    assert (summary.exit_code, summary.failures, set(summary.not_offered)) == (0, [], {Series.HISTORY})
    assert [entry.status for entry in entries(tmp_path, Series.HISTORY)] == [410]
    assert {entry.outcome for entry in entries(tmp_path, Series.POWER)} == {"data"}


def test_kinds_that_a_provider_refuses_are_left_out(tmp_path: Path) -> None:
    """Teslemetry documents energy and backup alone: the others are no failure, and are not asked for every window."""
    conditions = replace(scenario("teslemetry").conditions, limit=None)
    with account(World((SITE,)), conditions=conditions) as served:
        summary = fetch(served, tmp_path)
    assert (summary.exit_code, set(summary.not_offered)) == (0, {Series.POWER, Series.SOE})
    for series in (Series.POWER, Series.SOE):
        refused = entries(tmp_path, series)
        assert [entry.status for entry in refused] == [400]
        assert "not supported" in str(summary.not_offered[series])
    assert len(entries(tmp_path, Series.ENERGY_INTERVAL)) == 8


@pytest.mark.slow
@pytest.mark.parametrize(("times", "is_healed"), [(1, True), (None, False)])
def test_a_wrong_day_is_asked_once_more_and_never_filed(tmp_path: Path, times: int | None, is_healed: bool) -> None:
    """Q22: kept in raw, reported when it stays wrong, never under the day asked; asked again by the next run."""
    wrong = date(2026, 1, 9)
    site = replace(SITE, anomalies=(WrongDay(wrong, wrong, times=times),))
    with account(World((site,))) as served:
        summary = fetch(served, tmp_path, Series.POWER)
        kept = [entry for entry in entries(tmp_path, Series.POWER) if entry.window_start == wrong]
        assert [entry.outcome for entry in kept] == ["wrong_window", "data" if is_healed else "wrong_window"]
        assert [isinstance(failure.error, WrongWindow) for failure in summary.failures] == [True] * (not is_healed)
        assert summary.exit_code == (0 if is_healed else 1)
        before = len(served.server.requests)
        fetch(served, tmp_path, Series.POWER)
        again = {request.params.get("end_date", "")[:10] for request in served.server.requests[before:]}
    assert (str(wrong) in again) is not is_healed
    assert str(wrong + timedelta(days=1)) not in again


def test_a_wrong_response_that_comes_again_is_seen_again(tmp_path: Path) -> None:
    """The same bytes are not stored twice."""
    wrong = date(2026, 1, 9)
    site = replace(SITE, anomalies=(WrongDay(wrong, wrong),))
    with account(World((site,))) as served:
        fetch(served, tmp_path, Series.POWER)
    first, second = (entry for entry in entries(tmp_path, Series.POWER) if entry.window_start == wrong)
    assert (first.duplicate_of, second.duplicate_of) == (None, first.raw_id)


@pytest.mark.slow
def test_a_fixed_offset_site_is_asked_by_the_clock_it_is_cut_by(tmp_path: Path) -> None:
    """Q7: in January by the offset of winter, for days of summer too; no response is of another day."""
    with account(World((replace(SITE, zone_mode=ZoneMode.FIXED_OFFSET),))) as served:
        summary = fetch(served, tmp_path, Series.POWER, Series.ENERGY_DAY, since=date(2025, 10, 25))
        offsets = {params["end_date"][19:] for _, params in served.asked_history()}
    assert summary.exit_code == 0
    assert offsets == {"-08:00"}
    assert {entry.outcome for entry in entries(tmp_path, Series.POWER)} == {"data"}


@pytest.mark.slow
def test_walking_back_before_the_installation_ends(tmp_path: Path) -> None:
    """Q17: sixty empty days, in one run."""
    with account(World((replace(SITE, installed_at=datetime(2025, 12, 20, 20, tzinfo=UTC)),))) as served:
        summary = fetch(served, tmp_path, Series.ENERGY_INTERVAL, since=date(2020, 1, 1))
    days = [entry.window_start for entry in entries(tmp_path, Series.ENERGY_INTERVAL) if entry.window_start]
    assert summary.exit_code == 0
    assert min(days) == date(2025, 12, 20) - timedelta(days=60)
    assert len(set(days)) == len(days) == (date(2026, 1, 15) - min(days)).days + 1
