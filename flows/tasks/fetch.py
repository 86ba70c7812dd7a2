"""The first step: send the requests of a chunk and keep the responses.

Failures are part of the result, so that one bad window never costs the others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from extract.api.paging import fetch_all_pages
from extract.api.planner import Chunk
from extract.errors import BudgetSpent, ExtractError, NotOffered, Retryable, RunStopped
from extract.requests import ACCOUNT, Request, question_of
from flows.errors import STOPS_THE_RUN
from flows.fetch_session import FetchSession, OnRequest
from wattlog.series import SERIES


@dataclass(frozen=True, slots=True)
class Failure:
    """A request without a response, and the reason."""

    what: str
    error: ExtractError
    site_id: int = ACCOUNT


@dataclass(frozen=True, slots=True)
class Fetched:
    """The result of fetching a chunk.

    Attributes:
        answered: Windows with a response.
        left: Windows that were not requested, because the run was stopped or its budget spent.
        failures: Windows whose requests failed.
        stopped_by: The error that every further request would meet, if there was one.
        not_offered: Series that the provider does not offer; their windows are not counted.
    """

    answered: int
    left: int
    failures: tuple[Failure, ...] = ()
    stopped_by: ExtractError | None = None
    not_offered: tuple[NotOffered, ...] = ()


def merged(parts: Iterable[Fetched]) -> Fetched:
    """The result of fetching several chunks."""
    results = list(parts)
    return Fetched(
        sum(result.answered for result in results),
        sum(result.left for result in results),
        tuple(failure for result in results for failure in result.failures),
        next((result.stopped_by for result in results if result.stopped_by is not None), None),
        tuple(error for result in results for error in result.not_offered),
    )


def fetch_windows(session: FetchSession, chunk: Chunk, on_request: OnRequest | None = None) -> Fetched:
    """Request every window of a chunk and keep the responses.

    A window that has a response of this very run is not requested again: a worker process may have died before it could
    return its result.
    """
    requests = _unanswered(session, chunk)
    fetched = fetch_all(session, requests, on_request)
    return replace(fetched, answered=fetched.answered + len(chunk.requests) - len(requests))


def _unanswered(session: FetchSession, chunk: Chunk) -> list[Request]:
    """The requests without a response of this run; a lifetime that comes in pages is not complete with one of them."""
    if SERIES[chunk.series].grain is None or SERIES[chunk.series].is_paged:
        return list(chunk.requests)
    answered = {
        (entry.question, entry.window_start, entry.window_end)
        for entry in session.archive.entries(chunk.site_id, chunk.month)
        if entry.run_id == session.context.run_id and entry.series == chunk.series and entry.is_conclusive
    }
    return [
        request
        for request in chunk.requests
        if request.window is None
        or (question_of(dict(request.params)), request.window.start, request.window.end) not in answered
    ]


def fetch_all(session: FetchSession, requests: Sequence[Request], on_request: OnRequest | None = None) -> Fetched:
    """Send requests one after the other; see `Fetched` for what can go wrong."""
    answered = 0
    failures: list[Failure] = []
    not_offered: list[NotOffered] = []
    for done, request in enumerate(requests):
        if session.stop.is_stopped() or request.site_id in session.skipped_sites:
            return Fetched(answered, len(requests) - done, tuple(failures), not_offered=tuple(not_offered))
        if request.series in session.not_offered:
            continue
        try:
            fetch_all_pages(request, session.fetcher.fetch, session.archive.load)
            answered += 1
            session.skipped_sites.note(request.site_id, is_failure=False)
        except NotOffered as error:
            session.not_offered.add(request.series)
            not_offered.append(error)
        except (BudgetSpent, RunStopped):
            session.stop.stop()
            return Fetched(answered, len(requests) - done, tuple(failures))
        except STOPS_THE_RUN as error:
            session.stop.stop()
            return Fetched(
                answered, len(requests) - done - 1, (*failures, Failure(request.what, error, request.site_id)), error
            )
        except ExtractError as error:
            failures.append(Failure(request.what, error, request.site_id))
            session.skipped_sites.note(request.site_id, is_failure=isinstance(error, Retryable))
        if on_request is not None:
            on_request(request.site_id, request.series)
    return Fetched(answered, 0, tuple(failures), not_offered=tuple(not_offered))
