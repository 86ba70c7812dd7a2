"""The requests that a backfill would make, how long they take, and what they cost."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from rich.table import Table

from extract.api.planner import Chunk
from extract.pricing import Estimate
from extract.requests import PRODUCTS, Request, live_status, site_info
from flows.console import note, print_lines, print_pairs, print_table
from flows.progress import MOST_PARTS
from transform.sites import Site
from wattlog.series import SERIES, planned_series
from wattlog.series_spec import Series


@dataclass(frozen=True, slots=True)
class Line:
    """The requests of one series of one site.

    Attributes:
        site_id: The site; None for those of the account.
        series: The series.
        requests: How many; pages after the first are not counted.
        first: First local day; None where there are no windows.
        last: Last local day.
        again: How many of the requests are for settled windows that are incomplete.
    """

    site_id: int | None
    series: Series
    requests: int
    first: date | None = None
    last: date | None = None
    again: int = 0


def lines_of(sites: Iterable[Site], chunks: Iterable[Chunk]) -> list[Line]:
    """The requests of a run: those for the account and its sites, then the history by site and series."""
    return [*_snapshots(sites), *_by_series(chunks)]


def lines_of_cars(series: Iterable[Series]) -> list[Line]:
    """The requests about the account's cars: the first page of public sessions, and the list of cars.

    How many cars are awake is not known before: each is one request more.
    """
    return [Line(None, name, 1) for name in series]


def _snapshots(sites: Iterable[Site]) -> list[Line]:
    """The requests that every run makes before those for history."""
    per_site = len([site_info, live_status])
    return [
        Line(None, PRODUCTS.series, 1),
        *(Line(site.site_id, Series.SNAPSHOT, per_site) for site in sites),
    ]


def _by_series(chunks: Iterable[Chunk]) -> list[Line]:
    grouped: dict[tuple[int, Series], list[Request]] = defaultdict(list)
    again: Counter[tuple[int, Series]] = Counter()
    for chunk in chunks:
        grouped[chunk.site_id, chunk.series] += chunk.requests
        again[chunk.site_id, chunk.series] += chunk.again
    lines = []
    for (site_id, series), requests in grouped.items():
        windows = [request.window for request in requests if request.window is not None]
        first = min((window.start for window in windows), default=None)
        last = max((window.end_at.date() for window in windows), default=None)
        lines.append(Line(site_id, series, len(requests), first, last, again[site_id, series]))
    order = planned_series()
    return sorted(lines, key=lambda line: (line.site_id or 0, order.index(line.series)))


def _of_all_sites(lines: list[Line], sites: int) -> list[tuple[str, Line]]:
    """One line for each series of a fleet."""
    found: list[tuple[str, Line]] = []
    for series in dict.fromkeys(line.series for line in lines if line.site_id is not None):
        of_series = [line for line in lines if line.series == series and line.site_id is not None]
        first = min((line.first for line in of_series if line.first), default=None)
        last = max((line.last for line in of_series if line.last), default=None)
        count = len({line.site_id for line in of_series})
        named = f"all {sites:,} sites" if count == sites else f"{count:,} sites"
        found.append((named, Line(None, series, sum(line.requests for line in of_series), first, last)))
    return [*(("account", line) for line in lines if line.site_id is None), *found]


def print_plan(lines: list[Line], cost: Estimate, sites: dict[int, Site], requests_per_minute: int | None) -> None:
    """Print the requests as a table, then time and price."""
    table = Table("site", "series", title="Requests")
    table.add_column("requests", justify="right")
    table.add_column("from")
    table.add_column("to")
    shown = [
        ("account" if line.site_id is None else sites[line.site_id].site_name or str(line.site_id), line)
        for line in lines
    ]
    for named, line in shown if len(sites) <= MOST_PARTS else _of_all_sites(lines, len(sites)):
        days = ("" if day is None else str(day) for day in (line.first, line.last))
        table.add_row(named, line.series, f"{line.requests:,}", *days)
    table.add_row("all", "", f"{cost.requests:,}", "", "")
    print_table(table)
    print_pairs([("time", _time(cost, requests_per_minute)), ("price", _price(cost))])
    print_lines([""])
    again = sum(line.again for line in lines)
    if again:
        windows = "1 window" if again == 1 else f"{again:,} windows"
        note(
            f"{windows} among these were settled without some or all of their rows; "
            "they are requested again, since data may come late"
        )
    if any(site.installed_on is None for site in sites.values()):
        note("a site without an installation date takes more requests, back to the first day with energy")
    if any(SERIES[line.series].is_paged for line in lines):
        note("long lists of outages come in pages: each page after the first is another request")


def _time(cost: Estimate, requests_per_minute: int | None) -> str:
    if cost.minutes is None:
        return "no limit"
    hours, minutes = divmod(round(cost.minutes), 60)
    spelt = f"{hours} h {minutes:02d} min" if hours else f"{max(minutes, 1)} min"
    return f"about {spelt} at {requests_per_minute} requests a minute"


def _price(cost: Estimate) -> str:
    source = f" ({cost.terms.source}, {cost.terms.as_of})" if cost.terms.source else ""
    if cost.price_usd is None or cost.to_pay_usd is None:
        return f"{cost.terms.note}{source}"
    credit = cost.terms.monthly_credit_usd
    paid = f"${cost.price_usd:.2f}, ${cost.to_pay_usd:.2f} beyond the monthly credit of ${credit:.0f}"
    return f"{paid}: {cost.terms.note}{source}"


def as_dict(lines: list[Line], cost: Estimate, requests_per_minute: int | None) -> dict[str, Any]:
    """The plan as `--json` prints it."""
    return {
        "requests": cost.requests,
        "requested_again": sum(line.again for line in lines),
        "by_series": [
            {
                "site_id": line.site_id,
                "series": line.series,
                "requests": line.requests,
                "requested_again": line.again,
                "first_day": line.first,
                "last_day": line.last,
            }
            for line in lines
        ],
        "requests_per_minute": requests_per_minute,
        "minutes": None if cost.minutes is None else round(cost.minutes, 1),
        "price_usd": cost.price_usd,
        "to_pay_usd": cost.to_pay_usd,
        "terms": cost.terms.note,
        "terms_source": cost.terms.source or None,
        "terms_as_of": cost.terms.as_of or None,
    }
