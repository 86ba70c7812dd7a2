"""A conversation with Home Assistant: commands, and their answers as recorded from a real core 2025.12.5."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from extract.services.errors import ServiceRefused
from extract.services.home_assistant import HomeAssistant

ANSWERS = Path(__file__).parent / "golden" / "home_assistant_answers.json"

META = {
    "has_sum": True,
    "mean_type": 0,
    "name": "Ridge solar",
    "source": "wattlog",
    "statistic_id": "wattlog:77_solar",
    "unit_class": "energy",
    "unit_of_measurement": "kWh",
}
ROWS = [
    {"start": "2024-01-01T00:00:00+00:00", "state": 1.5, "sum": 1.5},
    {"start": "2024-01-01T01:00:00+00:00", "state": 1.25, "sum": 2.75},
]
IMPORT = "recorder/import_statistics"
LIST = "recorder/list_statistic_ids"
READ = "recorder/statistics_during_period"
PERIOD = {
    "start_time": "2024-01-01T00:00:00+00:00",
    "statistic_ids": ["wattlog:77_solar"],
    "period": "hour",
    "types": ["state", "sum"],
}
SOURCES = [
    {
        "type": "grid",
        "flow_from": [
            {
                "stat_energy_from": "wattlog:77_grid_in",
                "stat_cost": None,
                "entity_energy_price": None,
                "number_energy_price": None,
            }
        ],
        "flow_to": [],
        "cost_adjustment_day": 0.0,
    },
    {"type": "solar", "stat_energy_from": "wattlog:77_solar", "config_entry_solar_forecast": None},
]

TALK: list[tuple[str, dict[str, Any]]] = [
    ("recorder/list_statistic_ids", {"statistic_type": "sum"}),
    (IMPORT, {"metadata": META, "stats": ROWS}),
    (IMPORT, {"metadata": {**META, "statistic_id": "wattlog:77_Solar"}, "stats": ROWS}),
    (IMPORT, {"metadata": {**META, "statistic_id": "other:77_solar"}, "stats": ROWS}),
    (IMPORT, {"metadata": {**META, "unit_class": "power"}, "stats": ROWS}),
    (IMPORT, {"metadata": {**META, "unit_class": "nope"}, "stats": ROWS}),
    (IMPORT, {"metadata": {**META, "unit_of_measurement": "EUR"}, "stats": ROWS}),
    (IMPORT, {"metadata": {name: META[name] for name in META if name != "has_sum"}, "stats": ROWS}),
    (IMPORT, {"metadata": {name: META[name] for name in META if name != "name"}, "stats": ROWS}),
    (IMPORT, {"metadata": META, "stats": [{**ROWS[0], "start": "2024-01-01T00:15:00+00:00"}]}),
    (IMPORT, {"metadata": META, "stats": [{**ROWS[0], "start": "2024-01-01T00:00:00"}]}),
    (IMPORT, {"metadata": META, "stats": [{**ROWS[0], "start": "nope"}]}),
    (IMPORT, {"metadata": META, "stats": [{**ROWS[0], "x": 1}]}),
    (IMPORT, {"metadata": META, "stats": [{**ROWS[0], "state": None}]}),
    (READ, PERIOD),
    (IMPORT, {"metadata": META, "stats": [{**ROWS[1], "state": 2.0, "sum": 3.5}]}),
    (READ, PERIOD),
    (READ, {**PERIOD, "units": {"energy": "Wh"}, "end_time": "2024-01-01T01:00:00+00:00"}),
    (READ, {**PERIOD, "statistic_ids": ["wattlog:none"]}),
    (READ, {**PERIOD, "start_time": "nope"}),
    ("recorder/list_statistic_ids", {"statistic_type": "sum"}),
    ("energy/get_prefs", {}),
    ("energy/save_prefs", {"energy_sources": SOURCES}),
    ("energy/get_prefs", {}),
    ("energy/validate", {}),
    ("energy/save_prefs", {"device_consumption": [{"stat_consumption": "wattlog:77_cars", "name": "Cars"}]}),
    ("energy/get_prefs", {}),
    ("recorder/clear_statistics", {"statistic_ids": ["wattlog:77_solar"]}),
    (READ, PERIOD),
    ("nope/nope", {}),
]


def answers_of(home: HomeAssistant, wait: Callable[[], None] = lambda: None) -> list[Any]:
    """What a Home Assistant without statistics answers to all of it.

    Args:
        home: A connection.
        wait: Waits until what was sent is stored: a core accepts statistics before it stores them.
    """
    found = list[Any]()
    for command, values in TALK:
        if command in {READ, LIST}:
            wait()
        try:
            found.append(home.call(command, **values))
        except ServiceRefused as error:
            found.append(f"refused: {error.detail}")
    return found


def recorded() -> list[Any]:
    """The answers of the real core."""
    return list(json.loads(ANSWERS.read_text()))
