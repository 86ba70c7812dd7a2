"""Since when, and until when, a site has a battery."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from tests.unit.transform.answers import BATTERY_SITE
from transform.site_equipment import ALWAYS, BatteryDays, battery_days, has_battery

FIRST, SECOND, THIRD = (date(2025, 6, day) for day in (1, 2, 3))


@pytest.mark.parametrize(
    ("seen", "soe", "expected"),
    [
        ([], [], ALWAYS),
        ([(FIRST, True), (THIRD, True)], [(FIRST, True), (SECOND, True)], ALWAYS),
        ([], [(THIRD, True), (SECOND, True), (FIRST, False)], BatteryDays(since=SECOND)),
        ([(FIRST, False), (THIRD, True)], [(FIRST, False), (SECOND, True)], BatteryDays(since=SECOND)),
        ([(FIRST, False), (SECOND, True), (THIRD, True)], [], BatteryDays(since=SECOND)),
        ([(FIRST, False), (SECOND, True)], [(FIRST, False), (SECOND, False), (THIRD, True)], BatteryDays(since=SECOND)),
        ([(FIRST, True), (SECOND, False), (THIRD, False)], [], BatteryDays(until=SECOND)),
        ([(FIRST, False), (SECOND, True), (THIRD, False)], [], BatteryDays(SECOND, THIRD)),
        ([(FIRST, False)], [], ALWAYS),
    ],
)
def test_the_days_of_a_battery(
    seen: list[tuple[date, bool]], soe: list[tuple[date, bool]], expected: BatteryDays
) -> None:
    """A day without a state of energy before the first one with it; else what site_info had."""
    assert battery_days(seen, soe) == expected


def test_a_site_has_its_battery_on_some_days() -> None:
    days = np.array([FIRST, SECOND, THIRD], dtype="datetime64[D]")
    assert BATTERY_SITE.has_battery_on(days).all()
    for battery, expected in (
        (BatteryDays(since=SECOND), [False, True, True]),
        (BatteryDays(until=THIRD), [True, True, False]),
    ):
        site = replace(BATTERY_SITE, battery=battery)
        assert site.has_battery_on(days).tolist() == expected


def test_site_info_without_components_says_nothing_about_a_battery() -> None:
    assert has_battery({}) is None
    assert has_battery({"components": {"battery": None}}) is None
    assert has_battery({"components": {"battery": False}}) is False
