"""A site that leaves the account: its history stays, nothing more is requested of it, and that is said once."""

import logging
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from extract.archive.raw_archive import RawArchive, Response
from extract.requests import PRODUCTS
from extract.simulator import SiteSpec, World
from flows.account import known_sites
from flows.cli.plan import show_plan
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, rebuild
from tests.simulated import Account, account
from transform.sites import SiteStatus
from warehouse.query.query import connect

pytestmark = pytest.mark.slow

INSTALLED = datetime(2026, 1, 12, 20, tzinfo=UTC)
STAYS, LEAVES = (SiteSpec(site_id=number, installed_at=INSTALLED, site_name=f"Roof {number}") for number in (71, 72))
FIRST_NIGHT = datetime(2026, 1, 14, 11, 30, tzinfo=UTC)
LEFT = FIRST_NIGHT + timedelta(hours=20)


def run(made: Account, data_dir: Path, number: int, *sites: int) -> int:
    """The run of a night; returns how many requests it sent about the site that leaves."""
    made.now = lambda: FIRST_NIGHT + timedelta(days=number)
    before = len(made.server.requests)
    summary = made.run(data_dir, BackfillRequest(sites=sites))
    assert summary.exit_code == 0
    return sum(f"/{LEAVES.site_id}/" in request.path for request in made.server.requests[before:])


def days_of(data_dir: Path, site_id: int) -> list[tuple[date, float]]:
    with connect(data_dir / "warehouse.duckdb") as warehouse:
        return warehouse.execute(
            "select local_date, home_wh from daily where site_id = ? and local_date < '2026-01-14' order by 1",
            [site_id],
        ).fetchall()


def test_a_site_that_left_is_gone_and_its_history_stays(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    with account(World((STAYS, LEAVES), departures={LEAVES.site_id: LEFT})) as made, caplog.at_level(logging.WARNING):
        assert run(made, tmp_path, 0) > 0
        history = days_of(tmp_path, LEAVES.site_id)
        assert len(history) == 2
        said = []
        for number in (1, 2, 3):
            caplog.clear()
            assert run(made, tmp_path, number) == 0
            said.append([record.getMessage() for record in caplog.records if record.name == "flows.account"])
        assert run(made, tmp_path, 4, LEAVES.site_id) == 0, "also if it is named"
        assert show_plan(made.settings(tmp_path), BackfillRequest(), as_json=False, clock=made.present) == 0
        rebuild(made.context(tmp_path), ThreadExecutor())
    assert [len(texts) for texts in said] == [1, 0, 0]
    assert "site 72 (Roof 72) is no longer on the account" in said[0][0]
    assert days_of(tmp_path, LEAVES.site_id) == history
    with connect(tmp_path / "warehouse.duckdb") as warehouse:
        statuses = warehouse.execute("select site_id, status from sites order by 1").fetchall()
    assert statuses == [(71, "ok"), (72, "gone")]


def test_a_site_that_returns_is_asked_for_the_days_between(tmp_path: Path) -> None:
    with account(World((STAYS, LEAVES), departures={LEAVES.site_id: LEFT})) as made:
        run(made, tmp_path, 0)
        run(made, tmp_path, 1)
    with account(World((STAYS, LEAVES))) as made:
        assert run(made, tmp_path, 5) > 0
    assert {site.status for site in known_sites(RawArchive(tmp_path / "raw"), {})} == {SiteStatus.OK}
    days = {entry.window_start for entry in RawArchive(tmp_path / "raw").entries(72) if entry.series == "power"}
    assert days == {date(2026, 1, 12) + timedelta(days=number) for number in range(8)}


@pytest.mark.parametrize(
    ("response", "is_gone"),
    [
        pytest.param([], True, id="an empty list"),
        pytest.param([{"vehicle_id": 1}], True, id="a vehicle"),
        pytest.param(None, False, id="no list"),
        pytest.param("", False, id="a text"),
        pytest.param([{"energy_site_id": "abc"}], False, id="an entry that cannot be used"),
    ],
)
def test_only_a_complete_list_shows_that_a_site_has_left(tmp_path: Path, response: object, *, is_gone: bool) -> None:
    with account(World((STAYS,))) as made:
        made.now = lambda: FIRST_NIGHT
        made.ask(tmp_path, BackfillRequest())
    archive = RawArchive(tmp_path / "raw")
    body = orjson.dumps({"response": response})
    outcome = "data" if response else "no_data"
    answer = Response(PRODUCTS, FIRST_NIGHT + timedelta(days=1), 1.0, 1, 200, {}, body, outcome)
    archive.keep(answer, run_id="later", provider="simulator")
    (site,) = known_sites(archive, {})
    assert (site.status is SiteStatus.GONE) == is_gone
