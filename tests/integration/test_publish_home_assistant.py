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
    assert changed(dry) == {RIDGE: MONTHS, HARBOUR: MONTHS}
    assert len(assistant.received) == sent
    assert changed(published.publish("--reset", "--site", str(RIDGE))) == {RIDGE: MONTHS}
    assert changed(published.publish("--reset", "--since", "2025-11-01", "--site", str(RIDGE))) == {RIDGE: MONTHS[2:]}
    assert changed(published.publish()) == {RIDGE: [], HARBOUR: []}


def test_a_reset_takes_away_hours_that_are_gone(published: Published, assistant: StandIn) -> None:
    published.publish()
    published.change(
        f"delete from energy_intervals where site_id = {RIDGE} and interval_start < timestamptz '2025-03-09 00:00:00+00'"
    )
    assert changed(published.publish("--reset")) == {RIDGE: MONTHS, HARBOUR: MONTHS}
    check(published, assistant)


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
    assert [line.split()[1:3] for line in broken.stdout.splitlines() if line.startswith("home-assistant")] == [
        [str(RIDGE), "1"]
    ]
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


def has_costs(published: Published, currency: str, since: str, until: str) -> list[int]:
    """Give each hour of a site between two instants costs in a currency; returns when the hours begin, in ms."""
    hours = (
        "select distinct time_bucket(interval '1 hour', interval_start) as starts_at from energy_intervals "
        f"where site_id = {RIDGE} and interval_start between timestamptz '{since}' and timestamptz '{until}'"
    )
    published.change(
        f"insert into hourly_costs by name select {RIDGE} as site_id, starts_at, starts_at::date as local_date, "
        f"3600 as stored_s, '' as label, '' as season, '{currency}' as currency, 0.25 as import_cost, "
        f"0.125 as export_credit from ({hours})"
    )
    return [start for (start,) in published.rows(f"select epoch_ms(starts_at) from ({hours}) order by 1")]


def test_costs_in_an_earlier_currency_are_left_out_in_one_line(published: Published, assistant: StandIn) -> None:
    in_dollars = has_costs(published, "USD", "2025-01-01 00:00:00+00", "2025-11-01 23:59:59+00")
    in_euros = has_costs(published, "EUR", "2025-11-02 00:00:00+00", "2025-12-01 00:00:00+00")
    found = published.wattlog("publish")
    assert found.returncode == 0
    line = f"{len(in_dollars):,} hours with costs in USD are left out, since the latest costs are in EUR"
    assert [line in text for text in found.stderr.splitlines()].count(True) == 1
    for name in ("cost", "compensation"):
        assert assistant.meta[f"wattlog:{RIDGE}_{name}"]["statistics_unit_of_measurement"] == "EUR"
        assert sorted(assistant.rows[f"wattlog:{RIDGE}_{name}"]) == in_euros


def test_the_energy_dashboard_has_costs_of_its_own_currency_alone(published: Published, assistant: StandIn) -> None:
    """The dashboard shows all amounts in one currency; once that is the site's, the costs are added."""
    has_costs(published, "USD", "2025-01-01 00:00:00+00", "2025-12-01 00:00:00+00")
    arguments = ("publish", "home-assistant", "--energy-dashboard", "--site", str(RIDGE))
    found = published.wattlog(*arguments)
    assert f"site {RIDGE}: costs in USD are not on the Energy dashboard" in found.stderr
    assert f"{RIDGE}_cost" not in str(assistant.prefs)
    assistant.currency = "USD"
    found = published.wattlog(*arguments)
    assert f"added to the Energy dashboard: wattlog:{RIDGE}_cost, wattlog:{RIDGE}_compensation" in found.stderr
    assert assistant.prefs is not None
    (grid,) = [source for source in assistant.prefs["energy_sources"] if source["type"] == "grid"]
    assert grid["flow_from"][0]["stat_cost"] == f"wattlog:{RIDGE}_cost"
    grid["flow_from"][0] |= {"stat_cost": None, "number_energy_price": 0.3}
    assert "nothing, all of it was there" in published.wattlog(*arguments).stderr
