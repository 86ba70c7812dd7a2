"""How chunks are dealt out to worker processes: by site and year, since whoever has a year of a site owns its files.

Raw segments, the shards of their index and the lake's files all stand below one site and one month. As long as one process has
all chunks of a site's year, no two ever write the same file.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final

MOST_TASKS: Final = 256
"""Of a stage. A task costs Prefect and Dask about a tenth of a second, so a fleet's small site-years share one."""


@dataclass(frozen=True, slots=True)
class SiteYear:
    """What one process does alone.

    Attributes:
        site_id: The site.
        year: `YYYY`; empty for chunks that are about a whole site.
        items: The chunks, each with its place among all of the stage.
    """

    site_id: int
    year: str
    items: tuple[tuple[int, Any], ...]

    def __str__(self) -> str:
        return f"site {self.site_id} {self.year}".rstrip()


def owner_of(item: object) -> tuple[int, str]:
    """Site and year of a chunk: it says so itself, or its `site` does.

    Raises:
        TypeError: It belongs to no site.
    """
    site_id = getattr(item, "site_id", None) or getattr(getattr(item, "site", None), "site_id", None)
    if site_id is None:
        raise TypeError(f"{type(item).__name__} belongs to no site, so no process can own its files")
    return int(site_id), str(getattr(item, "month", ""))[:4]


def site_years(items: Sequence[object]) -> list[SiteYear]:
    """The chunks of each site and year, in the order in which these first come."""
    found: dict[tuple[int, str], list[tuple[int, Any]]] = {}
    for place, item in enumerate(items):
        found.setdefault(owner_of(item), []).append((place, item))
    return [SiteYear(site_id, year, tuple(each)) for (site_id, year), each in found.items()]


def batches(years: Sequence[SiteYear], most: int = MOST_TASKS) -> Iterator[tuple[SiteYear, ...]]:
    """One site-year a task, or several where there would be more than `most` tasks."""
    size = max(1, -(-len(years) // most))
    remaining = iter(years)
    while batch := tuple(islice(remaining, size)):
        yield batch


def called(batch: Iterable[SiteYear]) -> str:
    """A batch in words."""
    first, *others = batch
    return f"{first} and {len(others)} more" if others else str(first)
