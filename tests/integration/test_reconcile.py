"""Reconciliation through the whole pipeline: an account that contradicts itself in every known way, asked over HTTP."""

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path

import pytest

from extract.series import Series
from extract.simulator import FLOWS, quirky_world
from extract.simulator.truth import Truth
from flows.account import known_sites
from flows.cli import run
from flows.engines.local import LocalEngine
from flows.findings import Findings, as_markdown, findings
from flows.pipeline import Selection, Summary, backfill, rebuild, reconcile
from tests.simulated import NOW, Account, account
from warehouse.lake import Lake
from warehouse.query import connect

ROLLUPS = (Series.ENERGY_DAY, Series.ENERGY_MONTH, Series.ENERGY_YEAR)
SETTLED_UNTIL = date(2026, 1, 12)

JUNIPER, BANKSIA = sorted((each.site_id for each in quirky_world(NOW.date()).sites), reverse=True)

Found = set[tuple[str, date, str]]
"""Granularity, first day of the period, cause."""

EXPECTED: dict[int, Found] = {
    JUNIPER: {
        ("day", date(2025, 12, 6), "dropped_day"),
        ("day", date(2025, 12, 6), "sensor_inversion"),
        ("day", date(2025, 11, 29), "midnight_zero"),
        ("day", date(2025, 11, 1), "missing_intervals"),
        ("day", date(2025, 11, 2), "missing_intervals"),
        ("day", date(2025, 11, 6), "missing_intervals"),
        ("month", date(2025, 8, 1), "rollup_drift"),
        ("year", date(2025, 1, 1), "rollup_drift"),
        ("lifetime", date(2024, 11, 16), "rollup_drift"),
    },
    BANKSIA: {
        *(("day", date(2025, 7, day), "unit_mismatch") for day in range(1, 32)),
        ("month", date(2025, 7, 1), "unit_mismatch"),
        ("day", date(2025, 12, 22), "wrong_window"),
    },
}
"""What was injected (extract/simulator/quirks.py), in the words of the ledger."""


@dataclass
class Asked:
    """The account, where it was fetched to, and what the last run came to."""

    served: Account
    data_dir: Path
    last: Summary

    def findings(self, since: date | None = None) -> list[Findings]:
        workspace = self.served.workspace(self.data_dir)
        return findings(workspace, known_sites(workspace), since)


@pytest.fixture(scope="module")
def asked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Asked]:
    """All roll-ups; every five minutes of the month in kWh and of the last weeks."""
    data_dir = tmp_path_factory.mktemp("quirks")
    with account(quirky_world(NOW.date())) as served:
        for selection in (
            Selection(series=ROLLUPS),
            Selection(series=(Series.POWER, Series.ENERGY_INTERVAL), since=date(2025, 7, 1), until=date(2025, 7, 31)),
            Selection(since=date(2025, 11, 1)),
        ):
            workspace = served.workspace(data_dir)
            last = backfill(workspace, LocalEngine(), selection)
            workspace.close()
        yield Asked(served, data_dir, last)


def test_every_contradiction_is_found_with_its_cause_and_nothing_else(asked: Asked) -> None:
    """Issue by issue: the right dates, the right cause, no other row; what is not settled yet is left out."""
    for each in asked.findings():
        rows = each.differences
        settled = rows[[day <= SETTLED_UNTIL for day in rows["period_start"]]]
        found = set(zip(settled["granularity"], settled["period_start"], settled["cause"], strict=True))
        # The running month and year are not over: partial on Tesla's side as on ours.
        found = {row for row in found if row[2] != "partial_period"}
        assert found == EXPECTED[each.site.site_id], each.site.site_name
        assert each.unexplained == 0


def test_the_estimate_is_the_truth_wherever_a_source_held_it(asked: Asked) -> None:
    """Zero Wh off on every settled day of both sites, dropped, zeroed, drifted and in kWh or not."""
    daily = Lake(asked.data_dir / "lake").read("daily")
    for spec in asked.served.world.sites:
        truth, days = Truth(spec), daily[daily["site_id"] == spec.site_id]
        settled = days[[truth.first_date < day <= SETTLED_UNTIL for day in days["local_date"]]]
        assert len(settled) == (SETTLED_UNTIL - truth.first_date).days
        told = settled[[f"{name}_wh" for name in FLOWS]].to_numpy()
        for row, day in zip(told, settled["local_date"], strict=True):
            assert dict(zip(FLOWS, row.tolist(), strict=True)) == truth.daily_wh(day), (spec.site_name, day)


def test_a_dropped_day_is_filled_and_a_zero_row_is_outvoted(asked: Asked) -> None:
    """The month lacks one day and has zeros for another: the estimate says which source it believed instead."""
    with connect(asked.data_dir / "warehouse.duckdb") as warehouse:
        rows = warehouse.execute(
            "select local_date, status, source from main.daily where site_id = ? and local_date in (?, ?) order by 1",
            [JUNIPER, date(2025, 11, 29), date(2025, 12, 6)],
        ).fetchall()
    assert [status for _, status, _ in rows] == ["filled", "filled"]
    assert all(source != "calendar_history/month" for _, _, source in rows)


def test_witnesses_are_asked_once(asked: Asked) -> None:
    """Days that the month dropped or contradicts: their week is asked, settled weeks never again, within the cap."""
    weeks = [params for _, params in asked.served.asked_history() if params.get("period") == "week"]
    assert weeks
    ends = [(params["end_date"]) for params in weeks]
    assert len(ends) == len(set(ends))
    before = len(asked.served.asked_history())
    workspace = asked.served.workspace(asked.data_dir)
    backfill(workspace, LocalEngine(), Selection(since=date(2025, 11, 1), until=date(2026, 1, 10)))
    workspace.close()
    again = asked.served.asked_history()[before:]
    assert [params for _, params in again if params.get("period") == "week"] == []


def test_the_same_raw_gives_the_same_rows(asked: Asked, tmp_path: Path) -> None:
    """Reconciled again, and made from raw alone: the same rows in the same order."""
    lake = Lake(asked.data_dir / "lake")
    first = {name: lake.read(name) for name in ("reconciliation", "daily", "energy_periods")}
    for make in (reconcile, rebuild):
        workspace = asked.served.workspace(asked.data_dir)
        summary = make(workspace, LocalEngine())
        workspace.close()
        assert make is rebuild or summary.rows_written == summary.rows["sites"] + summary.rows["site_settings"]
        for name, frame in first.items():
            assert lake.read(name).equals(frame), (make.__name__, name)


def test_findings_as_markdown_show_names_letter_by_letter(asked: Asked) -> None:
    """Every site with its checks and its largest differences."""
    text = as_markdown(asked.findings())
    assert "## Juniper Ridge" in text
    assert "| month\\_vs\\_days |" in text or "| month_vs_days |" in text
    assert "2025-12-06 is missing from the month series" in text


def call(monkeypatch: pytest.MonkeyPatch, data_dir: Path, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["wattlog", "--data-dir", str(data_dir), *arguments])
    return run()


def test_reconcile_tells_programs_what_it_tells_people(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """`--json` has every difference with its words; `--site` and `--since` choose; `--strict` ends with 0: all explained."""
    assert call(monkeypatch, asked.data_dir, "reconcile", "--json", "--strict", "--site", str(JUNIPER)) == 0
    told = json.loads(capsys.readouterr().out)
    (site,) = told["sites"]
    assert (told["unexplained"], site["site_id"]) == (0, JUNIPER)
    assert {each["check_name"] for each in site["checks"]} >= {"day_vs_month_series", "month_vs_days", "year_vs_days"}
    dropped = [each for each in site["differences"] if each["cause"] == "dropped_day"]
    assert dropped
    assert all(each["in_words"].startswith("2025-12-06 is missing from the month series") for each in dropped)

    assert call(monkeypatch, asked.data_dir, "reconcile", "--json", "--since", "2025-12-01") == 0
    told = json.loads(capsys.readouterr().out)
    assert min(each["period_start"] for site in told["sites"] for each in site["differences"]) >= "2025-12-01"

    assert call(monkeypatch, asked.data_dir, "reconcile") == 0
    shown = capsys.readouterr().out
    assert "Juniper Ridge" in shown
    assert "2025-12-06 is missing from the month series" in shown


def test_an_unknown_site_is_a_usage_error(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert call(monkeypatch, asked.data_dir, "reconcile", "--site", "1") == 2
    assert "site 1 is not on this account" in capsys.readouterr().err


def test_strict_says_when_something_is_unexplained(
    asked: Asked, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A row without a cause, put into the lake by hand, ends `--strict` with 1 and nothing else."""
    lake = Lake(asked.data_dir / "lake")
    part = next(each for each in lake.partitions("reconciliation") if each.month == "2025-12")
    assert part.site_id is not None
    frame, digest = (
        lake.read_partition(part, "reconciliation"),
        lake.digest_of("reconciliation", part.site_id, "2025-12"),
    )
    assert digest is not None
    days = frame["granularity"] == "day"
    odd = frame.assign(cause=frame["cause"].where(~days | (frame["verdict"] == "agree"), "unexplained"))
    lake.write("reconciliation", odd, site_id=part.site_id, month="2025-12", digest=digest)
    try:
        assert call(monkeypatch, asked.data_dir, "reconcile", "--strict") == 1
        assert "unexplained" in capsys.readouterr().err
        assert call(monkeypatch, asked.data_dir, "reconcile") == 0
    finally:
        lake.write("reconciliation", frame, site_id=part.site_id, month="2025-12", digest=digest)
