"""The tools, served on standard input and output."""

from collections.abc import Awaitable
from functools import partial
from importlib.metadata import version
from typing import Annotated, Any, TypeVar

import anyio
from mcp.server import MCPServer
from mcp.server.mcpserver.exceptions import ToolError
from mcp.types import ToolAnnotations
from pydantic import Field

from warehouse.assistants.answers import MAX_ROWS, Answers
from warehouse.errors import WarehouseError

INSTRUCTIONS = """The history of one owner's Tesla energy sites, read-only.
Energies in analytics.* are in kWh, in main.* in Wh; NULL is "not measured", never zero. Days are of each site's own calendar.
Begin with `schema`. Prefer analytics.daily, analytics.monthly, and analytics.yearly, the best estimates, to sums of intervals.
Say which days are missing or provisional."""

_READ_ONLY = ToolAnnotations(read_only_hint=True, destructive_hint=False, idempotent_hint=True, open_world_hint=False)

Found = TypeVar("Found")

SiteId = Annotated[int | None, Field(description="Only this site; all sites when left out.")]


def server(answers: Answers) -> MCPServer[Any]:
    """The server with its tools.

    Args:
        answers: What they answer.
    """
    made: MCPServer[Any] = MCPServer(
        "wattlog", version=version("wattlog"), instructions=INSTRUCTIONS, log_level="WARNING"
    )

    @made.tool(annotations=_READ_ONLY)
    async def schema(
        relation: Annotated[str | None, Field(description="For its columns, such as analytics.daily.")] = None,
    ) -> dict[str, Any]:
        """List all tables and models with what one row is, and example queries; or the columns of one, with units."""
        return await _or_error(anyio.to_thread.run_sync(answers.schema, relation))

    @made.tool(annotations=_READ_ONLY)
    async def query(
        sql: Annotated[str, Field(description="One SELECT in DuckDB's SQL.")],
        rows: Annotated[int, Field(description=f"How many rows at most, up to {MAX_ROWS}.")] = 50,
    ) -> dict[str, Any]:
        """Run one SELECT. It cannot change anything, read files, or reach a network, and has a time limit."""
        return await _or_error(answers.query(sql, rows))

    @made.tool(annotations=_READ_ONLY)
    async def day_summary(
        day: Annotated[str, Field(description="A day of the site's calendar, as 2025-03-31.")], site_id: SiteId = None
    ) -> dict[str, Any]:
        """Give one day in numbers: energies in kWh, how reliable they are, outages, charge sessions, and commands."""
        return await _or_error(anyio.to_thread.run_sync(partial(answers.day, day, site_id)))

    @made.tool(annotations=_READ_ONLY)
    async def differences(
        since: Annotated[str, Field(description="First day; its month is looked at as a whole.")],
        until: Annotated[str, Field(description="Last day; its month is looked at as a whole.")],
        site_id: SiteId = None,
    ) -> dict[str, Any]:
        """Say where Tesla's own figures disagree, how many of them and why, with the largest differences."""
        return await _or_error(anyio.to_thread.run_sync(partial(answers.differences, since, until, site_id)))

    return made


async def _or_error(answer: Awaitable[Found]) -> Found:
    """An answer; what a person must change as the error of a tool, in one line."""
    try:
        return await answer
    except WarehouseError as error:
        raise ToolError(str(error)) from None


def serve(answers: Answers) -> None:
    """Serve on standard input and output until the input ends."""
    anyio.run(server(answers).run_stdio_async)
