"""Ask one planned request to its end: all pages of it, a wrong window once more, a series that is not offered no more.

`fetch` sees to it that a request is answered; here is what it takes for the answer to be the one that was wanted.
"""

import logging
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime

import orjson

from extract.archive import Entry, RawAnswer
from extract.errors import EndpointRetired, NotOffered, PagingLooped, Refused, WrongWindow
from extract.series import HISTORY, Request, Series

log = logging.getLogger(__name__)

Fetch = Callable[[Request], Entry]
Read = Callable[[Entry], RawAnswer]

_NAMES_THE_QUESTION = ("kind", "period", "interval")
"""Words of a 400 by which the server says that it does not know what is asked for, rather than how."""


def ask(request: Request, fetch: Fetch, read: Read) -> list[Entry]:
    """The answers to a request: one, or its pages.

    Args:
        request: What to ask.
        fetch: Asks until there is an answer.
        read: Gives the body of an answer.

    Raises:
        NotOffered: The provider does not know the series, or knows it no more.
        WrongWindow: The answer is about another window, and asked again it still is (Q22).
        PagingLooped: A page names one that is not older than itself (Q32).
        ExtractError: There is no answer; see `Fetcher.fetch`.
    """
    try:
        if request.series in HISTORY and HISTORY[request.series].is_paged:
            return list(_pages(request, fetch, read))
        return [_twice(request, fetch)]
    except EndpointRetired as error:
        if request.series is Series.HISTORY:
            raise NotOffered(request.series, error.detail) from error
        raise
    except Refused as error:
        if error.status == 400 and request.series is not Series.SNAPSHOT and _is_about_the_question(error.detail):
            raise NotOffered(request.series, error.detail) from error
        raise


def _is_about_the_question(detail: str) -> bool:
    return any(word in detail.lower() for word in _NAMES_THE_QUESTION)


def _twice(request: Request, fetch: Fetch) -> Entry:
    """Wrong windows were seen to be right when asked again; the wrong answer is kept beside the right one (Q22)."""
    try:
        return fetch(request)
    except WrongWindow as error:
        log.info("asking again: %s", error)
        return fetch(request)


def _pages(request: Request, fetch: Fetch, read: Read) -> Iterator[Entry]:
    """One answer after the other, each ending where the one before says that more is to be found.

    Every page has to be older than the one before it, so there is an end to them.
    """
    while True:
        entry = fetch(request)
        yield entry
        end_date = dict(request.params)["end_date"]
        following = next_end_date(read(entry).body)
        if following is None:
            return
        if not _goes_back(end_date, following):
            log.warning("paging does not go back request=%s end_date=%s next=%s", request.what, end_date, following)
            raise PagingLooped(request.what, end_date, following)
        params = tuple((name, following if name == "end_date" else value) for name, value in request.params)
        request = replace(request, params=params)


def next_end_date(body: bytes) -> str | None:
    """Where the next page of an answer ends; None on the last one (Q32)."""
    response = orjson.loads(body).get("response")
    following = response.get("next_end_date") if isinstance(response, dict) else None
    return following if isinstance(following, str) and following else None


def _goes_back(end_date: str, following: str) -> bool:
    try:
        return datetime.fromisoformat(following) < datetime.fromisoformat(end_date)
    except (ValueError, TypeError):  # no instant, or one without an offset
        return False
