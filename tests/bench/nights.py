"""Measure 4: the nightly run with a long history stored, beside the mere start of the libraries that it needs."""

import json
import shutil
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

from tests.bench.account import environment, first_day, served
from tests.bench.child import Child, module, python, quickest, run
from tests.bench.histories import Histories
from tests.bench.result import Curve, Limit, Result
from tests.bench.sizes import length

NEW_DAYS = timedelta(days=2)
SYNC, IMPORTS = "wattlog sync, two new days", "import duckdb, pandas, pyarrow"


def measure(histories: Histories) -> Iterator[Result | Curve]:
    """The ratio with the longest history, and the cost of a night over the lengths of history."""
    lines: dict[str, dict[str, float]] = {SYNC: {}, IMPORTS: {}}
    for months in histories.sizes.histories:
        sides = _nights(histories, months)
        for name, child in sides.items():
            lines[name][length(months)] = child.cpu_s
    longest = length(histories.sizes.histories[-1])
    yield Result(
        4,
        f"nightly sync, {longest} stored / import of its libraries",
        lines[SYNC][longest] / lines[IMPORTS][longest],
        "×",
        Limit(4.0, 2.5),
        {name: line[longest] for name, line in lines.items()},
    )
    yield Curve(4, "cost of a night", lines)


def _nights(histories: Histories, months: int) -> dict[str, Child]:
    """Several nights in a row, each two days after the one before, after one that catches up and is not counted."""
    root = histories.directory / f"{months}-months-at-night"
    shutil.copytree(histories.rebuilt(months), root)
    now, nights, starts = histories.sizes.night, list[Child](), list[Child]()
    _sync(root, months, now)
    for _ in range(max(2, histories.sizes.rounds)):
        now += NEW_DAYS
        nights.append(_sync(root, months, now))
        starts.append(run(python("-c", IMPORTS)))
    return {SYNC: quickest(nights), IMPORTS: quickest(starts)}


def _sync(root: Path, months: int, now: datetime) -> Child:
    with served(first_day(months), now) as base_url:
        command = module("command_at", now.isoformat(), "sync", "--json")
        child = run(command, environment=environment(root, base_url), cwd=root)
    assert json.loads(child.output)["windows_failed"] == 0, child.output
    return child
