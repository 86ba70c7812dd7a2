"""A tariff that was written, as it is read afterwards: without zeros and placeholders, and with its prices raised to zero.

Source: Q124, Q131, Q134.
"""

from typing import Any

Json = dict[str, Any]


def as_read(document: Json) -> Json:
    """A tariff as site_info shows it after it was written."""
    found: Json = _without_zeros(document)
    for side in (found, found.get("sell_tariff")):
        if isinstance(side, dict):
            for name in ("energy_charges", "demand_charges"):
                if isinstance(side.get(name), dict):
                    side[name] = _charges(side[name])
    return found


def _charges(charges: Json) -> Json:
    """The prices of each season; the price of all times is a placeholder where a season has prices."""
    rates = {season: dict(of_season.get("rates", {})) for season, of_season in charges.items()}
    raised = {season: {label: max(0, price) for label, price in prices.items()} for season, prices in rates.items()}
    if any(prices for season, prices in raised.items() if season != "ALL"):
        raised.pop("ALL", None)
    return {season: {"rates": prices} if prices else {} for season, prices in raised.items()}


def _without_zeros(value: Any) -> Any:
    if isinstance(value, dict):
        kept = {name: item if name == "rates" else _without_zeros(item) for name, item in value.items()}
        return {name: item for name, item in kept.items() if name == "rates" or not _is_zero(item)}
    return [_without_zeros(item) for item in value] if isinstance(value, list) else value


def _is_zero(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and value == 0
