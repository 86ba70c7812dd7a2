"""Declarations, outcomes, and schedules of commands."""

from itertools import pairwise, permutations

import pytest

from wattlog.commands.answers import Judgement, Verdict
from wattlog.commands.outcomes import UNCONFIRMED, Outcome, is_decided, result_of
from wattlog.commands.schedule import MAX_ATTEMPTS, RETRY_WITHIN_S, read_back_pauses_s, retry_pause_s
from wattlog.commands.settings import SETTINGS, Setting

RESERVE, EXPORT, CHARGING = (SETTINGS[name] for name in (Setting.RESERVE, Setting.EXPORT, Setting.GRID_CHARGING))
OK, NO, UNSURE = Judgement(Verdict.ACCEPTED), Judgement(Verdict.REJECTED, "no"), Judgement(Verdict.UNKNOWN, "lost")

BODIES = {
    Setting.RESERVE: ("20", {"backup_reserve_percent": 20}),
    Setting.MODE: ("time-based", {"default_real_mode": "autonomous"}),
    Setting.STORM_WATCH: ("off", {"enabled": False}),
    Setting.EXPORT: ("solar", {"customer_preferred_export_rule": "pv_only"}),
    Setting.GRID_CHARGING: ("off", {"disallow_charge_from_grid_with_solar_installed": True}),
    Setting.OFF_GRID_RESERVE: ("30", {"off_grid_vehicle_charging_reserve_percent": 30}),
}


@pytest.mark.parametrize("name", BODIES)
def test_a_body_has_one_setting_alone(name: Setting) -> None:
    """Q45; Q57: another key would overwrite a setting that was not asked for."""
    spec, (text, body) = SETTINGS[name], BODIES[name]
    assert spec.body(spec.values.parse(text)) == body
    assert spec.values.text(spec.value_in_body(body)) == text


def test_a_tariff_is_alone_in_its_body() -> None:
    """Q59: a strategy beside it would be dropped."""
    assert SETTINGS[Setting.TARIFF].body({"code": "A"}) == {"tou_settings": {"tariff_content_v2": {"code": "A"}}}


@pytest.mark.parametrize(
    ("name", "info", "shown"),
    [
        (Setting.RESERVE, {"backup_reserve_percent": 20}, "20"),
        (Setting.RESERVE, {"backup_reserve_percent": 20.5}, "20.5"),
        (Setting.RESERVE, {"backup_reserve_percent": True}, None),
        (Setting.RESERVE, {"backup_reserve_percent": 400}, None),
        (Setting.MODE, {"default_real_mode": "self_consumption"}, "self-powered"),
        (Setting.MODE, {"default_real_mode": "peak_shaving"}, "peak_shaving"),
        (Setting.STORM_WATCH, {"user_settings": {"storm_mode_enabled": False}}, "off"),
        (Setting.STORM_WATCH, {"user_settings": {"storm_mode_enabled": None}}, None),
        (Setting.EXPORT, {"components": {"customer_preferred_export_rule": "battery_ok"}}, "everything"),
        (Setting.EXPORT, {"components": {"non_export_configured": True}}, "never"),
        (Setting.EXPORT, {"components": {}}, None),
        (Setting.GRID_CHARGING, {"components": {"disallow_charge_from_grid_with_solar_installed": True}}, "off"),
        (Setting.GRID_CHARGING, {"components": {"disallow_charge_from_grid_with_solar_installed": False}}, "on"),
        (Setting.GRID_CHARGING, {"components": {}}, None),
        (Setting.GRID_CHARGING, {"components": None}, None),
        (Setting.OFF_GRID_RESERVE, {"off_grid_vehicle_charging_reserve_percent": 75}, "75"),
        (Setting.TARIFF, {"tariff_content_v2": {}}, None),
    ],
)
def test_site_info_shows_a_setting(name: Setting, info: dict[str, object], shown: str | None) -> None:
    """Q45, Q52, Q54, Q55."""
    assert SETTINGS[name].shown(info) == shown


@pytest.mark.parametrize(
    ("name", "text"), [(Setting.RESERVE, "101"), (Setting.RESERVE, "-1"), (Setting.RESERVE, "٤"), (Setting.MODE, "off")]
)
def test_other_values_are_refused(name: Setting, text: str) -> None:
    with pytest.raises(ValueError, match="is not"):
        SETTINGS[name].values.parse(text)


@pytest.mark.parametrize(
    ("judgements", "shown", "outcome", "after"),
    [
        ([OK], ["20", "40"], Outcome.APPLIED, "40"),
        ([OK], ["20"], Outcome.ACCEPTED_UNCONFIRMED, "20"),
        ([OK], ["80"], Outcome.ACCEPTED_UNCONFIRMED, "80"),
        ([OK], [], Outcome.ACCEPTED_UNCONFIRMED, None),
        ([OK], [None], Outcome.ACCEPTED_ABSENT, None),
        ([NO], [], Outcome.REJECTED, None),
        ([NO], ["40"], Outcome.REJECTED, "40"),
        ([UNSURE], [], Outcome.FAILED, None),
        ([UNSURE], ["40"], Outcome.APPLIED, "40"),
        ([UNSURE, UNSURE, OK], ["20"], Outcome.ACCEPTED_UNCONFIRMED, "20"),
        ([UNSURE, NO], ["20"], Outcome.FAILED, "20"),
        ([UNSURE, NO], ["40"], Outcome.APPLIED, "40"),
        ([UNSURE, NO], [], Outcome.FAILED, None),
        ([NO, NO], [], Outcome.REJECTED, None),
        ([NO, OK], ["40"], Outcome.APPLIED, "40"),
        ([], [], Outcome.FAILED, None),
    ],
)
def test_the_outcome_of_a_reserve(
    judgements: list[Judgement], shown: list[str | None], outcome: Outcome, after: str | None
) -> None:
    """Q64, Q66; the order of the answers has no effect."""
    for ordered in permutations(judgements):
        result = result_of(RESERVE, "40", "20", ordered, shown)
        assert result[:2] == (outcome, after)
        assert (result.reason is None) == (outcome is Outcome.APPLIED and OK in judgements)


def test_after_a_lost_answer_a_refusal_says_nothing_about_the_attempt_before() -> None:
    """Q66: the first request may have been carried out; the reason has both."""
    reason = result_of(RESERVE, "40", "20", [UNSURE, NO], []).reason
    assert reason == "lost; another attempt was refused: no"
    assert result_of(RESERVE, "40", "20", [UNSURE, NO], ["40"]).reason == f"{reason}, but site_info shows the value"


def test_an_absent_flag_of_a_site_that_reports_it_is_read() -> None:
    """Q54: where it was there before, or is known to have been, an absent flag is a value, also the one not asked for."""
    assert result_of(CHARGING, "off", "on", [OK], [None])[:2] == (Outcome.ACCEPTED_UNCONFIRMED, "on")
    assert not is_decided(CHARGING, "off", None, "on", str.__eq__)
    assert is_decided(CHARGING, "on", None, "off", str.__eq__)


def test_an_absent_flag_is_its_value_only_where_it_was_there_before() -> None:
    """Q54: absent means allowed, or that the site does not report it."""
    assert result_of(CHARGING, "on", "off", [OK], [None])[:2] == (Outcome.APPLIED, "on")
    assert result_of(CHARGING, "on", None, [OK], [None]).outcome is Outcome.ACCEPTED_ABSENT
    assert result_of(CHARGING, "off", None, [OK], [None]).outcome is Outcome.ACCEPTED_ABSENT


def test_an_export_rule_may_vanish_which_proves_nothing() -> None:
    """Q55."""
    assert result_of(EXPORT, "everything", "solar", [OK], [None]).outcome is Outcome.ACCEPTED_ABSENT
    assert is_decided(EXPORT, "everything", None, "solar", str.__eq__)
    assert not is_decided(EXPORT, "solar", None, None, str.__eq__)
    assert is_decided(CHARGING, "on", None, None, str.__eq__)
    assert not is_decided(RESERVE, "40", "20", "20", str.__eq__)


def test_what_is_not_confirmed_has_an_exit_code_of_its_own() -> None:
    of_cars = {Outcome.DONE, Outcome.RETRY_LATER, Outcome.REFUSED, Outcome.NEEDS_OWNER}
    assert {Outcome.APPLIED, Outcome.REJECTED, *of_cars}.isdisjoint(UNCONFIRMED)
    assert set(Outcome) == UNCONFIRMED | {Outcome.APPLIED, Outcome.REJECTED} | of_cars


@pytest.mark.parametrize("elapsed_s", [0.0, 3.0, 8.9, 9.5, 61.0])
@pytest.mark.parametrize("asked_s", [0.0, 4.0, 60.0])
def test_a_request_is_repeated_within_seconds_only(elapsed_s: float, asked_s: float) -> None:
    """Q69: a late repeat may undo what the owner changed meanwhile."""
    for attempts in range(6):
        pause_s = retry_pause_s(attempts, elapsed_s, asked_s)
        assert pause_s is None or (pause_s >= asked_s and elapsed_s + pause_s <= RETRY_WITHIN_S)
        assert pause_s is None or attempts < MAX_ATTEMPTS
    assert retry_pause_s(1, 0.0) is not None
    assert retry_pause_s(1, 0.0, 60.0) is None


@pytest.mark.parametrize("until_s", [0.0, 0.3, 30.0, 90.0, 120.0])
def test_a_setting_is_read_at_once_and_until_the_end(until_s: float) -> None:
    """Q65."""
    pauses = list(read_back_pauses_s(until_s))
    assert pauses[0] == 0.0
    assert sum(pauses) == pytest.approx(until_s)
    assert all(later > 0 for _, later in pairwise(pauses))
