"""`wattlog plan`: a backfill does what it shows."""

import json
from collections import Counter
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from extract.archive.raw_archive import RawArchive
from extract.simulator import LateData, World, demo_world
from flows.cli.plan import show_plan
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, Summary, backfill
from flows.settings import Settings
from tests.simulated import NOW, Account, account

SITE = 2104877316
RECENT = BackfillRequest(sites=(SITE,), since=date(2026, 1, 10))


def now() -> datetime:
    """The simulated account's present."""
    return NOW


def shown(settings: Settings, backfill_request: BackfillRequest, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `plan --json` prints."""
    capsys.readouterr()
    assert show_plan(settings, backfill_request, as_json=True, clock=now) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def fetch(served: Account, data_dir: Path) -> Summary:
    """Backfill the selection."""
    context = served.context(data_dir)
    return backfill(context, ThreadExecutor(), RECENT)


def test_an_empty_archive_gets_the_sites_and_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Products and the site's site_info, and it is said; after that nothing is asked at all."""
    with account() as served:
        settings = served.settings(tmp_path)
        assert show_plan(settings, RECENT, as_json=False, clock=now) == 0
        said = capsys.readouterr()
        asked = [request.path.rsplit("/", 1)[-1] for request in served.server.requests]
        assert show_plan(settings, RECENT, as_json=False, clock=now) == 0
        assert len(served.server.requests) == len(asked)
    assert asked == ["products", "site_info"]
    assert "requesting the account's products and each site's site_info" in said.err
    assert "has no site yet" not in capsys.readouterr().err
    assert "Banksia Terrace" in said.out


@pytest.mark.slow
@pytest.mark.parametrize("is_repeated", [False, True], ids=["nothing is stored", "settled days are stored"])
def test_a_backfill_asks_what_the_plan_says(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], is_repeated: bool
) -> None:
    """By series, and in all; settled windows are in neither."""
    with account() as served:
        if is_repeated:
            fetch(served, tmp_path)
        planned = shown(served.settings(tmp_path), RECENT, capsys)
        summary = fetch(served, tmp_path)
    kept = RawArchive(tmp_path / "raw").entries(SITE)
    asked = Counter(str(entry.series) for entry in kept if entry.run_id == summary.run_id)
    by_series = {line["series"]: line["requests"] for line in planned["by_series"] if line["site_id"] == SITE}
    assert asked == by_series
    assert planned["requests"] == summary.requests
    assert by_series["power"] == (3 if is_repeated else 7)


@pytest.mark.parametrize(
    ("provider", "minutes", "price"), [("fleet-na", 0.5, 0.06), ("teslemetry", 0.9, None), ("simulator", None, None)]
)
def test_time_and_price_are_the_providers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], provider: str, minutes: float | None, price: float | None
) -> None:
    """API.md#limits: with where the price stands and when it was read."""
    with account() as served:
        shown(served.settings(tmp_path), RECENT, capsys)
        planned = shown(served.settings(tmp_path, provider=provider), RECENT, capsys)
    assert planned["requests"] == 28
    assert planned["minutes"] == minutes
    assert planned["price_usd"] == price
    assert (planned["terms_source"] is None) == (provider == "simulator")


def test_days_are_those_of_the_selection(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    backfill_request = BackfillRequest(sites=(SITE,), since=date(2025, 12, 30), until=date(2026, 1, 2))
    with account() as served:
        planned = shown(served.settings(tmp_path), backfill_request, capsys)
    days = {line["series"]: (line["first_day"], line["last_day"], line["requests"]) for line in planned["by_series"]}
    assert days["power"] == ("2025-12-30", "2026-01-02", 4)
    assert days["energy_day"] == ("2025-12-01", "2026-01-16", 2)
    assert "charge" not in days, "the site has no wall connector"


@pytest.mark.slow
def test_windows_that_are_requested_again_are_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Settled without rows, with data on both sides: the plan counts them, says so, and the backfill requests them."""
    offline = datetime(2026, 1, 9, 13, tzinfo=UTC), datetime(2026, 1, 10, 13, tzinfo=UTC)
    site = replace(demo_world(NOW.date()).sites[1], outages_per_year=0, anomalies=(LateData(*offline),))
    backfill_request = BackfillRequest(sites=(SITE,), since=date(2026, 1, 7))
    with account(World((site,))) as served:
        served.run(tmp_path, backfill_request)
        settings, tomorrow = served.settings(tmp_path), NOW + timedelta(days=1)
        assert shown(settings, backfill_request, capsys)["requested_again"] == 0, "not on the same day"
        served.now = lambda: tomorrow
        assert show_plan(settings, backfill_request, as_json=True, clock=served.present) == 0
        planned = json.loads(capsys.readouterr().out)
        assert show_plan(settings, backfill_request, as_json=False, clock=served.present) == 0
        assert (
            "3 windows among these were settled without some or all of their rows; they are requested again"
            in capsys.readouterr().err
        )
        summary = served.run(tmp_path, backfill_request)
    assert planned["requested_again"] == 3
    assert {line["series"] for line in planned["by_series"] if line["requested_again"]} == {
        "power",
        "soe",
        "energy_interval",
    }
    kept = RawArchive(tmp_path / "raw").entries(SITE)
    asked = [entry for entry in kept if entry.run_id == summary.run_id and entry.window_start == date(2026, 1, 10)]
    assert sorted(entry.series for entry in asked) == ["energy_interval", "power", "soe"]
