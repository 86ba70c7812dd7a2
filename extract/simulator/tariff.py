"""An invented time-of-use tariff, and which slots of a day belong to which of its bands."""

from datetime import date
from enum import StrEnum

import numpy as np

from extract.simulator.local_day import Ints

Json = dict[str, object]


class Band(StrEnum):
    """Bands of the tariff, as time_of_use_energy names them."""

    OFF_PEAK = "off_peak"
    PARTIAL_PEAK = "partial_peak"
    PEAK = "peak"


HOURS: dict[Band, tuple[tuple[int, int], ...]] = {
    Band.OFF_PEAK: ((0, 15),),
    Band.PARTIAL_PEAK: ((15, 16), (21, 24)),
    Band.PEAK: ((16, 21),),
}
"""Local hours of each band, every day of the year: they cover the day and do not overlap."""

BUY: dict[str, dict[Band, float]] = {
    "Summer": {Band.OFF_PEAK: 0.31, Band.PARTIAL_PEAK: 0.43, Band.PEAK: 0.56},
    "Winter": {Band.OFF_PEAK: 0.29, Band.PARTIAL_PEAK: 0.33, Band.PEAK: 0.37},
}
"""Price of a kWh bought."""

SELL_SHARE = 0.25
"""A kWh sold brings a quarter of what one costs."""

SEASONS: dict[str, tuple[int, int]] = {"Summer": (6, 9), "Winter": (10, 5)}
"""First and last month; the winter goes over the new year."""


def season(day: date) -> str:
    """The season of a day."""
    return "Summer" if SEASONS["Summer"][0] <= day.month <= SEASONS["Summer"][1] else "Winter"


def bands(local_s: Ints) -> dict[Band, np.ndarray]:
    """Which slots belong to a band, by the seconds on the local clock."""
    hour = local_s // 3600
    return {
        band: np.logical_or.reduce([(hour >= first) & (hour < last) for first, last in hours])
        for band, hours in HOURS.items()
    }


def tariff_content() -> Json:
    """The tariff in the structure of `tariff_content_v2`; zero fields are left out, as the API does."""
    sell = {
        name: {"rates": {_label(band): round(price * SELL_SHARE, 4) for band, price in prices.items()}}
        for name, prices in BUY.items()
    }
    buy = {name: {"rates": {_label(band): price for band, price in prices.items()}} for name, prices in BUY.items()}
    plan: Json = {
        "code": "SIM-TOU-1",
        "name": "Simulated Time of Use",
        "utility": "Simulated Utility",
        "currency": "USD",
    }
    none = {"ALL": {"rates": {"ALL": 0}}, "Summer": {}, "Winter": {}}
    common: Json = {"daily_charges": [{"name": "Charge"}], "demand_charges": none, "seasons": _seasons()}
    free = {"ALL": {"rates": {"ALL": 0}}}
    sold = plan | common | {"energy_charges": free | sell}
    return plan | {"version": 1} | common | {"energy_charges": free | buy, "sell_tariff": sold}


def _seasons() -> Json:
    tou = {_label(band): {"periods": [_hours(*hours) for hours in HOURS[band]]} for band in Band}
    return {
        name: {
            "fromDay": 1,
            "toDay": 30 if last == 9 else 31,
            "fromMonth": first,
            "toMonth": last,
            "tou_periods": tou,
        }
        for name, (first, last) in SEASONS.items()
    }


def _hours(first: int, last: int) -> dict[str, int]:
    fields = {"toDayOfWeek": 6, "fromHour": first, "toHour": last}
    return {name: value for name, value in fields.items() if value}


def _label(band: Band) -> str:
    return band.value.upper() if band is not Band.PEAK else "ON_PEAK"
