"""The writing endpoints of a site: what commands set, how they are answered, and when site_info shows it (Q45 to Q63)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

import orjson

from extract.simulator.endpoints.query import ApiError
from extract.simulator.endpoints.written_tariff import as_read
from extract.simulator.site import (
    ABSENT,
    EXPORT_RULE_KEY,
    MODE_KEY,
    NO_GRID_CHARGING_KEY,
    RESERVE_KEY,
    ExportRule,
    Mode,
    SettingsChange,
    SiteSpec,
)
from extract.simulator.worlds.world import World

Json = dict[str, Any]
Values = tuple[tuple[str, object], ...]
"""What site_info then shows, as in `SettingsChange.values`."""


class AnswerForm(StrEnum):
    """The spellings of a success (Q53)."""

    LOWER_CASE = "lower_case"
    CAPITAL_KEYS = "capital_keys"
    CODE_200 = "code_200"
    EMPTY_TEXT = "empty_text"
    CODE_204 = "code_204"
    RESULT = "result"
    NULL = "null"
    """No success: nothing that can be understood."""


_ANSWERS: Final[dict[AnswerForm, object]] = {
    AnswerForm.LOWER_CASE: {"code": 201, "message": "Updated"},
    AnswerForm.CAPITAL_KEYS: {"Message": "Updated", "Code": 201},
    AnswerForm.CODE_200: {"Message": "Backup reserve updated", "Code": 200},
    AnswerForm.EMPTY_TEXT: "",
    AnswerForm.CODE_204: {"code": 204, "message": "Updated"},
    AnswerForm.RESULT: {"result": True, "reason": ""},
    AnswerForm.NULL: None,
}

_USUAL_FORMS: Final = {
    "backup": AnswerForm.CODE_200,
    "time_of_use_settings": AnswerForm.CAPITAL_KEYS,
    "grid_import_export": AnswerForm.EMPTY_TEXT,
}


class Refusal(StrEnum):
    """The spellings of a failure inside status 200 (Q62)."""

    CODE = "code"
    RESULT = "result"
    ERROR = "error"


_REFUSALS: Final[dict[Refusal, Json]] = {
    Refusal.CODE: {"response": {"code": 400, "message": "not possible now"}},
    Refusal.RESULT: {"response": {"result": False, "reason": "not possible now"}},
    Refusal.ERROR: {"response": None, "error": "not possible now", "error_description": ""},
}


@dataclass(frozen=True, slots=True)
class CommandBehaviour:
    """How commands are answered and applied; by default each is accepted in its usual spelling and applied at once.

    Attributes:
        form: Spelling of every success; None for the usual one of each command.
        refusal: Every command is refused, in this spelling.
        is_applied: Whether an accepted command has any effect (Q56, Q64).
        stale_reads: How often site_info still has the old value after a command (Q65).
        high_reserve: What a reserve of 81 to 99 becomes, except in mode backup (Q48).
        keeps_export_rule: Whether site_info has the export rule `battery_ok` (Q55).
    """

    form: AnswerForm | None = None
    refusal: Refusal | None = None
    is_applied: bool = True
    stale_reads: int = 0
    high_reserve: int = 80
    keeps_export_rule: bool = False


@dataclass(slots=True)
class _Pending:
    """A change that site_info does not show yet."""

    site_id: int
    values: Values
    stale_reads: int


class Commands:
    """The commands that a server received. Only for its event loop.

    Args:
        world: The account, whose truth follows the commands.
        behaviour: How commands are answered and applied.
    """

    def __init__(self, world: World, behaviour: CommandBehaviour | None = None) -> None:
        self._world = world
        self._behaviour = behaviour or CommandBehaviour()
        self._pending: list[_Pending] = []

    def answer(self, site_id: int, endpoint: str, body: bytes, now: datetime) -> Json:
        """Apply a command now or later; returns the body of the response.

        Raises:
            ApiError: 400, the body is not that of the command, or the site has no battery.
        """
        spec = self._world.truth(site_id).spec
        if not spec.has_battery:
            raise ApiError(400, "the site has no battery")
        values = COMMANDS[endpoint](_object(body), spec.as_of(int(now.timestamp())), self._behaviour)
        if self._behaviour.refusal is not None:
            return _REFUSALS[self._behaviour.refusal]
        if self._behaviour.is_applied:
            self._pending.append(_Pending(site_id, values, self._behaviour.stale_reads))
            self._apply(site_id, now)
        form = self._behaviour.form or _USUAL_FORMS.get(endpoint, AnswerForm.LOWER_CASE)
        return {"response": _ANSWERS[form]}

    def before_site_info(self, site_id: int, now: datetime) -> None:
        """site_info is about to be read: changes that have been hidden long enough are applied."""
        self._apply(site_id, now)
        for pending in self._pending:
            pending.stale_reads -= pending.site_id == site_id

    def _apply(self, site_id: int, now: datetime) -> None:
        for pending in list(self._pending):
            if pending.site_id == site_id and pending.stale_reads <= 0:
                self._pending.remove(pending)
                self._world.change(site_id, SettingsChange(now, pending.values, is_followed=True))


def _object(body: bytes) -> Json:
    try:
        found = orjson.loads(body)
    except orjson.JSONDecodeError:
        found = None
    if not isinstance(found, dict):
        raise ApiError(400, "request body not valid")
    return found


def _backup(body: Json, spec: SiteSpec, behaviour: CommandBehaviour) -> Values:
    percent = _percent(body, RESERVE_KEY)
    is_replaced = 80 < percent < 100 and spec.mode is not Mode.BACKUP
    return ((RESERVE_KEY, behaviour.high_reserve if is_replaced else percent),)


def _operation(body: Json, _spec: SiteSpec, _behaviour: CommandBehaviour) -> Values:
    mode = body.get(MODE_KEY)
    if mode not in list(Mode):
        raise ApiError(400, f"{MODE_KEY} not valid")
    return ((MODE_KEY, mode),)


def _storm_mode(body: Json, _spec: SiteSpec, _behaviour: CommandBehaviour) -> Values:
    return (("user_settings.storm_mode_enabled", _switch(body, "enabled")),)


def _grid(body: Json, _spec: SiteSpec, behaviour: CommandBehaviour) -> Values:
    """Either key or both. A flag that is false is then absent, and so may be the rule `battery_ok` (Q54, Q55, Q57)."""
    flag, rule = (key.rpartition(".")[2] for key in (NO_GRID_CHARGING_KEY, EXPORT_RULE_KEY))
    values: list[tuple[str, object]] = []
    if flag in body:
        values.append((NO_GRID_CHARGING_KEY, _switch(body, flag) or ABSENT))
    if rule in body:
        if body[rule] not in list(ExportRule):
            raise ApiError(400, f"{rule} not valid")
        is_gone = body[rule] == ExportRule.EVERYTHING and not behaviour.keeps_export_rule
        values.append((EXPORT_RULE_KEY, ABSENT if is_gone else body[rule]))
        values.append(("components.non_export_configured", body[rule] == ExportRule.NEVER or ABSENT))
    if not values:
        raise ApiError(400, "request body not valid")
    return tuple(values)


def _off_grid_reserve(body: Json, _spec: SiteSpec, _behaviour: CommandBehaviour) -> Values:
    name = "off_grid_vehicle_charging_reserve_percent"
    return ((name, _percent(body, name)),)


def _tariff(body: Json, _spec: SiteSpec, _behaviour: CommandBehaviour) -> Values:
    """The tariff; a strategy beside it is dropped, and one alone is refused (Q59)."""
    settings = body.get("tou_settings")
    document = settings.get("tariff_content_v2") if isinstance(settings, dict) else None
    if not isinstance(document, dict) or not document:
        raise ApiError(400, "Must provide either a valid TOU setting or tariffID")
    return (("tariff_content_v2", as_read(document)),)


COMMANDS: Final[Mapping[str, Callable[[Json, SiteSpec, CommandBehaviour], Values]]] = {
    "backup": _backup,
    "operation": _operation,
    "storm_mode": _storm_mode,
    "grid_import_export": _grid,
    "off_grid_vehicle_charging_reserve": _off_grid_reserve,
    "time_of_use_settings": _tariff,
}
"""Paths below `/api/1/energy_sites/{id}/` that are posted to, and what their bodies set (Q45)."""


def _percent(body: Json, name: str) -> int:
    value = body.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= 100:
        raise ApiError(400, f"{name} not valid")
    return value


def _switch(body: Json, name: str) -> bool:
    value = body.get(name)
    if not isinstance(value, bool):
        raise ApiError(400, f"{name} not valid")
    return value
