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
        commands: The commands that it got, in order.
        received: How many hours it was given, by command.
        dies_after: Ends the connection after so many imports; None for never.
    """

    meta: dict[str, dict[str, Any]] = field(default_factory=dict)
    rows: dict[str, dict[int, dict[str, float]]] = field(default_factory=dict)
    prefs: dict[str, Any] | None = None
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
