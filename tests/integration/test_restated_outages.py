"""Outages that the API restates: what a later list changes replaces what an earlier one said, and is a revision (Q12, Q32)."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from extract.simulator import OutageInParts, SiteSpec, World
from extract.simulator.local_day import local_date
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, rebuild
from tests.simulated import NOW, Account, account
from wattlog.series_spec import Series

pytestmark = pytest.mark.slow

SHORTEST_MS = 5_000
"""A shorter outage has no parts."""
PARTS = OutageInParts(date(2025, 12, 1), date(2025, 12, 31), NOW + timedelta(hours=1))
SITE = SiteSpec(
    site_id=78,
    installed_at=datetime(2025, 11, 1, 20, tzinfo=UTC),
    outages_per_year=120,
    seed=7,
    anomalies=(PARTS,),
)

Lengths = dict[int, int]
"""Beginning in epoch seconds → length in milliseconds."""


def fetch(served: Account, data_dir: Path) -> None:
    assert served.run(data_dir, BackfillRequest(series=(Series.BACKUP,))).exit_code == 0


def stored(data_dir: Path) -> Lengths:
    found = rows(data_dir, "select epoch(started_at)::bigint, (duration_s * 1000)::bigint from backup_events")
    assert len(dict(found)) == len(found)
    return dict(found)


def rows(data_dir: Path, query: str) -> list[tuple[int, int]]:
    with duckdb.connect(str(data_dir / "warehouse.duckdb"), read_only=True) as warehouse:
        return warehouse.execute(query).fetchall()


def truth(served: Account) -> Lengths:
    """The outages that were over by now."""
    now_s = served.now().timestamp()
    outages = served.world.truth(SITE.site_id).outages(date(2025, 11, 1), served.now().date())
    over = [outage for outage in outages if outage.start_s + outage.duration_ms / 1000 <= now_s]
    return {outage.start_s: outage.duration_ms for outage in over}


@pytest.mark.parametrize("page_size", [3, 1000])
def test_merged_outages_replace_their_parts(tmp_path: Path, page_size: int) -> None:
    """The next night lists one outage instead of two, on one page or on several; a rebuild gives the same."""
    with account(World((replace(SITE, backup_page_size=page_size),))) as served:
        fetch(served, tmp_path)
        real = truth(served)
        merged = [
            start
            for start, length_ms in real.items()
            if PARTS.first <= local_date(SITE.zone, start) <= PARTS.last and length_ms >= SHORTEST_MS
        ]
        assert len(stored(tmp_path)) == len(real) + len(merged) > len(real) + 3
        served.now = lambda: NOW + timedelta(days=1)
        fetch(served, tmp_path)
        real = truth(served)
        assert stored(tmp_path) == real
        counts = "select count(old_value), count(new_value) from revisions where series = 'backup'"
        assert rows(tmp_path, counts) == [(2 * len(merged), len(merged))]
        rebuild(served.context(tmp_path), ThreadExecutor())
        assert stored(tmp_path) == real
        assert rows(tmp_path, counts) == [(2 * len(merged), len(merged))]
