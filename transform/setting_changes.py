"""Table `setting_changes`: the timeline of a site's settings, as models read it."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

import pandas as pd

from transform.frames import table_frame
from transform.settings_history import SettingEvent
from transform.site_settings import Facts
from wattlog.commands.outcomes import Outcome
from wattlog.commands.settings import SETTINGS, Document, SettingSpec

Seen = tuple[datetime, datetime, Facts]
"""When a site_info was requested, first and last, and what it was."""


def stretches(seen: Iterable[Seen]) -> Iterator[Seen]:
    """Observations in order of time, with those together whose settings are the same: the timeline of both is the same.

    Nearly every site_info differs from the one before it, by the charge of the battery for example. Tariffs are compared as
    documents, which takes less time than their checksums.
    """
    stretch: Seen | None = None
    settings: list[Any] = []
    for first, last, info in sorted(seen, key=lambda observation: observation[:2]):
        found = [_comparable(spec, info) for spec in SETTINGS.values()]
        if stretch is not None and found == settings:
            stretch = (stretch[0], last, stretch[2])
            continue
        if stretch is not None:
            yield stretch
        stretch, settings = (first, last, info), found
    if stretch is not None:
        yield stretch


def _comparable(spec: SettingSpec, info: Facts) -> Any:
    """The value of a setting: a document as it is, all others as people write them (1 is not true)."""
    if not isinstance(spec.values, Document):
        return spec.shown(info)
    value: Any = info
    for key in spec.info_path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


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
