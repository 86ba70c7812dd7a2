"""The sites of the account: asked for once a run, read back from the raw archive ever after."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import orjson
import pandas as pd

from extract.archive import Entry
from extract.planner import Chunk
from extract.series import ACCOUNT, PRODUCTS, Series, live_status, site_info
from flows.engines import Engine
from flows.engines.local import LocalEngine
from flows.errors import UsageError
from flows.ledger import Run
from flows.steps.fetch import Fetched, fetch_windows, merged
from flows.steps.partition import digest_of
from flows.workspace import Workspace
from transform.frames import empty_frame
from transform.parse import response_of
from transform.requests import requests_frame
from transform.site_settings import settings_frame
from transform.sites import Site, energy_products, site_from, sites_frame
from warehouse.schema import RUNS

GHOST = "ghost"


def discover(
    workspace: Workspace, wanted: Iterable[int], *, has_live_status: bool = True, engine: Engine | None = None
) -> Fetched:
    """Ask for the account's products, and for site_info and live_status of each site wanted, several sites at a time.

    One that fails is asked again for half a minute; in a fleet no other waits for that.

    Raises:
        ExtractError: The products cannot be had, without which nothing can be planned.
    """
    workspace.fetcher.fetch(PRODUCTS)
    chosen = set(wanted)
    sites = [site for site in known_sites(workspace) if site.status != GHOST and (not chosen or site.site_id in chosen)]
    questions = (site_info, live_status) if has_live_status else (site_info,)
    month = f"{workspace.clock():%Y-%m}"
    chunks = [
        Chunk(site.site_id, Series.SNAPSHOT, month, tuple(ask(site.site_id) for ask in questions)) for site in sites
    ]
    concurrency = workspace.settings.resolved_provider.concurrency
    return merged((engine or LocalEngine()).map(fetch_windows, workspace, chunks, workers=concurrency))


def known_sites(workspace: Workspace) -> list[Site]:
    """Every site that the archive knows, by id, each from its newest products entry and site_info."""
    products = _newest_products(workspace)
    return [_site(workspace, site_id, products[site_id]) for site_id in sorted(products)]


def _newest_products(workspace: Workspace) -> dict[int, dict[str, object]]:
    """Site id → its newest entry among the products. A site that left the account keeps its last one."""
    found: dict[int, dict[str, object]] = {}
    held = set(workspace.archive.site_ids())
    for entry in reversed(_answers(workspace.archive.entries(ACCOUNT), PRODUCTS.path)):
        for product in energy_products(workspace.archive.answer(entry).body):
            found.setdefault(int(product["energy_site_id"]), product)
        if held <= found.keys():
            break
    return found


def _answers(entries: Iterable[Entry], path: str) -> list[Entry]:
    return [entry for entry in entries if entry.path == path and entry.status == 200 and entry.is_answer]


def _site(workspace: Workspace, site_id: int, product: dict[str, object]) -> Site:
    entries = workspace.archive.entries(site_id)
    infos = _answers(entries, site_info(site_id).path)
    info = orjson.loads(workspace.archive.answer(infos[-1]).body)["response"] if infos else None
    return site_from(product, info if isinstance(info, dict) else None, workspace.settings.site_timezones.get(site_id))


def choose(sites: Iterable[Site], wanted: Iterable[int]) -> list[Site]:
    """The sites wanted, or all that are not ghosts.

    Raises:
        UsageError: A wanted site is not among the account's.
    """
    real = {site.site_id: site for site in sites if site.status != GHOST}
    unknown = [site_id for site_id in wanted if site_id not in real]
    if unknown:
        known = ", ".join(str(site_id) for site_id in real) or "none"
        raise UsageError(f"site {unknown[0]} is not on this account; its sites are: {known}")
    return [real[site_id] for site_id in wanted] or list(real.values())


def write_sites(workspace: Workspace, sites: list[Site]) -> int:
    """Write tables `sites` and `site_settings`; returns their rows."""
    frame: pd.DataFrame = sites_frame(sites)
    settings = [settings_frame(site.site_id, _infos_seen(workspace, site.site_id)) for site in sites]
    seen = [each for each in settings if len(each)]
    history = pd.concat(seen, ignore_index=True) if seen else empty_frame("site_settings")
    rows = workspace.lake.write("sites", frame, digest="").rows
    return rows + workspace.lake.write("site_settings", history, digest="").rows


def _infos_seen(workspace: Workspace, site_id: int) -> Iterator[tuple[datetime, dict[str, Any]]]:
    """Every site_info that differs from the one before, and when it was asked: unchanged ones are not even read."""
    before = None
    for entry in _answers(workspace.archive.entries(site_id), site_info(site_id).path):
        if entry.sha256 != before:
            info = response_of(workspace.archive.answer(entry).body)
            if isinstance(info, dict):
                yield entry.requested_at, info
        before = entry.sha256


def write_account_requests(workspace: Workspace) -> int:
    """Write the rows of table `requests` that belong to no site; returns how many."""
    rows = 0
    for month in workspace.archive.months(ACCOUNT):
        entries = workspace.archive.entries(ACCOUNT, month)
        digest = digest_of(entries)
        if workspace.lake.digest_of("requests", ACCOUNT, month) != digest:
            frame = requests_frame(entries)
            rows += workspace.lake.write("requests", frame, site_id=ACCOUNT, month=month, digest=digest).rows
    return rows


def write_runs(workspace: Workspace, runs: Sequence[Run]) -> int:
    """Write table `runs`; returns its rows."""
    frame = pd.DataFrame([asdict(run) for run in runs], columns=list(RUNS.columns))
    for column in ("started_at", "finished_at"):
        frame[column] = pd.to_datetime(frame[column], utc=True)
    return workspace.lake.write("runs", frame, digest="").rows
