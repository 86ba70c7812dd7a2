"""Measure 12: what a second process is worth for a rebuild of forty site-years."""

import hashlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import orjson

from extract.archive import segment
from extract.archive.record import DUPLICATE_KEY
from flows.executors.cluster import open_cluster
from tests.bench.account import FIRST_SITE
from tests.bench.fleet import rebuilt
from tests.bench.histories import Histories, ask
from tests.bench.result import Limit, Result
from wattlog.names import DataDirectory


def measure(histories: Histories) -> Iterator[Result]:
    """Elapsed time, unlike the other measures: a second process takes no less of the processors."""
    sites, months = histories.sizes.workers_sites, histories.sizes.histories[0]
    one_site, root = histories.archive(months), histories.directory / "workers"
    for number in range(sites):
        _copy(DataDirectory(one_site).raw, DataDirectory(root).raw, FIRST_SITE + number)
    ask(root, months, sites=sites)
    elapsed = {}
    for processes in (1, 2):
        with open_cluster(None, processes, processes) as client:
            elapsed[processes] = rebuilt(client, root, warm_up=one_site, times=min(2, histories.sizes.rounds)).total_s
    parts: dict[str, float | str] = {f"{processes} workers elapsed s": total for processes, total in elapsed.items()}
    name = f"two Dask workers in one's time, {sites} site-years"
    yield Result(12, name, elapsed[1] / elapsed[2], "×", Limit(1.7, 1.9, is_least=True), parts)


def _copy(source: Path, target: Path, site_id: int) -> None:
    """The segments of one site as another's; without what is about its whole life, and without an index."""
    for path in (source / f"site_id={FIRST_SITE}").rglob("series=*/month=*"):
        if path.parent.name in {"series=snapshot", "series=backup", "series=energy_year"}:
            continue
        frames = [frame for frame in segment.scan(path) if isinstance(frame, segment.Frame)]
        content = b"".join(segment.frame(orjson.dumps(_of_site(orjson.loads(frame.line), site_id))) for frame in frames)
        copy = target / f"site_id={site_id}" / path.parent.name / path.name
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.write_bytes(content)


def _of_site(record: Mapping[str, Any], site_id: int) -> dict[str, Any]:
    """The record as another site's; the body stays as it is."""
    holder = record[DUPLICATE_KEY]
    return {
        **record,
        "site_id": site_id,
        "raw_id": _raw_id(record["raw_id"], site_id),
        "path": record["path"].replace(f"/{FIRST_SITE}/", f"/{site_id}/"),
        DUPLICATE_KEY: None if holder is None else _raw_id(holder, site_id),
    }


def _raw_id(raw_id: str, site_id: int) -> str:
    """An id with the same time."""
    return f"{raw_id[:-8]}{hashlib.sha256(f'{raw_id}|{site_id}'.encode()).hexdigest()[:8]}"
