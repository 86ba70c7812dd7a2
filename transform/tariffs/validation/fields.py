"""Fields by themselves: types and ranges of times, amounts of charges, the currency."""

from collections.abc import Iterator, Mapping
from typing import Any, Final

from transform.tariffs.document import DATE_FIELDS, Json, is_integer, period_items
from transform.tariffs.money import MICRO, decimal_of, micro
from transform.tariffs.validation.violation import ROOT, Violation, child, item

CURRENCIES: Final = ("USD", "EUR", "GBP")
"""Documented as valid; others occur in live tariffs."""

_RANGES: Final = {
    "fromDayOfWeek": (0, 6),
    "toDayOfWeek": (0, 6),
    "fromHour": (0, 23),
    "fromMinute": (0, 59),
    "toHour": (0, 24),
    "toMinute": (0, 60),
}
"""Lowest and highest value of the fields of a period; 24 and 60 occur (Q125)."""

MONTHS: Final = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
DAYS_OF_MONTHS: Final = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def field_violations(document: Json, path: str) -> Iterator[Violation]:
    """Violations of single fields of one side of a tariff."""
    yield from _currency(document, path)
    yield from _charges(document, path)
    seasons = document.get("seasons")
    place = child(path, "seasons")
    if not isinstance(seasons, Mapping):
        yield Violation(place, "seasons must be an object with at least one season.")
        return
    for name, season in seasons.items():
        yield from _season(season, child(place, name))


def _currency(document: Json, path: str) -> Iterator[Violation]:
    currency, place = document.get("currency"), child(path, "currency")
    if currency is None or currency == "":
        if path == ROOT:
            yield Violation(place, "There is no currency.", False)
    elif not isinstance(currency, str) or len(currency) != 3 or not currency.isalpha() or not currency.isupper():
        yield Violation(place, "The currency must be a code of ISO 4217, such as USD.")
    elif currency not in CURRENCIES:
        yield Violation(place, f"The API documents the currencies {', '.join(CURRENCIES)} only, not {currency}.", False)


def _charges(document: Json, path: str) -> Iterator[Violation]:
    for name in ("monthly_charges", "monthly_minimum_bill", "min_applicable_demand", "max_applicable_demand"):
        if document.get(name) is not None:
            yield from amount_violations(document[name], child(path, name))
    daily, place = document.get("daily_charges"), child(path, "daily_charges")
    if daily is None:
        return
    if not isinstance(daily, list):
        yield Violation(place, "daily_charges must be a list of objects with name and amount.")
        return
    for position, charge in enumerate(daily):
        if not isinstance(charge, Mapping):
            yield Violation(item(place, position), "A daily charge must be an object with name and amount.")
        elif charge.get("amount") is not None:
            yield from amount_violations(charge["amount"], child(item(place, position), "amount"))


def amount_violations(value: object, path: str) -> Iterator[Violation]:
    """Violations of a price or charge: no number, out of bounds, negative, or finer than a millionth."""
    number, amount = decimal_of(value), micro(value)
    if number is None or amount is None:
        yield Violation(path, "This must be a number of at most a million.")
    elif number < 0:
        yield Violation(path, f"{number} is negative: the API stores 0 instead. Use prices that include taxes.")
    elif number * MICRO != amount:
        yield Violation(path, f"{number} has more than six decimals, and is rounded to a millionth.", False)


def _season(season: object, path: str) -> Iterator[Violation]:
    if not isinstance(season, Mapping):
        yield Violation(path, "A season must be an object.")
        return
    yield from _dates(season, path)
    labels, place = season.get("tou_periods"), child(path, "tou_periods")
    if labels is not None and not isinstance(labels, Mapping):
        yield Violation(place, "tou_periods must be an object of labels.")
        return
    for label, value in (labels or {}).items():
        between, periods = period_items(value)
        of_label = f"{child(place, label)}{between}"
        if not isinstance(value, list) and not (isinstance(value, Mapping) and isinstance(value.get("periods"), list)):
            yield Violation(of_label, "The periods of a label must be a list.")
        for position, period in enumerate(periods):
            yield from _period(period, item(of_label, position))


def _dates(season: Mapping[str, Any], path: str) -> Iterator[Violation]:
    """Dates; none at all, or zeros, mean that the season is not used (Q123)."""
    dates = {name: season.get(name) or 0 for name in DATE_FIELDS}
    if not any(dates.values()):
        return
    for name, value in dates.items():
        highest = 12 if name.endswith("Month") else 31
        if not is_integer(value) or not 1 <= value <= highest:
            yield Violation(child(path, name), f"{name} must be a whole number from 1 to {highest}.")
            return
    for end in ("from", "to"):
        month, day = int(dates[f"{end}Month"]), int(dates[f"{end}Day"])
        last = DAYS_OF_MONTHS[month - 1]
        if day > last:
            yield Violation(
                child(path, f"{end}Day"), f"{MONTHS[month - 1]} has {last} days; {day} is read as its last day.", False
            )


def _period(period: object, path: str) -> Iterator[Violation]:
    if not isinstance(period, Mapping):
        yield Violation(path, "A period must be an object.")
        return
    for name, (lowest, highest) in _RANGES.items():
        value = period.get(name)
        if value is not None and (not is_integer(value) or not lowest <= value <= highest):
            yield Violation(child(path, name), f"{name} must be a whole number from {lowest} to {highest}.")
            return
    if period.get("toHour") == 24 or period.get("toMinute") == 60:
        end = (period.get("toHour") or 0) * 60 + (period.get("toMinute") or 0)
        if end > 24 * 60:
            yield Violation(child(path, "toMinute"), "The period ends after the end of the day.")
        else:
            yield Violation(path, "An end at 24:00 or at minute 60 is read; write the midnight as 0 and 0.", False)
