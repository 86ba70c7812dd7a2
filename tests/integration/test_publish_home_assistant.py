"""Deliveries to Home Assistant: a stand-in that answers as a real core does, which is compared with recorded answers."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from extract.services.home_assistant import logged_in
from flows.deliveries import home_assistant
from tests.home_assistant import TOKEN, StandIn, stand_in
from tests.home_assistant_talk import TALK, answers_of, recorded
from tests.integration.published_homes import HARBOUR, HOMES, RIDGE, Published, changed
from tests.recordings import Recordings

pytestmark = pytest.mark.slow

FLOWS = {
    "solar": "solar_energy_exported_wh",
    "grid_in": "grid_energy_imported_wh",
    "grid_out": "grid_energy_exported_from_solar_wh + grid_energy_exported_from_generator_wh"
    " + grid_energy_exported_from_battery_wh",
    "battery_in": "battery_energy_imported_from_grid_wh + battery_energy_imported_from_solar_wh"
    " + battery_energy_imported_from_generator_wh",
    "battery_out": "battery_energy_exported_wh",
    "home": "consumer_energy_imported_from_grid_wh + consumer_energy_imported_from_solar_wh"
    " + consumer_energy_imported_from_battery_wh + consumer_energy_imported_from_generator_wh",
}
MONTHS = ["2025-03", "2025-10", "2025-11"]


@pytest.fixture(scope="module")
def homes(recordings: Recordings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return recordings.copy(HOMES, tmp_path_factory.mktemp("homes") / "data").data_dir


@pytest.fixture
def assistant() -> Iterator[StandIn]:
    with stand_in() as found:
        yield found


@pytest.fixture
def published(homes: Path, tmp_path: Path, assistant: StandIn) -> Published:
    found = Published.copy(homes, tmp_path / "data")
    found.environment["WATTLOG_SECRET_HOME_ASSISTANT"] = TOKEN
    found.targets([{"target": "home-assistant", "to": assistant.url}])
    return found


def check(published: Published, assistant: StandIn) -> None:
    """Every hour of every flow is as in the warehouse, and sums begin at nothing."""
    for site_id in (RIDGE, HARBOUR):
        for flow, wh in FLOWS.items():
            rows = published.rows(
                f"select epoch_ms(time_bucket(interval '1 hour', interval_start)) as hour, sum({wh}) "
                f"from energy_intervals where site_id = {site_id} and {wh} is not null group by hour order by hour"
            )
            statistic_id = f"wattlog:{site_id}_{flow}"
            if site_id == HARBOUR and flow.startswith("battery"):
                assert statistic_id not in assistant.rows
                continue
            stored, total = assistant.rows[statistic_id], 0.0
            assert [start for start, _ in rows] == sorted(stored)
            for start, energy in rows:
                total += energy
                assert stored[start]["state"] * 1000 == pytest.approx(energy, abs=1e-6)
                assert stored[start]["sum"] * 1000 == pytest.approx(total, abs=1e-3)


def test_the_stand_in_answers_as_the_real_core_did(assistant: StandIn) -> None:
    """Validation, times, units, the dashboard: each answer as recorded from Home Assistant 2025.12.5."""
    with logged_in(assistant.url, TOKEN) as home:
        for (command, values), answer, expected in zip(TALK, answers_of(home), recorded(), strict=True):
            assert answer == expected, (command, values)


def test_hours_equal_the_warehouse_and_a_second_time_sends_nothing(published: Published, assistant: StandIn) -> None:
    assert changed(published.publish()) == {RIDGE: MONTHS, HARBOUR: MONTHS}
    check(published, assistant)
    assert {meta["unit_class"] for meta in assistant.meta.values()} == {"energy"}
    assert {(meta["mean_type"], meta["has_sum"], meta["source"]) for meta in assistant.meta.values()} == {
        (0, True, "wattlog")
    }
    sent = len(assistant.received)
    assert changed(published.publish()) == {RIDGE: [], HARBOUR: []}
    assert len(assistant.received) == sent
    dry = published.publish("--dry-run", "--reset")
    assert changed(dry) == {RIDGE: [], HARBOUR: []}
    assert changed(published.publish("--reset", "--site", str(RIDGE))) == {RIDGE: MONTHS}


def test_a_log_of_everything_has_no_token(published: Published) -> None:
    published.environment["WATTLOG_LOG_LEVEL"] = "debug"
    found = published.wattlog("publish", "--json")
    assert found.returncode == 0
    assert TOKEN not in found.stdout + found.stderr


def test_charge_sessions_count_in_full(published: Published, assistant: StandIn) -> None:
    published.publish()
    ((wh,),) = published.rows(f"select sum(energy_added_wh) from charge_sessions where site_id = {RIDGE}")
    cars = assistant.rows.get(f"wattlog:{RIDGE}_cars", {})
    assert (wh or 0) > 0
    assert sum(row["state"] for row in cars.values()) * 1000 == pytest.approx(wh, abs=1e-3)


def test_a_restated_hour_sends_every_later_sum(published: Published, assistant: StandIn) -> None:
    """The month before it is left alone, and the other site."""
    published.publish()
    published.change(
        "update energy_intervals set solar_energy_exported_wh = solar_energy_exported_wh + 250 "
        f"where site_id = {RIDGE} and interval_start = timestamptz '2025-10-05 19:00:00+00'"
    )
    assert changed(published.publish()) == {RIDGE: MONTHS[1:], HARBOUR: []}
    check(published, assistant)


def test_hours_that_are_gone_are_cleared(published: Published, assistant: StandIn) -> None:
    """Home Assistant cannot lose single hours: the site's statistics are cleared, and all hours sent again."""
    published.publish()
    published.change(
        f"delete from energy_intervals where site_id = {RIDGE} and interval_start < timestamptz '2025-03-09 00:00:00+00'"
    )
    assert changed(published.publish()) == {RIDGE: MONTHS, HARBOUR: []}
    assert assistant.commands.count("recorder/clear_statistics") == 1
    check(published, assistant)


def test_a_kill_midway_is_made_good(published: Published, assistant: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """The connection ends within the second month of the first site: one line, exit code 1, and the rest with the next run."""
    monkeypatch.setattr(home_assistant, "MONTHS", 1)
    monkeypatch.setattr(home_assistant, "ROWS", 50)
    assistant.dies_after = 20
    broken = published.wattlog("publish")
    assert broken.returncode == 1
    assert "run the command again" in broken.stderr
    listed = published.wattlog("publish", "--list", "--json").stdout
    assert "2025-03" in listed
    assert "2025-11" not in listed
    assistant.dies_after = None
    again = changed(published.publish())
    assert again == {RIDGE: MONTHS[1:], HARBOUR: MONTHS}
    check(published, assistant)


def test_what_was_sent_is_read_back(published: Published, assistant: StandIn, monkeypatch: pytest.MonkeyPatch) -> None:
    """An import that is accepted and not stored is no delivery."""
    monkeypatch.setattr(StandIn, "_recorder_import_statistics", lambda *_, **__: None)
    monkeypatch.setattr(home_assistant, "STORED_WITHIN_S", 0.0)
    found = published.wattlog("publish")
    assert found.returncode == 1
    assert "is not stored" in found.stderr
    assert published.wattlog("publish", "--list", "--json").stdout.strip() == "[]"
    del assistant


def test_the_energy_dashboard_keeps_what_is_there(published: Published, assistant: StandIn) -> None:
    """Sources of other integrations stay; a second time adds nothing; nothing is missing for `energy/validate`."""
    other = {"type": "solar", "stat_energy_from": "sensor.other", "config_entry_solar_forecast": ["abc"]}
    flow = {
        "stat_energy_from": "sensor.meter",
        "stat_cost": None,
        "entity_energy_price": None,
        "number_energy_price": 0.3,
    }
    grid = {"type": "grid", "flow_from": [flow], "flow_to": [], "cost_adjustment_day": 1.5}
    assistant.prefs = {"energy_sources": [other, grid], "device_consumption": [], "device_consumption_water": []}
    assistant.add("sensor.other", {0: 1.0})
    assistant.add("sensor.meter", {0: 1.0})
    added = published.publish("home-assistant", "--energy-dashboard", "--site", str(RIDGE))["energy_dashboard"]
    flows = ("solar", "grid_in", "grid_out", "battery_out", "cars")
    assert sorted(added) == sorted(f"wattlog:{RIDGE}_{name}" for name in flows)
    saved = assistant.prefs
    assert saved is not None
    assert saved["energy_sources"][0] == other
    assert saved["energy_sources"][1]["flow_from"][0] == flow
    assert saved["energy_sources"][1]["cost_adjustment_day"] == 1.5
    with logged_in(assistant.url, TOKEN) as home:
        assert not any(issue for kind in home.call("energy/validate").values() for issue in kind)
    again = published.publish("home-assistant", "--energy-dashboard", "--site", str(RIDGE))
    assert again["energy_dashboard"] == []
    assert assistant.prefs == saved
