"""How much each measure takes: what is promised, or a little of everything to see that it works."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of one run of the benchmarks.

    Attributes:
        histories: Lengths of the stored history of one site in months, for the curves, shortest first.
        compared: Those of which a rebuild is compared with its limit.
        backfill: Length of the history that is asked for from nothing, in months.
        asked: Length of the history whose requests are compared with plain ones, in months.
        night: The instant to which the stored history is brought before the nights that are measured.
        sites: Sites of the fleet that the models, the publishing and the reconciliation see.
        years: Years of each of them.
        workers_sites: Sites that are rebuilt on Dask, each with the shortest history.
        often: How often something short is measured.
        rounds: How often something long is measured.
    """

    histories: tuple[int, ...]
    compared: tuple[int, ...]
    backfill: int
    asked: int
    night: datetime
    sites: int
    years: int
    workers_sites: int
    often: int
    rounds: int


FULL: Final = Sizes(
    histories=(12, 24, 60, 120),
    compared=(24, 120),
    backfill=24,
    asked=12,
    night=datetime(2026, 7, 10, 20, 7, 30, tzinfo=UTC),
    sites=10,
    years=10,
    workers_sites=40,
    often=7,
    rounds=3,
)
"""What the limits are about."""

QUICK: Final = Sizes(
    histories=(1, 2),
    compared=(1, 2),
    backfill=1,
    asked=1,
    night=datetime(2026, 1, 17, 20, 7, 30, tzinfo=UTC),
    sites=2,
    years=1,
    workers_sites=2,
    often=1,
    rounds=1,
)


def length(months: int) -> str:
    """A length of history as text."""
    return f"{months // 12} y" if months % 12 == 0 else f"{months} mo"
