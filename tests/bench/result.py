"""One line of the table: a value, and the limits that it is compared with."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limit:
    """What a value may be.

    Attributes:
        reach: The limit that must hold.
        stretch: The limit that would be better still; None where there is none.
        is_least: The value must be at least the limits; otherwise at most.
    """

    reach: float
    stretch: float | None = None
    is_least: bool = False

    def allows(self, value: float) -> bool:
        """Whether the limit that must hold does."""
        return value >= self.reach if self.is_least else value <= self.reach

    @property
    def sign(self) -> str:
        """How it is written."""
        return "≥" if self.is_least else "≤"


@dataclass(frozen=True, slots=True)
class Result:
    """What one measure found.

    Attributes:
        number: The measure's number.
        name: What was measured, and against what.
        value: How much.
        unit: Of what: `×` for a ratio.
        limit: Its limits.
        parts: What the value was computed from, by name; in seconds of the processor unless the name ends in another unit.
    """

    number: int
    name: str
    value: float
    unit: str
    limit: Limit
    parts: dict[str, float | str] = field(default_factory=dict)

    @property
    def is_reached(self) -> bool:
        """Whether the limit holds; a value that is no number reaches nothing."""
        return not math.isnan(self.value) and self.limit.allows(self.value)


@dataclass(frozen=True, slots=True)
class Curve:
    """A cost by the length of the history that is stored.

    Attributes:
        number: The measure that it belongs to.
        name: The cost.
        lines: What is compared → cost by length, in seconds of the processor; the second is what the first is divided by.
    """

    number: int
    name: str
    lines: dict[str, dict[str, float]]


Measure = Callable[[], Iterator[Result | Curve]]
