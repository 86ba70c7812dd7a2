"""Statements that a person writes, each in a process of its own: it ends when it must, its memory is its own, and a statement
that takes long does not keep an old warehouse open in the server.

The limits are those of `wattlog sql`: one SELECT, locked connection, time limit. The text comes on standard input.
"""

import asyncio
import sys
from pathlib import Path
from typing import Any

import orjson

from warehouse.errors import QueryFailed, QueryTooLong, WarehouseError

MAX_ROWS = 1_000
"""Rows that a page shows; a file of all rows is what `wattlog sql --out` is for."""

MEMORY = "25%"
PROCESSES = 2
"""Statements at the same time; others wait."""

END_S = 5.0
"""How long a process may take to start and to end, in addition to the time limit."""

Json = dict[str, Any]


class Statements:
    """Runs statements."""

    def __init__(self, warehouse: Path, *, limit_s: float | None, end_s: float = END_S) -> None:
        """Nothing is started yet.

        Args:
            warehouse: The published file.
            limit_s: How long DuckDB may work on a statement, in seconds.
            end_s: See `END_S`.
        """
        self._warehouse, self._limit_s, self._end_s = warehouse, limit_s, end_s
        self._free = asyncio.Semaphore(PROCESSES)

    async def run(self, sql: str) -> Json:
        """The first rows of a statement: `columns`, `is_number`, `rows` of texts, and whether there are more.

        Raises:
            QueryFailed: The statement is refused or fails, or its process ends without a result.
            QueryTooLong: It took longer than the limit.
        """
        async with self._free:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-P",  # no module of the directory in which the command was started
                "-m",
                "warehouse.dashboard.statements",
                str(self._warehouse),
                str(self._limit_s or 0),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.DEVNULL,
            )
            wait_s = None if self._limit_s is None else self._limit_s + self._end_s
            try:
                output, _ = await asyncio.wait_for(process.communicate(sql.encode()), wait_s)
            except TimeoutError:
                raise QueryTooLong(self._limit_s or 0.0) from None
            finally:
                if process.returncode is None:
                    process.kill()
                    await process.wait()
        try:
            found: Json = orjson.loads(output)
        except orjson.JSONDecodeError:
            raise QueryFailed("the statement's process ended without a result; it may need more memory") from None
        if "error" in found:
            raise QueryFailed(found["error"])
        return found


def first_rows(warehouse: Path, sql: str, *, limit_s: float | None, rows: int = MAX_ROWS) -> Json:
    """The first rows of one statement; see `Statements.run`.

    Raises:
        WarehouseError: The statement is refused, fails, or takes too long; the warehouse cannot be opened.
    """
    from warehouse.query.query import connect, run_for_text

    with connect(warehouse, memory=MEMORY) as connection:
        result = run_for_text(connection, sql, limit_s=limit_s)
        found: list[tuple[str | None, ...]] = []
        for texts in result.texts():
            found += zip(*texts, strict=True)
            if len(found) > rows:
                break
        return {
            "columns": result.columns,
            "is_number": result.is_number,
            "rows": found[:rows],
            "has_more": len(found) > rows,
        }


def main() -> None:
    """Run the statement on standard input; one JSON object on standard output, and an end without a shutdown in order."""
    import os

    warehouse, limit_s = Path(sys.argv[1]), float(sys.argv[2]) or None
    try:
        found = first_rows(warehouse, sys.stdin.read(), limit_s=limit_s)
    except WarehouseError as error:
        found = {"error": str(error)}
    sys.stdout.buffer.write(orjson.dumps(found))
    sys.stdout.flush()
    os._exit(0)  # a call into DuckDB that did not stop would be waited for


if __name__ == "__main__":
    main()
