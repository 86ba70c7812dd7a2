"""A site that is offline is reported alike on both sides of a month's end."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pandas as pd
import pytest

from extract.simulator import SiteSpec, World
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, Summary, backfill, rebuild, reconcile
from flows.run_context import RunContext
from tests.simulated import Account, account
from warehouse.lake.lake import Lake
from warehouse.query.query import connect

pytestmark = pytest.mark.slow

HEARD_AT = datetime(2026, 1, 31, 20, 15, tzinfo=UTC)
SITE = SiteSpec(site_id=77, installed_at=datetime(2026, 1, 30, 20, tzinfo=UTC), offline_since=HEARD_AT, seed=7)
NIGHTS = [datetime(2026, month, day, 21, tzinfo=UTC) for month, day in ((1, 31), (2, 1), (2, 2), (3, 1))]

Command = Callable[[RunContext], Summary]

SELECTION = BackfillRequest(since=date(2026, 1, 30), until=date(2026, 2, 1))
COMMANDS: dict[str, Command] = {
    "sync": lambda context: backfill(context, ThreadExecutor(), SELECTION, command="sync"),
    "reconcile": lambda context: reconcile(context, ThreadExecutor()),
    "rebuild": lambda context: rebuild(context, ThreadExecutor()),
}


def run(served: Account, data_dir: Path, command: str) -> Summary:
    context = served.context(data_dir)
    return COMMANDS[command](context)


def observed(data_dir: Path) -> list[tuple[datetime, datetime]]:
    """Instants of the snapshots that are published, and when each was asked."""
    with connect(data_dir / "warehouse.duckdb") as warehouse:
        return warehouse.execute("select observed_at, _fetched_at from live_status order by all").fetchall()


def at(served: Account, instant: datetime) -> None:
    served.now = lambda: instant


def test_what_an_offline_site_repeats_is_one_row(tmp_path: Path) -> None:
    """Asked in three months, it was observed once, when it was first asked; sync, reconcile and rebuild agree."""
    with account(World((SITE,))) as served:
        for night in NIGHTS:
            at(served, night)
            assert run(served, tmp_path, "sync").exit_code == 0
            assert observed(tmp_path) == [(HEARD_AT, NIGHTS[0])]
        for command in ("reconcile", "rebuild"):
            assert run(served, tmp_path, command).exit_code == 0
            assert observed(tmp_path) == [(HEARD_AT, NIGHTS[0])]


def test_a_site_that_is_back_is_observed_again(tmp_path: Path) -> None:
    """Nothing but the repetition is left out."""
    with account(World((replace(SITE, offline_since=NIGHTS[2] + timedelta(hours=1)),))) as served:
        for night in (*NIGHTS, NIGHTS[-1] + timedelta(days=1)):
            at(served, night)
            run(served, tmp_path, "sync")
    seen = [*NIGHTS[:3], NIGHTS[2] + timedelta(hours=1)]
    assert observed(tmp_path) == list(zip(seen, NIGHTS, strict=True))


@pytest.mark.parametrize("command", list(COMMANDS))
def test_a_directory_in_which_two_months_hold_the_row_heals(tmp_path: Path, command: str) -> None:
    """As runs of an older wattlog left it: made of the same responses, so that nothing is shaped again."""
    with account(World((SITE,))) as served:
        for night in NIGHTS[:2]:
            at(served, night)
            run(served, tmp_path, "sync")
        lake = Lake(tmp_path / "lake")
        january, february = (lake.read("live_status", site_id=77, periods=[month]) for month in ("2026-01", "2026-02"))
        assert (len(january), len(february)) == (1, 0)
        again = january.assign(_fetched_at=pd.Series([NIGHTS[1]], dtype="datetime64[us, UTC]"))
        lake.amend("live_status", again, site_id=77, period="2026-02", digest="")
        assert run(served, tmp_path, command).exit_code == 0
    assert observed(tmp_path) == [(HEARD_AT, NIGHTS[0])]


def test_a_settings_change_within_the_instant_of_an_asking_is_one_row(tmp_path: Path) -> None:
    """The table is of the whole account and keyed by when site_info was asked: the last word of an instant counts."""
    with account(World((SITE,))) as served:
        at(served, NIGHTS[0])
        run(served, tmp_path, "sync")
    with account(World((replace(SITE, backup_reserve_pct=55),))) as served:
        at(served, NIGHTS[0])
        assert run(served, tmp_path, "sync").exit_code == 0
    with connect(tmp_path / "warehouse.duckdb") as warehouse:
        assert warehouse.execute("select valid_from, backup_reserve_pct from site_settings").fetchall() == [
            (NIGHTS[0], 55.0)
        ]
