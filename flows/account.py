"""The sites of the account: requested once a run, read from the raw archive afterwards."""

import logging
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from datetime import datetime
from itertools import groupby
from typing import NamedTuple

import pandas as pd

from extract.api.planner import Chunk
from extract.archive.raw_archive import IndexEntry, RawArchive
from extract.errors import SiteUnusable, UnreadableResponse
from extract.requests import ACCOUNT, PRODUCTS, live_status, site_info
from flows.commands_sent import commands_sent
from flows.errors import UsageError
from flows.executors.executor import Executor
from flows.executors.threads import ThreadExecutor
from flows.fetch_session import FetchSession
from flows.ledger import Run
from flows.progress import Progress, Silent
from flows.server_clocks import clocks_of_history
from flows.tariffs import tariffs_of
from flows.tasks.fetch import Failure, Fetched, merged
from transform.errors import ResponseNotUnderstood
from transform.frames import empty_frame
from transform.products import Facts, Products, energy_products
from transform.responses import response_of
from transform.setting_changes import changes_frame, stretches
from transform.settings_history import settings_timeline
from transform.site_equipment import BatteryDays, battery_days, has_battery
from transform.site_settings import settings_frame
from transform.site_zone import clock_name, server_clocks
from transform.sites import Site, SiteStatus, facts_of, site_from, sites_frame
from transform.tariffs.validity import tariff_in_site_info
from warehouse.lake.lake import Lake
from warehouse.schema import RUNS
from wattlog.api_json import UnreadableJson
from wattlog.series_spec import Series

log = logging.getLogger(__name__)

NOT_ON_ACCOUNT = frozenset({SiteStatus.GHOST, SiteStatus.GONE})
"""Sites with this status are not requested."""


def discover(
    session: FetchSession,
    site_ids: Iterable[int],
    *,
    has_live_status: bool = True,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Fetched:
    """Request the account's products, and site_info and live_status of each site chosen, several sites at a time.

    A request that fails is repeated for half a minute, which delays no other site. A site without a usable response is
    skipped in this run, and is among the failures. `progress` counts sites.

    Raises:
        ExtractError: The products cannot be had, without which nothing can be planned.
    """
    progress = progress or Silent()
    gone_before = _gone(session.archive)
    products = _fetch_products(session)
    chosen, known = set(site_ids), _sites_of(session)
    _report_gone(site for site in known if site.status is SiteStatus.GONE and site.site_id not in gone_before)
    sites = [site for site in known if site.status not in NOT_ON_ACCOUNT and (not chosen or site.site_id in chosen)]
    questions = (site_info, live_status) if has_live_status else (site_info,)
    month = f"{session.now():%Y-%m}"
    chunks = [
        Chunk(site.site_id, Series.SNAPSHOT, month, tuple(ask(site.site_id) for ask in questions)) for site in sites
    ]
    progress.begin("sites", len(chunks))
    fetched = merged((executor or ThreadExecutor()).fetch(session, chunks, on_done=lambda _: progress.advance()))
    return merged([products, fetched, _skipped(session, chunks, fetched)])


def _sites_of(session: FetchSession) -> list[Site]:
    return known_sites(session.archive, session.context.settings.site_timezones)


def _report_gone(sites: Iterable[Site]) -> None:
    """Log which sites have left the account; the run after it finds them gone already."""
    for site in sites:
        log.warning(
            "site %d (%s) is no longer on the account: its history stays, and nothing more is requested of it",
            site.site_id,
            site.site_name or "without a name",
        )


def _fetch_products(session: FetchSession) -> Fetched:
    """Request the products; entries that cannot be used are failures.

    A list that cannot be read is a failure, too, where the archive has the sites from an earlier run.
    """
    try:
        entry = session.fetcher.fetch(PRODUCTS)
        products = energy_products(session.archive.load(entry).body)
    except UnreadableResponse as error:
        if not _newest_products(session.archive):
            raise
        return Fetched(0, 0, (Failure(PRODUCTS.what, error),))
    failures = (Failure(PRODUCTS.what, SiteUnusable(PRODUCTS.what, reason)) for reason in products.unusable)
    return Fetched(0, 0, tuple(failures))


def _skipped(session: FetchSession, chunks: Sequence[Chunk], fetched: Fetched) -> Fetched:
    """Failures for sites that have no usable site_info, old or new, although none of their requests failed."""
    if fetched.left or fetched.stopped_by is not None:
        return Fetched(0, 0)
    asked = {chunk.site_id for chunk in chunks} - {failure.site_id for failure in fetched.failures}
    return Fetched(
        0,
        0,
        tuple(
            Failure(what, SiteUnusable(what, "the response holds nothing that can be used"), site.site_id)
            for site in _sites_of(session)
            if site.site_id in asked and site.status is SiteStatus.FAILING
            for what in (site_info(site.site_id).what,)
        ),
    )


def known_sites(archive: RawArchive, site_timezones: Mapping[int, str]) -> list[Site]:
    """Every site in the archive, by id, each from its newest usable products entry and site_info.

    Args:
        archive: The archive.
        site_timezones: Site id → time zone, which replaces the one that the API reports.
    """
    products, gone = _newest_products(archive), _gone(archive)
    sites = (_site(archive, site_id, *products[site_id], site_timezones) for site_id in sorted(products))
    return [
        replace(site, status=SiteStatus.GONE) if site.site_id in gone and site.status != SiteStatus.GHOST else site
        for site in sites
    ]


def _gone(archive: RawArchive) -> frozenset[int]:
    """The sites in the archive that the account no longer has: they are neither in the newest complete products list nor in one
    after it."""
    listed = set[int]()
    for products, _ in _products_lists(archive):
        listed |= products.sites.keys()
        if products.is_complete:
            return frozenset(archive.site_ids()) - listed
    return frozenset()


def _newest_products(archive: RawArchive) -> dict[int, tuple[Facts, datetime]]:
    """Site id → its newest usable entry among the products, and when it was requested.

    A site that left the account keeps its last entry. A site whose every products list is lost is known by its own responses.
    """
    found: dict[int, tuple[Facts, datetime]] = {}
    archived = set(archive.site_ids())
    for products, requested_at in _products_lists(archive):
        for site_id, product in products.sites.items():
            found.setdefault(site_id, (product, requested_at))
        if archived <= found.keys():
            break
    for site_id in archived - found.keys():
        newest = archive.newest_request(site_id)
        if newest is not None:
            found[site_id] = ({"energy_site_id": site_id}, newest)
    return found


def _products_lists(archive: RawArchive) -> Iterator[tuple[Products, datetime]]:
    """The products lists that can be read, the newest first, and when each was requested."""
    for entry in reversed(_responses(archive.entries(ACCOUNT), PRODUCTS.path)):
        response = archive.load_or_none(entry)
        if response is None:
            continue
        try:
            yield energy_products(response.body), entry.requested_at
        except ResponseNotUnderstood as error:
            _log_unusable(entry, error)


def _responses(entries: Iterable[IndexEntry], path: str) -> list[IndexEntry]:
    return [entry for entry in entries if entry.path == path and entry.status == 200 and entry.is_conclusive]


def _log_unusable(entry: IndexEntry, error: Exception) -> None:
    log.info("a kept response cannot be used raw_id=%s path=%s reason=%s", entry.raw_id, entry.path, error)


class SeenInfo(NamedTuple):
    """A site_info, as often as it was the same.

    Attributes:
        first_at: When it was requested first.
        last_at: When it was requested last.
        info: Its values.
    """

    first_at: datetime
    last_at: datetime
    info: Facts


def infos_seen(archive: RawArchive, site_id: int) -> Iterator[SeenInfo]:
    """Every usable site_info that differs from the one before, in order of time; of equal ones a single one is read."""
    entries = _responses(archive.entries(site_id), site_info(site_id).path)
    for _, of_one_body in groupby(entries, key=lambda entry: entry.sha256):
        alike = list(of_one_body)
        info = _info_of(archive, alike)
        if info is not None:
            yield SeenInfo(alike[0].requested_at, alike[-1].requested_at, info)


def _info_of(archive: RawArchive, alike: Iterable[IndexEntry]) -> Facts | None:
    """The site_info of equal responses, from the first that is not lost; None where it cannot be used.

    Earlier versions kept responses as usable that cannot be read.
    """
    loaded = ((entry, archive.load_or_none(entry)) for entry in alike)
    entry, response = next((found for found in loaded if found[1] is not None), (None, None))
    if entry is None or response is None:
        return None
    try:
        info = response_of(response.body)
    except (UnreadableJson, LookupError) as error:
        _log_unusable(entry, error)
        return None
    return info if info and isinstance(info, dict) else None


def _site(
    archive: RawArchive, site_id: int, product: Facts, seen_at: datetime, site_timezones: Mapping[int, str]
) -> Site:
    seen, of_history = list(infos_seen(archive, site_id)), list[tuple[datetime, Facts]]()
    info = seen[-1].info if seen else None
    reported = [
        (requested_at, facts_of(product, found.info))
        for found in seen
        for requested_at in (found.first_at, found.last_at)
    ]
    if clock_name(facts_of(product, info)) is None:
        of_history = clocks_of_history(archive, site_id)
        reported += of_history
    site = site_from(
        product,
        info,
        site_timezones.get(site_id),
        seen_at=max([seen_at, *(found.last_at for found in seen)]),
        history=of_history[-1][1] if of_history else {},
        clocks=server_clocks(_named(reported)),
    )
    return replace(site, battery=_battery_days(archive, site, seen))


def _battery_days(archive: RawArchive, site: Site, seen: Iterable[SeenInfo]) -> BatteryDays:
    """The days on which a site has a battery, by its descriptions and by its state of energy."""
    described = ((found.first_at.astimezone(site.zone).date(), has_battery(found.info)) for found in seen)
    soe = (
        (entry.window_start, entry.outcome == "data")
        for entry in archive.entries(site.site_id)
        if entry.series == Series.SOE and entry.is_conclusive and entry.window_start is not None
    )
    return battery_days(((day, has) for day, has in described if has is not None), soe)


def _named(seen: Iterable[tuple[datetime, Facts]]) -> Iterator[tuple[datetime, str]]:
    for requested_at, facts in seen:
        name = clock_name(facts)
        if name is not None:
            yield requested_at, name


def choose(sites: Iterable[Site], site_ids: Iterable[int]) -> list[Site]:
    """The sites with these ids; all that are not ghosts where no id is given.

    Raises:
        UsageError: An id is not one of the account's.
    """
    real = {site.site_id: site for site in sites if site.status != SiteStatus.GHOST}
    unknown = [site_id for site_id in site_ids if site_id not in real]
    if unknown:
        known = ", ".join(str(site_id) for site_id in real) or "none"
        raise UsageError(f"site {unknown[0]} is not on this account; its sites are: {known}")
    return [real[site_id] for site_id in site_ids] or list(real.values())


def choose_one(sites: Iterable[Site], site_id: int | None) -> Site:
    """The site that is meant: the one named, or the only one.

    Raises:
        UsageError: None is named and there are several, it is not on the account, or there is no site yet.
    """
    found = list(sites)
    if not found:
        raise UsageError("there is no site yet: run `wattlog backfill` first")
    chosen = choose(found, () if site_id is None else (site_id,))
    if len(chosen) != 1:
        known = ", ".join(str(site.site_id) for site in chosen) or "none"
        raise UsageError(f"choose a site with --site; the account has: {known}")
    return chosen[0]


def write_sites(archive: RawArchive, lake: Lake, sites: list[Site]) -> int:
    """Write tables `sites`, `site_settings`, `setting_changes` and `tariffs`; returns their rows."""
    frame: pd.DataFrame = sites_frame(sites)
    settings, changes, tariffs = list[pd.DataFrame](), list[pd.DataFrame](), list[pd.DataFrame]()
    for site in sites:
        seen = list(infos_seen(archive, site.site_id))
        settings.append(settings_frame(site.site_id, ((first, info) for first, _, info in seen)))
        timeline = settings_timeline(commands_sent(archive, site.site_id), stretches(seen))
        changes.append(changes_frame(site.site_id, timeline))
        observed = ((first, last, tariff_in_site_info(info)) for first, last, info in seen)
        tariffs.append(tariffs_of(archive, lake, site, observed))
    rows = lake.write("sites", frame, digest="").rows
    rows += lake.write("site_settings", _together("site_settings", settings), digest="").rows
    rows += lake.write("setting_changes", _together("setting_changes", changes), digest="").rows
    return rows + lake.write("tariffs", _together("tariffs", tariffs), digest="").rows


def _together(table: str, parts: Iterable[pd.DataFrame]) -> pd.DataFrame:
    """The rows of all sites."""
    filled = [rows for rows in parts if len(rows)]
    return pd.concat(filled, ignore_index=True) if filled else empty_frame(table)


def write_runs(lake: Lake, runs: Sequence[Run]) -> int:
    """Write table `runs`; returns its rows."""
    frame = pd.DataFrame([asdict(run) for run in runs], columns=list(RUNS.columns))
    for column in ("started_at", "finished_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True)
    return lake.write("runs", frame, digest="").rows
