"""Documents of all forms, and what each of their peculiarities means for the price."""

from typing import Any

import pandas as pd
import pytest

from tests.tariffs import BUY, SEASONS, Json, document, first_form, flat, period, two_seasons, without_zeros, year
from transform.tariffs import grid, read_tariff, tariff_document
from transform.tariffs.tariff import DailyCharge


def rows(read: Json, side: str = "buy") -> pd.DataFrame:
    """The grid of one side, without the parts that have neither label nor price."""
    found = grid(read_tariff(read))
    return found[found["side"] == side].reset_index(drop=True)


def hours(read: Json, day_of_week: int = 0) -> list[tuple[int, int, str | None]]:
    """Parts of a day in hours, with their label."""
    found = rows(read)
    of_day = found[found["day_of_week"] == day_of_week]
    labels = [label if isinstance(label, str) else None for label in of_day["label"]]
    return list(zip(of_day["from_minute"] // 60, of_day["to_minute"] // 60, labels, strict=True))


def test_a_document_without_its_zeros_is_the_same_tariff() -> None:
    """Q124, where the last day of the week is never Monday."""
    whole = two_seasons()
    sparse = without_zeros(whole)
    assert sparse != whole
    assert read_tariff(sparse) == read_tariff(whole)


def test_the_first_form_is_the_same_tariff() -> None:
    """Q123."""
    assert read_tariff(first_form(two_seasons())) == read_tariff(two_seasons())


def test_an_unused_season_covers_nothing() -> None:
    """Q123: all zeros in the first form, empty in the second."""
    used = document({"Year": year(A=[period()])}, {"Year": {"A": 0.2}})
    zeros = dict.fromkeys(("fromDay", "toDay", "fromMonth", "toMonth"), 0)
    unused: Json
    for unused in ({}, zeros | {"tou_periods": {}}):
        with_unused = used | {"seasons": {**used["seasons"], "Winter": unused}}
        pd.testing.assert_frame_equal(grid(read_tariff(with_unused)), grid(read_tariff(used)))


@pytest.mark.parametrize(
    ("end", "expected"),
    [
        ({}, [(0, 7, "NIGHT"), (7, 24, "DAY")]),
        ({"toHour": 0, "toMinute": 0}, [(0, 7, "NIGHT"), (7, 24, "DAY")]),
        ({"toHour": 24}, [(0, 7, "NIGHT"), (7, 24, "DAY")]),
        ({"toHour": 23, "toMinute": 60}, [(0, 7, "NIGHT"), (7, 24, "DAY")]),
        ({"toHour": 23, "toMinute": 0}, [(0, 7, "NIGHT"), (7, 23, "DAY"), (23, 24, None)]),
    ],
)
def test_midnight_as_an_end_has_four_spellings(end: Json, expected: list[Any]) -> None:
    """Q125."""
    night, day = {"toDayOfWeek": 6, "toHour": 7}, {"toDayOfWeek": 6, "fromHour": 7, **end}
    assert hours(document({"Year": year(NIGHT=[night], DAY=[day])}, {})) == expected


def test_a_period_runs_over_midnight_and_the_days_are_those_of_its_start() -> None:
    """Q126: Friday's night ends on Saturday morning."""
    night = document({"Year": year(NIGHT=[period((4, 4), "20:00", "05:00")])}, {})
    assert hours(night, 4) == [(0, 20, None), (20, 24, "NIGHT")]
    assert hours(night, 5) == [(0, 5, "NIGHT"), (5, 24, None)]


def test_a_period_runs_over_sunday() -> None:
    night = document({"Year": year(NIGHT=[period((6, 6), "20:00", "05:00")])}, {})
    assert hours(night, 6) == [(0, 20, None), (20, 24, "NIGHT")]
    assert hours(night, 0) == [(0, 5, "NIGHT"), (5, 24, None)]


@pytest.mark.parametrize("clock", ["00:00", "08:00"])
def test_the_same_minute_twice_is_a_whole_day(clock: str) -> None:
    """Q126."""
    whole = document({"Year": year(A=[period((0, 6), clock, clock)])}, {})
    assert hours(whole) == [(0, 24, "A")]


def test_a_range_of_days_wraps_the_week() -> None:
    """Q127, Q128: 4 to 0 is Friday to Monday."""
    wrapped = document({"Year": year(A=[period((4, 0))])}, {})
    assert [day for day in range(7) if hours(wrapped, day) == [(0, 24, "A")]] == [0, 4, 5, 6]


def test_a_last_day_that_is_not_written_is_sunday() -> None:
    """Q124: documents written by hand leave it out."""
    assert [hours(document({"Year": year(A=[{}])}, {}), day) for day in range(7)] == [[(0, 24, "A")]] * 7


def test_a_last_day_that_is_not_written_is_monday_where_sunday_overlaps() -> None:
    """Q124: a period of Monday alone, as the API gives it, next to those of the other days."""
    monday, peak = {"toHour": 16}, {"fromHour": 16}
    others = period((1, 6))
    read = document({"Year": year(OFF_PEAK=[monday, others], ON_PEAK=[peak])}, {})
    assert hours(read, 0) == [(0, 16, "OFF_PEAK"), (16, 24, "ON_PEAK")]
    assert all(hours(read, day) == [(0, 24, "OFF_PEAK")] for day in range(1, 7))


def test_a_season_includes_the_new_year_and_both_of_its_ends() -> None:
    """Q129."""
    found = read_tariff(two_seasons()).buy.seasons[1]
    days = [(10, 1), (12, 31), (1, 1), (2, 29), (5, 31)]
    assert all(found.covers(*day) for day in days)
    assert not found.covers(6, 1)
    assert not found.covers(9, 30)


def test_the_placeholder_prices_nothing() -> None:
    """Q131: a period without a price next to `ALL: 0` has no price; 0 as a season's price is one."""
    seasons = {"Year": year(A=[period(end="08:00")], B=[period(begin="08:00")])}
    found = rows(document(seasons, {"Year": {"A": 0}}))
    assert found["micro_per_kwh"].isna().tolist() == [False, True] * 7
    assert found["micro_per_kwh"].dropna().unique().tolist() == [0]


@pytest.mark.parametrize(
    ("charges", "expected"),
    [
        ({"Year": {"rates": {"A": 0.3, "ALL": 0.2}}, "ALL": {"rates": {"A": 0.1}}}, 300_000),
        ({"Year": {"rates": {"ALL": 0.2}}, "ALL": {"rates": {"A": 0.1}}}, 200_000),
        ({"Year": {"rates": {}}, "ALL": {"rates": {"A": 0.1, "ALL": 0.4}}}, 100_000),
        ({"Year": {}, "ALL": {"rates": {"ALL": 0.4}}}, 400_000),
        ({"ALL": {"rates": {"ALL": 0}}, "Year": {}}, None),
        ({"Year": {}}, None),
    ],
)
def test_the_most_specific_price_counts(charges: Json, expected: int | None) -> None:
    """Q131."""
    read = document({"Year": year(A=[period()])}, {}) | {"energy_charges": charges}
    assert [None if pd.isna(price) else price for price in rows(read)["micro_per_kwh"]] == [expected] * 7


def test_a_flat_tariff_needs_no_periods_and_no_seasons() -> None:
    """Q131: the price of `ALL` applies at all times."""
    for price in (0.25, 0):
        for read in (flat(price), flat(price) | {"seasons": {}}, flat(price) | {"seasons": {"A": {}}}):
            found = rows(read)
            assert found["label"].tolist() == ["ALL"] * 7
            assert found["micro_per_kwh"].tolist() == [price * 1_000_000] * 7


def test_periods_that_overlap_have_no_price() -> None:
    both = document({"Year": year(A=[period(end="12:00")], B=[period(begin="11:00")])}, {"Year": {"A": 0.1, "B": 0.2}})
    assert hours(both) == [(0, 11, "A"), (11, 12, None), (12, 24, "B")]
    assert rows(both)["micro_per_kwh"].isna().tolist() == [False, True, False] * 7


def test_seasons_that_overlap_have_no_price() -> None:
    read = two_seasons()
    read["seasons"] = {**SEASONS, "Cold": SEASONS["Cold"] | {"toDay": 2, "toMonth": 6}}
    found = rows(read)
    assert found["season"].isna().sum() == 7
    assert found.loc[found["season"].isna(), "micro_per_kwh"].isna().all()


def test_without_a_sell_tariff_its_prices_are_unknown() -> None:
    """Q132: not 0."""
    absent: Json
    for absent in ({}, {"sell_tariff": {}}, {"sell_tariff": None}):
        tariff = read_tariff(document(SEASONS, BUY, **absent))
        assert tariff.sell is None
        found = grid(tariff)
        assert found.loc[found["side"] == "sell", "micro_per_kwh"].isna().all()


def test_the_sell_side_has_its_own_seasons_and_periods() -> None:
    """Q132."""
    sold = document({"Year": year(SUN=[period(end="12:00")], DARK=[period(begin="12:00")])}, {"Year": {"SUN": 0.01}})
    found = rows(document(SEASONS, BUY, sell_tariff=sold), "sell")
    assert found["season"].unique().tolist() == ["Year"]
    assert found["label"].tolist() == ["SUN", "DARK"] * 7
    assert found["micro_per_kwh"].isna().tolist() == [False, True] * 7


def test_charges_of_days_months_and_power_are_read() -> None:
    read = document(
        SEASONS,
        BUY,
        daily_charges=[{"name": "Supply", "amount": 1.0505}, {"name": "Meter"}],
        monthly_charges=12.34,
        monthly_minimum_bill=10,
        max_applicable_demand=50,
        demand_charges={"Warm": {"rates": {"ON_PEAK": 4.2}}, "ALL": {"rates": {"ALL": 0}}},
    )
    tariff = read_tariff(read)
    assert tariff.buy.daily == (DailyCharge("Supply", 1_050_500), DailyCharge("Meter", 0))
    assert (tariff.buy.daily_micro, tariff.buy.monthly_micro, tariff.buy.minimum_micro) == (
        1_050_500,
        12_340_000,
        10_000_000,
    )
    assert tariff.buy.demand_kw == (None, 50.0)
    found = rows(read)
    is_peak = (found["season"] == "Warm") & (found["label"] == "ON_PEAK")
    assert found.loc[is_peak, "micro_per_kw"].tolist() == [4_200_000] * 7


def test_a_legacy_schedule_begins_its_week_with_sunday_and_has_no_prices() -> None:
    """Q121."""
    schedule = [
        {"target": "peak", "week_days": [1, 2, 3, 4, 5], "start_seconds": 57_600, "end_seconds": 75_600},
        {"target": "off_peak", "week_days": [6, 0], "start_seconds": 0, "end_seconds": 86_400},
        {"target": "off_peak", "week_days": [1], "start_seconds": 75_600, "end_seconds": 3_600},
    ]
    read = tariff_document({"response": {"tou_settings": {"optimization_strategy": "economics", "schedule": schedule}}})
    assert read is not None
    assert hours(dict(read), 0) == [(0, 16, None), (16, 21, "PEAK"), (21, 24, "OFF_PEAK")]
    assert hours(dict(read), 1) == [(0, 1, "OFF_PEAK"), (1, 16, None), (16, 21, "PEAK"), (21, 24, None)]
    assert hours(dict(read), 5) == hours(dict(read), 6) == [(0, 24, "OFF_PEAK")]
    assert grid(read_tariff(read))["micro_per_kwh"].isna().all()


@pytest.mark.parametrize(
    "wrapped",
    [
        lambda plan: plan,
        lambda plan: {"response": plan},
        lambda plan: {"tou_settings": {"tariff_content_v2": plan}},
        lambda plan: {"response": {"site_name": "Home", "tariff_content": {}, "tariff_content_v2": plan}},
    ],
)
def test_a_tariff_is_found_in_answers_requests_and_files(wrapped: Any) -> None:
    plan = two_seasons()
    assert tariff_document(wrapped(plan)) == plan


@pytest.mark.parametrize("payload", [None, [], "text", 3, {}, {"response": None}, {"response": {"site_name": "Home"}}])
def test_without_a_tariff_nothing_is_found(payload: object) -> None:
    assert tariff_document(payload) is None


JUNK: tuple[object, ...] = (
    None,
    True,
    "x",
    [],
    {},
    [[]],
    [None],
    {"rates": 3},
    float("nan"),
    -1,
    10**30,
    {"periods": [3]},
    {"A": {"A": []}},
)


@pytest.mark.parametrize("junk", JUNK, ids=repr)
@pytest.mark.parametrize(
    "name", ["seasons", "energy_charges", "daily_charges", "sell_tariff", "currency", "monthly_charges"]
)
def test_a_field_of_another_type_counts_as_absent(name: str, junk: object) -> None:
    grid(read_tariff(two_seasons() | {name: junk}))
    read = two_seasons()
    read["seasons"]["Warm"]["tou_periods"]["ON_PEAK"] = junk
    read["seasons"]["Cold"]["tou_periods"]["ON_PEAK"]["periods"][0]["toHour"] = junk
    grid(read_tariff(read))
