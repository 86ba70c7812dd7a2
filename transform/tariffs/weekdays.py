"""The days of the week of a period whose last day is not written (Q124).

The API leaves zeros out, so a period that ends with Monday (0) has no `toDayOfWeek`. Documents written by hand leave out a 6.
The coverage of the week decides: if a period until Sunday overlaps others and one until Monday does not, it was Monday.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from transform.tariffs.tariff import Period
from transform.tariffs.week import Counts, coverage

_SUNDAY: Final = 6
_MONDAY: Final = 0


@dataclass(frozen=True, slots=True)
class DayRange:
    """A period whose last day of the week may be unknown.

    Attributes:
        first_day: First day of the week.
        last_day: Last day of the week; None where it is not written.
        from_minute: Minute of the day at which it begins.
        to_minute: Minute of the day at which it ends.
    """

    first_day: int
    last_day: int | None
    from_minute: int
    to_minute: int

    def until(self, last_day: int) -> Period:
        """The period with a last day of the week."""
        return Period(self.first_day, last_day, self.from_minute, self.to_minute)


def day_ranges(labels: Mapping[str, Sequence[DayRange | None]]) -> dict[str, tuple[Period, ...]]:
    """The periods of a season's labels; those that are not usable (None) are left out."""
    ranges = [item for items in labels.values() for item in items if item is not None]
    chosen = [item.until(_SUNDAY if item.last_day is None else item.last_day) for item in ranges]
    counts = coverage(chosen)
    for position, item in enumerate(ranges):
        if item.last_day is None:
            chosen[position] = _until(item, chosen[position], counts)
    periods = iter(chosen)
    return {label: tuple(next(periods) for item in items if item is not None) for label, items in labels.items()}


def _until(item: DayRange, whole: Period, counts: Counts) -> Period:
    """The period until Monday or until Sunday; `counts` is the coverage so far, and follows the choice."""
    counts -= coverage([whole])
    monday = item.until(_MONDAY)
    is_monday = _overlaps(whole, counts) and not _overlaps(monday, counts)
    chosen = monday if is_monday else whole
    counts += coverage([chosen])
    return chosen


def _overlaps(period: Period, counts: Counts) -> bool:
    return bool(np.any(counts[coverage([period]) > 0] > 0))
