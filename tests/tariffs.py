"""Tariff documents for tests, made of short parts. Names, prices and plans are invented."""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any

import pandas as pd

from transform.tariffs import Tariff
from transform.tariffs.resolver import side_grid

Json = dict[str, Any]

NAMES = ("fromDayOfWeek", "toDayOfWeek", "fromHour", "fromMinute", "toHour", "toMinute")


def period(days: tuple[int, int] = (0, 6), begin: str = "00:00", end: str = "00:00") -> Json:
    """A period with all fields, zeros included."""
    clock = [int(part) for text in (begin, end) for part in text.split(":")]
    return dict(zip(NAMES, (*days, *clock), strict=True))


def season(first: tuple[int, int], last: tuple[int, int], **labels: list[Json]) -> Json:
    """A season of the second form, with dates as (month, day)."""
    dates = {"fromMonth": first[0], "fromDay": first[1], "toMonth": last[0], "toDay": last[1]}
    return dates | {"tou_periods": {label: {"periods": periods} for label, periods in labels.items()}}


def year(**labels: list[Json]) -> Json:
    """The season of a whole year."""
    return season((1, 1), (12, 31), **labels)


def document(seasons: Mapping[str, Json], prices: Mapping[str, Mapping[str, float]], **fields: Any) -> Json:
    """A document of the second form, with the placeholders that real ones have."""
    flat = {"ALL": {"rates": {"ALL": 0}}}
    energy = flat | {name: {"rates": dict(of_season)} for name, of_season in prices.items()}
    plain = {"code": "TEST-1", "name": "Test plan", "utility": "Test utility", "currency": "USD", "version": 1}
    charges = {"daily_charges": [{"name": "Charge"}], "demand_charges": flat | {name: {} for name in seasons}}
    return plain | charges | {"energy_charges": energy, "seasons": deepcopy(dict(seasons))} | fields


def without_zeros(value: Any) -> Any:
    """A document as the API gives it: numbers that are 0 are left out, except in prices (Q124)."""
    if isinstance(value, list):
        return [without_zeros(item) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: item if name == "rates" else without_zeros(item)
        for name, item in value.items()
        if name == "rates" or isinstance(item, bool) or item != 0
    }


SEASONS = {
    "Warm": season(
        (6, 1),
        (9, 30),
        OFF_PEAK=[period(begin="21:00", end="16:00")],
        ON_PEAK=[period(begin="16:00", end="21:00")],
    ),
    "Cold": season(
        (10, 1),
        (5, 31),
        OFF_PEAK=[
            period((6, 3), "22:00", "07:00"),
            period((4, 4), "22:00"),
            period((5, 5)),
            period((6, 6), end="22:00"),
        ],
        ON_PEAK=[period((0, 4), "07:00", "22:00")],
    ),
}
"""Two seasons that cover the year; one includes the new year. Periods run over midnight and over Sunday."""

BUY = {"Warm": {"OFF_PEAK": 0.21, "ON_PEAK": 0.30572}, "Cold": {"OFF_PEAK": 0.18, "ON_PEAK": 0.27}}
SELL = {"Warm": {"OFF_PEAK": 0.05, "ON_PEAK": 0.0813}, "Cold": {"OFF_PEAK": 0.04, "ON_PEAK": 0.06}}


def two_seasons(**fields: Any) -> Json:
    """A valid document with two seasons and the same times on both sides."""
    sell = document(SEASONS, SELL)
    return document(SEASONS, BUY, sell_tariff=sell, **fields)


def flat(buy: float, sell: float | None = None, **fields: Any) -> Json:
    """A valid document with one price for all times."""
    prices = {"ALL": {"rates": {"ALL": buy}}}
    sold = {} if sell is None else {"sell_tariff": document({"Year": year()}, {}) | _charges(sell)}
    return document({"Year": year()}, {}) | {"energy_charges": prices} | sold | fields


def calendar(tariff: Tariff) -> pd.DataFrame:
    """`side`, `month`, `day` and `season` of each day of a leap year; the season is NULL in none or several."""
    days = pd.date_range("2024-01-01", "2024-12-31")
    parts = []
    for side, of_side in (("buy", side_grid(tariff.buy)), ("sell", side_grid(tariff.sell))):
        names = pd.Series([of_side.seasons[code] for code in of_side.season_of_day], dtype="str")
        parts.append(pd.DataFrame({"side": side, "month": days.month, "day": days.day, "season": names}))
    return pd.concat(parts, ignore_index=True)


def _charges(price: float) -> Json:
    return {"energy_charges": {"ALL": {"rates": {"ALL": price}}}}


def first_form(of_second: Json) -> Json:
    """A document of the second form in the first: no `rates`, and lists of periods (Q123)."""
    charges = {"energy_charges", "demand_charges"}
    turned = {
        name: {season: block.get("rates", {}) for season, block in value.items()} if name in charges else value
        for name, value in of_second.items()
    }
    turned["seasons"] = {
        name: of_season
        | {"tou_periods": {label: items["periods"] for label, items in of_season["tou_periods"].items()}}
        for name, of_season in of_second["seasons"].items()
    }
    if "sell_tariff" in of_second:
        turned["sell_tariff"] = first_form(of_second["sell_tariff"])
    return turned
