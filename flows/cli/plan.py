"""`wattlog plan`: what a backfill would ask, how long that takes and what it costs."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from rich.table import Table
from rich.text import Text

from extract.client import Clock, utc_now
from extract.planner import Chunk
from extract.pricing import Estimate, estimate
from extract.series import HISTORY, ORDER, PRODUCTS, Request, Series, live_status, site_info
from flows.account import choose, discover, known_sites
from flows.console import MOST_PARTS, note, print_json, print_table
from flows.data_directory import held
from flows.errors import exit_code_for
from flows.pipeline import Selection
from flows.planning import chunks_for
from flows.settings import Settings
from flows.workspace import Workspace, new_run_id
from transform.sites import Site, SiteStatus


@dataclass(frozen=True, slots=True)
class Line:
    """The requests of one series of one site.

    Attributes:
        site_id: The site; None for those of the account.
        series: The series.
        requests: How many, pages after the first not counted.
        first: First local day asked for; None where there are no windows.
        last: Last local day.
    """

    site_id: int | None
    series: Series
    requests: int
    first: date | None = None
    last: date | None = None


def plan(settings: Settings, selection: Selection, *, as_json: bool, clock: Clock = utc_now) -> int:
    """Show what a backfill of the selection would ask; returns the exit code.

    Nothing is asked but who the sites are, and that only where the archive does not know it.
    """
    workspace, exit_code = Workspace(settings, new_run_id(clock()), clock=clock), 0
    with held(settings.data_dir, "plan"):
        try:
            if not workspace.archive.site_ids():
                note("the archive knows no site yet: asking for the account's products and each site's site_info")
                asked = discover(workspace, selection.sites, has_live_status=False)
                for failure in asked.failures:
                    note(str(failure.error))
                    exit_code = exit_code_for(failure.error)
            sites = [
                each for each in choose(known_sites(workspace), selection.sites) if each.status != SiteStatus.FAILING
            ]
            wanted = selection.wanted(settings.provider)
            chunks = chunks_for(workspace, sites, wanted, newest_first=selection.newest_first)
        finally:
            workspace.close()
    lines = [*_snapshots(sites), *_by_series(chunks)]
    provider = settings.resolved_provider
    cost = estimate(sum(line.requests for line in lines), provider.name, provider.requests_per_minute)
    if as_json:
        print_json(_as_dict(lines, cost, provider.requests_per_minute))
    else:
        _print(lines, cost, {site.site_id: site for site in sites}, provider.requests_per_minute)
    return exit_code


def _snapshots(sites: Iterable[Site]) -> list[Line]:
    """What every run asks before the history."""
    per_site = len([site_info, live_status])
    return [
        Line(None, PRODUCTS.series, 1),
        *(Line(site.site_id, Series.SNAPSHOT, per_site) for site in sites),
    ]


def _by_series(chunks: Iterable[Chunk]) -> list[Line]:
    grouped: dict[tuple[int, Series], list[Request]] = defaultdict(list)
    for chunk in chunks:
        grouped[chunk.site_id, chunk.series] += chunk.requests
    lines = []
    for (site_id, series), requests in grouped.items():
        windows = [request.window for request in requests if request.window is not None]
        first = min((each.start for each in windows), default=None)
        last = max((each.end_at.date() for each in windows), default=None)
        lines.append(Line(site_id, series, len(requests), first, last))
    return sorted(lines, key=lambda line: (line.site_id or 0, ORDER.index(line.series)))


def _of_all_sites(lines: list[Line], sites: int) -> list[tuple[str, Line]]:
    """One line a series for a fleet."""
    found: list[tuple[str, Line]] = []
    for series in dict.fromkeys(line.series for line in lines if line.site_id is not None):
        of_series = [line for line in lines if line.series == series and line.site_id is not None]
        first = min((line.first for line in of_series if line.first), default=None)
        last = max((line.last for line in of_series if line.last), default=None)
        count = len({line.site_id for line in of_series})
        named = f"all {sites:,} sites" if count == sites else f"{count:,} sites"
        found.append((named, Line(None, series, sum(line.requests for line in of_series), first, last)))
    return [*(("account", line) for line in lines if line.site_id is None), *found]


def _print(lines: list[Line], cost: Estimate, sites: dict[int, Site], requests_per_minute: int | None) -> None:
    table = Table("site", "series", title="Requests", title_justify="left", box=None, pad_edge=False)
    table.add_column("requests", justify="right")
    table.add_column("from")
    table.add_column("to")
    shown = [
        ("account" if line.site_id is None else sites[line.site_id].site_name or str(line.site_id), line)
        for line in lines
    ]
    for named, line in shown if len(sites) <= MOST_PARTS else _of_all_sites(lines, len(sites)):
        days = ("" if day is None else str(day) for day in (line.first, line.last))
        table.add_row(Text(named), line.series, f"{line.requests:,}", *days)
    table.add_row("all", "", f"{cost.requests:,}", "", "", style="bold")
    print_table(table)
    facts = Table.grid(padding=(0, 2))
    facts.add_row("time", _time(cost, requests_per_minute))
    facts.add_row("price", _price(cost))
    print_table(facts)
    if any(site.installed_on is None for site in sites.values()):
        note("where the installation is not known, more is asked for as long as it finds energy")
    if any(line.series in HISTORY and HISTORY[line.series].is_paged for line in lines):
        note("long lists of outages come in pages: each page after the first is one request more")


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


def _as_dict(lines: list[Line], cost: Estimate, requests_per_minute: int | None) -> dict[str, Any]:
    return {
        "requests": cost.requests,
        "by_series": [
            {
                "site_id": line.site_id,
                "series": line.series,
                "requests": line.requests,
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
