"""A changed reserve, which a simulated battery follows: the model has what really happened, and the command shows it."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest

from extract.requests import site_info
from extract.simulator import SettingsChange, SiteSpec, World
from flows.pipeline import BackfillRequest
from tests.shell import run_here
from tests.simulated import Account, account
from wattlog.series_spec import Series

CALM, STORMY = 1_000_000_001, 1_000_000_002
AT = datetime(2025, 11, 5, 20, tzinfo=UTC)
"""Noon in California."""
SEEN = AT - timedelta(hours=5), AT + timedelta(hours=1)
BEFORE = date(2025, 10, 29), date(2025, 11, 4)
AFTER = date(2025, 11, 6), date(2025, 11, 12)


def site(site_id: int, outages_per_year: float) -> SiteSpec:
    raised = SettingsChange(AT, (("backup_reserve_percent", 80),), is_followed=True)
    return SiteSpec(
        site_id=site_id,
        installed_at=AT - timedelta(days=20),
        backup_reserve_pct=10,
        outages_per_year=outages_per_year,
        settings_changes=(raised,),
        seed=4,
    )


@pytest.fixture(scope="module")
def fetched(tmp_path_factory: pytest.TempPathFactory) -> tuple[Account, Path]:
    directory = tmp_path_factory.mktemp("effects")
    world = World((site(CALM, 0.0), site(STORMY, 365.0)))
    with account(world) as made:
        for instant in SEEN:
            made.stand_at(instant)
            made.fetch(directory / "data", [site_info(CALM), site_info(STORMY)])
        made.stand_at(AT + timedelta(days=12))
        series = (Series.ENERGY_INTERVAL, Series.ENERGY_DAY, Series.SOE, Series.BACKUP)
        summary = made.run(directory / "data", BackfillRequest(series=series, since=BEFORE[0] - timedelta(days=1)))
        assert summary.exit_code == 0, summary.failures
    return made, directory


@pytest.mark.slow
def test_the_effect_of_a_reserve_is_what_the_battery_did(fetched: tuple[Account, Path]) -> None:
    """Both weeks are those of the truth, and the battery is fuller by what the reserve demands."""
    made, directory = fetched
    done = run_here(["history", "effects", "--site", str(CALM), "--setting", "reserve", "--json"], directory, {})
    hours, days = json.loads(done.stdout)
    assert (days["side_length"], days["status"], days["value_before"], days["value_after"]) == (
        "7 days",
        "comparable",
        "10",
        "80",
    )
    truth = made.world.truth(CALM)
    for when, (first, last) in (("before", BEFORE), ("after", AFTER)):
        sums = truth.total_wh(first, last)
        assert days[f"{when}_solar_kwh"] == pytest.approx(sums["solar_energy_exported"] / 7000)
        assert days[f"{when}_grid_import_kwh"] == pytest.approx(sums["grid_energy_imported"] / 7000)
        assert days[f"{when}_battery_discharge_kwh"] == pytest.approx(sums["battery_energy_exported"] / 7000)
    assert days["mean_soe_difference_pct"] > 30
    assert days["battery_discharge_difference_kwh"] < -5
    assert hours["status"] in ("comparable", "solar_differs")
    assert days["command_id"] is None


def test_an_outage_in_the_time_compared_leaves_nothing_to_compare(fetched: tuple[Account, Path]) -> None:
    made, directory = fetched
    assert made.world.truth(STORMY).outages(*AFTER)
    done = run_here(["history", "effects", "--site", str(STORMY), "--json"], directory, {})
    _, days = json.loads(done.stdout)
    assert (days["status"], days["reason"]) == ("not_enough_data", "an outage is in the time compared")
    assert days["after_grid_import_kwh"] is None
    shown = " ".join(run_here(["history", "effects"], directory, {}, columns=100).stdout.split())
    assert "an outage is in" in shown
    assert "grid import +" in shown, "what differs is shown, however narrow the terminal is"
    assert "the weather" in shown
    nothing = run_here(["history", "effects", "--setting", "mode"], directory, {})
    assert (nothing.returncode, nothing.stdout) == (0, "")
    assert "no change of a setting" in nothing.stderr
