"""The account that is measured: battery sites that differ in nothing but their ids, served by a process of its own."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final

from extract.simulator.site import SiteSpec
from extract.simulator.worlds.world import DEMO_TOKEN, World
from tests.bench.child import module

FIRST_SITE: Final = 9001
NOW: Final = datetime(2026, 1, 15, 20, 7, 30, tzinfo=UTC)
"""When the stored history was asked for; its last day is settled by then."""

FIVE_MINUTE_SINCE: Final = date(2010, 1, 1)
"""Energy has five-minute rows on every day, unlike the API's before April 2024 (Q10): every year of history is alike."""

LAST_DAY: Final = date(2025, 12, 31)


def first_day(months: int) -> date:
    """The first day of so many months of history."""
    years, month = divmod(LAST_DAY.month - months, 12)
    return date(LAST_DAY.year + years, month + 1, 1)


def world(first: date, sites: int = 1) -> World:
    """Sites that were installed at noon, California, of a day."""
    installed_at = datetime(first.year, first.month, first.day, 20, tzinfo=UTC)
    return World(
        sites=tuple(
            SiteSpec(
                site_id=FIRST_SITE + number,
                site_name=f"Site {number}",
                installed_at=installed_at,
                five_minute_since=FIVE_MINUTE_SINCE,
                seed=5,
            )
            for number in range(sites)
        )
    )


@contextmanager
def served(first: date, now: datetime = NOW, sites: int = 1) -> Iterator[str]:
    """The address of the account while the block runs, at an instant that stands still."""
    command = [str(part) for part in module("serve", first.isoformat(), now.isoformat(), str(sites))]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            yield json.loads(process.stdout.readline())["base_url"]
        finally:
            process.stdin.close()


def environment(root: Path, base_url: str = "http://127.0.0.1:9") -> dict[str, str]:
    """The settings of a command, in a shell that has no others."""
    others = {name: value for name, value in os.environ.items() if not name.startswith(("WATTLOG_", "PREFECT_"))}
    return {
        **others,
        "WATTLOG_DATA_DIR": str(root),
        "WATTLOG_PROVIDER": "simulator",
        "WATTLOG_API_BASE_URL": base_url,
        "WATTLOG_ACCESS_TOKEN": DEMO_TOKEN,
        "WATTLOG_TOKEN_STORE": "file",
        "WATTLOG_CONFIG_DIR": str(root / "config"),
        "WATTLOG_CACHE_DIR": str(root / "cache"),
    }


def days(first: date, last: date = LAST_DAY) -> int:
    """Days from the first to the last, both included."""
    return (last - first) // timedelta(days=1) + 1
