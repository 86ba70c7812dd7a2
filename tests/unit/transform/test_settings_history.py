"""The timeline of settings: which observed changes a command explains, and what an absent field means."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.tariffs import flat
from transform.commands import Command
from transform.settings_history import LATE, settings_timeline
from wattlog.api_json import checksum
from wattlog.commands.outcomes import Outcome

AT = datetime(2025, 11, 20, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
FLAG, RULE = "disallow_charge_from_grid_with_solar_installed", "customer_preferred_export_rule"


def flag(value: bool | None) -> dict[str, Any]:
    return {"components": {} if value is None else {FLAG: value}}


def reserve(percent: int) -> dict[str, Any]:
    return {"backup_reserve_percent": percent}


def command(name: str, asked: str, after: str | None, at: int, outcome: Outcome = Outcome.APPLIED) -> Command:
    """A command that was sent a number of minutes after `AT`."""
    return Command(f"c{at}", 1, AT + at * MINUTE, name, None, asked, after, outcome, None, 1, "cli", "r")


Seen = tuple[int, int, dict[str, Any]]
"""Minutes after `AT` at which a site_info was requested first and last, and what it was."""


def timeline(commands: list[Command], *seen: Seen) -> list[tuple[str | None, ...]]:
    """Value before and after, and the id of the command, of each event."""
    observed = [(AT + first * MINUTE, AT + last * MINUTE, info) for first, last, info in seen]
    return [
        (event.before, event.after, None if event.command is None else event.command.command_id)
        for event in settings_timeline(commands, observed)
    ]


def test_a_flag_that_was_shown_and_is_absent_has_its_absent_value() -> None:
    """Q54: a change that the app made back to "on" is one to "on", and not one to nothing."""
    assert timeline([], (0, 1, flag(None)), (2, 3, flag(True)), (4, 5, flag(None)), (6, 6, flag(True))) == [
        (None, "off", None),
        ("off", "on", None),
        ("on", "off", None),
    ]


def test_a_command_that_makes_the_flag_vanish_explains_it() -> None:
    """Q54: also where it was sent again because the first answer was not confirmed."""
    off, on = (0, 1, flag(True)), (3, 4, flag(None))
    assert timeline([command("grid-charging", "on", "on", 2)], off, on) == [(None, "on", "c2")]
    first = command("grid-charging", "on", "off", 1, Outcome.ACCEPTED_UNCONFIRMED)
    again = command("grid-charging", "on", "on", 2)
    assert timeline([first, again], off, on) == [(None, "off", "c1"), (None, "on", "c2")]


def test_a_site_info_without_the_object_of_a_setting_says_nothing_about_it() -> None:
    seen: list[Seen] = [(0, 1, flag(True)), (2, 2, {"components": None}), (3, 3, {}), (4, 4, flag(True))]
    assert timeline([], *seen) == []


def test_an_export_rule_that_vanishes_is_explained_by_the_one_command_that_may_do_so() -> None:
    """Q55."""
    seen: list[Seen] = [(0, 1, {"components": {RULE: "pv_only"}}), (3, 3, {"components": {}})]
    gone = command("export", "everything", None, 2, Outcome.ACCEPTED_ABSENT)
    assert timeline([gone], *seen) == [(None, None, "c2")]
    not_read = command("export", "never", None, 2, Outcome.ACCEPTED_UNCONFIRMED)
    assert timeline([not_read], *seen) == [(None, None, "c2"), ("solar", None, None)]


@pytest.mark.parametrize(
    ("outcome", "minutes", "is_ours"),
    [
        (Outcome.ACCEPTED_UNCONFIRMED, 20, True),
        (Outcome.FAILED, 20, True),
        (Outcome.REJECTED, 20, False),
        (Outcome.ACCEPTED_UNCONFIRMED, LATE // MINUTE + 2, False),
    ],
)
def test_a_change_that_was_not_confirmed_may_come_late(outcome: Outcome, minutes: int, is_ours: bool) -> None:
    """Q64: twenty minutes were seen; what comes much later is not the command's."""
    sent = command("reserve", "40", "20", 1, outcome)
    found = timeline([sent], (0, minutes, reserve(20)), (minutes + 5, minutes + 5, reserve(40)))
    assert [event[2] for event in found] == (["c1"] if is_ours else ["c1", None])


def test_another_value_is_the_command_s_own_only_where_it_was_accepted() -> None:
    """Q48: 90 becomes 80. After no answer, another value is not what was asked for."""
    seen: list[Seen] = [(0, 1, reserve(20)), (2, 3, reserve(80))]
    accepted = command("reserve", "90", "80", 1, Outcome.ACCEPTED_UNCONFIRMED)
    assert timeline([accepted], *seen) == [(None, "80", "c1")]
    lost = command("reserve", "90", "80", 1, Outcome.FAILED)
    assert timeline([lost], *seen) == [(None, "80", "c1"), ("20", "80", None)]


@pytest.mark.parametrize(("price", "is_ours"), [(0.4, True), (0.41, False)])
def test_a_tariff_that_comes_late_is_compared_by_its_prices(price: float, is_ours: bool) -> None:
    """Q131: Tesla normalises a document, so what comes twenty minutes later has another checksum than what was asked for."""
    before, asked = flat(0.3, 0.1), flat(0.4, 0.1)
    shown = {**flat(price, 0.1), "version": 2}
    assert checksum(shown) != checksum(asked)
    sent = command("tariff", checksum(asked), checksum(before), 1, Outcome.ACCEPTED_UNCONFIRMED)
    seen: list[Seen] = [(0, 5, {"tariff_content_v2": before}), (21, 21, {"tariff_content_v2": shown})]
    found = timeline([replace(sent, document=asked)], *seen)
    change = (checksum(before), checksum(shown), None)
    assert found == [(None, checksum(before), "c1"), *([] if is_ours else [change])]


def test_a_tariff_of_the_first_form_alone_is_the_value_before() -> None:
    """Q123: some sites have `tariff_content` alone, until a tariff is written."""
    first, second = flat(0.3, 0.1), flat(0.4, 0.1)
    seen: list[Seen] = [
        (0, 1, {"tariff_content": first}),
        (2, 3, {"tariff_content": first, "tariff_content_v2": second}),
    ]
    assert timeline([], *seen) == [(checksum(first), checksum(second), None)]
