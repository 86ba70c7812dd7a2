"""Both engines run the same steps and leave the same warehouse."""

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from flows.pipeline import Selection
from tests.simulated import Account, account
from warehouse.query import connect
from warehouse.schema import TABLES

SINCE, UNTIL = date(2025, 10, 30), date(2025, 11, 4)
"""Six days around California's change of the clock, and over the end of a month."""

LINEAGE = {"_fetched_at", "_raw_id", "_run_id", "raw_id", "run_id", "elapsed_ms", "bytes"}
"""Columns that say which run a row came from; a body's size differs with the instant inside it."""


@pytest.fixture
def served() -> Iterator[Account]:
    with account() as made:
        yield made


def content(path: Path) -> dict[str, list[tuple[object, ...]]]:
    """Every row of every table and of analytics.daily, without lineage."""
    with connect(path) as connection:
        return {
            name: _rows(connection, name, [each for each in table.columns if each not in LINEAGE])
            for name, table in TABLES.items()
            if name != "runs"
        } | {"analytics.daily": _rows(connection, "analytics.daily", ["*"])}


def _rows(connection: duckdb.DuckDBPyConnection, name: str, columns: list[str]) -> list[tuple[object, ...]]:
    return sorted(connection.execute(f"select {', '.join(columns)} from {name}").fetchall(), key=repr)


def test_local_and_prefect_leave_the_same_warehouse(served: Account, tmp_path: Path, prefect_server: None) -> None:
    from flows.deployed import run_on_prefect

    local = served.backfill(tmp_path / "local", SINCE, until=UNTIL)
    workspace = served.workspace(tmp_path / "prefect")
    on_prefect = run_on_prefect(workspace, Selection(since=SINCE, until=UNTIL), "backfill")
    workspace.close()
    assert on_prefect.exit_code == local.exit_code == 0
    assert on_prefect.rows == local.rows
    assert on_prefect.requests == local.requests
    ours, theirs = content(tmp_path / "local/warehouse.duckdb"), content(tmp_path / "prefect/warehouse.duckdb")
    for name, rows in ours.items():
        assert theirs[name] == rows, name
    assert len(ours["energy_intervals"]) == 6 * 288 * 2 + 12, "the 25-hour day has twelve more"


def test_the_deployed_flow_runs_with_plain_parameters(
    served: Account, tmp_path: Path, prefect_server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a deployment calls: settings from the worker's environment, parameters as JSON has them."""
    from flows.deployed import backfill

    for name, value in served.settings(tmp_path).model_dump(mode="json").items():
        if name in {"provider", "api_base_url"}:
            monkeypatch.setenv(f"WATTLOG_{name.upper()}", str(value))
    as_json: dict[str, Any] = {"sites": [2104877316], "series": ["power"], "since": "2026-01-10"}
    result = backfill(**as_json, data_dir=tmp_path)
    assert result["exit_code"] == 0
    assert result["rows"]["power"] > 0
    assert result["rows"]["energy_intervals"] == 0
    assert {name for name in result if "frame" in name} == set()


def test_the_deployed_flow_fails_where_a_run_does(
    served: Account, tmp_path: Path, prefect_server: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A failed run is a failed flow run, and says what to do."""
    from extract.errors import AuthExpired
    from flows.deployed import backfill

    monkeypatch.setenv("WATTLOG_PROVIDER", "simulator")
    monkeypatch.setenv("WATTLOG_API_BASE_URL", served.server.base_url)
    monkeypatch.setenv("WATTLOG_ACCESS_TOKEN", "not-the-token")
    with pytest.raises(AuthExpired, match="WATTLOG_ACCESS_TOKEN"):
        backfill(data_dir=tmp_path)
