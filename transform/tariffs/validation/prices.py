"""Prices: every period with times has a price and the reverse, none is negative, none is sold for more than it costs (Q134)."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import numpy as np

from transform.tariffs.document import Json, rate_items
from transform.tariffs.money import MICRO, micro_text
from transform.tariffs.resolver import Cell, SideGrid, price_of, side_grid
from transform.tariffs.tariff import ALL, MINUTES_PER_WEEK, Side, Tariff
from transform.tariffs.validation.fields import CURRENCIES, amount_violations
from transform.tariffs.validation.violation import ROOT, Violation, child

_LIKELY_CENTS: Final = 5 * MICRO
"""No household pays 5 dollars, euros or pounds for a kWh as a regular price: a larger number is in cents (Q133)."""


def price_violations(document: Json, side: Side, path: str) -> Iterator[Violation]:
    """Violations by the prices of one side."""
    energy = child(path, "energy_charges")
    if not isinstance(document.get("energy_charges"), Mapping):
        yield Violation(energy, "energy_charges must be an object with prices.")
    else:
        yield from _rates(document["energy_charges"], side, energy)
    demand = document.get("demand_charges")
    if isinstance(demand, Mapping):
        yield from _rates(demand, side, child(path, "demand_charges"))
    elif demand is not None:
        yield Violation(child(path, "demand_charges"), "demand_charges must be an object with prices.")
    yield from _unpriced(side, path)
    yield from _cents(document, side, path)


def _rates(charges: Mapping[str, Any], side: Side, path: str) -> Iterator[Violation]:
    """Prices that are no amounts, and prices of seasons or labels that have no times."""
    seasons = {season.name: {label for label, periods in season.periods.items() if periods} for season in side.seasons}
    labels = {label for of_season in seasons.values() for label in of_season}
    for season, charge in charges.items():
        place = child(path, season)
        if not isinstance(charge, Mapping):
            yield Violation(place, "The prices of a season must be an object.")
            continue
        between, prices = rate_items(charge)
        if prices and season != ALL and season not in seasons:
            yield Violation(place, f"Season {season!r} has prices, and no dates.")
            continue
        for label, price in prices.items():
            of_label = child(f"{place}{between}", label)
            yield from amount_violations(price, of_label)
            if label != ALL and label not in (labels if season == ALL else seasons[season]):
                where = "any season" if season == ALL else f"season {season!r}"
                yield Violation(of_label, f"{label!r} has a price, and no times in {where}.")


def _unpriced(side: Side, path: str) -> Iterator[Violation]:
    """Times without a price."""
    for season in side.seasons:
        place = child(child(path, "seasons"), season.name)
        labels = [label for label, periods in season.periods.items() if periods]
        if not labels and price_of(side.energy, season.name, ALL) is None:
            yield Violation(place, "The season has no periods, and ALL has no price.")
        for label in labels:
            if price_of(side.energy, season.name, label) is None:
                yield Violation(child(child(place, "tou_periods"), label), f"{label!r} has times, and no price.")


def _cents(document: Json, side: Side, path: str) -> Iterator[Violation]:
    prices = [price for of_season in side.energy.values() for price in of_season.values()]
    if document.get("currency") in CURRENCIES and max(prices, default=0) > _LIKELY_CENTS:
        highest = micro_text(max(prices))
        yield Violation(
            child(path, "energy_charges"), f"A kWh costs {highest}: prices are in the currency, not in cents.", False
        )


def sell_violations(tariff: Tariff, document: Json) -> Iterator[Violation]:
    """Where exported energy brings more than imported energy costs, and where the two sides have different currencies."""
    currency = document["sell_tariff"].get("currency")
    if currency and tariff.currency and currency != tariff.currency:
        place = child(child(ROOT, "sell_tariff"), "currency")
        yield Violation(place, f"The sell side is in {currency}, the buy side in {tariff.currency}.")
    buy, sell = side_grid(tariff.buy), side_grid(tariff.sell)
    found: dict[tuple[Cell, Cell], tuple[str, str]] = {}
    for bought, sold in sorted(set(zip(buy.season_of_day.tolist(), sell.season_of_day.tolist(), strict=True))):
        for cells in _cell_pairs(buy, sell, bought, sold):
            found.setdefault(cells, (str(buy.seasons[bought]), str(sell.seasons[sold])))
    place = child(child(ROOT, "sell_tariff"), "energy_charges")
    for (costs, brings), (bought_in, sold_in) in found.items():
        if (
            costs.energy_micro is not None
            and brings.energy_micro is not None
            and brings.energy_micro > costs.energy_micro
        ):
            yield Violation(
                child(place, sold_in),
                f"{brings.label} of {sold_in} brings {micro_text(brings.energy_micro)}, and {costs.label} of {bought_in} "
                f"costs {micro_text(costs.energy_micro)} at the same time: the API raises the buy price.",
            )


def _cell_pairs(buy: SideGrid, sell: SideGrid, bought: int, sold: int) -> Iterator[tuple[Cell, Cell]]:
    """The distinct cells that apply at the same time in a season of each side."""
    pairs = buy.week[bought].astype(np.int64) * MINUTES_PER_WEEK + sell.week[sold]
    for pair in np.unique(pairs).tolist():
        yield buy.cells[pair // MINUTES_PER_WEEK], sell.cells[pair % MINUTES_PER_WEEK]
