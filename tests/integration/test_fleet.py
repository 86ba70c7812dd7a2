"""A fleet: two dozen sites are fetched to the end, a third of them in vain, and those that fail cost the others nothing.

`python -m tests.bench thousand` does the same with a thousand; `make exhaustive` plans as many.
"""

import gc
import json
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from extract.api import fetch
from extract.simulator.fleet import FAILURES, HEALTHY, fleet_conditions, fleet_world
from flows.account import known_sites
from flows.cli.gaps import gaps
from flows.cli.plan import show_plan
from flows.cli.sites import sites
from flows.errors import ExitCode
from flows.executors.threads import ThreadExecutor
from flows.pipeline import BackfillRequest, Summary, backfill
from flows.summary import as_dict, one_line, print_summary
from tests.simulated import NOW, Account, account, standing
from warehouse.query.query import connect
from wattlog.series_spec import Series

FLEET, FETCHED, FAILING = 1_000, 24, 8
THIS_MONTH = BackfillRequest(series=(Series.ENERGY_DAY,), since=date(2026, 1, 1), until=date(2026, 1, 14))
FEW_LINES = 35


class Frames:
    """Progress that counts the frames with rows that are referenced when a stage begins: no chunk is under way then."""

    def __init__(self) -> None:
        self.alive: dict[str, int] = {}

    def begin(self, stage: str, total: int, parts: Mapping[str, int] | None = None) -> None:
        """See `Progress`."""
        gc.collect()
        self.alive[stage] = sum(isinstance(thing, pd.DataFrame) and len(thing) > 0 for thing in gc.get_objects())

    def advance(self, part: str = "") -> None:
        """See `Progress`."""

    def pause(self, reason: str) -> None:
        """See `Progress`."""

    def end(self) -> None:
        """See `Progress`."""


@dataclass(frozen=True)
class Fleet:
    """A fleet that was fetched."""

    served: Account
    summary: Summary
    root: Path
    frames: Frames


@pytest.fixture(scope="module")
def fleet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Two dozen sites, of which eight fail in four ways; waits before a retry are short."""
    root, frames = tmp_path_factory.mktemp("fleet"), Frames()
    with (
        pytest.MonkeyPatch.context() as patch,
        account(fleet_world(NOW.date(), FETCHED, failing=FAILING), conditions=fleet_conditions()) as served,
    ):
        patch.setattr(fetch, "BACK_OFF_S", 0.001)
        context = served.context(root)
        yield Fleet(served, backfill(context, ThreadExecutor(), THIS_MONTH, progress=frames), root, frames)


def is_sound(site_id: int) -> bool:
    return site_id // 10**8 == HEALTHY


@pytest.mark.slow
def test_sites_that_fail_cost_the_others_nothing(fleet: Fleet) -> None:
    """500, 404, a web page, half a body: each is that site's own affair, and every other site is complete."""
    sound = [spec for spec in fleet.served.world.sites if is_sound(spec.site_id)]
    assert fleet.summary.exit_code == ExitCode.INCOMPLETE
    assert fleet.summary.warehouse is not None
    with connect(fleet.summary.warehouse) as connection:
        stored = connection.execute(
            """select site_id, count(*), sum(solar_energy_exported_wh) from daily
            where local_date between '2026-01-01' and '2026-01-14' group by site_id order by site_id"""
        ).fetchall()
    expected = [
        (
            spec.site_id,
            14,
            sum(
                int(fleet.served.world.truth(spec.site_id).day(date(2026, 1, day)).flows["solar_energy_exported"].sum())
                for day in range(1, 15)
            ),
        )
        for spec in sound
    ]
    assert [(site_id, days, round(wh)) for site_id, days, wh in stored] == expected


def test_a_failing_site_is_asked_no_more_than_it_takes_to_know(fleet: Fleet) -> None:
    """Each sound site is asked thrice: what it is, how it is, and for the month. A failing one has no windows planned."""
    asked = Counter(
        request.path.split("/")[4] for request in fleet.served.server.requests if "/energy_sites/" in request.path
    )
    assert {asked[str(spec.site_id)] for spec in fleet.served.world.sites if is_sound(spec.site_id)} == {3}
    failing = {digits: asked[f"{digits * 10**8 + number}"] for number, digits in enumerate(FAILURES)}
    assert failing[34] == 2, "a site that is not there is asked each question once"
    assert max(failing.values()) <= 2 * fetch.MAX_ATTEMPTS


def test_no_frame_outlives_its_chunk(fleet: Fleet) -> None:
    """So memory does not grow with the sites that are done, except for the index of their requests (`make bench` weighs it)."""
    assert {
        "periods shaped",
        "days estimated",
        "years reconciled",
        "sites reconciled",
        "warehouse",
    } <= fleet.frames.alive.keys()
    assert set(fleet.frames.alive.values()) == {fleet.frames.alive["sites"]}, fleet.frames.alive


def test_the_summary_names_how_many_failed_and_the_first_few(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    failed = [spec.site_id for spec in fleet.served.world.sites if not is_sound(spec.site_id)]
    assert as_dict(fleet.summary)["sites_failed"] == sorted(failed)
    sentence = one_line(fleet.summary)
    assert f"of {FAILING} sites (3200000002, 3200000006, 3400000001 and 5 more), the rest is loaded" in sentence
    print_summary(fleet.summary, fleet.served.settings(fleet.root), as_json=False)
    printed = capsys.readouterr()
    assert len(printed.out.splitlines()) <= FEW_LINES
    assert printed.err.count("\n") == 1


def test_the_console_shows_those_that_need_attention_first(fleet: Fleet, capsys: pytest.CaptureFixture[str]) -> None:
    settings = fleet.served.settings(fleet.root)
    sites(settings, refresh=False, as_json=False)
    lines = capsys.readouterr().out.splitlines()
    assert len(lines) <= FEW_LINES
    assert [line.split()[-1] for line in lines[3 : 3 + FAILING]] == ["failing"] * FAILING
    assert (
        f"… and {FETCHED - 20} more of {FETCHED} sites, {FETCHED - FAILING} ok, {FAILING} failing (--json for all)"
        in lines
    )
    sites(settings, refresh=False, as_json=True)
    assert len(json.loads(capsys.readouterr().out)) == FETCHED
    gaps(settings)
    assert len(capsys.readouterr().out.splitlines()) <= FEW_LINES


@pytest.mark.exhaustive
def test_a_thousand_sites_are_planned_by_series(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A month of everything for a thousand sites: one line a series, every request counted."""
    with account(fleet_world(NOW.date(), FLEET)) as served:
        show_plan(
            served.settings(tmp_path),
            BackfillRequest(since=date(2026, 1, 1)),
            as_json=False,
            clock=standing,
        )
        lines = capsys.readouterr().out.splitlines()
        asked = Counter(request.path.rpartition("/")[2] for request in served.server.requests)
        found = known_sites(served.context(tmp_path).open_archive(), {})
    assert asked == {"products": 1, "site_info": FLEET}
    assert len(found) == FLEET
    assert len(lines) <= FEW_LINES
    by_series = {
        line.split()[3]: int(line.split()[4].replace(",", "")) for line in lines if line.startswith("all 1,000")
    }
    assert by_series["snapshot"] == 2 * FLEET
    assert by_series["power"] == 15 * FLEET + FLEET // 4, "Sydney is a day ahead"
    assert any(line.startswith("500 sites") for line in lines), "half of them have a battery"
