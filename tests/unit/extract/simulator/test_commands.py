"""Commands at the simulator: forms of answers, what site_info shows afterwards, and what the battery then does."""

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import Any

import orjson
import pytest

from extract.simulator import AnswerForm, CommandBehaviour, Mode, Refusal, SettingsChange, SiteSpec, World
from extract.simulator.endpoints.commands import Commands
from extract.simulator.endpoints.query import ApiError, Query
from extract.simulator.endpoints.site_state import site_info, tariff_rate
from wattlog.commands.answers import Verdict, judge

NOW = datetime(2025, 11, 20, 20, 0, tzinfo=UTC)
SITE = 5
FLAG, RULE = "disallow_charge_from_grid_with_solar_installed", "customer_preferred_export_rule"


class Site:
    """A site that takes commands at `NOW`."""

    def __init__(self, behaviour: CommandBehaviour | None = None, **facts: Any) -> None:
        self.world = World((SiteSpec(site_id=SITE, seed=3, **facts),))
        self.commands = Commands(self.world, behaviour)

    def post(self, endpoint: str, **body: object) -> dict[str, Any]:
        return self.commands.answer(SITE, endpoint, orjson.dumps(body), NOW)

    def info(self) -> dict[str, Any]:
        self.commands.before_site_info(SITE, NOW)
        return site_info(Query(self.world, self.world.truth(SITE), {}, NOW))


@pytest.mark.parametrize("form", AnswerForm)
def test_a_success_has_six_forms(form: AnswerForm) -> None:
    """Q53."""
    site = Site(CommandBehaviour(form=form))
    verdict = judge(200, orjson.dumps(site.post("backup", backup_reserve_percent=40))).verdict
    assert verdict is (Verdict.UNKNOWN if form is AnswerForm.NULL else Verdict.ACCEPTED)
    assert site.info()["backup_reserve_percent"] == 40


@pytest.mark.parametrize("refusal", Refusal)
def test_a_failure_can_have_status_200(refusal: Refusal) -> None:
    """Q62."""
    site = Site(CommandBehaviour(refusal=refusal))
    assert judge(200, orjson.dumps(site.post("backup", backup_reserve_percent=40))).verdict is Verdict.REJECTED
    assert site.info()["backup_reserve_percent"] == 20


@pytest.mark.parametrize(
    ("endpoint", "body", "shown"),
    [
        ("operation", {"default_real_mode": "autonomous"}, ("default_real_mode", "autonomous")),
        ("storm_mode", {"enabled": False}, ("user_settings.storm_mode_enabled", False)),
        (
            "off_grid_vehicle_charging_reserve",
            {"off_grid_vehicle_charging_reserve_percent": 30},
            ("off_grid_vehicle_charging_reserve_percent", 30),
        ),
    ],
)
def test_site_info_shows_what_a_command_set(endpoint: str, body: dict[str, Any], shown: tuple[str, object]) -> None:
    """Q52."""
    site = Site()
    site.post(endpoint, **body)
    value: Any = site.info()
    for key in shown[0].split("."):
        value = value[key]
    assert value == shown[1]


@pytest.mark.parametrize("becomes", [80, 100])
def test_a_high_reserve_is_replaced_except_in_mode_backup(becomes: int) -> None:
    """Q48."""
    site = Site(CommandBehaviour(high_reserve=becomes))
    site.post("backup", backup_reserve_percent=90)
    assert site.info()["backup_reserve_percent"] == becomes
    site.post("operation", default_real_mode="backup")
    site.post("backup", backup_reserve_percent=90)
    assert site.info()["backup_reserve_percent"] == 90


def test_the_flag_of_grid_charging_is_true_or_absent() -> None:
    """Q54, Q57: one key leaves the other setting alone."""
    site = Site()
    assert FLAG not in site.info()["components"]
    site.post("grid_import_export", **{FLAG: True, RULE: "pv_only"})
    assert site.info()["components"].items() >= {FLAG: True, RULE: "pv_only"}.items()
    site.post("grid_import_export", **{FLAG: False})
    assert FLAG not in site.info()["components"]
    assert site.info()["components"][RULE] == "pv_only"


@pytest.mark.parametrize("is_kept", [True, False])
def test_the_export_rule_may_vanish(is_kept: bool) -> None:
    """Q55."""
    site = Site(CommandBehaviour(keeps_export_rule=is_kept))
    site.post("grid_import_export", **{RULE: "never"})
    assert site.info()["components"].items() >= {RULE: "never", "non_export_configured": True}.items()
    site.post("grid_import_export", **{RULE: "battery_ok"})
    assert (RULE in site.info()["components"]) == is_kept
    assert "non_export_configured" not in site.info()["components"]


def test_a_change_can_be_shown_late_or_never() -> None:
    """Q56, Q64, Q65."""
    late = Site(CommandBehaviour(stale_reads=2))
    late.post("backup", backup_reserve_percent=40)
    assert [late.info()["backup_reserve_percent"] for _ in range(4)] == [20, 20, 40, 40]
    never = Site(CommandBehaviour(is_applied=False))
    never.post("backup", backup_reserve_percent=40)
    assert never.info()["backup_reserve_percent"] == 20


def test_a_strategy_is_dropped_beside_a_tariff_and_refused_alone() -> None:
    """Q59."""
    site = Site()
    site.post(
        "time_of_use_settings", tou_settings={"optimization_strategy": "economics", "tariff_content_v2": {"a": 1}}
    )
    assert "tou_settings" not in site.info()
    assert site.info()["tariff_content_v2"] == {"a": 1}
    with pytest.raises(ApiError, match="tariffID"):
        site.post("time_of_use_settings", tou_settings={"optimization_strategy": "economics"})


def test_a_tariff_is_read_without_zeros_and_placeholders() -> None:
    """Q124, Q131, Q134: negative prices are 0."""
    site, season = (
        Site(),
        {"fromMonth": 1, "tou_periods": {"P": {"periods": [{"fromHour": 0, "toHour": 0, "toDayOfWeek": 6}]}}},
    )
    document = {
        "version": 1,
        "monthly_charges": 0,
        "daily_charges": [{"name": "Charge", "amount": 0}],
        "energy_charges": {"ALL": {"rates": {"ALL": 0}}, "S": {"rates": {"P": -0.1, "Q": 0}}},
        "seasons": {"S": season},
    }
    site.post("time_of_use_settings", tou_settings={"tariff_content_v2": document})
    assert site.info()["tariff_content_v2"] == {
        "version": 1,
        "daily_charges": [{"name": "Charge"}],
        "energy_charges": {"S": {"rates": {"P": 0, "Q": 0}}},
        "seasons": {"S": {"fromMonth": 1, "tou_periods": {"P": {"periods": [{"toDayOfWeek": 6}]}}}},
    }


@pytest.mark.parametrize(
    ("endpoint", "body"),
    [
        ("backup", {}),
        ("backup", {"backup_reserve_percent": 101}),
        ("backup", {"backup_reserve_percent": True}),
        ("operation", {"default_real_mode": "fast"}),
        ("storm_mode", {"enabled": "yes"}),
        ("grid_import_export", {}),
        ("grid_import_export", {RULE: "all"}),
    ],
)
def test_a_body_that_is_not_valid_is_refused(endpoint: str, body: dict[str, Any]) -> None:
    with pytest.raises(ApiError, match="not valid"):
        Site().post(endpoint, **body)
    with pytest.raises(ApiError, match="no battery"):
        Site(battery_energy_wh=0, battery_power_w=0).post(endpoint, **body)


def test_the_battery_follows_reserve_and_mode_from_the_next_day_on() -> None:
    """Q51: in mode backup it stays full."""
    site = Site()
    before, day, after = date(2025, 11, 19), date(2025, 11, 20), date(2025, 11, 22)
    past = site.world.truth(SITE).day(before)
    site.post("backup", backup_reserve_percent=70)
    raised = site.world.truth(SITE)
    assert raised.day(before).level_wh.tolist() == past.level_wh.tolist()
    capacity = raised.spec.battery_energy_wh
    assert raised.day(day).level_wh.min() < capacity * 0.7 <= raised.day(after).level_wh.min()
    site.post("operation", default_real_mode=Mode.BACKUP)
    assert set(site.world.truth(SITE).day(after).level_wh.tolist()) == {capacity}
    assert (site.world.truth(SITE).day(after).flows["battery_energy_exported"] == 0).all()


def flows_of(site: Site, days: list[date], name: str) -> list[int]:
    truth = site.world.truth(SITE)
    return [int(truth.day(day).flows[name].sum()) for day in days]


def check_identities_and_levels(site: Site, days: list[date]) -> None:
    """The parts of each flow are its whole, and each day begins with the energy with which the one before it ended."""
    truth = site.world.truth(SITE)
    for day, following in pairwise(days):
        flows, levels = truth.day(day).flows, truth.day(day).level_wh
        for side in ("solar", "battery", "generator"):
            source = flows[f"{side}_energy_exported"]
            to_battery = flows.get(f"battery_energy_imported_from_{side}", 0)
            assert (
                source
                == flows[f"consumer_energy_imported_from_{side}"]
                + flows[f"grid_energy_exported_from_{side}"]
                + to_battery
            ).all()
        assert levels[-1] == truth.day(following).level_wh[0]
        assert 0 <= levels.min() <= levels.max() <= truth.spec.battery_energy_wh


DAYS = [date(2025, 11, 20) + timedelta(days=number) for number in range(12)]
"""The day of the commands, and days after it."""


@pytest.mark.parametrize("rule", ["pv_only", "never"])
def test_the_rule_of_export_limits_the_battery_and_the_panels(rule: str) -> None:
    """Q55: from the next local day on; `never` curtails the panels as well, and later the site exports again."""
    facts: dict[str, Any] = {"solar_peak_w": 12_000, "home_mean_w": 400, "outages_per_year": 0.0}
    free, limited = Site(**facts), Site(**facts)
    limited.post("grid_import_export", **{RULE: rule})
    assert sum(flows_of(free, DAYS[1:], "grid_energy_exported_from_battery")) > 0
    assert flows_of(limited, DAYS[:1], "grid_energy_imported") == flows_of(free, DAYS[:1], "grid_energy_imported")
    assert sum(flows_of(limited, DAYS[1:], "grid_energy_exported_from_battery")) == 0
    is_curtailed = sum(flows_of(limited, DAYS[1:], "grid_energy_exported_from_solar")) == 0
    assert is_curtailed == (rule == "never")
    made, possible = (sum(flows_of(site, DAYS[1:], "solar_energy_exported")) for site in (limited, free))
    assert made < possible if is_curtailed else made == possible
    check_identities_and_levels(limited, DAYS)
    limited.post("grid_import_export", **{RULE: "battery_ok"})
    assert flows_of(limited, DAYS, "grid_energy_exported_from_solar") == flows_of(
        free, DAYS, "grid_energy_exported_from_solar"
    )


def test_without_grid_charging_the_battery_takes_solar_alone() -> None:
    """Q54; a reserve that is raised is then reached by solar, or not at all (Q60)."""
    free, limited = Site(solar_peak_w=2_000), Site(solar_peak_w=2_000)
    assert sum(flows_of(free, DAYS[1:], "battery_energy_imported_from_grid")) > 0
    limited.post("grid_import_export", **{FLAG: True})
    raised = SettingsChange(NOW + timedelta(days=3), (("backup_reserve_percent", 70),), is_followed=True)
    limited.world.change(SITE, raised)
    assert sum(flows_of(limited, DAYS[1:], "battery_energy_imported_from_grid")) == 0
    check_identities_and_levels(limited, DAYS)
    day = limited.world.truth(SITE).day(DAYS[4])
    assert day.level_wh[0] < limited.world.truth(SITE).spec.battery_energy_wh * 0.7
    assert day.flows["battery_energy_exported"].sum() == 0, "below the reserve nothing is discharged"


@pytest.mark.parametrize("has_grid_charging", [True, False])
def test_time_based_the_battery_follows_the_bands_of_the_tariff(has_grid_charging: bool) -> None:
    """Q46: from the next local day on it gives nothing before 16:00, is full then, and supplies the home after that."""
    facts: dict[str, Any] = {"has_tariff": True, "outages_per_year": 0.0, "home_mean_w": 600, "solar_peak_w": 3_000}
    site, free = Site(**facts), Site(**facts)
    site.post("operation", default_real_mode=Mode.AUTONOMOUS)
    if not has_grid_charging:
        site.post("grid_import_export", **{FLAG: True})
    assert flows_of(site, DAYS[:1], "grid_energy_imported") == flows_of(free, DAYS[:1], "grid_energy_imported")
    truth, levels = site.world.truth(SITE), []
    for day in DAYS[1:]:
        found = truth.day(day)
        peak = 16 * 12
        assert found.flows["battery_energy_exported"][:peak].sum() == 0
        assert found.flows["battery_energy_imported_from_grid"][peak:].sum() == 0
        assert found.flows["grid_energy_exported_from_battery"].sum() == 0
        is_above = found.level_wh[peak:-1] > truth.spec.reserve_wh + 1_000
        assert (found.flows["consumer_energy_imported_from_grid"][peak:][is_above] == 0).all()
        levels.append(int(found.level_wh[peak]))
    full = truth.spec.battery_energy_wh
    assert all(full - 5 <= level <= full for level in levels) == has_grid_charging
    taken = sum(flows_of(site, DAYS[1:], "battery_energy_imported_from_grid"))
    assert (taken > 0) == has_grid_charging
    check_identities_and_levels(site, DAYS)
    site.post("operation", default_real_mode=Mode.SELF_CONSUMPTION)
    imported = "grid_energy_imported"
    assert flows_of(site, DAYS, imported) == flows_of(free, DAYS, imported) or not has_grid_charging


def test_time_based_an_outage_before_the_peak_is_supplied_from_the_battery() -> None:
    """Without a tariff there are no bands, and the battery acts as before."""
    facts: dict[str, Any] = {"outages_per_year": 300.0, "solar_peak_w": 1_000}
    site, bare, free = Site(has_tariff=True, **facts), Site(**facts), Site(**facts)
    for changed in (site, bare):
        changed.post("operation", default_real_mode=Mode.AUTONOMOUS)
    assert flows_of(bare, DAYS, "grid_energy_imported") == flows_of(free, DAYS, "grid_energy_imported")
    days = [site.world.truth(SITE).day(day) for day in DAYS[1:]]
    assert sum(int(day.flows["battery_energy_exported"][: 15 * 12].sum()) for day in days) > 0
    check_identities_and_levels(site, DAYS)


def test_the_days_of_a_limited_site_are_the_same_in_any_order() -> None:
    forward, backward = Site(), Site(site_name="another")
    for site in (forward, backward):
        site.post("grid_import_export", **{RULE: "pv_only", FLAG: True})
    levels = {day: forward.world.truth(SITE).day(day).level_wh.tolist() for day in DAYS}
    for day in reversed(DAYS):
        assert backward.world.truth(SITE).day(day).level_wh.tolist() == levels[day]


def test_tariff_rate_follows_a_tariff_that_was_set() -> None:
    """Q122, Q123: in the first form, also where the site had no tariff."""
    site = Site()
    query = Query(site.world, site.world.truth(SITE), {}, NOW)
    assert tariff_rate(query) is None
    season = {"fromMonth": 1, "toMonth": 12, "tou_periods": {"ALL": {"periods": [{"toDayOfWeek": 6}]}}}
    content = {"code": "N", "energy_charges": {"Year": {"rates": {"ALL": 0.2}}}, "seasons": {"Year": season}}
    site.post("time_of_use_settings", tou_settings={"tariff_content_v2": content})
    found = tariff_rate(Query(site.world, site.world.truth(SITE), {}, NOW))
    assert found is not None
    assert (found["code"], found["energy_charges"]) == ("N", {"Year": {"ALL": 0.2}})
    assert found["seasons"]["Year"]["tou_periods"]["ALL"][0]["toDayOfWeek"] == 6
