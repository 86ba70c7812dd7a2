"""Chunks are dealt out by site and year, so that every file has one owner."""

from datetime import date

import pytest

from extract.api.planner import Chunk
from flows.executors.site_years import batches, called, owner_of, site_years
from wattlog.series_spec import Series
from wattlog.zones import Zone


def chunk(site_id: int, month: str, series: Series = Series.POWER) -> Chunk:
    return Chunk(site_id, series, month, ())


def test_a_year_of_a_site_has_one_owner() -> None:
    items = [
        chunk(site, f"{year}-{month:02d}", series)
        for year in (2026, 2025)
        for month in (12, 1)
        for site in (7, 8)
        for series in (Series.POWER, Series.SOE)
    ]
    years = site_years(items)
    assert [(site_year.site_id, site_year.year) for site_year in years] == [
        (7, "2026"),
        (8, "2026"),
        (7, "2025"),
        (8, "2025"),
    ]
    assert sorted(place for year in years for place, _ in year.items) == list(range(len(items)))
    for year in years:
        assert {owner_of(item) for _, item in year.items} == {(year.site_id, year.year)}
        assert [items[place] for place, _ in year.items] == [item for _, item in year.items]


def test_few_site_years_are_a_task_each_and_many_share() -> None:
    """A fleet's tasks are bounded in number, and nothing is lost by it."""
    years = site_years([chunk(site, "2026-01") for site in range(1, 1001)])
    assert [len(batch) for batch in batches(years[:10])] == [1] * 10
    shared = list(batches(years, most=256))
    assert len(shared) == 250
    assert [year for batch in shared for year in batch] == years
    assert called(shared[0]) == "site 1 2026 and 3 more"
    assert called(shared[0][:1]) == "site 1 2026"


def test_what_belongs_to_no_site_cannot_be_dealt_out() -> None:
    with pytest.raises(TypeError, match="date belongs to no site"):
        site_years([date(2026, 1, 1)])
    with pytest.raises(TypeError, match="Zone"):
        owner_of(Zone("UTC"))
