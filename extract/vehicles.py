"""The requests about the account's cars (Q93, Q99 to Q101, Q113).

The lists of cars and their states hold names and whole VINs, so these responses are read and not kept. What becomes rows is
kept.
"""

from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from extract.requests import ACCOUNT, PRODUCTS, VEHICLES, Request
from wattlog.api_json import write
from wattlog.series import SERIES, Series

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
