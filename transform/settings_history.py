"""What happened to the settings of a site: commands, and what changed without them (Q74)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from transform.commands import Command, Shown, comparison
from transform.site_settings import Facts
from wattlog.commands.outcomes import UNCONFIRMED, Outcome
from wattlog.commands.settings import SETTINGS

LATE: Final = timedelta(hours=1)
"""A change that was accepted may be applied so much later: twenty minutes were seen (Q64)."""


@dataclass(frozen=True, slots=True)
class SettingEvent:
    """A command, or a change that no command explains.

    Attributes:
        instant: When the command was sent, or when the new value was first seen.
        name: The setting.
        before: The value before, as people write it; None where site_info had none.
        after: The value after; of a command what was read back.
        not_before: When the value before was last seen; None for commands, whose instant is known.
        command: The command; None where something else changed the setting: the app, the utility, or the installer.
    """

    instant: datetime
    name: str
    before: str | None
    after: str | None
    not_before: datetime | None = None
    command: Command | None = None


def settings_timeline(
    commands: Iterable[Command], seen: Iterable[tuple[datetime, datetime, Facts]]
) -> list[SettingEvent]:
    """Commands and observed changes in order of time.

    A change that a command explains is not listed again: the command was sent between the two observations, or not long before
    them if it was not confirmed, and asked for the new value or read it back. Tariffs are compared by their prices (Q131).

    Args:
        commands: The commands of one site.
        seen: When site_info was requested, first and last, and what it was; one for each stretch without change.
    """
    sent = sorted(commands, key=lambda command: (command.requested_at, command.command_id))
    events = [
        SettingEvent(command.requested_at, command.name, command.value_before, command.value_after, command=command)
        for command in sent
    ]
    events += [event for event, value in _changes(seen) if not _is_explained(event, value, sent)]
    return sorted(events, key=lambda event: (event.instant, event.command is None, event.name))


def _changes(seen: Iterable[tuple[datetime, datetime, Facts]]) -> Iterable[tuple[SettingEvent, Any]]:
    """Every setting whose value differs from the one in the observation before, and its new value as the API has it.

    A field that was there and has gone has its absent value (Q54). Where a site_info lacks the whole object that holds a
    setting, it says nothing about the setting, and the observation before it stays the last one.
    """
    of_setting: dict[str, tuple[str | None, datetime]] = {}
    reported: set[str] = set()
    for first, last, info in sorted(seen, key=lambda observation: observation[:2]):
        for name, spec in SETTINGS.items():
            if not spec.has_place(info):
                continue
            value = spec.shown(info, is_reported=name in reported)
            before, last_seen = of_setting.get(name, (value, first))
            if value != before:
                yield SettingEvent(first, name, before, value, last_seen), spec.value_in_info(info)
            of_setting[name] = value, last
            if value is not None:
                reported.add(name)


def _is_explained(event: SettingEvent, value: Any, commands: Iterable[Command]) -> bool:
    return any(command.name == event.name and _explains(command, event, value) for command in commands)


def _explains(command: Command, event: SettingEvent, value: Any) -> bool:
    """Whether a command caused a change. One that was not confirmed may have caused it later than it was read back.

    Args:
        command: The command.
        event: The change.
        value: The new value as the API has it.
    """
    if command.outcome is Outcome.REJECTED or command.requested_at > event.instant:
        return False
    is_asked = event.after is not None and comparison(
        SETTINGS[command.name], command.document, [Shown(event.after, value)]
    )(command.value_asked, event.after)
    late = LATE if is_asked and command.outcome in UNCONFIRMED else timedelta()
    if command.requested_at + late < (event.not_before or event.instant):
        return False
    if event.after is None:
        return command.value_asked in SETTINGS[command.name].absent_after  # Q55
    return is_asked or (event.after == command.value_after and command.outcome is not Outcome.FAILED)
