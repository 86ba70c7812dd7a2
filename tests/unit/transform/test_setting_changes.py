"""Table `setting_changes` from the timeline of a site."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.unit.transform.answers import checked, records
from transform.commands import Command
from transform.setting_changes import changes_frame, stretches
from transform.settings_history import SettingEvent, settings_timeline
from wattlog.commands.outcomes import Outcome

AT = datetime(2025, 11, 20, 20, tzinfo=UTC)
SENT = Command("run-1", 101, AT, "reserve", "20", "40", "40", Outcome.APPLIED, None, 1, "cli", "raw-1")


def sent(command: Command) -> SettingEvent:
    return SettingEvent(command.requested_at, command.name, command.value_before, command.value_after, command=command)


def test_changes_are_ours_and_those_of_others() -> None:
    seen = SettingEvent(AT, "mode", "self-powered", "time-based", AT - timedelta(days=1))
    ours, others = records(checked({"setting_changes": changes_frame(101, [sent(SENT), seen])})["setting_changes"])
    assert (ours["name"], ours["value_before"], ours["value_after"]) == ("reserve", "20", "40")
    assert (ours["command_id"], ours["outcome"], ours["origin"]) == ("run-1", "applied", "cli")
    assert (ours["changed_at"], ours["not_before"]) == (AT, AT)
    assert (others["command_id"], others["name"]) == ("", "mode")
    assert changes_frame(101, [seen])[["outcome", "origin"]].isna().all(axis=None)
    assert (others["changed_at"], others["not_before"]) == (AT, AT - timedelta(days=1))


def test_a_command_that_changed_nothing_has_no_row() -> None:
    """Rejected, or the value was there already; what may have changed something stays."""
    nothing = [
        replace(SENT, command_id="run-2", outcome=Outcome.REJECTED),
        replace(SENT, command_id="run-3", value_before="40"),
    ]
    perhaps = replace(SENT, outcome=Outcome.ACCEPTED_UNCONFIRMED, value_after="20")
    frame = changes_frame(101, [sent(command) for command in (*nothing, perhaps)])
    assert frame["outcome"].tolist() == ["accepted_unconfirmed"]


def test_stretches_have_the_same_timeline_with_fewer_observations() -> None:
    """True and 1 are equal to Python, and not the same value of a switch."""
    infos: list[dict[str, Any]] = [
        {"backup_reserve_percent": 20, "energy_left": 1},
        {"backup_reserve_percent": 20, "energy_left": 2},
        {"backup_reserve_percent": 40, "user_settings": {"storm_mode_enabled": 1}},
        {"backup_reserve_percent": 40, "user_settings": {"storm_mode_enabled": True}},
        {"backup_reserve_percent": 40, "components": {"non_export_configured": True}},
        {"tariff_content_v2": {"name": "flat"}},
        {"tariff_content_v2": {"name": "flat"}},
    ]
    seen = [(AT + timedelta(days=n), AT + timedelta(days=n, hours=1), info) for n, info in enumerate(infos)]
    together = list(stretches(seen[::-1]))
    assert [first for first, _, _ in together] == [AT + timedelta(days=n) for n in (0, 2, 3, 4, 5)]
    assert settings_timeline([], together) == settings_timeline([], seen)


def test_no_event_is_an_empty_table() -> None:
    assert len(checked({"setting_changes": changes_frame(101, [])})["setting_changes"]) == 0
