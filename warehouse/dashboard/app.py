"""The dashboard's application: one page, its files, and what its views ask, as JSON."""

import threading
from collections.abc import Callable, Mapping
from datetime import date, datetime
from enum import StrEnum
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar

import duckdb
import orjson
from anyio import CapacityLimiter, to_thread
from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp

from warehouse.dashboard import csv_file, periods, queries
from warehouse.dashboard.access import Access, Guard
from warehouse.dashboard.dictionary import dictionary
from warehouse.dashboard.page_files import file_response, page_response
from warehouse.dashboard.periods import By, How
from warehouse.dashboard.published import PublishedWarehouse
from warehouse.dashboard.queries import Section
from warehouse.dashboard.sql import Json
from warehouse.dashboard.statements import Statements
from warehouse.errors import QueryFailed, WarehouseError
from warehouse.report.write import what_if_answers
from wattlog.causes import SENTENCES
from wattlog.tolerances import MONTH_KWH, SHARE

ALL_SITES = "all"

READERS = CapacityLimiter(8)
"""Requests that read at the same time; others wait. More would be no quicker on DuckDB's two threads, and take more memory."""

Closed = TypeVar("Closed", bound=StrEnum)
Answer = Callable[[duckdb.DuckDBPyConnection, Request], Json]


def dashboard_app(
    warehouse: PublishedWarehouse,
    access: Access,
    *,
    answers: Path | None = None,
    statement_s: float | None = None,
    now: Callable[[], datetime] = queries.utc_now,
) -> ASGIApp:
    """The application.

    Args:
        warehouse: What the pages are about.
        access: Who may use them.
        answers: Directory with the last answers of `wattlog what-if`.
        statement_s: How long DuckDB may work on a statement of a person, in seconds; None for no limit.
        now: The present.
    """

    def section(connection: duckdb.DuckDBPyConnection, request: Request) -> Json:
        return queries.section(
            connection,
            _choice(request, "section", Section),
            _site(request),
            _number(request, "year"),
            made_at=now(),
            what_if=what_if_answers(answers),
        )

    sections: Mapping[str, Answer] = {
        "overview": lambda connection, request: queries.overview(connection, _sites(request)),
        "day": lambda connection, request: queries.day(connection, _site(request), _day(request, "day")),
        "day_together": lambda connection, request: queries.day_together(
            connection, _sites(request), _day(request, "day")
        ),
        "range": _range,
        "years": lambda connection, request: periods.years(connection, _sites(request)),
        "section": section,
        "section_of_sites": lambda connection, request: queries.section_of_sites(
            connection, _choice(request, "section", Section), _sites(request), _number(request, "year")
        ),
        "dictionary": lambda connection, _: dictionary(),
    }
    routes = [Route(f"/api/{name}", _endpoint(warehouse, answer)) for name, answer in sections.items()]
    routes += [
        Route(f"/api/{name}", _endpoint_of_edition(warehouse, answer))
        for name, answer in {"account": _account, "fleet": queries.fleet}.items()
    ]
    routes += [
        Route("/", page_response),
        Route("/assets/{digest}/{name}", file_response),
        Route("/api/edition", _edition_of(warehouse)),
        Route("/api/range.csv", _range_csv(warehouse)),
        Route("/api/sql", _sql(Statements(warehouse.path, limit_s=statement_s)), methods=["POST"]),
    ]
    return Guard(GZipMiddleware(Starlette(routes=routes), minimum_size=2_000, compresslevel=5), access)


def _endpoint(warehouse: PublishedWarehouse, answer: Answer) -> Callable[[Request], Any]:
    """An endpoint that reads the warehouse: in a thread, so that others are served meanwhile."""

    def read(request: Request) -> Json:
        with warehouse.reading() as (connection, edition):
            return answer(connection, request) | {"edition": edition}

    async def endpoint(request: Request) -> Response:
        return await _in_json(read, request)

    return endpoint


def _endpoint_of_edition(
    warehouse: PublishedWarehouse, answer: Callable[[duckdb.DuckDBPyConnection], Json]
) -> Callable[[Request], Any]:
    """An endpoint whose answer is the same until the next publish: it is computed once."""
    computing = threading.Lock()
    known: dict[str, bytes] = {}

    def read() -> bytes:
        with computing:
            published = warehouse.edition()
            if published not in known:
                with warehouse.reading() as (connection, edition):
                    found = orjson.dumps(answer(connection) | {"edition": edition})
                known.clear()
                known[edition] = found
                return found
            return known[published]

    async def endpoint(_: Request) -> Response:
        return await _in_json(read)

    return endpoint


async def _in_json(call: Callable[..., Json | bytes], *arguments: Any) -> Response:
    try:
        return _json(await to_thread.run_sync(call, *arguments, limiter=READERS))
    except QueryFailed as error:
        return _json({"error": str(error)}, 400)
    except WarehouseError as error:
        return _json({"error": str(error)}, 503)


def _json(content: Json | bytes, status: int = 200) -> Response:
    encoded = content if isinstance(content, bytes) else orjson.dumps(content)
    return Response(encoded, status, media_type="application/json")


def _account(connection: duckdb.DuckDBPyConnection) -> Json:
    return queries.account(connection) | {
        "version": version("wattlog"),
        "cause_sentences": {cause.value: sentence for cause, sentence in SENTENCES.items()},
        "month_tolerance": {"kwh": MONTH_KWH, "share": SHARE},
    }


def _range(connection: duckdb.DuckDBPyConnection, request: Request, *, is_whole: bool = False) -> Json:
    return periods.energy_range(
        connection,
        _sites(request),
        _day(request, "from"),
        _day(request, "to"),
        _choice(request, "by", By),
        _choice(request, "how", How, How.SUM),
        is_whole=is_whole,
    )


def _range_csv(warehouse: PublishedWarehouse) -> Callable[[Request], Any]:
    def read(request: Request) -> bytes:
        with warehouse.reading() as (connection, _):
            return csv_file.of_range(_range(connection, request, is_whole=True))

    async def endpoint(request: Request) -> Response:
        try:
            content = await to_thread.run_sync(read, request, limiter=READERS)
        except WarehouseError as error:
            return _json({"error": str(error)}, 400 if isinstance(error, QueryFailed) else 503)
        name = "-".join(["wattlog", request.query_params["from"], request.query_params["to"]])
        return Response(
            content, media_type="text/csv", headers={"content-disposition": f'attachment; filename="{name}.csv"'}
        )

    return endpoint


def _edition_of(warehouse: PublishedWarehouse) -> Callable[[Request], Any]:
    async def endpoint(_: Request) -> Response:
        return await _in_json(lambda: {"edition": warehouse.edition()})

    return endpoint


def _sql(statements: Statements) -> Callable[[Request], Any]:
    async def endpoint(request: Request) -> Response:
        try:
            sql = orjson.loads(await request.body())["sql"]
        except (orjson.JSONDecodeError, KeyError, TypeError):
            sql = None
        if not isinstance(sql, str):
            return _json({"error": "send an object with the statement as `sql`"}, 400)
        try:
            return _json(await statements.run(sql))
        except WarehouseError as error:
            return _json({"error": str(error)}, 400)

    return endpoint


# --- parameters -------------------------------------------------------------------------------------------------------


def _text(request: Request, name: str) -> str:
    try:
        return request.query_params[name]
    except KeyError:
        raise QueryFailed(f"the address has no {name!r}") from None


def _number(request: Request, name: str) -> int:
    text = _text(request, name)
    if not (text.isascii() and text.isdecimal() and len(text) < 20):
        raise QueryFailed(f"{name!r} is no number: {text[:40]!r}")
    number = int(text)
    if name == "year" and not 1 < number < 9999:
        raise QueryFailed(f"there is no year {number}")
    return number


def _site(request: Request) -> int:
    return _one_site(_text(request, "site"))


def _sites(request: Request) -> list[int] | None:
    """Ids of sites; None for all, since an address cannot name a thousand."""
    if _text(request, "site") == ALL_SITES:
        return None
    return [_one_site(text) for text in _text(request, "site").split(",")]


def _one_site(text: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) < 19):
        raise QueryFailed(f"{text[:40]!r} is no site id")
    return int(text)


def _day(request: Request, name: str) -> date:
    text = _text(request, name)
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise QueryFailed(f"{name!r} is no day: {text[:40]!r}; write it as 2025-03-31") from None


def _choice(request: Request, name: str, kind: type[Closed], default: Closed | None = None) -> Closed:
    text = request.query_params.get(name)
    if text is None and default is not None:
        return default
    try:
        return kind(text or "")
    except ValueError:
        raise QueryFailed(f"{name!r} is one of {', '.join(kind)}") from None
