"""A stand-in for Home Assistant's websocket: it takes and gives what the real one does, and refuses what the real one refuses.

`tests/integration/test_home_assistant_core.py` sends the same to a real core, where one is installed, and compares the answers.
"""

import json
import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import Server, ServerConnection, serve

TOKEN = "a-long-lived-token-of-the-stand-in"
VERSION = "2025.12.5"
VALID_ID = re.compile(r"(?!.+__)(?!_)[\da-z_]+(?<!_):(?!_)[\da-z_]+(?<!_)")
FACTORS = {"Wh": 0.001, "kWh": 1.0, "MWh": 1000.0}
MAX_MESSAGE_BYTES = 4 * 2**20
"""Larger ones end the connection, as the real one does."""

HOUR_MS = 3_600_000
UNITS = {"energy": FACTORS, "power": {"W": 1.0, "kW": 1.0}}
_METADATA = {
    "has_sum": True, "name": True, "source": True, "statistic_id": True, "unit_of_measurement": True, "has_mean": False,
    "mean_type": True, "unit_class": True,
}  # fmt: skip
"""Key → whether it must be there. The core still takes metadata without the last two, and announces that it will not."""

_ROW = {"start": True, "state": False, "sum": False, "mean": False, "min": False, "max": False, "last_reset": False}


class _Refused(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(code, message)
        self.code, self.message = code, message


@dataclass
class StandIn:
    """What it has.

    Attributes:
        meta: Statistic → its metadata.
        rows: Statistic → start in ms → what is stored of the hour.
        prefs: Preferences of the Energy dashboard; None before they are saved.
        currency: The currency of its settings.
        commands: The commands that it got, in order.
        received: How many hours it was given, by command.
        dies_after: Ends the connection after so many imports; None for never.
    """

    meta: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: dict[str, dict[int, dict[str, float]]] = field(default_factory=dict)
    prefs: dict[str, Any] | None = None
    currency: str = "EUR"
    commands: list[str] = field(default_factory=list)
    received: list[int] = field(default_factory=list)
    dies_after: int | None = None
    url: str = ""
    lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, statistic_id: str, hours: dict[int, float], *, unit: str = "kWh") -> None:
        """A counter that an integration has recorded: start in ms → sum."""
        self.meta[statistic_id] = {
            "statistic_id": statistic_id, "source": "recorder", "name": None, "has_mean": False, "mean_type": 0,
            "has_sum": True, "unit_class": "energy", "statistics_unit_of_measurement": unit,
        }  # fmt: skip
        self.rows[statistic_id] = {start: {"sum": total} for start, total in hours.items()}

    # --- commands -----------------------------------------------------------------------------------------------------

    def answer(self, message: dict[str, Any]) -> Any:
        """The result of a command."""
        command = message["type"]
        self.commands.append(command)
        given = {name: value for name, value in message.items() if name not in {"id", "type"}}
        found = getattr(self, "_" + command.replace("/", "_"), None)
        if found is None:
            raise _Refused("unknown_command", "Unknown command.")
        try:
            return found(**given)
        except TypeError as error:
            raise _Refused("invalid_format", str(error)) from None

    def _recorder_list_statistic_ids(self, statistic_type: str | None = None) -> list[dict[str, Any]]:
        return [
            {**meta, "display_unit_of_measurement": meta["statistics_unit_of_measurement"]}
            for meta in self.meta.values()
            if statistic_type is None or meta[f"has_{statistic_type}"]
        ]

    def _recorder_statistics_during_period(
        self,
        start_time: str,
        statistic_ids: list[str],
        period: str,
        end_time: str | None = None,
        units: dict[str, str] | None = None,
        types: list[str] | None = None,
    ) -> dict[str, list[dict[str, Any]]]:
        begin, end = _ms(start_time), 2**62 if end_time is None else _ms(end_time)
        if not statistic_ids:
            raise _Refused(
                "invalid_format", "length of value must be at least 1 for dictionary value @ data['statistic_ids']"
            )
        found = {}
        for statistic_id in statistic_ids:
            rows = self.rows.get(statistic_id, {})
            unit = self.meta.get(statistic_id, {}).get("statistics_unit_of_measurement")
            factor = FACTORS[unit] / FACTORS[(units or {}).get("energy", unit)] if unit in FACTORS else 1.0
            chosen = [
                {"start": start, "end": start + HOUR_MS}
                | {name: value * factor for name, value in rows[start].items() if types is None or name in types}
                for start in sorted(rows)
                if begin <= start < end
            ]
            if chosen:
                found[statistic_id] = chosen if period == "hour" else _by_month(chosen)
        return found

    def _recorder_import_statistics(self, metadata: dict[str, Any], stats: list[dict[str, Any]]) -> None:
        _check_keys(metadata, _METADATA, "['metadata']")
        statistic_id, unit, unit_class = (
            metadata[name] for name in ("statistic_id", "unit_of_measurement", "unit_class")
        )
        for number, row in enumerate(stats):
            _check_row(row, number)
        if not VALID_ID.fullmatch(statistic_id):
            raise _Refused("home_assistant_error", "Invalid statistic_id")
        if statistic_id.partition(":")[0] != metadata["source"]:
            raise _Refused("home_assistant_error", "Invalid source")
        if unit_class is not None and unit_class not in UNITS:
            raise _Refused("home_assistant_error", f"Unsupported unit_class: {unit_class!r}")
        if unit_class is not None and unit not in UNITS[unit_class]:
            what = f"Unsupported unit_of_measurement {unit!r} for unit_class {unit_class!r}"
            raise _Refused("home_assistant_error", what)
        starts = [_start(row["start"]) for row in stats]
        self.meta[statistic_id] = {
            "statistic_id": statistic_id, "has_mean": metadata["mean_type"] == 1, "mean_type": metadata["mean_type"],
            "has_sum": metadata["has_sum"], "name": metadata["name"], "source": metadata["source"],
            "statistics_unit_of_measurement": unit, "unit_class": unit_class,
        }  # fmt: skip
        rows = self.rows.setdefault(statistic_id, {})
        for start, row in zip(starts, stats, strict=True):
            rows[start] = {name: value for name, value in row.items() if name != "start"}
        self.received.append(len(stats))

    def _recorder_clear_statistics(self, statistic_ids: list[str]) -> None:
        for statistic_id in statistic_ids:
            self.meta.pop(statistic_id, None)
            self.rows.pop(statistic_id, None)

    def _get_config(self) -> dict[str, Any]:
        return {"currency": self.currency}

    def _energy_get_prefs(self) -> dict[str, Any]:
        if self.prefs is None:
            raise _Refused("not_found", "No prefs")
        return self.prefs

    def _energy_save_prefs(self, **given: list[Any]) -> dict[str, Any]:
        before = self.prefs or {"energy_sources": [], "device_consumption": [], "device_consumption_water": []}
        if not given.keys() <= before.keys():
            raise _Refused("invalid_format", "extra keys not allowed")
        self.prefs = json.loads(json.dumps(before | given))
        return self.prefs

    def _energy_validate(self) -> dict[str, list[list[dict[str, Any]]]]:
        prefs = self._energy_get_prefs()
        return {
            kind: [self._issues(source) for source in prefs[kind]]
            for kind in ("energy_sources", "device_consumption", "device_consumption_water")
        }

    def _issues(self, source: Any) -> list[dict[str, Any]]:
        missing = [[found, None] for found in _statistics_in(source) if found not in self.meta]
        if not missing:
            return []
        return [{"type": "statistics_not_defined", "affected_entities": missing, "translation_placeholders": None}]

    def handle(self, connection: ServerConnection) -> None:
        """One connection: log in, then commands."""
        _send(connection, {"type": "auth_required", "ha_version": VERSION})
        given = json.loads(connection.recv())
        if given.get("type") != "auth" or given.get("access_token") != TOKEN:
            _send(connection, {"type": "auth_invalid", "message": "Invalid access token or password"})
            return
        _send(connection, {"type": "auth_ok", "ha_version": VERSION})
        last_id = 0
        try:
            for text in connection:
                message = json.loads(text)
                with self.lock:
                    answer = self._answered(message, last_id)
                last_id = message["id"]
                if answer is None:
                    connection.close_socket()
                    return
                _send(connection, answer)
        except ConnectionClosed:
            return

    def _answered(self, message: dict[str, Any], last_id: int) -> dict[str, Any] | None:
        number = message["id"]
        try:
            if number <= last_id:
                raise _Refused("id_reuse", "Identifier values have to increase.")
            result = self.answer(message)
        except _Refused as error:
            failure = {"code": error.code, "message": error.message}
            return {"id": number, "type": "result", "success": False, "error": failure}
        if self.dies_after is not None and len(self.received) >= self.dies_after:
            return None
        return {"id": number, "type": "result", "success": True, "result": result}


def _statistics_in(source: Any) -> Iterator[str]:
    """The statistics that a source of the Energy dashboard names."""
    if isinstance(source, dict):
        for name, value in source.items():
            if name.startswith("stat_") and isinstance(value, str):
                yield value
            yield from _statistics_in(value)
    elif isinstance(source, list):
        for value in source:
            yield from _statistics_in(value)


def _check_keys(given: dict[str, Any], allowed: dict[str, bool], where: str) -> None:
    for name, is_required in allowed.items():
        if is_required and name not in given:
            raise _Refused("invalid_format", f"required key not provided @ data{where}['{name}']. Got None")
    for name, value in given.items():
        if name not in allowed:
            raise _Refused("invalid_format", f"extra keys not allowed @ data{where}['{name}']. Got {value!r}")


def _check_row(row: dict[str, Any], number: int) -> None:
    where = f"['stats'][{number}]"
    _check_keys(row, _ROW, where)
    for name, value in row.items():
        if name != "start" and not isinstance(value, int | float):
            text = f"expected float for dictionary value @ data{where}['{name}']. Got {value}"
            raise _Refused("invalid_format", text)
    try:
        datetime.fromisoformat(row["start"])
    except ValueError:
        text = f"Invalid datetime specified: {row['start']} for dictionary value @ data{where}['start']. "
        raise _Refused("invalid_format", f"{text}Got {row['start']!r}") from None


def _start(text: str) -> int:
    start = datetime.fromisoformat(text)
    if start.tzinfo is None:
        raise _Refused("home_assistant_error", "Naive timestamp: no or invalid timezone info provided")
    if start.minute or start.second or start.microsecond:
        what = "Invalid timestamp: timestamps must be from the top of the hour (minutes and seconds = 0)"
        raise _Refused("home_assistant_error", what)
    return round(start.timestamp() * 1000)


def _send(connection: ServerConnection, message: dict[str, Any]) -> None:
    connection.send(json.dumps(message, separators=(",", ":")))


def _ms(text: str) -> int:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise _Refused("invalid_start_time", "Invalid start_time") from None
    return round((found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp() * 1000)


def _by_month(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The last row of each month, with the beginning of the month (of a clock in UTC)."""
    found: dict[datetime, dict[str, Any]] = {}
    for row in rows:
        at = datetime.fromtimestamp(row["start"] / 1000, UTC)
        month = at.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
        found[month] = row | {"start": round(month.timestamp() * 1000)}
    return list(found.values())


@contextmanager
def stand_in() -> Iterator[StandIn]:
    """A stand-in on a free port; its address is `url`."""
    home = StandIn()
    server: Server
    with serve(home.handle, "127.0.0.1", 0, max_size=MAX_MESSAGE_BYTES) as server:
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        home.url = f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        yield home
        server.shutdown()
    thread.join()
