"""What happened to the settings of a site: commands, and what changed without them (Q74)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from transform.commands import Command, Shown, shown_in
from transform.site_settings import Facts
from wattlog.commands.outcomes import Outcome
from wattlog.commands.settings import SETTINGS


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

    A change that a command explains is not listed again: the command was sent between the two observations, and asked for the
    new value or read it back.

    Args:
        commands: The commands of one site.
        seen: When site_info was requested, first and last, and what it was; one for each stretch without change.
    """
    sent = sorted(commands, key=lambda command: (command.requested_at, command.command_id))
    events = [
        SettingEvent(command.requested_at, command.name, command.value_before, command.value_after, command=command)
        for command in sent
    ]
    events += [event for event in _changes(seen) if not _is_explained(event, sent)]
    return sorted(events, key=lambda event: (event.instant, event.command is None, event.name))


def _changes(seen: Iterable[tuple[datetime, datetime, Facts]]) -> Iterable[SettingEvent]:
    """Every setting whose value differs from the one in the observation before."""
    before: dict[str, Shown] = {}
    last_seen: datetime | None = None
    for first, last, info in sorted(seen, key=lambda observation: observation[:2]):
        shown = {name: shown_in(spec, info) for name, spec in SETTINGS.items()}
        for name, found in shown.items():
            if last_seen is not None and found.text != before[name].text:
                yield SettingEvent(first, name, before[name].text, found.text, last_seen)
        before, last_seen = shown, last


def _is_explained(event: SettingEvent, commands: Sequence[Command]) -> bool:
    return any(
        command.name == event.name
        and command.outcome is not Outcome.REJECTED
        and (event.not_before or event.instant) <= command.requested_at <= event.instant
        and event.after in (command.value_asked, command.value_after)
        for command in commands
    )
