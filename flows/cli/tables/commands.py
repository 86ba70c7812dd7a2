"""A change of a setting before it is sent and afterwards, and the history of settings."""

from collections.abc import Sequence
from typing import Any, Final

import orjson
from rich.table import Table

from flows.commands import Preview, Sent
from flows.console import note, print_json, print_pairs, print_sentences, print_table
from flows.settings_plan import PlanStep
from transform.settings_history import SettingEvent
from transform.sites import Site

_LONGEST: Final = 12
"""Characters of a checksum that identify a tariff to a person."""

NOT_REPORTED: Final = "not reported"


def short(value: str | None) -> str:
    """A value for people: of a checksum only its beginning."""
    if value is None:
        return NOT_REPORTED
    return value[:_LONGEST] if len(value) == 64 else value


def print_preview(planned: Preview, *, as_json: bool) -> None:
    """Print what a change would do."""
    if as_json:
        print_json(preview_as_dict(planned))
        return
    intent = planned.intent
    print_pairs(
        [
            ("site", f"{planned.site.site_id} {planned.site.site_name or ''}".rstrip()),
            ("setting", str(intent.name)),
            ("now", short(intent.value_before)),
            ("then", short(intent.value_asked)),
            ("effect", planned.change.spec.sentence(short(intent.value_asked))),
            ("request", f"POST {intent.path}"),
            ("body", orjson.dumps(intent.body).decode()),
            *((remark.weight.value, remark.sentence) for remark in planned.remarks),
        ]
    )
    if planned.is_set:
        note("site_info shows this value already, so nothing would be sent")


def preview_as_dict(planned: Preview) -> dict[str, Any]:
    """What a change would do, as JSON has it."""
    intent = planned.intent
    return {
        "site_id": planned.site.site_id,
        "name": intent.name,
        "value_before": intent.value_before,
        "value_asked": intent.value_asked,
        "effect": planned.change.spec.sentence(short(intent.value_asked)),
        "request": {"method": "POST", "path": intent.path, "body": intent.body},
        "remarks": [{"weight": remark.weight.value, "sentence": remark.sentence} for remark in planned.remarks],
        "is_set": planned.is_set,
    }


def print_sent(sent: Sent, *, as_json: bool) -> None:
    """Print what came of a change."""
    command = sent.command
    if as_json:
        print_json(sent_as_dict(sent))
    else:
        change = f"{short(command.value_before)} → {short(command.value_asked)}"
        print_sentences([f"site {command.site_id}: {command.name} {change}: {_words(command.outcome)}"])
    if sent.error is not None:
        note(str(sent.error))
    elif command.reason is not None:
        note(f"{command.outcome}: {command.reason}")


def sent_as_dict(sent: Sent) -> dict[str, Any]:
    """What came of a change, as JSON has it: the row of table `commands`."""
    command = sent.command
    return {
        "command_id": command.command_id,
        "site_id": command.site_id,
        "requested_at": command.requested_at,
        "name": command.name,
        "value_before": command.value_before,
        "value_asked": command.value_asked,
        "value_after": command.value_after,
        "outcome": command.outcome.value,
        "reason": command.reason,
        "attempts": command.attempts,
        "origin": command.origin,
    }


def print_history(events: Sequence[tuple[Site, SettingEvent]]) -> None:
    """Print what happened to settings, one row each."""
    if not events:
        note("no change of a setting is known")
        return
    sites = {site.site_id for site, _ in events}
    table = Table(*(["site"] if len(sites) > 1 else []), "when", "setting", "before", "after", "by", "outcome")
    table.title = "Settings" if len(sites) > 1 else f"Settings of site {sites.pop()}"
    for site, event in events:
        instant = event.instant.astimezone(site.zone).isoformat(" ", "minutes").removesuffix(":00")
        cells = [instant, event.name, short(event.before), short(_after(event)), _by(event), _outcome(event)]
        table.add_row(
            *([str(site.site_id)] if "site" in [str(column.header) for column in table.columns] else []), *cells
        )
    print_table(table)


def event_as_dict(site: Site, event: SettingEvent) -> dict[str, Any]:
    """An event of the history, as JSON has it."""
    command = event.command
    return {
        "site_id": site.site_id,
        "instant": event.instant,
        "not_before": event.not_before,
        "name": event.name,
        "value_before": event.before,
        "value_asked": None if command is None else command.value_asked,
        "value_after": event.after,
        "changed_by": _by(event),
        "command_id": None if command is None else command.command_id,
        "outcome": None if command is None else command.outcome.value,
        "reason": None if command is None else command.reason,
        "attempts": None if command is None else command.attempts,
    }


def print_steps(steps: Sequence[PlanStep]) -> None:
    """Print what came of each rule of the plan."""
    if not steps:
        note("the plan says nothing for today")
        return
    table = Table("site", "setting", "now", "plan", "result", title="Plan for today")
    for step in steps:
        reason = f": {step.reason}" if step.reason else ""
        table.add_row(str(step.site_id), step.name, short(step.value_before), step.value_asked, step.state + reason)
    print_table(table)


def _after(event: SettingEvent) -> str | None:
    """The value after; of a command that is not applied what was asked for."""
    return event.after if event.command is None else event.command.value_asked


def _by(event: SettingEvent) -> str:
    return "not wattlog" if event.command is None else f"wattlog ({event.command.origin})"


def _outcome(event: SettingEvent) -> str:
    if event.command is None:
        return "seen"
    reason = f": {event.command.reason}" if event.command.reason else ""
    return f"{_words(event.command.outcome)}{reason}"


def _words(outcome: str) -> str:
    return outcome.replace("_", ", ", 1)
