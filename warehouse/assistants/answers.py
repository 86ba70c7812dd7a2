"""What the tools answer: the dictionary, rows of a statement, a day in numbers, and differences, small enough to read."""

from collections.abc import Callable
from datetime import date
from typing import Any, Final

from warehouse.dashboard import queries
from warehouse.dashboard.dictionary import dictionary
from warehouse.dashboard.published import PublishedWarehouse
from warehouse.dashboard.statements import Statements
from warehouse.errors import QueryFailed
from warehouse.report.queries import report_data

Json = dict[str, Any]

MAX_ROWS: Final = 200
"""Rows of a statement; an assistant that needs more asks for sums."""

MAX_DIFFERENCES: Final = 20
_CAUSES: Final = frozenset({"causes", "comparisons", "differences"})


class Answers:
    """Answers from one data directory."""

    def __init__(self, warehouse: PublishedWarehouse, *, statement_s: float | None) -> None:
        """Nothing is read yet.

        Args:
            warehouse: What they are about.
            statement_s: How long DuckDB may work on a statement, in seconds; None for no limit.
        """
        self._warehouse = warehouse
        self._statements = Statements(warehouse.path, limit_s=statement_s)

    def schema(self, relation: str | None) -> Json:
        """All relations with their grain and the example queries, or the columns of one.

        Raises:
            QueryFailed: There is no such relation.
        """
        known = dictionary()
        if relation is None:
            relations = [{"name": found["name"], "grain": found["grain"]} for found in known["relations"]]
            return {"relations": relations, "examples": known["examples"]}
        found = next((found for found in known["relations"] if found["name"] == relation), None)
        if found is None:
            raise QueryFailed(f"there is no relation {relation[:80]!r}; schema without a name lists them")
        return dict(found)

    async def query(self, sql: str, rows: int) -> Json:
        """The first rows of one SELECT; see `warehouse.dashboard.statements.Statements.run`.

        Raises:
            QueryFailed: The statement is refused or fails.
        """
        if not 1 <= rows <= MAX_ROWS:
            raise QueryFailed(f"rows is from 1 to {MAX_ROWS}; ask for sums instead of more rows")
        found = await self._statements.run(sql)
        return {
            "columns": found["columns"],
            "rows": found["rows"][:rows],
            "has_more": found["has_more"] or len(found["rows"]) > rows,
        }

    def day(self, day: str, site_id: int | None) -> Json:
        """One local day of each site, or of one: energies in kWh, status, and events.

        Raises:
            QueryFailed: The day or the site makes no sense.
        """
        local_date = _day(day)

        def read(connection: Any) -> Json:
            chosen = [
                site
                for site in queries.account(connection)["sites"]
                if site_id is None or site["site_id"] == str(site_id)
            ]
            if not chosen:
                raise QueryFailed(f"there is no site {site_id}")
            return {
                "day": day,
                "sites": [_summary(queries.day(connection, int(site["site_id"]), local_date), site) for site in chosen],
            }

        return self._read(read)

    def differences(self, since: str, until: str, site_id: int | None) -> Json:
        """Where Tesla's figures disagree between two days: causes with their sentences, and the largest differences.

        Whole months are looked at, as in the report.

        Raises:
            QueryFailed: A day or the site makes no sense.
        """
        first, last = _day(since), _day(until)

        def read(connection: Any) -> Json:
            report = report_data(
                connection,
                made_at=queries.utc_now(),
                sites=None if site_id is None else [site_id],
                since=first,
                until=last,
                only=_CAUSES,
            )
            return {
                "sites": [
                    {
                        "site_id": site.site_id,
                        "name": site.name,
                        "comparisons": sum(count for count in site.comparisons["compared"] if isinstance(count, int)),
                        "causes": [
                            row | {"sentence": report.cause_sentences[row["cause"]]} for row in _rows(site.causes)
                        ],
                        "largest_kwh": sorted(
                            _rows(site.differences), key=lambda row: abs(row["difference"] or 0), reverse=True
                        )[:MAX_DIFFERENCES],
                    }
                    for site in report.sites
                ]
            }

        return self._read(read)

    def _read(self, call: Callable[[Any], Json]) -> Json:
        with self._warehouse.reading() as (connection, _):
            return call(connection)


def _summary(found: Json, site: Json) -> Json:
    """A day of a site in few numbers. Power and prices of each interval are left out."""
    sums = found["sums"]
    energies = {
        f"{name}_kwh": value / 1000
        for name, value in (sums or {}).items()
        if name not in {"status", "coverage_pct"} and value is not None
    }
    return {
        "site_id": site["site_id"],
        "name": site["name"],
        "timezone": found["timezone"],
        "status": None if sums is None else sums["status"],
        "coverage_pct": None if sums is None else sums["coverage_pct"],
        **energies,
        "events": found["events"],
    }


def _rows(columns: dict[str, list[Any]]) -> list[Json]:
    return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise QueryFailed(f"{text[:40]!r} is no day; write it as 2025-03-31") from None
