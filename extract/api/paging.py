"""Everything that belongs to one planned request: its pages, a second attempt after a wrong window, series not offered.

`fetch` gets a response; this module makes sure that it is the response to what was planned.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final

from extract.archive.raw_archive import ArchiveRecord, IndexEntry
from extract.errors import EndpointRetired, NotOffered, PagesEndless, PagingLooped, Refused, WrongWindow
from extract.requests import Request
from wattlog.api_json import UnreadableJson, read_records
from wattlog.series import SERIES
from wattlog.series_spec import Series

log = logging.getLogger(__name__)

Fetch = Callable[[Request], IndexEntry]
Load = Callable[[IndexEntry], ArchiveRecord]

MAX_PAGES: Final = 200
"""No history has so many: a page has some tens of outages (Q32) or 50 sessions, and there are a few of either in a month."""

_SERIES_PARAMETERS = ("kind", "period", "interval")
"""A text of a 400 with one of these says that the series is unknown; any other, that the request is wrong."""


def fetch_all_pages(request: Request, fetch: Fetch, load: Load) -> list[IndexEntry]:
    """The responses to a request: one, or its pages.

    Args:
        request: The request.
        fetch: Gets a response; see `Fetcher.fetch`.
        load: Loads the record of a response.

    Raises:
        NotOffered: The provider does not have the series, or no longer has it.
        WrongWindow: The response is for another window, and so is the next one (Q22).
        PagingLooped: A page leads to one that is not older (Q32).
        PagesEndless: There are more than `MAX_PAGES` pages.
        ExtractError: There is no response; see `Fetcher.fetch`.
    """
    try:
        if SERIES[request.series].is_paged:
            return list(_pages(request, fetch, load))
        return [_fetch_again_if_wrong(request, fetch)]
    except EndpointRetired as error:
        if request.series in {Series.HISTORY, Series.TARIFF_RATE}:
            raise NotOffered(request.series, error.detail) from error
        raise
    except Refused as error:
        if error.status == 400 and request.series is not Series.SNAPSHOT and _names_the_series(error.detail):
            raise NotOffered(request.series, error.detail) from error
        raise


def _names_the_series(detail: str) -> bool:
    return any(word in detail.lower() for word in _SERIES_PARAMETERS)


def _fetch_again_if_wrong(request: Request, fetch: Fetch) -> IndexEntry:
    """A second request for the same window was seen to give the right one; both responses are kept (Q22)."""
    try:
        return fetch(request)
    except WrongWindow as error:
        log.info("requesting again: %s", error)
        return fetch(request)


def _pages(request: Request, fetch: Fetch, load: Load) -> Iterator[IndexEntry]:
    """One page after another; each response names the `end_date` of the next page.

    Every page must be older than the one before it, and there are at most `MAX_PAGES`, so the loop ends.
    """
    for _ in range(MAX_PAGES):
        entry = fetch(request)
        yield entry
        end_date = dict(request.params)["end_date"]
        following = next_end_date(load(entry).body)
        if following is None:
            return
        if not _goes_back(end_date, following):
            log.warning("paging does not go back request=%s end_date=%s next=%s", request.what, end_date, following)
            raise PagingLooped(request.what, end_date, following)
        params = tuple((name, following if name == "end_date" else value) for name, value in request.params)
        request = replace(request, params=params)
    raise PagesEndless(request.what, MAX_PAGES, dict(request.params)["end_date"])


def fetch_numbered_pages(
    page: Callable[[int], Request], size: int, fetch: Fetch, load: Load, ids: Callable[[bytes], Sequence[str]]
) -> Iterator[IndexEntry]:
    """Numbered pages until one is short, or has nothing that is new (Q114).

    Whether the first page is 0 or 1 is not documented. Where both are the same one, page 1 has nothing new and is not the last.

    Args:
        page: Makes the request of a page.
        size: Entries on a whole page.
        fetch: Gets a response; see `Fetcher.fetch`.
        load: Loads the record of a response.
        ids: The ids of the entries of a page.

    Raises:
        PagesEndless: There are more than `MAX_PAGES` pages.
        ExtractError: There is no response; see `Fetcher.fetch`.
    """
    known: set[str] = set()
    for number in range(MAX_PAGES):
        request = page(number)
        entry = fetch(request)
        yield entry
        found = ids(load(entry).body)
        if len(found) < size or (number > 1 and known.issuperset(found)):
            return
        known.update(found)
    raise PagesEndless(request.what, MAX_PAGES, f"page {MAX_PAGES}")


def next_end_date(body: bytes) -> str | None:
    """The `end_date` of the next page; None on the last page (Q32)."""
    try:
        document, _ = read_records(body)
    except UnreadableJson:
        return None
    response = document.get("response") if isinstance(document, dict) else None
    following = response.get("next_end_date") if isinstance(response, dict) else None
    return following if isinstance(following, str) and following else None


def _goes_back(end_date: str, following: str) -> bool:
    try:
        return datetime.fromisoformat(following) < datetime.fromisoformat(end_date)
    except (ValueError, TypeError):  # no instant, or one without an offset
        return False
