"""The periods by which the lake is stored: `2024` is a closed year, `2025-03` a month of a year that is still open.

A closed year gets no regular rows any more, so it is one file of a table instead of twelve: a file has a fixed cost that is
higher than that of a month of rows.

The third kind has no days of its own. The window of a `lifetime` begins with the installation and is requested every night; its
rows are apart from those of months, so that no closed year is made again every night. So are those of responses about an open
year, `2025-year`, so that no January is; once the year is closed they are in its file. Imported histories of other tools are
about any time and change only when one is imported or taken out; so they are in `imports`, apart from all.
"""

import re
from typing import Final

import numpy as np
import numpy.typing as npt

Days = npt.NDArray[np.datetime64]
Mask = npt.NDArray[np.bool_]

MONTHS_A_YEAR: Final = 12

LIFETIME: Final = "lifetime"
"""The period of the responses about a site's whole lifetime."""

IMPORTS: Final = "imports"
"""The period of the imported histories of other tools."""

_WITHOUT_DAYS: Final = frozenset({LIFETIME, IMPORTS})

_OPEN_YEAR: Final = "-year"
"""End of the period of the responses about an open year."""

_PERIOD: Final = re.compile(rf"\d{{4}}(-(0[1-9]|1[0-2])|{_OPEN_YEAR})?|{LIFETIME}|{IMPORTS}", re.ASCII)
_YEAR: Final = re.compile(r"\d{4}", re.ASCII)


def is_period(text: str) -> bool:
    """Whether a text is a period as the lake names them."""
    return _PERIOD.fullmatch(text) is not None


def is_without_days(period: str) -> bool:
    """Whether a period has no days of its own: it is no part of the calendar."""
    return period in _WITHOUT_DAYS or is_open_year(period)


def open_year(year: str) -> str:
    """The period of the responses about a year that is open."""
    return f"{year}{_OPEN_YEAR}"


def is_open_year(period: str) -> bool:
    """Whether a period is that of the responses about an open year."""
    return period.endswith(_OPEN_YEAR)


def is_year(period: str) -> bool:
    """Whether a period is a closed year."""
    return _YEAR.fullmatch(period) is not None


def year_of(period: str) -> str:
    """The year that a period is, lies in, or is about; the lifetime and the imports are in no year, and are their own."""
    return period if period in _WITHOUT_DAYS else period[:4]


def holds(period: str, month: str) -> bool:
    """Whether a month (`YYYY-MM`) is the period, or lies in it."""
    return month == period or (is_year(period) and year_of(month) == period)


def months_of_year(year: str) -> list[str]:
    """The months of a year, oldest first."""
    return [f"{year}-{month:02d}" for month in range(1, MONTHS_A_YEAR + 1)]


def superseded_by(year: str) -> list[str]:
    """The periods of a year while it is open, which the closed year supersedes."""
    return [*months_of_year(year), open_year(year)]


def within(days: Days, period: str) -> Mask:
    """Which days lie in a month or year; none in a period without days of its own."""
    if is_without_days(period):
        return np.zeros(len(days), dtype=bool)
    span = np.datetime64(period)
    return np.asarray(days.astype(span.dtype) == span)
