"""Measures 2, 3 and 11: what a response costs on its way in, and how many requests a whole history takes."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

from extract.archive.raw_archive import RawArchive
from extract.archive.record import SUFFIX
from tests.bench.account import LAST_DAY, NOW, days, environment, first_day, served
from tests.bench.child import Child, module, quickest, run
from tests.bench.histories import Asked, Histories, ask
from tests.bench.result import Limit, Result
from tests.bench.sizes import length
from wattlog.names import DataDirectory

MS = 1000.0


def measure_backfill(histories: Histories) -> Iterator[Result]:
    """Measure 2: the whole process of the command, from nothing to the published warehouse."""
    months, runs = histories.sizes.backfill, list[Child]()
    for _ in range(min(2, histories.sizes.rounds)):
        root = _empty(histories.directory / "backfill")
        with served(first_day(months)) as base_url:
            command = module("command_at", NOW.isoformat(), "backfill", "--until", LAST_DAY.isoformat(), "--json")
            runs.append(run(command, environment=environment(root, base_url), cwd=root))
    best = quickest(runs)
    requests = int(json.loads(best.output)["requests"])
    name = f"CPU a response, backfill of {length(months)} from nothing"
    parts: dict[str, float | str] = {"backfill": best.cpu_s, "requests count": requests}
    yield Result(2, name, best.cpu_s / requests * MS, "ms", Limit(5.0, 4.0), parts)


def measure_asking(histories: Histories) -> Iterator[Result]:
    """Measure 3: requests and archive alone, beside the same requests of plain httpx; imports of neither count."""
    months = histories.sizes.asked
    ours, plain = list[float](), list[float]()
    for _ in range(histories.sizes.rounds):
        asked = ask(_empty(histories.directory / "asked"), months)
        ours.append(asked.cpu_s)
        plain.append(_plain(asked, months))
    parts: dict[str, float | str] = {"ask and archive": min(ours), "httpx": min(plain)}
    yield Result(3, "of that, ask and archive / plain httpx", min(ours) / min(plain), "×", Limit(2.5, 1.5), parts)


def measure_requests(histories: Histories) -> Iterator[Result]:
    """Measure 11: a whole history, without cross-checks; two requests of the account and two of each site come with it."""
    months = histories.sizes.histories[-1]
    first, requests = first_day(months), histories.asked(months).requests
    expected = 3 * days(first) + months + (LAST_DAY.year - first.year + 1) + 4
    name = f"requests of {length(months)} more than 3·D + M + Y + 4"
    parts: dict[str, float | str] = {"requests count": requests, "expected count": expected}
    yield Result(11, name, (requests / expected - 1) * 100, "%", Limit(1.0), parts)


def _empty(root: Path) -> Path:
    """A data directory with nothing in it."""
    shutil.rmtree(root, ignore_errors=True)
    root.mkdir(parents=True)
    return root


def _plain(asked: Asked, months: int) -> float:
    """CPU of plain httpx for the requests whose responses the archive has."""
    archive = RawArchive(DataDirectory(asked.root).raw)
    names = sorted(path.relative_to(archive.root).as_posix() for path in archive.root.rglob(f"*{SUFFIX}"))
    records = [record for name in names for record in archive.records(name)]
    assert len(records) == asked.requests, f"{len(records)} records of {asked.requests} requests"
    paths = asked.root / "requests.json"
    paths.write_text(json.dumps([(record["path"], record["params"]) for record in records]))
    with served(first_day(months)) as base_url:
        found = json.loads(run(module("get", base_url, paths)).output)
    assert found["bytes"] > 0
    return float(found["cpu_s"])
