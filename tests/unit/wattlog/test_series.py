"""The specs of the series agree with one another, with the schema and with the shapers."""

import pytest

from extract.archive.record import SEGMENT
from flows.object_store.layout import Part, part_of
from transform.candidates import IMPORT_SOURCES
from transform.imports.formats import FORMATS
from transform.shapers import ACCOUNT_SHAPERS, SHAPERS
from warehouse.schema import TABLES
from wattlog.causes import Granularity
from wattlog.imported_sources import ImportedKind, imported_source
from wattlog.series import (
    SERIES,
    intervals_of,
    is_of_days,
    is_of_lifetime,
    old_histories,
    planned_series,
    series_of_cars,
    series_of_source,
    series_with_windows,
)
from wattlog.series_spec import Grain, Series, SeriesSpec, Subject

SPECS = [pytest.param(spec, id=spec.name) for spec in SERIES.values()]

RAW_MEASURES = {"duration"}
"""Measures whose unit the events themselves show, so that they become a column under another name (Q32)."""


def test_every_series_has_a_spec_under_its_name() -> None:
    assert set(SERIES) == set(Series)
    assert all(name == spec.name for name, spec in SERIES.items())


@pytest.mark.parametrize("spec", SPECS)
def test_its_tables_are_declared_and_have_a_column_for_each_measure(spec: SeriesSpec) -> None:
    columns = {column for table in spec.tables for column in TABLES[table].columns}
    assert bool(spec.tables) == (spec.name in {**SHAPERS, **ACCOUNT_SHAPERS}), "what fills tables has a shaper"
    assert (spec.name in ACCOUNT_SHAPERS) == (spec.subject is not Subject.SITE)
    assert set(spec.measures.values()) - RAW_MEASURES <= columns


@pytest.mark.parametrize("spec", SPECS)
def test_its_intervals_and_periods_are_rows_of_its_tables(spec: SeriesSpec) -> None:
    if spec.intervals is not None:
        assert spec.grain is Grain.DAY
        assert spec.intervals.table in spec.tables
        assert {"interval_start", "interval_s"} <= set(TABLES[spec.intervals.table].columns)
        assert spec.intervals.night_column is None or spec.intervals.night_column in spec.measures.values()
    assert bool(spec.granularities) == ("energy_periods" in spec.tables)


def test_requests_have_a_kind_where_they_have_a_window() -> None:
    assert all((spec.kind is None) == (spec.grain is None) for spec in SERIES.values())
    files = {spec.name for spec in SERIES.values() if spec.is_imported}
    assert files == {Series.TARIFF_FILE, Series.PRICE_FILE, Series.IMPORT_UNDO, *old_histories()}
    assert set(planned_series()) == set(Series) - files - {Series.SNAPSHOT, Series.COMMAND}
    assert set(series_with_windows()) == set(planned_series()) - {Series.HISTORY, Series.TARIFF_RATE, *series_of_cars()}


def test_grain_decides_which_windows_a_series_has() -> None:
    assert [series for series in Series if is_of_days(series)] == [Series.POWER, Series.SOE, Series.ENERGY_INTERVAL]
    lifetimes = [Series.ENERGY_YEAR, Series.BACKUP, Series.TARIFF_FILE, Series.PRICE_FILE]
    assert [series for series in Series if is_of_lifetime(series)] == lifetimes
    assert not is_of_days("no series")


@pytest.mark.parametrize("spec", SPECS)
def test_its_segments_have_names_that_archive_and_store_accept(spec: SeriesSpec) -> None:
    """A name that the store does not know would never be pushed."""
    segment = f"site_id=77/series={spec.name}/month=2024-01.ndjson.zst"
    assert SEGMENT.fullmatch(segment)
    assert part_of(f"raw/{segment}") is Part.RAW


def test_a_format_of_other_tools_is_a_series_with_sources_of_its_own() -> None:
    assert len(old_histories()) >= 6
    for series in old_histories():
        assert series.startswith("import:")
        assert SERIES[series].is_imported
        assert not is_of_lifetime(series), "it would be read again every night"
        assert FORMATS[series].series is series
        for kind in ImportedKind:
            assert series_of_source(imported_source(series, kind)) is series
            assert imported_source(series, kind) in IMPORT_SOURCES


def test_a_source_belongs_to_one_series() -> None:
    sources = [source for spec in SERIES.values() for source in spec.day_sources]
    assert len(sources) == len(set(sources))
    assert series_of_source("calendar_history/week") is Series.ENERGY_DAY
    with pytest.raises(KeyError):
        series_of_source("calendar_history/year")


def test_the_source_of_periods_is_endpoint_and_period() -> None:
    assert SERIES[Series.ENERGY_MONTH].source == "calendar_history/year"
    assert SERIES[Series.ENERGY_MONTH].granularity is Granularity.MONTH
    assert SERIES[Series.HISTORY].granularity is None, "each of its responses names a period of its own"


def test_only_a_series_of_intervals_has_intervals() -> None:
    assert intervals_of(Series.SOE).usual_s == 900
    with pytest.raises(KeyError):
        intervals_of(Series.BACKUP)
