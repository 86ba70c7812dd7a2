"""A tariff as a document of the second form, with every field (Q135)."""

from collections.abc import Mapping
from typing import Any

from transform.tariffs.money import MICRO
from transform.tariffs.tariff import ALL, MINUTES_PER_DAY, Period, Rates, Season, Side, Tariff

Json = dict[str, Any]


def write_tariff(tariff: Tariff) -> Json:
    """The document of a tariff: zeros are written, midnight as an end is 0, and a label has one price in a season.

    Reading it again gives the same price at every instant. Numbers are the shortest that have the value.
    """
    plan = {"code": tariff.code, "name": tariff.name, "utility": tariff.utility, "currency": tariff.currency}
    document = {"version": 1} | plan | _side(tariff.buy)
    return document if tariff.sell is None else document | {"sell_tariff": plan | _side(tariff.sell)}


def amount(micro: int) -> int | float:
    """An amount as a number of JSON: a whole number where it is one, else the double whose shortest text is exact."""
    return micro // MICRO if micro % MICRO == 0 else micro / MICRO


def _side(side: Side) -> Json:
    lowest, highest = side.demand_kw
    return {
        "daily_charges": [{"name": charge.name, "amount": amount(charge.amount_micro)} for charge in side.daily],
        "monthly_charges": amount(side.monthly_micro),
        "monthly_minimum_bill": amount(side.minimum_micro),
        "min_applicable_demand": lowest or 0,
        "max_applicable_demand": highest or 0,
        "daily_demand_charges": {},
        "demand_charges": _rates(side.demand, side, is_placeholder=True),
        "energy_charges": _rates(side.energy, side, is_placeholder=_has_times_or_prices(side)),
        "seasons": {season.name: _season(season) for season in side.seasons},
    }


def _has_times_or_prices(side: Side) -> bool:
    """Whether the price 0 for all times is a placeholder, and no price (Q131)."""
    of_seasons = any(prices for name, prices in side.energy.items() if name != ALL)
    return of_seasons or any(any(season.periods.values()) for season in side.seasons)


def _rates(rates: Rates, side: Side, *, is_placeholder: bool) -> Json:
    """Prices by season and label. The app expects `ALL` and every season, prices or not."""
    names = [ALL, *(season.name for season in side.seasons), *rates]
    written = {name: _prices(rates.get(name, {})) for name in dict.fromkeys(names)}
    if is_placeholder:
        written[ALL]["rates"].setdefault(ALL, 0)
    return written


def _prices(prices: Mapping[str, int]) -> Json:
    return {"rates": {label: amount(price) for label, price in prices.items()}}


def _season(season: Season) -> Json:
    (from_month, from_day), (to_month, to_day) = season.first, season.last
    return {
        "fromMonth": from_month,
        "fromDay": from_day,
        "toMonth": to_month,
        "toDay": to_day,
        "tou_periods": {
            label: {"periods": [_period(period) for period in periods]} for label, periods in season.periods.items()
        },
    }


def _period(period: Period) -> Json:
    to_hour, to_minute = divmod(period.to_minute % MINUTES_PER_DAY, 60)
    return {
        "fromDayOfWeek": period.first_day,
        "toDayOfWeek": period.last_day,
        "fromHour": period.from_minute // 60,
        "fromMinute": period.from_minute % 60,
        "toHour": to_hour,
        "toMinute": to_minute,
    }
