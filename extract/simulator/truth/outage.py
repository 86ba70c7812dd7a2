"""An outage of the grid, as a value."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Outage:
    """The grid failed at `start_s` (epoch seconds); an outage ends on the same local day, before the evening."""

    start_s: int
    duration_ms: int
