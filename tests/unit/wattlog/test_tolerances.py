"""How far two sources may differ: the rule, and what a missing value does to it."""

import numpy as np
import pytest

from wattlog.tolerances import power_tolerance_wh, tolerance_wh

UNKNOWN = float("nan")


@pytest.mark.parametrize(
    ("left", "right", "rows", "allowed"),
    [
        (1_000.0, -2_000.0, 288.0, 288.0),
        (1e6, 5e5, 288.0, 1_000.0),
        (-1e6, 5e5, 288.0, 1_000.0),
        (UNKNOWN, 1.0, 1.0, 1.0),
        (1e6, UNKNOWN, 1.0, 1_000.0),
        (UNKNOWN, UNKNOWN, 30.0, 30.0),
    ],
)
def test_energy_may_differ_by_a_wh_for_each_row_or_by_a_thousandth(
    left: float, right: float, rows: float, allowed: float
) -> None:
    """The larger of the two; a missing value counts as nothing."""
    assert tolerance_wh(np.array([left]), np.array([right]), np.array([rows])).tolist() == [allowed]


@pytest.mark.parametrize(
    ("left", "right", "allowed"),
    [(100.0, 200.0, 50.0), (9_000.0, 10_000.0, 300.0), (UNKNOWN, 10_000.0, 300.0), (UNKNOWN, UNKNOWN, 50.0)],
)
def test_integrals_of_power_may_differ_by_fifty_wh_or_three_percent(left: float, right: float, allowed: float) -> None:
    """Q34."""
    assert power_tolerance_wh(np.array([left]), np.array([right])).tolist() == [allowed]


@pytest.mark.parametrize("of_missing", [0.0, 1e9, UNKNOWN])
def test_no_comparison_depends_on_the_tolerance_of_a_missing_value(of_missing: float) -> None:
    """A difference with a missing value is NaN, which neither exceeds a number nor stays within one."""
    difference = np.array([UNKNOWN]) - np.array([5.0])
    assert not (np.abs(difference) > of_missing).any()
    assert not (np.abs(difference) <= of_missing).any()
