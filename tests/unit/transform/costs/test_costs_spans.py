"""Time is cut at each local hour and wherever a price changes; hours that the clocks repeat or skip included."""

from datetime import UTC, date, datetime

import numpy as np
import pytest

from tests.costs import LOS_ANGELES, begin_of, dated, flat_tariff, rows, spans, us
from tests.tariffs import document, flat, period, two_seasons, year
from transform.costs.flows import IMPORTED
from transform.costs.spans import NO_TARIFF, SPOT, Basis, DatedPrices
from wattlog.zones import Zone

HALF_HOURS = document(
    {"Year": year(NIGHT=[period(begin="23:30", end="05:30")], DAY=[period(begin="05:30", end="23:30")])},
    {"Year": {"NIGHT": 0.1, "DAY": 0.3}},
)


@pytest.mark.parametrize(
    ("zone", "day", "hours"),
    [
        ("America/Los_Angeles", date(2025, 3, 9), 23),
        ("America/Los_Angeles", date(2025, 7, 1), 24),
        ("America/Los_Angeles", date(2025, 11, 2), 25),
        ("Asia/Kolkata", date(2025, 7, 1), 24),
        ("Pacific/Chatham", date(2025, 7, 1), 24),
    ],
)
def test_a_day_has_a_span_for_each_hour_of_its_clock(zone: str, day: date, hours: int) -> None:
    found = spans(day, day, flat_tariff(0.2), zone=Zone(zone))
    assert len(found) == hours
    assert set(found.days.tolist()) == {day}
    assert (np.diff(np.append(found.starts_us, found.end_us)) == 3_600_000_000).all()


def test_half_an_hour_of_summer_time_is_a_span_of_its_own() -> None:
    """On Lord Howe the clocks go back from 02:00 to 01:30: half an hour comes twice (Q37)."""
    found = spans(date(2025, 4, 6), date(2025, 4, 6), flat_tariff(0.2), zone=Zone("Australia/Lord_Howe"))
    minutes = np.diff(np.append(found.starts_us, found.end_us)) // 60_000_000
    assert minutes.tolist() == [60, 60, 30, *[60] * 22]


def test_an_hour_in_which_the_price_changes_is_two_spans() -> None:
    found = spans(date(2025, 7, 1), date(2025, 7, 1), dated(HALF_HOURS))
    assert len(found) == 26
    assert found.texts("label").tolist() == ["NIGHT"] * 6 + ["DAY"] * 19 + ["NIGHT"]


def test_prices_are_those_of_the_clock_of_the_site() -> None:
    """16:00 to 21:00 in summer; on the other side of the day the same label has another price in winter."""
    found = spans(date(2025, 9, 30), date(2025, 10, 1), dated(two_seasons()))
    buy, _ = found.amounts("buy_micro")
    sell, _ = found.amounts("sell_micro")
    assert (
        buy.tolist() == [210_000] * 16 + [305_720] * 5 + [210_000] * 3 + [180_000] * 7 + [270_000] * 15 + [180_000] * 2
    )
    assert sell.tolist() == [50_000] * 16 + [81_300] * 5 + [50_000] * 3 + [40_000] * 7 + [60_000] * 15 + [40_000] * 2


def test_a_tariff_counts_from_its_first_instant_until_its_end() -> None:
    """Before the first and between two, none is in force; nothing is priced then."""
    first, second = dated(flat(0.1), date(2025, 7, 2), date(2025, 7, 3)), dated(flat(0.2), date(2025, 7, 4))
    found = spans(date(2025, 7, 1), date(2025, 7, 4), first, second)
    assert found.in_force.tolist() == [NO_TARIFF] * 24 + [0] * 24 + [NO_TARIFF] * 24 + [1] * 24
    _, is_null = found.amounts("buy_micro")
    assert is_null.tolist() == ([True] * 24 + [False] * 24) * 2
    assert [price.tariff_basis for price in found.prices] == [None, Basis.IN_FORCE, Basis.IN_FORCE]


def test_the_nearest_tariff_is_assumed_only_where_it_is_asked_for() -> None:
    first, second = dated(flat(0.1), date(2025, 7, 2), date(2025, 7, 3)), dated(flat(0.2), date(2025, 7, 5))
    found = spans(date(2025, 7, 1), date(2025, 7, 5), first, second, assumes=True)
    assert found.in_force.tolist() == [0] * 73 + [1] * 47  # the first hour of the 4th is as far from either
    basis = [found.prices[code].tariff_basis for code in found.code]
    assert basis == [Basis.ASSUMED] * 24 + [Basis.IN_FORCE] * 24 + [Basis.ASSUMED] * 48 + [Basis.IN_FORCE] * 24


def test_a_tariff_that_begins_within_an_hour_cuts_it() -> None:
    begin = us(datetime(2025, 7, 1, 19, 20, tzinfo=UTC))
    later = dated(flat(0.3))
    found = spans(
        date(2025, 7, 1), date(2025, 7, 1), flat_tariff(0.1), type(later)(later.tariff, begin), zone=LOS_ANGELES
    )
    assert begin in found.starts_us.tolist()
    assert len(found) == 25


def test_prices_by_interval_count_before_a_tariff() -> None:
    begin_us = begin_of(date(2025, 7, 1))
    starts_us = begin_us + np.array([0, 1_800, 3_600]) * 1_000_000
    buy, sell = np.array([-20_000, 40_000, 40_000]), np.array([10_000, 0, 0])
    prices = DatedPrices(
        starts_us, starts_us + 1_800_000_000, buy, sell, np.array([True, True, False]), np.array(["AUD"] * 3, object)
    )
    found = spans(date(2025, 7, 1), date(2025, 7, 1), flat_tariff(0.2), prices=prices)
    assert found.texts("label").tolist()[:4] == [SPOT, SPOT, SPOT, "ALL"]
    assert found.in_force.tolist()[:4] == [0] * 4  # its fixed charges apply all the same
    assert found.amounts("buy_micro")[0].tolist()[:4] == [-20_000, 40_000, 40_000, 200_000]
    assert found.amounts("sell_micro")[1].tolist()[:3] == [False, False, True]


def test_rows_of_a_helper_are_in_order() -> None:
    """The intervals of these tests are as the lake has them."""
    assert np.diff(rows(0, 300, {IMPORTED: [1, 2, 3]}).starts_us).tolist() == [300_000_000] * 2
