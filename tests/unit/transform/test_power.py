"""Series power: the home's share, and the lengths of its intervals."""

from dataclasses import replace
from datetime import date, timedelta

import pandas as pd
import pytest

from tests.unit.transform.answers import (
    BATTERY_SITE,
    LOS_ANGELES,
    SOLAR_SITE,
    answer,
    checked,
    power_row,
    reasons,
    slots,
)
from transform.intervals import shape_power
from transform.sites import Site

DAY = date(2025, 6, 10)
STAMPS = slots(DAY, LOS_ANGELES)


def home(rows: list[dict[str, object]], site: Site = BATTERY_SITE) -> list[float | None]:
    frame = checked(shape_power([answer("power", rows, site_id=site.site_id)], site))["power"]
    return [None if pd.isna(value) else value for value in frame["home_w"].tolist()]


def test_home_is_what_sun_battery_and_grid_give_together() -> None:
    """Charging and export are negative."""
    assert home([power_row(STAMPS[0], 5000.5, -2000, -1500.25)]) == [1500.25]


@pytest.mark.parametrize(("generator", "expected"), [(None, 300.0), (0, 300.0), (700, 1000.0)])
def test_a_generator_counts_and_an_absent_one_is_none(generator: float | None, expected: float) -> None:
    """Q24: generator_power is absent in some vintages."""
    row = power_row(STAMPS[0], 100, 100, 100)
    assert home([row if generator is None else {**row, "generator_power": generator}]) == [expected]


@pytest.mark.parametrize("name", ["solar_power", "battery_power", "grid_power"])
def test_home_is_unknown_when_a_part_of_it_is(name: str) -> None:
    assert home([{**power_row(STAMPS[0], 1, 2, 3), name: None}]) == [None]


def test_a_site_without_a_battery_needs_no_battery_power() -> None:
    row = power_row(STAMPS[0], 400, 0, 100)
    del row["battery_power"]
    assert home([row], SOLAR_SITE) == [500.0]


def test_home_is_unknown_on_a_solar_site_that_reports_no_grid() -> None:
    """Q16: grid power 0 throughout the response."""
    assert home([power_row(STAMPS[0], 400), power_row(STAMPS[1], 500)], SOLAR_SITE) == [None, None]


def test_one_grid_value_shows_that_the_grid_is_measured() -> None:
    """Q16: throughout the response, not in one row of it."""
    assert home([power_row(STAMPS[0], 400), power_row(STAMPS[1], 500, 0, -200)], SOLAR_SITE) == [400.0, 300.0]


def test_a_battery_site_may_have_no_grid_power_all_day() -> None:
    """Q16 is about sites without a battery: a battery can carry the home all day."""
    assert home([power_row(STAMPS[0], 0, 400)]) == [400.0]


def test_each_response_is_judged_by_itself() -> None:
    """Q16: one day with a grid reading does not make another day's home known."""
    following = slots(DAY + timedelta(days=1), LOS_ANGELES)
    responses = [
        answer("power", [power_row(STAMPS[0], 400, 0, 5)], site_id=202, raw_id="a"),
        answer("power", [power_row(following[0], 400)], site_id=202, raw_id="b", day=DAY + timedelta(days=1)),
    ]
    frame = checked(shape_power(responses, SOLAR_SITE))["power"]
    assert frame["home_w"].isna().tolist() == [False, True]


def test_a_home_beyond_all_measure_is_quarantined_although_its_parts_are_within() -> None:
    tables = checked(shape_power([answer("power", [power_row(STAMPS[0], 9e8, 9e8, 1)])], BATTERY_SITE))
    (row,) = tables["power"].to_dict("records")
    assert (row["solar_w"], row["battery_w"], row["grid_w"], pd.isna(row["home_w"])) == (9e8, 9e8, 1.0, True)
    assert reasons(tables) == [(0, "out_of_range")]


@pytest.mark.parametrize(("day", "rows"), [(date(2025, 3, 9), 276), (date(2025, 11, 2), 300), (DAY, 288)])
def test_every_slot_of_a_day_is_filed_when_the_clocks_change_too(day: date, rows: int) -> None:
    """Q5: 276 and 300 rows, all of them of that day, none of them twice."""
    responses = [answer("power", [power_row(stamp, 1) for stamp in slots(day, LOS_ANGELES)], day=day)]
    frame = checked(shape_power(responses, BATTERY_SITE))["power"]
    assert len(frame) == rows
    assert set(frame["local_date"]) == {day}
    assert set(frame["interval_s"]) == {300}


def test_quarter_hours_of_solar_only_sites_are_measured_as_such() -> None:
    """Q15: nights are left out, and the length is that between adjacent rows."""
    stamps = slots(DAY, SOLAR_SITE.zone, step_s=900)[24:80]
    rows = [power_row(stamp, 100, 0, -50) for stamp in stamps]
    frame = checked(shape_power([answer("power", rows, site_id=202)], SOLAR_SITE))["power"]
    assert (len(frame), set(frame["interval_s"])) == (56, {900})


def test_a_site_without_solar_needs_no_solar_power() -> None:
    row = power_row(STAMPS[0], 0, 100, 100)
    del row["solar_power"]
    assert home([row], replace(BATTERY_SITE, has_solar=False)) == [200.0]


def test_ten_megawatts_on_a_house_go_to_quarantine_and_its_own_peaks_do_not() -> None:
    """Q38 is not the only nonsense: a home's solar power of 10 MW is quarantined, a hundred times its usual power is not."""
    stamps = slots(date(2025, 6, 10), LOS_ANGELES)
    rows = [power_row(stamp, 4000) for stamp in stamps]
    rows[7], rows[8] = power_row(stamps[7], 10_000_000), power_row(stamps[8], 400_000)
    tables = checked(shape_power([answer("power", rows)], BATTERY_SITE))
    assert reasons(tables) == [(7, "out_of_range")]
    assert tables["power"]["solar_w"].max() == 400_000


def test_ten_megawatts_on_a_plant_of_that_size_are_real() -> None:
    """What is plausible is measured by the site's own rows."""
    rows = [power_row(stamp, 10_000_000) for stamp in slots(date(2025, 6, 10), LOS_ANGELES)]
    assert reasons(checked(shape_power([answer("power", rows)], BATTERY_SITE))) == []


@pytest.mark.parametrize("value", [True, False])
def test_a_boolean_is_no_number(value: bool) -> None:
    """It is neither 1 W nor 0 W."""
    stamps = slots(date(2025, 6, 10), LOS_ANGELES)
    rows = [power_row(stamps[0], value), power_row(stamps[1], 5)]
    tables = checked(shape_power([answer("power", rows)], BATTERY_SITE))
    assert reasons(tables) == [(0, "not_a_number")]
    assert tables["power"]["solar_w"].isna().tolist() == [True, False]
    assert tables["power"]["solar_w"][1] == 5.0


@pytest.mark.parametrize("name", ["solar_power", "battery_power", "grid_power", "generator_power"])
def test_home_is_unknown_when_a_part_of_it_cannot_be_used(name: str) -> None:
    """Also the generator, which counts as zero where it is absent."""
    row = {**power_row(STAMPS[0], 100, 200, 300), "generator_power": 400}
    assert home([{**row, name: "much"}, power_row(STAMPS[1], 1, 2, 3)]) == [None, 6.0]
    assert home([{**row, name: 1e9}, power_row(STAMPS[1], 1, 2, 3)]) == [None, 6.0]


@pytest.mark.parametrize(("watt", "is_believed"), [(1_990_000, True), (2_010_000, False)])
def test_a_site_is_believed_up_to_twenty_times_its_usual_power(watt: float, is_believed: bool) -> None:
    """A plant of 100 kW."""
    stamps = slots(date(2025, 6, 10), LOS_ANGELES)
    rows = [power_row(stamp, 100_000) for stamp in stamps]
    rows[9] = power_row(stamps[9], watt)
    assert (reasons(checked(shape_power([answer("power", rows)], BATTERY_SITE))) == []) is is_believed
