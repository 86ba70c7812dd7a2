"""`wattlog plan`: what it says is what a backfill does."""

import json
from collections import Counter
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from extract.archive import RawArchive
from flows.cli.plan import plan
from flows.engines.local import LocalEngine
from flows.pipeline import Selection, Summary, backfill
from flows.settings import Settings
from tests.simulated import NOW, Account, account

SITE = 2104877316
RECENT = Selection(sites=(SITE,), since=date(2026, 1, 10))


def now() -> datetime:
    """The simulated account's present."""
    return NOW


def shown(settings: Settings, selection: Selection, capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """What `plan --json` prints."""
    capsys.readouterr()
    assert plan(settings, selection, as_json=True, clock=now) == 0
    printed: dict[str, Any] = json.loads(capsys.readouterr().out)
    return printed


def fetch(served: Account, data_dir: Path) -> Summary:
    """Backfill the selection."""
    workspace = served.workspace(data_dir)
    try:
        return backfill(workspace, LocalEngine(), RECENT)
    finally:
        workspace.close()


def test_an_empty_archive_is_told_the_sites_and_nothing_else(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Products and the site's site_info, and it is said; after that nothing is asked at all."""
    with account() as served:
        settings = served.settings(tmp_path)
        assert plan(settings, RECENT, as_json=False, clock=now) == 0
        said = capsys.readouterr()
        asked = [each.path.rsplit("/", 1)[-1] for each in served.server.requests]
        assert plan(settings, RECENT, as_json=False, clock=now) == 0
        assert len(served.server.requests) == len(asked)
    assert asked == ["products", "site_info"]
    assert "asking for the account's products and each site's site_info" in said.err
    assert "knows no site" not in capsys.readouterr().err
    assert "Banksia Terrace" in said.out


@pytest.mark.parametrize("is_repeated", [False, True], ids=["nothing is held", "settled days are held"])
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
    by_series = {each["series"]: each["requests"] for each in planned["by_series"] if each["site_id"] == SITE}
    assert asked == by_series
    assert planned["requests"] == summary.requests
    assert by_series["power"] == (3 if is_repeated else 7)


@pytest.mark.parametrize(
    ("provider", "minutes", "price"), [("fleet-na", 0.5, 0.06), ("teslemetry", 0.9, None), ("simulator", None, None)]
)
def test_time_and_price_are_the_providers(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], provider: str, minutes: float | None, price: float | None
) -> None:
    """API.md §1.8: with where the price stands and when it was read."""
    with account() as served:
        shown(served.settings(tmp_path), RECENT, capsys)
        planned = shown(served.settings(tmp_path, provider=provider), RECENT, capsys)
    assert planned["requests"] == 28
    assert planned["minutes"] == minutes
    assert planned["price_usd"] == price
    assert (planned["terms_source"] is None) == (provider == "simulator")


def test_days_are_those_of_the_selection(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    selection = Selection(sites=(SITE,), since=date(2025, 12, 30), until=date(2026, 1, 2))
    with account() as served:
        planned = shown(served.settings(tmp_path), selection, capsys)
    days = {each["series"]: (each["first_day"], each["last_day"], each["requests"]) for each in planned["by_series"]}
    assert days["power"] == ("2025-12-30", "2026-01-02", 4)
    assert days["energy_day"] == ("2025-12-01", "2026-01-16", 2)
    assert "charge" not in days, "the site has no wall connector"
