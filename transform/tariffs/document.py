"""Tariff documents of all three forms, read as a `Tariff` (Q121 to Q133).

A document from the API is a fact: what is not understood in it counts as absent, and `validate` names it. Documents of the
first and the second form differ in two levels (Q123), so one reader takes both, element by element.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, TypeGuard

from transform.tariffs.money import decimal_of, micro
from transform.tariffs.tariff import ALL, DailyCharge, Period, Season, Side, Tariff
from transform.tariffs.weekdays import DayRange, day_ranges

Json = Mapping[str, Any]

_ENVELOPES: Final = ("response", "tou_settings", "tariff_content_v2", "tariff_content")
"""Keys that a tariff may be inside of: an answer, a request, a site_info. The newer form comes first."""

DATE_FIELDS: Final = ("fromMonth", "fromDay", "toMonth", "toDay")
"""The dates of a season."""

LEGACY_SEASON: Final = "AllYear"
"""The season of a legacy schedule, which has none."""


def tariff_document(payload: object) -> Json | None:
    """The tariff inside of an answer, a request, or a file; None where there is none.

    Returns:
        An object with `seasons`, `energy_charges` or both, or a legacy `tou_settings` with its `schedule`.
    """
    if not isinstance(payload, Mapping):
        return None
    for name in _ENVELOPES:
        if name in payload and (inner := tariff_document(payload[name])) is not None:
            return inner
    is_tariff = isinstance(payload.get("seasons"), Mapping) or isinstance(payload.get("energy_charges"), Mapping)
    return payload if is_tariff or isinstance(payload.get("schedule"), Sequence) else None


def read_tariff(document: Json) -> Tariff:
    """A tariff from its document, whatever its form.

    Args:
        document: What `tariff_document` gives.

    **Source**: Q121 (forms), Q123 (first and second form), Q124 (omitted zeros), Q129 (seasons), Q131 (prices), Q132 (sell
    side). An absent `sell_tariff` is None: its prices are unknown, not 0. The placeholder `ALL: 0` is left out.
    """
    if "seasons" not in document and isinstance(document.get("schedule"), Sequence):
        return Tariff("", "", "", "", Side(seasons=(_legacy_season(document["schedule"]),)))
    sold = document.get("sell_tariff")
    return Tariff(
        _text(document.get("code")),
        _text(document.get("name")),
        _text(document.get("utility")),
        _text(document.get("currency")),
        _side(document),
        _side(sold) if isinstance(sold, Mapping) and sold else None,
    )


def period_items(value: object) -> tuple[str, Sequence[Any]]:
    """The periods of a label, and what leads to them in a path: `.periods` in the second form, nothing in the first."""
    if isinstance(value, Mapping):
        periods = value.get("periods")
        return ".periods", periods if isinstance(periods, list) else ()
    return "", value if isinstance(value, list) else ()


def rate_items(value: object) -> tuple[str, Json]:
    """The prices of a season, and what leads to them in a path: `.rates` in the second form, nothing in the first."""
    if not isinstance(value, Mapping):
        return "", {}
    rates = value.get("rates")
    return (".rates", rates) if isinstance(rates, Mapping) else ("", value)


def is_integer(value: object) -> TypeGuard[int | float]:
    return not isinstance(value, bool) and (isinstance(value, int) or (isinstance(value, float) and value.is_integer()))


def _side(document: Json) -> Side:
    found = (_season(name, value) for name, value in _mapping(document.get("seasons")).items())
    seasons = tuple(season for season in found if season is not None)
    return Side(
        seasons=seasons,
        energy=_without_placeholder(_rates(document.get("energy_charges")), seasons),
        demand=_rates(document.get("demand_charges")),
        daily=tuple(_daily_charges(document.get("daily_charges"))),
        monthly_micro=micro(document.get("monthly_charges")) or 0,
        minimum_micro=micro(document.get("monthly_minimum_bill")) or 0,
        demand_kw=(_bound(document.get("min_applicable_demand")), _bound(document.get("max_applicable_demand"))),
    )


def _season(name: str, value: object) -> Season | None:
    """A season; None where it has no date, as a season that is not used (Q123)."""
    if not isinstance(value, Mapping):
        return None
    first = month_and_day(value.get("fromMonth"), value.get("fromDay"))
    last = month_and_day(value.get("toMonth"), value.get("toDay"))
    if first is None or last is None:
        return None
    labels = _mapping(value.get("tou_periods"))
    ranges = {label: [_day_range(item) for item in period_items(items)[1]] for label, items in labels.items()}
    return Season(name, first, last, day_ranges(ranges))


def month_and_day(month: object, day: object) -> tuple[int, int] | None:
    """A date of a season; None where a part is absent or 0, or cannot be."""
    if not is_integer(month) or not is_integer(day) or not 1 <= int(month) <= 12 or not 1 <= int(day) <= 31:
        return None
    return int(month), int(day)


def _day_range(item: object) -> DayRange | None:
    """A period as it is written; None where a value is none that a clock or a week has."""
    if not isinstance(item, Mapping):
        return None
    first, from_hour, from_minute = (_number(item, name) for name in ("fromDayOfWeek", "fromHour", "fromMinute"))
    to_hour, to_minute = _number(item, "toHour"), _number(item, "toMinute")
    last = _number(item, "toDayOfWeek") if item.get("toDayOfWeek") is not None else None
    if None in (first, from_hour, from_minute, to_hour, to_minute):
        return None
    begin = int(from_hour or 0) * 60 + int(from_minute or 0)
    end = int(to_hour or 0) * 60 + int(to_minute or 0)
    is_week = 0 <= int(first or 0) <= 6 and (item.get("toDayOfWeek") is None or (last is not None and 0 <= last <= 6))
    if not is_week or not (0 <= begin < 1_440 and 0 <= end <= 1_440):
        return None
    return DayRange(int(first or 0), last, begin, end or 1_440)


def _number(item: Json, name: str) -> int | None:
    """An integer that is 0 where it is absent (Q124); None where it is something else."""
    value = item.get(name)
    if value is None:
        return 0
    return int(value) if is_integer(value) else None


def _rates(value: object) -> dict[str, dict[str, int]]:
    found = {}
    for season, charges in _mapping(value).items():
        prices = {label: micro(price) for label, price in rate_items(charges)[1].items()}
        found[season] = {label: price for label, price in prices.items() if price is not None}
    return found


def _without_placeholder(rates: dict[str, dict[str, int]], seasons: Sequence[Season]) -> dict[str, dict[str, int]]:
    """Prices without `ALL: 0`, where a season has prices or periods: every document has it, and it prices nothing (Q131)."""
    has_seasons = any(of_season for name, of_season in rates.items() if name != ALL) or any(
        any(season.periods.values()) for season in seasons
    )
    if has_seasons and rates.get(ALL, {}).get(ALL) == 0:
        del rates[ALL][ALL]
    return rates


def _daily_charges(value: object) -> Iterator[DailyCharge]:
    """The charges for each day; one without an amount is 0 (Q124)."""
    for item in value if isinstance(value, list) else ():
        if isinstance(item, Mapping):
            yield DailyCharge(_text(item.get("name")), micro(item.get("amount")) or 0)


def _legacy_season(schedule: Sequence[Any]) -> Season:
    """The season of a legacy schedule, whose days of the week begin with Sunday as 0 (Q121). It has no prices."""
    periods: dict[str, list[Period]] = {}
    for item in schedule:
        if not isinstance(item, Mapping) or not isinstance(item.get("week_days"), list):
            continue
        begin, end = item.get("start_seconds", 0), item.get("end_seconds", 0)
        if not is_integer(begin) or not is_integer(end):
            continue
        from_minute, to_minute = int(begin) // 60 % 1_440, int(end) // 60 % 1_440 or 1_440
        days = [(int(day) - 1) % 7 for day in item["week_days"] if is_integer(day)]
        label = _text(item.get("target")).upper() or ALL
        periods.setdefault(label, []).extend(Period(day, day, from_minute, to_minute) for day in days)
    return Season(LEGACY_SEASON, (1, 1), (12, 31), {label: tuple(items) for label, items in periods.items()})


def _bound(value: object) -> float | None:
    """A bound of power, in kW; 0 means that there is none."""
    number = decimal_of(value)
    return float(number) if number else None


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _mapping(value: object) -> Json:
    return value if isinstance(value, Mapping) else {}
