"""The contents of files, and those of one source put together: a local day may lie in two files."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from transform.day_sums import MEASURES
from transform.imports.days import DayFrame, days_of_buckets, days_of_rows
from transform.imports.reading import Content
from transform.imports.sums import Buckets, Mask
from transform.responses import RawResponse
from transform.sites import Site
from transform.time import Days, Ints
from wattlog.imported_sources import ImportedKind, imported_source
from wattlog.series_spec import Series


@dataclass(frozen=True, slots=True)
class Part:
    """The content of one table of one file, or of several files of one source.

    Attributes:
        records: The first record of each file: lineage of its rows.
        source: Name of the source.
        content: What they have.
        days: The local days, with sums; of files of intervals and of days.
        owners: Of each quarter hour, which of the records it is from.
    """

    records: tuple[RawResponse, ...]
    source: str
    content: Content
    days: DayFrame
    owners: Ints = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    def __post_init__(self) -> None:
        if len(self.owners) == 0:
            object.__setattr__(self, "owners", np.zeros(len(self.days.days_of_buckets), dtype=np.int64))

    def owners_of(self, days: Days) -> Ints:
        """Of each day, which of the records its last quarter hour is from."""
        if len(self.owners) == 0:
            return np.zeros(len(days), dtype=np.int64)
        return self.owners[np.searchsorted(self.days.days_of_buckets, days, side="right") - 1]


def source_of(series: Series, content: Content) -> str:
    """The source of the rows of a content."""
    if content.days is not None:
        return imported_source(series, ImportedKind.DAYS)
    return imported_source(series, content.mapping.kind)


def day_frame(content: Content, site: Site) -> DayFrame:
    """The local days of a content."""
    if content.days is not None:
        return days_of_rows(content.days, content, site)
    if content.buckets is not None and len(content.buckets.begun_us):
        return days_of_buckets(content.buckets, content, site)
    return DayFrame.nothing()


def merged(parts: Sequence[Part], site: Site) -> list[Part]:
    """The parts, those of intervals of one source as one; readings of devices stay with the first of them."""
    of_source: dict[str, list[Part]] = {}
    for part in parts:
        if part.content.buckets is not None and part.days.has_energy:
            of_source.setdefault(part.source, []).append(part)
    found = [part for part in parts if part.content.buckets is None or not part.days.has_energy]
    return [*found, *(several[0] if len(several) == 1 else _as_one(several, site) for several in of_source.values())]


def _as_one(parts: Sequence[Part], site: Site) -> Part:
    buckets, owners = _joined(parts)
    contents = [part.content for part in parts]
    content = replace(
        contents[0],
        buckets=buckets,
        half_unit=max(content.half_unit for content in contents),
        readings=[readings for content in contents for readings in content.readings],
    )
    records = tuple(part.records[0] for part in parts)
    return Part(records, parts[0].source, content, day_frame(content, site), owners)


def _joined(parts: Sequence[Part]) -> tuple[Buckets, Ints]:
    """The quarter hours of all parts, each from the part that covers most of it, then of its day, then the last; and which."""
    all_buckets = [part.content.buckets for part in parts if part.content.buckets is not None]
    measures = tuple(name for name in MEASURES if any(name in buckets.measures for buckets in all_buckets))
    owners = np.repeat(np.arange(len(parts)), [len(buckets.begun_us) for buckets in all_buckets])
    names = ("begun_us", "length_s", "rows", "filled", "covered_us", "soe_pct")
    columns = {name: np.concatenate([getattr(buckets, name) for buckets in all_buckets]) for name in names}
    values = np.concatenate([np.stack([buckets.column(name) for name in measures], axis=1) for buckets in all_buckets])
    known_us = np.concatenate(
        [np.stack([buckets.known_of(name) for name in measures], axis=1) for buckets in all_buckets]
    )
    of_day_s = np.concatenate([_covered_s_of_day(part) for part in parts])
    days = np.concatenate([part.days.days_of_buckets for part in parts])
    order = np.lexsort((owners, of_day_s, columns["covered_us"], columns["begun_us"]))
    is_last = np.append(np.diff(columns["begun_us"][order]) != 0, True)
    kept = order[is_last]
    if len(np.unique(columns["length_s"])) > 1:  # rows of other lengths overlap unless a day is of one file alone
        kept = kept[_is_of_best(days, of_day_s, owners)[kept]]
    joined = Buckets(measures=measures, values=values, known_us=known_us, **columns)
    return joined.taken(kept), owners[kept]


def _covered_s_of_day(part: Part) -> Ints:
    at = np.searchsorted(part.days.days, part.days.days_of_buckets)
    return part.days.covered_s[at]


def _is_of_best(days: Days, of_day_s: Ints, owners: Ints) -> Mask:
    """Which quarter hours are of the part that covers most of their day."""
    order = np.lexsort((owners, of_day_s, days))
    is_last = np.append(days[order][1:] != days[order][:-1], True)
    distinct, best = days[order][is_last], owners[order][is_last]
    return np.asarray(owners == best[np.searchsorted(distinct, days)])
