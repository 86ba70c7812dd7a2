"""Money as integers: millionths of the currency, so that sums are exact."""

from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from typing import Final

MICRO: Final = 1_000_000
"""Millionths in one unit of the currency. Published prices have up to five decimals ($0.30572 per kWh); tools that compute
prices write more, and those beyond the sixth are rounded."""

MAX_MICRO: Final = 10**6 * MICRO
"""A price or charge above a million is an error of the document. A price of that size times the energy of an interval is
within 64 bits."""

_ONE: Final = Decimal(1)


def decimal_of(value: object) -> Decimal | None:
    """A number of a document as the decimal that was written; None where it is no finite number.

    JSON readers give a double. Its shortest text is the number as it was written, up to 15 digits.
    """
    if isinstance(value, bool) or not isinstance(value, int | float | Decimal):
        return None
    try:
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
    except InvalidOperation:
        return None
    return number if number.is_finite() else None


def micro(value: object) -> int | None:
    """A price or charge in millionths of the currency, rounded half to even; None where it is no number or out of bounds."""
    number = decimal_of(value)
    if number is None or abs(number) * MICRO > MAX_MICRO:
        return None
    return int((number * MICRO).quantize(_ONE, ROUND_HALF_EVEN))


def micro_text(amount: int, decimals: int = 0) -> str:
    """An amount of millionths as text in the currency, exact: 305720 is `0.30572`.

    Args:
        amount: Millionths of the currency.
        decimals: How many decimals stay at least.
    """
    whole, rest = divmod(abs(amount), MICRO)
    fraction = f"{rest:06d}".rstrip("0").ljust(decimals, "0")
    return f"{'-' if amount < 0 else ''}{whole}{'.' if fraction else ''}{fraction}"
