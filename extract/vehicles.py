"""The requests about the account's cars (Q93, Q99 to Q101, Q113).

The lists of cars and their states hold names and whole VINs, so these responses are read and not kept. What becomes rows is
kept.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from extract.archive.record import Response
from extract.requests import ACCOUNT, PRODUCTS, VEHICLES, Request
from extract.windows import Window
from wattlog.api_json import write
from wattlog.commands.car_intent import CarIntent
from wattlog.series import SERIES
from wattlog.series_spec import Series

PAGE_SIZE: Final = 50
"""Sessions on a page of the charging history."""

CARS: Final = replace(PRODUCTS, is_kept=False)
"""Every car of the account, with its state; no car is woken (Q93, Q99)."""


def fleet_status(vins: Iterable[str]) -> Request:
    """Key, firmware, and whether commands must be signed: a POST that reads (Q100)."""
    path = f"{VEHICLES}/fleet_status"
    return Request(ACCOUNT, Series.SNAPSHOT, path, method="POST", body=write({"vins": list(vins)}), is_kept=False)


def car_state(vin: str) -> Request:
    """One car, whose `state` says whether it is awake; it is not woken (Q93)."""
    return Request(ACCOUNT, Series.SNAPSHOT, f"{VEHICLES}/{vin}", is_kept=False)


def charge_state(vin: str) -> Request:
    """How full a car is and how it charges; one that sleeps answers 408 (Q101). Never the location: it has another name."""
    spec = SERIES[Series.VEHICLE_STATE]
    return Request(ACCOUNT, spec.name, f"{VEHICLES}/{vin}/{spec.endpoint}", (("endpoints", spec.row_keys[0]),))


def charging_history(page: int) -> Request:
    """A page of the public charging sessions of all cars (Q113)."""
    spec = SERIES[Series.VEHICLE_CHARGING]
    return Request(ACCOUNT, spec.name, f"/api/1/{spec.endpoint}", (("pageNo", str(page)), ("pageSize", str(PAGE_SIZE))))


def wake_up(vin: str, day: Window) -> Request:
    """Begin to wake a car; the answer comes before it is awake (Q93)."""
    return Request(ACCOUNT, Series.COMMAND, f"{VEHICLES}/{vin}/wake_up", window=day, method="POST")


def command(vin: str, intent: CarIntent, day: Window) -> Request:
    """The command of an intent."""
    path = f"{VEHICLES}/{vin}/command/{intent.endpoint}"
    return Request(ACCOUNT, Series.COMMAND, path, window=day, method="POST", body=write(intent.body))


def read_back(vin: str, day: Window) -> Request:
    """A reading of the car after its command."""
    return replace(charge_state(vin), series=Series.COMMAND, window=day)


def car_intent_record(intent: CarIntent, now: datetime, day: Window) -> Response:
    """The record of an intent; it has no request."""
    request = Request(ACCOUNT, Series.COMMAND, intent.record_path, window=day)
    return Response(request, now, 0.0, 1, 200, {}, intent.to_json(), "data")
