"""`wattlog mcp`: a real client session with the command in a process of its own; and what the tools answer."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from mcp import Client, StdioServerParameters

from flows.cli import run
from flows.errors import ExitCode
from tests.unit.warehouse.conftest import Publish
from warehouse.assistants.answers import MAX_ROWS, Answers
from warehouse.assistants.server import server
from warehouse.dashboard import PublishedWarehouse

Session = Callable[[Client], Awaitable[Any]]


@pytest.fixture
def warehouse(publish: Publish) -> Path:
    days = [
        {"local_date": date(2025, 3, 1), "home_wh": 5_000.0, "status": "agreed"},
        {"local_date": date(2025, 3, 2), "status": "missing"},
    ]
    difference = {
        "check_name": "day_vs_month_series", "granularity": "day", "period_start": date(2025, 3, 1),
        "measure": "home_wh", "left_source": "calendar_history/day", "right_source": "calendar_history/month",
        "left_wh": 5_000.0, "right_wh": 4_000.0, "difference_wh": 1_000.0, "tolerance_wh": 1.0, "verdict": "differs",
        "cause": "unexplained",
    }  # fmt: skip
    return publish({"daily": days, "reconciliation": [difference]})


def _in_process(warehouse: Path, session: Session) -> Any:
    published = PublishedWarehouse(warehouse)

    async def talk() -> Any:
        async with Client(server(Answers(published, statement_s=60))) as client:
            return await session(client)

    try:
        return asyncio.run(talk())
    finally:
        published.close()


def _call(warehouse: Path, tool: str, **arguments: Any) -> Any:
    async def session(client: Client) -> Any:
        result = await client.call_tool(tool, arguments)
        return result.content[0].text if result.is_error else result.structured_content  # type: ignore[union-attr]

    return _in_process(warehouse, session)


@pytest.mark.slow
def test_a_client_talks_to_the_command(warehouse: Path) -> None:
    """Over standard input and output, as an assistant starts it; the process ends with the session."""
    command = ["-c", "from flows.cli import main; main()", "--data-dir", str(warehouse.parent), "mcp"]

    async def talk() -> tuple[list[Any], Any, Any]:
        async with Client(StdioServerParameters(command=sys.executable, args=command)) as client:
            tools = (await client.list_tools()).tools
            rows = await client.call_tool("query", {"sql": "select home_kwh from analytics.daily order by all"})
            refused = await client.call_tool("query", {"sql": "drop table main.daily"})
            return tools, rows, refused

    tools, rows, refused = asyncio.run(talk())
    assert {tool.name for tool in tools} == {"schema", "query", "day_summary", "differences"}
    assert all(tool.annotations.read_only_hint and tool.description for tool in tools)
    assert rows.structured_content == {"columns": ["home_kwh"], "rows": [["5"], [None]], "has_more": False}
    assert refused.is_error
    assert "SELECT" in refused.content[0].text


def test_schema_lists_relations_and_the_columns_of_one(warehouse: Path) -> None:
    found = _call(warehouse, "schema")
    assert {"name": "analytics.daily"}.items() <= next(
        relation for relation in found["relations"] if relation["name"] == "analytics.daily"
    ).items()
    assert "columns" not in found["relations"][0]
    assert {column["name"] for column in _call(warehouse, "schema", relation="main.daily")["columns"]} >= {"home_wh"}
    assert "no relation" in _call(warehouse, "schema", relation="main.nothing")


def test_query_has_a_limit_of_rows(warehouse: Path) -> None:
    found = _call(warehouse, "query", sql="select * from range(300)", rows=3)
    assert (found["rows"], found["has_more"]) == ([["0"], ["1"], ["2"]], True)
    assert f"from 1 to {MAX_ROWS}" in _call(warehouse, "query", sql="select 1", rows=MAX_ROWS + 1)


def test_day_is_given_in_kwh_with_what_is_known_of_it(warehouse: Path) -> None:
    (site,) = _call(warehouse, "day_summary", day="2025-03-01")["sites"]
    assert (site["site_id"], site["status"], site["home_kwh"], site["events"]) == ("1001", "agreed", 5.0, [])
    (site,) = _call(warehouse, "day_summary", day="2025-03-02", site_id=1001)["sites"]
    assert (site["status"], "home_kwh" in site) == ("missing", False)
    assert "no site 7" in _call(warehouse, "day_summary", day="2025-03-01", site_id=7)
    assert "is no day" in _call(warehouse, "day_summary", day="yesterday")


def test_differences_come_with_their_causes(warehouse: Path) -> None:
    (site,) = _call(warehouse, "differences", since="2025-03-01", until="2025-03-31")["sites"]
    assert site["comparisons"] == 1
    assert (site["causes"][0]["cause"], site["largest_kwh"][0]["difference"]) == ("unexplained", 1.0)
    assert site["causes"][0]["sentence"]


def test_without_a_warehouse_or_on_a_store_it_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--data-dir", str(tmp_path), "mcp"]) == ExitCode.USAGE
    assert "wattlog backfill" in capsys.readouterr().err
    assert run(["--data-dir", "s3://bucket/prefix", "mcp"]) == ExitCode.USAGE
    assert "is a store" in capsys.readouterr().err
