"""A year in which wattlog, the app, and the utility change settings: the timeline has each change once, with its cause."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from extract.archive.raw_archive import RawArchive
from extract.requests import site_info
from extract.simulator import SettingsChange, SiteSpec, World
from extract.simulator.site import ABSENT
from flows.account import known_sites
from flows.commands import Change, one_site, preview, send
from flows.executors.threads import ThreadExecutor
from flows.fetch_session import FetchSession
from flows.pipeline import BackfillRequest, rebuild
from flows.settings_history import settings_history
from tests.simulated import Account, account
from warehouse.query.query import connect
from wattlog.commands.outcomes import Outcome
from wattlog.commands.settings import SETTINGS, Choice, Setting
from wattlog.providers import COMMAND_SCOPE
from wattlog.series_spec import Series

SITE = 1_000_000_001
BEGIN = datetime(2025, 1, 1, 0, 30, tzinfo=UTC)
CHANGES = 40
NAMES = (
    *(Setting.RESERVE, Setting.MODE, Setting.STORM_WATCH, Setting.GRID_CHARGING, Setting.OFF_GRID_RESERVE),
    Setting.EXPORT,
)
VANISHES = (Setting.EXPORT, "everything")
"""After this change the field is absent (Q55)."""

FLAG = "components.disallow_charge_from_grid_with_solar_installed"

Row = tuple[datetime, str, str | None, str | None, bool]
"""Instant, setting, value before, value after, and whether wattlog changed it."""


@pytest.fixture
def made() -> Iterator[Account]:
    installed_at = BEGIN - timedelta(days=3)
    without_charging = SettingsChange(installed_at, ((FLAG, True),))
    world = World((SiteSpec(site_id=SITE, installed_at=installed_at, settings_changes=(without_charging,)),))
    world = replace(world, scopes=(*world.scopes, COMMAND_SCOPE))
    with account(world, now=lambda: BEGIN) as served:
        yield served


def command(made: Account, data_dir: Path, name: Setting, text: str) -> Outcome:
    """Change a setting as the command line does."""
    context = made.context(data_dir)
    with FetchSession(context, context.open_archive()) as session:
        spec = SETTINGS[name]
        planned = preview(session, one_site(session, None), Change(spec, spec.values.parse(text)), "cli")
        return send(session, planned, "set").command.outcome


def info_values(name: Setting, text: str) -> tuple[tuple[str, Any], ...]:
    """The keys of site_info that the app or the utility changes.

    The flag of grid charging is true or absent (Q54), and the rule of export is absent where all is exported (Q55).
    """
    spec = SETTINGS[name]
    is_absent = (name, text) in {(Setting.GRID_CHARGING, "on"), VANISHES}
    return ((".".join(spec.info_path), ABSENT if is_absent else spec.values.parse(text)),)


def other_value(rng: np.random.Generator, name: Setting, before: str | None) -> str:
    values = SETTINGS[name].values
    known = list(values.values) if isinstance(values, Choice) else [str(percent) for percent in range(81)]
    is_gone = name is Setting.EXPORT and before is None
    return str(rng.choice([value for value in known if value != (VANISHES[1] if is_gone else before)]))


def history(made: Account, data_dir: Path) -> list[Row]:
    archive = RawArchive(data_dir / "raw")
    (site,) = known_sites(archive, {})
    return [
        (event.instant, event.name, event.before, event.after, event.command is not None)
        for event in settings_history(archive, site)
    ]


def test_the_timeline_of_a_year_is_complete_and_right(made: Account, tmp_path: Path) -> None:
    """Q74: forty changes at random, seen by a snapshot a day later; ours are known to the instant."""
    rng, instant = np.random.default_rng(20_261_134), BEGIN
    present: dict[Setting, str | None] = {
        Setting.RESERVE: "20",
        Setting.MODE: "self-powered",
        Setting.STORM_WATCH: "on",
        Setting.GRID_CHARGING: "off",
        Setting.OFF_GRID_RESERVE: "75",
        Setting.EXPORT: None,
    }
    expected: list[Row] = []
    for _ in range(CHANGES):
        instant += timedelta(days=8, hours=int(rng.integers(24)))
        made.stand_at(instant)
        name = NAMES[int(rng.integers(len(NAMES)))]
        text, is_ours = other_value(rng, name, present[name]), rng.random() < 0.5
        after = None if (name, text) == VANISHES else text
        if is_ours:
            outcome = Outcome.APPLIED if after is not None else Outcome.ACCEPTED_ABSENT
            assert command(made, tmp_path, name, text) is outcome
            expected.append((instant, name, present[name], after, True))
        else:
            made.fetch(tmp_path, [site_info(SITE)])
            made.world.change(SITE, SettingsChange(instant + timedelta(hours=1), info_values(name, text)))
            later = instant + timedelta(days=1)
            made.stand_at(later)
            made.fetch(tmp_path, [site_info(SITE)])
            expected.append((later, name, present[name], after, False))
        present[name] = after
    made.fetch(tmp_path, [])
    assert history(made, tmp_path) == expected
    assert {(after, is_ours) for _, name, _, after, is_ours in expected if name == Setting.GRID_CHARGING} == {
        (text, is_ours) for text in ("on", "off") for is_ours in (True, False)
    }
    exports = {(after, is_ours) for _, name, _, after, is_ours in expected if name == Setting.EXPORT}
    assert {(None, True), (None, False)} < exports


@pytest.mark.slow
def test_commands_are_in_the_warehouse_of_the_next_run_and_disturb_nothing(made: Account, tmp_path: Path) -> None:
    """Also where the month ends between the request and its answer; a rebuild gives the same rows."""
    asked = len(made.server.requests)
    month_end = datetime(2025, 1, 31, 23, 59, 56, tzinfo=UTC)
    made.now = lambda: month_end + timedelta(seconds=len(made.server.requests) - asked)
    assert command(made, tmp_path, Setting.RESERVE, "40") is Outcome.APPLIED
    assert {entry.month for entry in RawArchive(tmp_path / "raw").entries(SITE) if entry.series == "command"} == {
        "2025-01"
    }
    assert made.now() > datetime(2025, 2, 1, tzinfo=UTC)
    assert command(made, tmp_path, Setting.RESERVE, "50") is Outcome.APPLIED
    summary = made.run(tmp_path, BackfillRequest(series=(Series.SOE,), since=date(2025, 1, 31)))
    assert summary.exit_code == 0, summary.failures
    before = rows(tmp_path)
    assert [row[2:] for row in before] == [("reserve", "20", "40", "applied"), ("reserve", "40", "50", "applied")]
    with connect(tmp_path / "warehouse.duckdb") as connection:
        assert connection.execute("select count(*) from gaps where series = 'command'").fetchall() == [(0,)]
        settings = "select backup_reserve_pct from site_settings order by valid_from"
        assert connection.execute(settings).fetchall() == [(20.0,), (40.0,), (50.0,)]
    rebuild(made.context(tmp_path), ThreadExecutor())
    assert rows(tmp_path) == before


def rows(data_dir: Path) -> list[tuple[Any, ...]]:
    with connect(data_dir / "warehouse.duckdb") as connection:
        return connection.execute(
            "select command_id, requested_at, name, value_before, value_after, outcome from commands order by command_id"
        ).fetchall()
