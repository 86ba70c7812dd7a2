"""In which unit is energy of cars, which the API documents in kWh? Several numbers show it; a single one shows nothing.

The series of sites are documented in Wh, and were seen in kWh (`evidence`). Here it is the other way round.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from math import isclose
from typing import Final

MIN_NUMBERS: Final = 3
"""So many numbers show that all are Wh."""

MAX_CAR_KWH: Final = 1000.0
"""No battery of a car or lorry holds so much."""

_CLOSE: Final = 0.02


@dataclass(frozen=True, slots=True)
class Evidence:
    """One number, and what is known of it.

    Attributes:
        reported: The number.
        known_kwh: The same energy in kWh by another way; None where there is none: then only its size counts.
    """

    reported: float
    known_kwh: float | None = None

    @property
    def shows_wh(self) -> bool:
        """Whether it is Wh."""
        if self.known_kwh is None:
            return self.reported > MAX_CAR_KWH
        return isclose(self.reported, self.known_kwh * 1000, rel_tol=_CLOSE)

    @property
    def shows_kwh(self) -> bool:
        """Whether it is kWh."""
        return self.known_kwh is not None and isclose(self.reported, self.known_kwh, rel_tol=_CLOSE)


def is_in_wh(numbers: Iterable[Evidence]) -> bool:
    """Whether energy is in Wh: several numbers show that, and none shows kWh."""
    known = list(numbers)
    return sum(number.shows_wh for number in known) >= MIN_NUMBERS and not any(number.shows_kwh for number in known)
