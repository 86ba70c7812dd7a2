"""The clocks by which the server has cut the days of a site, as far as its history names them (Q1, Q7, Q8)."""

from datetime import datetime
from typing import Final

from extract.archive.raw_archive import RawArchive
from transform.responses import parse
from transform.site_zone import HISTORY_ZONE, Facts
from wattlog.series import SERIES
from wattlog.series_spec import Series

_IN_RESPONSES: Final = frozenset(
    spec.name for spec in SERIES.values() if spec.intervals is not None or spec.granularity is not None
)
"""The series whose responses name the clock beside their rows."""


def clocks_of_history(archive: RawArchive, site_id: int) -> list[tuple[datetime, Facts]]:
    """When responses with history were requested, and the clock that each names, in order of time.

    The newest response is among them. Of the earlier ones, which show that the server had another clock for the site before,
    the lifetimes are read, which are small: the first and the last of each month.
    """
    entries = [entry for entry in archive.entries(site_id) if entry.outcome == "data" and entry.series in _IN_RESPONSES]
    lifetimes = [entry for entry in entries if entry.series == Series.ENERGY_YEAR]
    first = {f"{entry.requested_at:%Y-%m}": entry for entry in reversed(lifetimes)}
    last = {f"{entry.requested_at:%Y-%m}": entry for entry in lifetimes}
    chosen = {entry.raw_id: entry for entry in (*first.values(), *last.values(), *entries[-1:])}
    found: list[tuple[datetime, Facts]] = []
    for entry in sorted(chosen.values(), key=lambda entry: entry.requested_at):
        response = archive.load_or_none(entry)
        if response is not None:
            facts = parse(response).facts
            named = {HISTORY_ZONE: facts.installation_time_zone, "time_zone_offset": facts.time_zone_offset}
            found.append((entry.requested_at, named))
    return found
