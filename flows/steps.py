"""The steps of the pipeline: plain functions of a workspace and one small, picklable item.

A step reports what went wrong in its result, so that one bad window never costs the others; it raises for bugs alone.
"""

import hashlib
import logging
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import chain

import pandas as pd

from extract.archive import Entry, RawAnswer
from extract.ask import ask
from extract.errors import BudgetSpent, CorruptSegment, ExtractError, NotOffered, Retryable, RunStopped
from extract.planner import Chunk
from extract.series import Request, Series
from extract.windows import Grain, local_today, period_end
from flows.errors import STOPS_THE_RUN
from flows.neighbours import entries_beside, followed_by, months_beside, own_rows
from flows.workspace import Workspace
from transform import backup, charge, energy_intervals, energy_periods, live_status, power, soe
from transform.answer import Answer, Tables
from transform.daily import daily
from transform.frames import empty_frame
from transform.gaps import gaps
from transform.requests import requests_frame
from transform.sites import Site
from transform.units import in_watt_hours

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that stayed without an answer, and why."""

    what: str
    error: ExtractError


@dataclass(frozen=True, slots=True)
class Fetched:
    """What asking one chunk came to.

    Attributes:
        answered: Windows with an answer.
        left: Windows not asked, because the run was stopped or its budget spent.
        failures: Windows asked in vain.
        stopped_by: The error that every further request would meet again, if there was one.
        not_offered: Series that turned out to be none of the provider's; their windows are not counted.
    """

    answered: int
    left: int
    failures: tuple[Failure, ...] = ()
    stopped_by: ExtractError | None = None
    not_offered: tuple[NotOffered, ...] = ()


def fetch_windows(workspace: Workspace, chunk: Chunk) -> Fetched:
    """Ask every window of a chunk and keep the answers."""
    return fetch_all(workspace, chunk.requests)


def fetch_all(workspace: Workspace, requests: Sequence[Request]) -> Fetched:
    """Ask requests one after the other; see `Fetched` for what may go wrong."""
    answered = 0
    failures: list[Failure] = []
    not_offered: list[NotOffered] = []
    for done, request in enumerate(requests):
        if workspace.stop.is_set() or request.site_id in workspace.set_aside:
            return Fetched(answered, len(requests) - done, tuple(failures), not_offered=tuple(not_offered))
        if request.series in workspace.not_offered:
            continue
        try:
            ask(request, workspace.fetcher.fetch, workspace.archive.answer)
            answered += 1
            workspace.set_aside.note(request.site_id, is_failure=False)
        except NotOffered as error:
            workspace.not_offered.add(request.series)
            not_offered.append(error)
        except (BudgetSpent, RunStopped):
            workspace.stop.set()
            return Fetched(answered, len(requests) - done, tuple(failures))
        except STOPS_THE_RUN as error:
            workspace.stop.set()
            return Fetched(answered, len(requests) - done - 1, (*failures, Failure(request.what, error)), error)
        except ExtractError as error:
            failures.append(Failure(request.what, error))
            workspace.set_aside.note(request.site_id, is_failure=isinstance(error, Retryable))
        if workspace.on_request is not None:
            workspace.on_request(request.site_id, request.series)
    return Fetched(answered, 0, tuple(failures), not_offered=tuple(not_offered))


@dataclass(frozen=True, slots=True)
class SiteMonth:
    """The unit of everything right of raw: it owns its lake files, whatever series they come from."""

    site: Site
    month: str

    def __str__(self) -> str:
        return f"site {self.site.site_id} {self.month}"


@dataclass(frozen=True, slots=True)
class Shaped:
    """Rows written to the lake; 0 when what stood there was made of the same answers."""

    rows_written: int


Shape = Callable[[Sequence[Answer], Site], Tables]

SHAPES: dict[str, Shape] = {
    Series.SNAPSHOT: live_status.shape,
    Series.POWER: power.shape,
    Series.SOE: soe.shape,
    Series.ENERGY_INTERVAL: energy_intervals.shape,
    Series.ENERGY_DAY: energy_periods.shape,
    Series.ENERGY_MONTH: energy_periods.shape,
    Series.ENERGY_YEAR: energy_periods.shape,
    "backup": backup.shape,
    "charge": charge.shape,
}
"""Which function makes frames of which series' answers; what has none is kept in raw alone."""

SHAPED_TABLES = (
    "live_status",
    "power",
    "state_of_energy",
    "energy_intervals",
    "energy_periods",
    "backup_events",
    "charge_sessions",
    "reconciliation",
    "gaps",
    "revisions",
    "quarantine",
    "requests",
)
"""What a site-month owns, `requests` last: its file is the proof that the others were written before it."""


def shape_month(workspace: Workspace, item: SiteMonth) -> Shaped:
    """Turn a site-month's raw answers into its lake files, unless they were made of these very answers."""
    if workspace.interrupted_by is not None:
        return Shaped(0)
    entries = workspace.archive.entries(item.site.site_id, item.month)
    beside = entries_beside(workspace, item.site, item.month)
    following = followed_by(workspace, item.site.site_id, item.month)
    digest = digest_of([*entries, *beside], *_facts(item.site), *sorted(following.items()))
    if _held(workspace, SHAPED_TABLES[-1:], item, digest):
        return Shaped(0)
    tables = _shaped(workspace, item, entries, beside)
    tables["energy_intervals"], tables["energy_periods"], tables["reconciliation"] = in_watt_hours(
        tables["energy_intervals"], tables["energy_periods"], tables["power"], item.site
    )
    tables["gaps"] = gaps(entries, tables, item.site, followed_by=following)
    tables["requests"] = requests_frame(entries)
    return Shaped(sum(_write(workspace, name, tables[name], item, digest) for name in SHAPED_TABLES))


def _shaped(
    workspace: Workspace, item: SiteMonth, entries: list[Entry], beside: list[Entry]
) -> dict[str, pd.DataFrame]:
    """Every shaped table of a month, without rows where there are none."""
    parts: dict[str, list[pd.DataFrame]] = {name: [] for name in SHAPED_TABLES}
    raw_ids, asked_at = {entry.raw_id for entry in entries}, {entry.requested_at for entry in entries}
    for series, answers in _answers_by_series(workspace, [*entries, *beside]).items():
        for name, frame in SHAPES[series](answers, item.site).items():
            own = own_rows(frame, raw_ids, asked_at) if beside else frame
            parts[name] += [own] if len(own) else []
    return {
        name: pd.concat(frames, ignore_index=True) if frames else empty_frame(name) for name, frames in parts.items()
    }


COVERS_DAYS = frozenset({Series.POWER, Series.ENERGY_INTERVAL, Series.ENERGY_DAY})
"""Series from which a day's energy can be told: their windows say which days were asked for."""


def estimate_days(workspace: Workspace, item: SiteMonth) -> Shaped:
    """Write the best estimate of each day of a site-month that was asked for.

    A day of a fixed-offset site has rows in two windows, so maybe in the neighbouring month's file (Q7).
    """
    if workspace.interrupted_by is not None:
        return Shaped(0)
    entries = workspace.archive.entries(item.site.site_id, item.month)
    beside = months_beside(item.month) if item.site.clock_offset_minutes is not None else ()
    read = [*entries, *(entry for month in beside for entry in workspace.archive.entries(item.site.site_id, month))]
    days = _days_asked(item.site, entries)
    digest = digest_of(read, *_facts(item.site), days, workspace.settings.settle_hours)
    if days is None or _held(workspace, ("daily",), item, digest):
        return Shaped(0)
    lake, site_id, months = workspace.lake, item.site.site_id, [item.month, *beside]
    frame = daily(
        lake.read("energy_intervals", site_id=site_id, months=months),
        lake.read("energy_periods", site_id=site_id, months=months),
        lake.read("power", site_id=site_id, months=months),
        item.site,
        *days,
        now=max(entry.requested_at for entry in entries),
        settle_hours=workspace.settings.settle_hours,
    )
    return Shaped(_write(workspace, "daily", frame, item, digest))


def _answers_by_series(workspace: Workspace, entries: Iterable[Entry]) -> dict[Series, list[RawAnswer]]:
    """The answers to be shaped. Errors have nothing to shape; a snapshot's site_info makes `sites`, not a fact.

    An answer whose record is damaged is said and left out: the others are worth no less for it.
    """
    found: dict[Series, list[RawAnswer]] = {}
    for entry in entries:
        is_fact = entry.series != Series.SNAPSHOT or entry.path.endswith("/live_status")
        if entry.status == 200 and is_fact and entry.series in SHAPES:
            try:
                found.setdefault(Series(entry.series), []).append(workspace.archive.answer(entry))
            except CorruptSegment as error:
                log.warning("an answer is lost: %s", error)
    return found


def _days_asked(site: Site, entries: Iterable[Entry]) -> tuple[date, date] | None:
    """First and last local day of a month's windows, neither before the installation nor after the asking."""
    asked = [entry for entry in entries if entry.series in COVERS_DAYS and entry.window_start and entry.window_end]
    if not asked:
        return None
    first = min(entry.window_start for entry in asked if entry.window_start)
    last = min(
        max(entry.window_end for entry in asked if entry.window_end),
        max(local_today(entry.requested_at, site.zone) for entry in asked),
        period_end(first, Grain.MONTH),
    )
    first = max(filter(None, (first, site.installed_on)))
    return (first, last) if first <= last else None


def digest_of(entries: Iterable[Entry], *facts: object) -> str:
    """What lake files are made of: the answers, in any order, and whatever else the transform is told."""
    parts = chain(sorted(entry.raw_id for entry in entries), map(str, facts))
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()


def _facts(site: Site) -> tuple[object, ...]:
    return site.timezone, site.clock_offset_minutes, site.installed_at, site.has_solar, site.has_battery, site.has_grid


def _held(workspace: Workspace, names: Iterable[str], item: SiteMonth, digest: str) -> bool:
    return all(workspace.lake.digest_of(name, item.site.site_id, item.month) == digest for name in names)


def _write(workspace: Workspace, name: str, frame: pd.DataFrame, item: SiteMonth, digest: str) -> int:
    """Write one table of a site-month.

    A table without rows has no file, unless it had one, or is the one that proves the work done.
    """
    site_id, month = item.site.site_id, item.month
    if frame.empty and name != SHAPED_TABLES[-1] and not workspace.lake.path(name, site_id, month).exists():
        return 0
    return workspace.lake.write(name, frame, site_id=site_id, month=month, digest=digest).rows
