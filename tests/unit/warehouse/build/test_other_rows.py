"""A table whose files were all loaded again: only models of days with other rows are computed again."""

from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.unit.warehouse.build.published import assert_as_built_anew, fill
from tests.unit.warehouse.conftest import FrameOf
from warehouse.build.build import Loading, build
from warehouse.build.other_rows import FETCHED_AT, NOT_READ
from warehouse.lake.lake import Lake
from warehouse.models import MODELS
from warehouse.schema import BACKUP_EVENTS, ENERGY_PERIODS, GAPS, SITES
from warehouse.schema.shared_fields import LINEAGE

pytestmark = pytest.mark.usefixtures("old_files", "real_models")

LIFETIME = "lifetime"


def _write(lake: Lake, frame_of: FrameOf, night: int, *, years: dict[int, float], end_month: int = 2) -> None:
    """What a night's responses about the lifetime give: years, one outage and one gap."""
    lineage: dict[str, Any] = {
        "_fetched_at": datetime(2025, 7, night, tzinfo=UTC),
        "_raw_id": f"{night}",
        "_run_id": f"{night}",
    }
    periods: list[dict[str, Any]] = [
        {"granularity": "year", "period_start": date(year, 1, 1), "source": "calendar_history/lifetime"}
        | {"solar_energy_exported_wh": wh, **lineage}
        for year, wh in years.items()
    ]
    outage: dict[str, Any] = {
        "started_at": datetime(2023, 5, 1, tzinfo=UTC),
        "ended_at": datetime(2023, 5, 2, tzinfo=UTC),
    }
    outage |= {"duration_s": 86_400.0, **lineage}
    gap: dict[str, Any] = {
        "series": "power",
        "gap_start": datetime(2025, 1, 3, tzinfo=UTC),
        "cause": "no_data",
        "expected_rows": 900,
    }
    gap["gap_end"] = datetime(2025, end_month, 3, tzinfo=UTC)
    for table, rows in ((ENERGY_PERIODS, periods), (BACKUP_EVENTS, [outage]), (GAPS, [gap])):
        frame = frame_of(table, *({"site_id": 1, **row} for row in rows))
        lake.write(table, frame, site_id=1, period=LIFETIME, digest=f"{night}")


def _write_site(lake: Lake, frame_of: FrameOf) -> None:
    lake.write("sites", frame_of(SITES, {"site_id": 1, "timezone": "America/Los_Angeles"}), digest="a")
    fill(lake, frame_of, months=range(1, 4))  # rows that stay, so that a change is worth copying the file


def test_the_same_rows_in_a_later_response(
    lake: Lake, frame_of: FrameOf, destination: Path, real_models: tuple[str, ...], made: set[str]
) -> None:
    """Only a model that reads when a row was requested is made again."""
    _write_site(lake, frame_of)
    _write(lake, frame_of, 1, years={2023: 1.0, 2024: 2.0})
    build(lake, destination)
    _write(lake, frame_of, 2, years={2023: 1.0, 2024: 2.0})
    built = build(lake, destination)
    assert built.loading is Loading.CHANGES
    readers = {name for name, model in MODELS.items() if model.is_materialised and model.reads(FETCHED_AT)}
    assert made == readers == {"periods"}
    assert_as_built_anew(lake, destination, built, real_models)


@pytest.mark.parametrize(
    ("years", "end_month", "expected"),
    [
        pytest.param({2023: 1.0, 2024: 9.0}, 2, {"periods", "coverage"}, id="another value"),
        pytest.param({2023: 1.0}, 2, {"periods", "coverage"}, id="a row that is gone"),
        pytest.param({2023: 1.0, 2024: 2.0}, 6, {"coverage"}, id="a later end"),
    ],
)
def test_other_rows(
    lake: Lake,
    frame_of: FrameOf,
    destination: Path,
    real_models: tuple[str, ...],
    made: set[str],
    years: dict[int, float],
    end_month: int,
    expected: set[str],
) -> None:
    _write_site(lake, frame_of)
    _write(lake, frame_of, 1, years={2023: 1.0, 2024: 2.0})
    build(lake, destination)
    _write(lake, frame_of, 2, years=years, end_month=end_month)
    built = build(lake, destination)
    assert built.loading is Loading.CHANGES
    assert expected <= made <= {"periods", "coverage"}
    assert_as_built_anew(lake, destination, built, real_models)


def test_no_model_reads_what_is_not_compared() -> None:
    assert {field.name for field in LINEAGE} == {FETCHED_AT, *NOT_READ}
    read = {source for model in MODELS.values() for source in model.sources}
    made = [model for model in MODELS.values() if model.is_materialised or f"analytics.{model.name}" in read]
    assert [model.name for model in made for column in NOT_READ if model.reads(column)] == []
