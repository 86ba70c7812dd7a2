"""Table `commands`: from the records of a command to its outcome.

The records are the intent, the answers, and each site_info that was read back; all have the id of the command's run. A run that
was killed leaves the first of them, and a row that says what is known.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any

from transform.frames import table_frame
from transform.responses import (
    WHOLE_RESPONSE,
    RawResponse,
    Reason,
    Reject,
    Tables,
    quarantine_frame,
    reject,
    response_of,
)
from transform.sites import Site
from transform.tariffs.comparison import has_same_prices
from wattlog.api_json import UnreadableJson
from wattlog.commands.answers import judge
from wattlog.commands.intent import Intent, intent_of, is_intent
from wattlog.commands.outcomes import IsSame, Outcome, result_of
from wattlog.commands.settings import SettingSpec

_SITE_INFO = "/site_info"


@dataclass(frozen=True, slots=True)
class Command:
    """A row of table `commands`; see there."""

    command_id: str
    site_id: int
    requested_at: datetime
    name: str
    value_before: str | None
    value_asked: str
    value_after: str | None
    outcome: Outcome
    reason: str | None
    attempts: int
    origin: str
    raw_id: str
    document: Mapping[str, Any] | None = None
    """The tariff that is asked for; None for other settings. No column."""


@dataclass(frozen=True, slots=True)
class Shown:
    """What site_info showed of a setting.

    Attributes:
        text: The value, as people write it; None where it had none.
        value: The value of the API: of a tariff the document.
    """

    text: str | None
    value: Any


def shape_commands(responses: Sequence[RawResponse], site: Site) -> Tables:
    """Records of series `command` → table `commands`, and `quarantine` for intents that cannot be read.

    **Shape**: all records of some commands, in any order → one row a command, by its id. Records without an intent have no row.
    **Source**: Q53, Q62, Q64.
    """
    rejects: list[Reject] = []
    rows = commands_in(responses, rejects)
    names = [field.name for field in fields(Command) if field.name not in {"raw_id", "document"}]
    columns: dict[str, Any] = {name: [getattr(row, name) for row in rows] for name in names}
    lineage = {
        "_fetched_at": columns["requested_at"],
        "_raw_id": [row.raw_id for row in rows],
        "_run_id": columns["command_id"],
    }
    frame = table_frame("commands", {**columns, "site_id": [site.site_id] * len(rows), **lineage})
    return {"commands": frame, "quarantine": quarantine_frame(rejects)}


def commands_in(records: Sequence[RawResponse], rejects: list[Reject] | None = None) -> list[Command]:
    """The commands of some records, by their ids.

    Args:
        records: All records of some commands, in any order.
        rejects: Gets the intents that cannot be read.
    """
    of_run: dict[str, list[RawResponse]] = {}
    for record in records:
        of_run.setdefault(record.run_id, []).append(record)
    found = []
    for _, of_command in sorted(of_run.items()):
        try:
            command = command_of(of_command)
        except ValueError:
            bad = next(record for record in of_command if is_intent(record.path))
            if rejects is not None:
                text = bad.body.decode(errors="replace")
                rejects.append(reject(bad, WHOLE_RESPONSE, Reason.CONTRACT, text))
            continue
        if command is not None:
            found.append(command)
    return found


def command_of(records: Sequence[RawResponse]) -> Command | None:
    """The command of one run, as far as its records go; None without an intent.

    Raises:
        ValueError: The intent cannot be read.
    """
    for record in records:
        if is_intent(record.path):
            return _command(record, intent_of(record.body), records)
    return None


def shown_in(spec: SettingSpec, info: Mapping[str, Any], *, is_reported: bool = False) -> Shown:
    """What a site_info shows of a setting.

    Args:
        spec: The setting.
        info: The site_info.
        is_reported: Whether the site has shown the setting before.
    """
    return Shown(spec.shown(info, is_reported=is_reported), spec.value_in_info(info))


def comparison(spec: SettingSpec, asked: Any, shown: Iterable[Shown]) -> IsSame:
    """How values of a setting are compared: tariffs by their prices, all others by their text.

    Args:
        spec: The setting.
        asked: The value of the API that is asked for.
        shown: What site_info showed.
    """
    documents = {found.text: found.value for found in shown if isinstance(found.value, Mapping)}

    def is_same(asked_text: str, shown_text: str) -> bool:
        if asked_text == shown_text:
            return True
        return isinstance(asked, Mapping) and shown_text in documents and has_same_prices(asked, documents[shown_text])

    return is_same


def _command(record: RawResponse, intent: Intent, records: Sequence[RawResponse]) -> Command:
    spec = intent.spec
    answers = [other for other in records if other.path == intent.path]
    shown = list(_read_back(spec, records))
    result = result_of(
        spec,
        intent.value_asked,
        intent.value_before,
        [judge(answer.status, answer.body) for answer in answers],
        [found.text for found in shown],
        comparison(spec, intent.value, shown),
    )
    return Command(
        record.run_id,
        record.site_id,
        record.requested_at,
        intent.name,
        intent.value_before,
        intent.value_asked,
        result.value_after,
        result.outcome,
        result.reason,
        len(answers),
        intent.origin,
        record.raw_id,
        intent.value if isinstance(intent.value, Mapping) else None,
    )


def _read_back(spec: SettingSpec, records: Iterable[RawResponse]) -> Iterable[Shown]:
    """What was read back, in order of time; responses that cannot be used are left out."""
    of_info = (record for record in records if record.path.endswith(_SITE_INFO) and record.status == 200)
    for record in sorted(of_info, key=lambda record: (record.requested_at, record.raw_id)):
        try:
            info = response_of(record.body)
        except (UnreadableJson, LookupError):
            continue
        if isinstance(info, Mapping) and info and spec.has_place(info):
            yield shown_in(spec, info)
