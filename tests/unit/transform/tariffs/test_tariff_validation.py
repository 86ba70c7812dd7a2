"""Every rule for a tariff document: an example that breaks it, with the place and the sentence."""

import re
import tomllib
from collections.abc import Callable
from typing import Any

import pytest

from tests.documents import text_of
from tests.tariffs import (
    BUY,
    SEASONS,
    Json,
    document,
    first_form,
    flat,
    period,
    season,
    two_seasons,
    without_zeros,
    year,
)
from transform.tariffs import Violation, validate

LABELS = {"OFF_PEAK": [period(end="16:00")], "ON_PEAK": [period(begin="16:00")]}
OVERNIGHT = {"Year": year(OFF_PEAK=[period(begin="20:00", end="05:30")], ON_PEAK=[period(begin="05:30", end="20:00")])}
PRICES = {"Year": {"OFF_PEAK": 0.2, "ON_PEAK": 0.4}}


def plain(**fields: Any) -> Json:
    """A valid document with one season and the same prices on both sides, with fields replaced."""
    sold = document({"Year": year(**LABELS)}, PRICES)
    return document({"Year": year(**LABELS)}, PRICES, sell_tariff=sold) | fields


def with_periods(**labels: list[Json]) -> Json:
    return plain(seasons={"Year": year(**labels)})


def with_sell(**fields: Any) -> Json:
    return plain(sell_tariff=plain()["sell_tariff"] | fields)


def rates(**prices: object) -> Json:
    return {"ALL": {"rates": {"ALL": 0}}, "Year": {"rates": prices}}


ERRORS: dict[str, tuple[Json, str, str]] = {
    "no tariff": ({"a": 1}, "$", "There is no tariff"),
    "a schedule": ({"schedule": []}, "$.schedule", "times without prices"),
    "no seasons": (plain(seasons={}), "$.seasons", "At least one season"),
    "unused seasons only": (plain(seasons={"Year": {}}), "$.seasons", "At least one season"),
    "seasons of another type": (plain(seasons=[]), "$.seasons", "must be an object"),
    "overlap": (
        with_periods(OFF_PEAK=[period(end="17:00")], ON_PEAK=[period(begin="16:00")]),
        "$.seasons.Year.tou_periods",
        "Monday to Sunday 16:00 to 17:00 is in several periods: OFF_PEAK, ON_PEAK.",
    ),
    "overlap of a label with itself": (
        with_periods(OFF_PEAK=[period(end="16:00"), period((5, 5), "08:00", "09:00")], ON_PEAK=[period(begin="16:00")]),
        "$.seasons.Year.tou_periods",
        "Saturday 08:00 to 09:00 is in several periods: OFF_PEAK.",
    ),
    "overlap after Sunday": (
        with_periods(
            OFF_PEAK=[period(end="23:00")], ON_PEAK=[period((0, 5), "23:00"), period((6, 6), "23:00", "02:00")]
        ),
        "$.seasons.Year.tou_periods",
        "Monday 00:00 to 02:00 is in several periods: OFF_PEAK, ON_PEAK.",
    ),
    "gap": (
        with_periods(OFF_PEAK=[period(end="15:30")], ON_PEAK=[period(begin="16:00")]),
        "$.seasons.Year.tou_periods",
        "Monday to Sunday 15:30 to 16:00 is in no period.",
    ),
    "gap on one day": (
        with_periods(
            OFF_PEAK=[period((0, 4), end="16:00"), period((6, 6), end="16:00")], ON_PEAK=[period(begin="16:00")]
        ),
        "$.seasons.Year.tou_periods",
        "Saturday 00:00 to 16:00 is in no period.",
    ),
    "gap between seasons": (
        plain(seasons={"Year": season((1, 1), (6, 29), **LABELS), "Rest": season((7, 2), (12, 31), **LABELS)}),
        "$.seasons",
        "30 June to 1 July is in no season.",
    ),
    "leap day in no season": (
        plain(seasons={"Year": season((3, 1), (2, 28), **LABELS)}),
        "$.seasons",
        "29 February is in no season.",
    ),
    "overlap of seasons": (
        plain(seasons={"Year": season((1, 1), (7, 1), **LABELS), "Rest": season((7, 1), (12, 31), **LABELS)}),
        "$.seasons",
        "1 July is in several seasons: Year, Rest.",
    ),
    "price of a label without times": (
        plain(energy_charges=rates(OFF_PEAK=0.2, ON_PEAK=0.4, PARTIAL_PEAK=0.3)),
        "$.energy_charges.Year.rates.PARTIAL_PEAK",
        "'PARTIAL_PEAK' has a price, and no times in season 'Year'.",
    ),
    "price of a label with an empty list of times": (
        with_periods(**LABELS, PARTIAL_PEAK=[])
        | {"energy_charges": rates(OFF_PEAK=0.2, ON_PEAK=0.4, PARTIAL_PEAK=0.3)},
        "$.energy_charges.Year.rates.PARTIAL_PEAK",
        "has a price, and no times",
    ),
    "price for all seasons without times": (
        plain(energy_charges=rates(OFF_PEAK=0.2, ON_PEAK=0.4) | {"ALL": {"rates": {"NIGHT": 0.1}}}),
        "$.energy_charges.ALL.rates.NIGHT",
        "'NIGHT' has a price, and no times in any season.",
    ),
    "price of a season without dates": (
        plain(energy_charges=rates(OFF_PEAK=0.2, ON_PEAK=0.4) | {"Winter": {"rates": {"OFF_PEAK": 0.1}}}),
        "$.energy_charges.Winter",
        "Season 'Winter' has prices, and no dates.",
    ),
    "demand price without times": (
        plain(demand_charges={"Year": {"rates": {"PARTIAL_PEAK": 3}}}),
        "$.demand_charges.Year.rates.PARTIAL_PEAK",
        "has a price, and no times",
    ),
    "times without a price": (
        plain(energy_charges=rates(OFF_PEAK=0.2)),
        "$.seasons.Year.tou_periods.ON_PEAK",
        "'ON_PEAK' has times, and no price.",
    ),
    "season without periods and flat price": (
        plain(seasons={"Year": year()}, energy_charges={"Year": {}}),
        "$.seasons.Year",
        "The season has no periods, and ALL has no price.",
    ),
    "no prices": (plain(energy_charges=None), "$.energy_charges", "must be an object"),
    "prices of another type": (plain(energy_charges={"Year": 3}), "$.energy_charges.Year", "must be an object"),
    "demand prices of another type": (plain(demand_charges=3), "$.demand_charges", "must be an object"),
    "negative price": (
        plain(energy_charges=rates(OFF_PEAK=-0.05, ON_PEAK=0.4)),
        "$.energy_charges.Year.rates.OFF_PEAK",
        "-0.05 is negative: the API stores 0 instead. Use prices that include taxes.",
    ),
    "price that is no number": (
        plain(energy_charges=rates(OFF_PEAK="0.2", ON_PEAK=0.4)),
        "$.energy_charges.Year.rates.OFF_PEAK",
        "must be a number",
    ),
    "price without bound": (
        plain(energy_charges=rates(OFF_PEAK=1e300, ON_PEAK=0.4)),
        "$.energy_charges.Year.rates.OFF_PEAK",
        "must be a number of at most a million",
    ),
    "negative charge": (plain(monthly_charges=-1), "$.monthly_charges", "is negative"),
    "negative daily charge": (
        plain(daily_charges=[{"name": "A", "amount": 1}, {"name": "B", "amount": -1}]),
        "$.daily_charges[1].amount",
        "is negative",
    ),
    "daily charges of another type": (plain(daily_charges={}), "$.daily_charges", "must be a list"),
    "daily charge of another type": (plain(daily_charges=[3]), "$.daily_charges[0]", "must be an object"),
    "sold for more than it costs": (
        with_sell(energy_charges=rates(OFF_PEAK=0.21, ON_PEAK=0.3)),
        "$.sell_tariff.energy_charges.Year",
        "OFF_PEAK of Year brings 0.21, and OFF_PEAK of Year costs 0.2 at the same time: the API raises the buy price.",
    ),
    "sold at other times for more than it costs": (
        with_sell(
            seasons={"Sold": year(EARLY=[period(end="18:00")], LATE=[period(begin="18:00")])},
            energy_charges={"Sold": {"rates": {"EARLY": 0.1, "LATE": 0.5}}},
        ),
        "$.sell_tariff.energy_charges.Sold",
        "LATE of Sold brings 0.5, and ON_PEAK of Year costs 0.4 at the same time",
    ),
    "two currencies": (
        with_sell(currency="EUR"),
        "$.sell_tariff.currency",
        "The sell side is in EUR, the buy side in USD.",
    ),
    "a gap on the sell side": (
        with_sell(seasons={"Year": year(OFF_PEAK=[period(end="15:00")], ON_PEAK=[period(begin="16:00")])}),
        "$.sell_tariff.seasons.Year.tou_periods",
        "Monday to Sunday 15:00 to 16:00 is in no period.",
    ),
    "a currency that is no code": (plain(currency="$"), "$.currency", "ISO 4217"),
    "a season of another type": (plain(seasons=plain()["seasons"] | {"B": 3}), "$.seasons.B", "must be an object"),
    "a date that is missing": (
        plain(seasons={"Year": {**year(**LABELS), "toDay": 0}}),
        "$.seasons.Year.toDay",
        "toDay must be a whole number from 1 to 31.",
    ),
    "a month that does not exist": (
        plain(seasons={"Year": {**year(**LABELS), "toMonth": 13}}),
        "$.seasons.Year.toMonth",
        "from 1 to 12",
    ),
    "labels of another type": (
        plain(seasons={"Year": year() | {"tou_periods": []}}),
        "$.seasons.Year.tou_periods",
        "an object",
    ),
    "periods of another type": (
        plain(seasons={"Year": year(**LABELS) | {"tou_periods": {"ON PEAK": 3}}}),
        '$.seasons.Year.tou_periods["ON PEAK"]',
        "must be a list",
    ),
    "a period of another type": (
        plain(seasons={"Year": year() | {"tou_periods": {"OFF_PEAK": {"periods": ["x"]}}}}),
        "$.seasons.Year.tou_periods.OFF_PEAK.periods[0]",
        "an object",
    ),
    "a day that does not exist": (
        with_periods(OFF_PEAK=[period((0, 7))]),
        "$.seasons.Year.tou_periods.OFF_PEAK.periods[0].toDayOfWeek",
        "from 0 to 6",
    ),
    "an hour that does not exist": (
        with_periods(OFF_PEAK=[period()], ON_PEAK=[period((0, 6), "25:00")]),
        "$.seasons.Year.tou_periods.ON_PEAK.periods[0].fromHour",
        "from 0 to 23",
    ),
    "half a minute": (
        with_periods(OFF_PEAK=[period() | {"fromMinute": 0.5}]),
        "$.seasons.Year.tou_periods.OFF_PEAK.periods[0].fromMinute",
        "whole number",
    ),
    "an end after the end of the day": (
        with_periods(OFF_PEAK=[period() | {"toHour": 24, "toMinute": 30}]),
        "$.seasons.Year.tou_periods.OFF_PEAK.periods[0].toMinute",
        "after the end of the day",
    ),
}

WARNINGS: dict[str, tuple[Json, str, str]] = {
    "another currency": (plain(currency="AUD") | {"sell_tariff": None}, "$.currency", "USD, EUR, GBP only, not AUD"),
    "no currency": (plain(currency=""), "$.currency", "There is no currency."),
    "a label that the app does not show": (
        plain(seasons={"Year": year(**LABELS, NIGHT=[])}),
        "$.seasons",
        "The app does not show 1 of the labels: 'NIGHT'. It shows OFF_PEAK, ON_PEAK, PARTIAL_PEAK, SUPER_OFF_PEAK.",
    ),
    "no sell side": (plain(sell_tariff=None), "$.sell_tariff", "exported energy has no price"),
    "no last day": (
        with_periods(OFF_PEAK=[{"toHour": 16}], ON_PEAK=[period(begin="16:00")]),
        "$.seasons.Year.tou_periods.OFF_PEAK.periods[0]",
        "toDayOfWeek is absent and read as 6 (Sunday).",
    ),
    "no last day, which is Monday": (
        with_periods(OFF_PEAK=[{"toHour": 16}, period((1, 6), end="16:00")], ON_PEAK=[period(begin="16:00")]),
        "$.seasons.Year.tou_periods.OFF_PEAK.periods[0]",
        "toDayOfWeek is absent and read as 0 (Monday).",
    ),
    "an end at 24:00": (
        with_periods(OFF_PEAK=[period(end="16:00")], ON_PEAK=[period(begin="16:00") | {"toHour": 24}]),
        "$.seasons.Year.tou_periods.ON_PEAK.periods[0]",
        "write the midnight as 0 and 0",
    ),
    "31 June": (
        plain(seasons={"Year": season((7, 1), (6, 31), **LABELS)}),
        "$.seasons.Year.toDay",
        "June has 30 days; 31 is read as its last day.",
    ),
    "seven decimals": (
        plain(energy_charges=rates(OFF_PEAK=0.2000001, ON_PEAK=0.4)),
        "$.energy_charges.Year.rates.OFF_PEAK",
        "more than six decimals",
    ),
    "cents": (plain(energy_charges=rates(OFF_PEAK=20, ON_PEAK=40)), "$.energy_charges", "not in cents"),
}


def found(read: Json, *, is_error: bool) -> list[Violation]:
    return [violation for violation in validate(read) if violation.is_error is is_error]


def holds(violations: list[Violation], path: str, sentence: str) -> bool:
    return any(violation.path == path and sentence in violation.sentence for violation in violations)


@pytest.mark.parametrize("name", ERRORS)
def test_a_broken_rule_is_an_error_with_place_and_sentence(name: str) -> None:
    read, path, sentence = ERRORS[name]
    violations = found(read, is_error=True)
    assert holds(violations, path, sentence), violations


@pytest.mark.parametrize("name", WARNINGS)
def test_what_is_read_by_a_rule_of_its_own_is_a_warning(name: str) -> None:
    read, path, sentence = WARNINGS[name]
    assert found(read, is_error=True) == []
    violations = found(read, is_error=False)
    assert holds(violations, path, sentence), violations


@pytest.mark.parametrize(
    "read",
    [
        plain(),
        two_seasons(),
        flat(0.25, 0.1),
        flat(0.25, 0),
        document(OVERNIGHT, PRICES, sell_tariff=document(OVERNIGHT, PRICES)),
        plain(seasons={"Year": year(**LABELS), "Winter": {}}),
        {"response": plain()},
        {"tou_settings": {"tariff_content_v2": plain()}},
        first_form(two_seasons()),
        without_zeros(two_seasons()),
        document(SEASONS, BUY | {"Cold": {"ALL": 0.2}}, sell_tariff=flat(0.01)),
    ],
    ids=[
        "plain",
        "seasons",
        "flat",
        "free",
        "overnight",
        "unused",
        "answer",
        "request",
        "v1",
        "sparse",
        "season's all",
    ],
)
def test_a_valid_document_has_no_violation(read: Json) -> None:
    assert validate(read) == []


def test_paths_of_the_first_form_have_no_levels_that_it_has_not() -> None:
    """Q123: lists of periods, and prices without `rates`."""
    broken = with_periods(OFF_PEAK=[period(end="16:00")], ON_PEAK=[period((0, 7), "16:00")])
    broken["energy_charges"] = rates(OFF_PEAK=-1, ON_PEAK=0.4)
    paths = {violation.path for violation in found(first_form(broken), is_error=True)}
    assert {"$.seasons.Year.tou_periods.ON_PEAK[0].toDayOfWeek", "$.energy_charges.Year.OFF_PEAK"} <= paths


def test_a_violation_as_text_has_all_of_it() -> None:
    (violation,) = validate({})
    assert str(violation).startswith("error: $: There is no tariff")
    assert str(Violation("$.a", "B.", False)) == "warning: $.a: B."


JUNK: tuple[object, ...] = (None, True, "x", [], {}, [None], {"rates": 3}, float("nan"), -1, 10**30, {"periods": [3]})


def places(value: Any, put: Callable[[object], Json]) -> list[Callable[[object], Json]]:
    """A function for each value in a document that gives the document with another value in its place."""
    children = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    below = []
    for key, inner in children:

        def replaced(junk: object, key: Any = key) -> Json:
            copy = value.copy()
            copy[key] = junk
            return put(copy)

        below += places(inner, replaced)
    return [put, *below]


@pytest.mark.parametrize("junk", JUNK, ids=repr)
def test_any_value_in_any_place_is_judged(junk: object) -> None:
    """A document from a person may have anything anywhere: no other error, and always sentences."""
    small = document({"Year": year(A=[period()])}, {"Year": {"A": 0.2}}, sell_tariff=flat(0.1), monthly_charges=3)
    for put in places(small, lambda junk: junk):  # type: ignore[arg-type, return-value]
        assert all(violation.sentence.endswith(".") for violation in validate(put(junk)))


def test_the_example_of_the_page_is_valid_and_has_the_stated_gap_without_its_last_period() -> None:
    """docs/TARIFFS.md."""
    page = text_of("docs/TARIFFS.md")
    example, sentence = (re.findall(rf"```{kind}\n(.*?)```", page, re.DOTALL)[0] for kind in ("toml", "text"))
    assert [violation for violation in validate(tomllib.loads(example)) if violation.is_error] == []
    shorter = example[: example.rindex("[[")]
    assert [f"{violation}\n" for violation in validate(tomllib.loads(shorter)) if violation.is_error] == [sentence]
