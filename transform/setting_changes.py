"""Table `setting_changes`: the timeline of a site's settings, as models read it."""

from collections.abc import Iterable
from typing import Any

import pandas as pd

from transform.frames import table_frame
from transform.settings_history import SettingEvent
from wattlog.commands.outcomes import Outcome


def changes_frame(site_id: int, events: Iterable[SettingEvent]) -> pd.DataFrame:
    """The timeline of one site → table `setting_changes`.

    A command that was rejected changed nothing and has no row, nor has one that was applied where the value was there already.
    Of several changes of one setting seen at one instant the last counts.

    **Shape**: events in order of time → one row a change. **Source**: Q64, Q74.
    """
    rows: dict[tuple[object, ...], dict[str, Any]] = {}
    for event in events:
        command = event.command
        if command is not None and (
            command.outcome is Outcome.REJECTED or (command.outcome is Outcome.APPLIED and event.before == event.after)
        ):
            continue
        command_id = "" if command is None else command.command_id
        rows[event.instant, event.name, command_id] = {
            "site_id": site_id,
            "changed_at": event.instant,
            "not_before": event.not_before or event.instant,
            "name": str(event.name),
            "value_before": event.before,
            "value_after": event.after,
            "command_id": command_id,
            "outcome": None if command is None else command.outcome.value,
            "origin": None if command is None else command.origin,
        }
    found = list(rows.values())
    return table_frame("setting_changes", {name: [row[name] for row in found] for name in found[0]} if found else {})
