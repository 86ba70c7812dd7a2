"""Money is exact."""

from decimal import Decimal
from fractions import Fraction

import pytest

from transform.tariffs import MICRO, micro, micro_text


@pytest.mark.parametrize(
    ("written", "expected"),
    [
        (0, 0),
        (0.30572, 305_720),
        (0.1 + 0.2, 300_000),  # a tool's sum of doubles
        (1e-7, 0),
        (0.0000005, 0),  # half to even
        (0.0000015, 2),
        (-0.05, -50_000),
        (Decimal("0.123456"), 123_456),
        (1_000_000, 10**12),
        (1_000_001, None),
        (1e300, None),
        (float("inf"), None),
        (float("nan"), None),
        (True, None),
        ("0.2", None),
        (None, None),
    ],
)
def test_a_price_is_a_whole_number_of_millionths(written: object, expected: int | None) -> None:
    assert micro(written) == expected


def test_every_price_of_five_decimals_is_exact() -> None:
    """No price of up to one unit with five decimals changes, whatever double JSON made of it."""
    assert [micro(hundred_thousandths / 100_000) for hundred_thousandths in range(0, 100_001, 7)] == [
        hundred_thousandths * 10 for hundred_thousandths in range(0, 100_001, 7)
    ]


@pytest.mark.parametrize(
    ("amount", "decimals", "expected"),
    [
        (0, 0, "0"),
        (0, 2, "0.00"),
        (305_720, 0, "0.30572"),
        (300_000, 2, "0.30"),
        (-1, 0, "-0.000001"),
        (10**12, 0, "1000000"),
    ],
)
def test_text_is_exact(amount: int, decimals: int, expected: str) -> None:
    text = micro_text(amount, decimals)
    assert text == expected
    assert Fraction(text) == Fraction(amount, MICRO)
    assert micro(Decimal(text)) == amount
