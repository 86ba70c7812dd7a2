"""Tariffs that tools write are marked; those of utilities are not (Q137)."""

import pytest

from tests.tariffs import Json, document, flat, period, two_seasons, year
from transform.tariffs import is_synthetic, read_tariff

HALF_HOURS = {"PERIOD_00_00": [period(end="00:30")], "PERIOD_00_30": [period(begin="00:30")]}


@pytest.mark.parametrize(
    ("read", "expected"),
    [
        (two_seasons(), False),
        (flat(0.2), False),
        (two_seasons(code="POWER_SYNC:AMBER"), True),
        (two_seasons(name="Amber (PowerSync)"), True),
        (two_seasons(name="Predbat Tariff"), True),
        (two_seasons(utility="predbat"), True),
        (two_seasons(code="AEMO-SPIKE"), True),
        (two_seasons(name="Power Synchronous Plan"), False),
        (document({"Year": year(**HALF_HOURS)}, {}), True),
        (document({"Year": year(PERIOD_1=[period()])}, {}), False),
        (document({"Year": year(**HALF_HOURS, OFF_PEAK=[])}, {}), False),
    ],
)
def test_a_tool_is_recognised_by_names_and_labels(read: Json, expected: bool) -> None:
    assert is_synthetic(read_tariff(read)) is expected
