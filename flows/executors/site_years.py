"""How chunks are distributed over worker processes: by site and year, since one process writes the files of a site's year.

Raw segments, the shards of their index and the lake's files each belong to one site and one year. As long as one process has
all chunks of a site's year, no two processes write the same file.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

from wattlog.lake_periods import year_of

MOST_TASKS: Final = 256
"""Tasks of a stage at most. A task has a cost of its own, so a fleet's small site-years share one."""


@dataclass(frozen=True, slots=True)
class SiteYear:
    """The work of one process: all chunks of a site and a year.

    Attributes:
        site_id: The site.
        year: `YYYY`; empty for chunks that are about a whole site.
        items: The chunks, each with its position among all chunks of the stage.
    """

    site_id: int
    year: str
    items: tuple[tuple[int, Any], ...]

    def __str__(self) -> str:
        return f"site {self.site_id} {self.year}".rstrip()


def owner_of(item: object) -> tuple[int, str]:
    """Site and year of a chunk, from its `site_id` or its `site`.

    Raises:
        TypeError: It belongs to no site.
    """
    site_id = getattr(item, "site_id", None) or getattr(getattr(item, "site", None), "site_id", None)
    if site_id is None:
        raise TypeError(f"{type(item).__name__} belongs to no site, so no process can own its files")
    return int(site_id), year_of(str(getattr(item, "period", getattr(item, "month", getattr(item, "year", "")))))


def site_years(items: Sequence[object]) -> list[SiteYear]:
    """The chunks by site and year, in the order of their first chunks."""
    found: dict[tuple[int, str], list[tuple[int, Any]]] = {}
    for place, item in enumerate(items):
        found.setdefault(owner_of(item), []).append((place, item))
    return [SiteYear(site_id, year, tuple(chunks)) for (site_id, year), chunks in found.items()]


def batches(years: Sequence[SiteYear], most: int = MOST_TASKS) -> Iterator[tuple[SiteYear, ...]]:
    """One site-year a task, or several where there would be more than `most` tasks."""
    size = max(1, -(-len(years) // most))
    remaining = iter(years)
    while batch := tuple(islice(remaining, size)):
        yield batch


def called(batch: Iterable[SiteYear]) -> str:
    """The name of a batch."""
    first, *others = batch
    return f"{first} and {len(others)} more" if others else str(first)
