"""What every step right of raw shares: the partition that owns lake files, and the digest that says what they are made of."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from importlib.metadata import version
from itertools import chain

import pandas as pd

from extract.archive import Entry
from flows.workspace import Workspace
from transform.sites import Site

MARKER = "requests"
"""The table of a site-month that is written last, and always: its file proves that the others were written before it."""

VERSION = version("wattlog")
"""Stands in every digest: another version may shape the same answers otherwise, so it makes the lake again, from raw."""


@dataclass(frozen=True, slots=True)
class SiteMonth:
    """The unit of everything right of raw: it owns its lake files, whatever series they come from."""

    site: Site
    month: str

    def __str__(self) -> str:
        return f"site {self.site.site_id} {self.month}"


@dataclass(frozen=True, slots=True)
class SiteMonths:
    """Months of one site and one calendar year, oldest first: what is quicker done together."""

    site: Site
    months: tuple[str, ...]

    @property
    def month(self) -> str:
        """The first of them."""
        return self.months[0]

    def __str__(self) -> str:
        return f"site {self.site.site_id} {self.month[:4]}"


def by_year(items: Iterable[SiteMonth]) -> list[SiteMonths]:
    """Months of some sites, together by site and year."""
    found: dict[tuple[int, str], list[SiteMonth]] = {}
    for item in items:
        found.setdefault((item.site.site_id, item.month[:4]), []).append(item)
    return [SiteMonths(each[0].site, tuple(sorted(item.month for item in each))) for each in found.values()]


@dataclass(frozen=True, slots=True)
class Shaped:
    """Rows written to the lake; 0 when what stood there was made of the same answers."""

    rows_written: int


def digest_of(entries: Iterable[Entry], *facts: object) -> str:
    """What lake files are made of: the answers, in any order, and whatever else the transform is told."""
    parts = chain(sorted(entry.raw_id for entry in entries), map(str, facts), [VERSION])
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def facts(site: Site) -> tuple[object, ...]:
    """What the transform is told of a site, beside its answers."""
    return site.timezone, site.clock_offset_minutes, site.installed_at, site.has_solar, site.has_battery, site.has_grid


def is_held(workspace: Workspace, name: str, item: SiteMonth, digest: str) -> bool:
    """Whether a table's file was made of just that."""
    return workspace.lake.digest_of(name, item.site.site_id, item.month) == digest


def write(workspace: Workspace, name: str, frame: pd.DataFrame, item: SiteMonth, digest: str) -> int:
    """Write one table of a site-month.

    A table without rows has no file, unless it had one, or is the one that proves the work done.
    """
    site_id, month = item.site.site_id, item.month
    if frame.empty and name != MARKER and not workspace.lake.path(name, site_id, month).exists():
        return 0
    return workspace.lake.write(name, frame, site_id=site_id, month=month, digest=digest).rows


def with_findings_of_periods(workspace: Workspace, found: pd.DataFrame, item: SiteMonth) -> pd.DataFrame:
    """Findings about a month's days, and those about months and years that stand in the same file.

    The latter are the whole site's to replace; until then they tell which roll-ups were put into another unit.
    """
    held = workspace.lake.read("reconciliation", site_id=item.site.site_id, months=[item.month])
    of_periods = held[held["granularity"] != "day"] if len(held) else held
    return pd.concat([found, of_periods], ignore_index=True) if len(of_periods) else found
