"""The door into the lake lets a frame through as declared, or says why not."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from typing import Any

import pandas as pd
import pytest

from tests.unit.warehouse.conftest import FrameOf
from warehouse.errors import Nonconforming
from warehouse.lake.conform import conform
from warehouse.schema import DAILY, POWER, REQUESTS, SITES, STATE_OF_ENERGY, Field, Kind, Table


class Letter(StrEnum):
    """Some closed set, as the transform writes them."""

    A = "a"
    B = "b"


START = datetime(2025, 3, 1, 8, tzinfo=UTC)


def test_columns_come_in_the_declared_order_and_rows_by_key(frame_of: FrameOf) -> None:
    """The lake has one order of columns, the frame may have any."""
    later, earlier = START + timedelta(minutes=5), START
    frame = frame_of(POWER, {"interval_start": later, "solar_w": 2.0}, {"interval_start": earlier, "solar_w": 1.0})
    content = conform(frame[list(reversed(frame.columns))], POWER)
    assert content.schema.equals(POWER.arrow_schema(), check_metadata=True)
    assert content["solar_w"].to_pylist() == [1.0, 2.0]


def test_table_may_be_given_by_name(frame_of: FrameOf) -> None:
    """`transform` names tables as text."""
    assert conform(frame_of(POWER, {}), "power").num_rows == 1


def test_unknown_table_is_refused(frame_of: FrameOf) -> None:
    """The error of a misspelt name lists the right ones."""
    with pytest.raises(Nonconforming, match=r"pwer: is not a table of the schema, which has sites, .*power"):
        conform(frame_of(POWER, {}), "pwer")


def test_missing_unknown_and_repeated_columns_are_all_named(frame_of: FrameOf) -> None:
    """The transform gives exact columns (Q24 ends there): anything else is its defect."""
    frame = frame_of(POWER, {}).drop(columns="solar_w").assign(sun_w=1.0)
    frame = pd.concat([frame, frame[["grid_w"]]], axis="columns")
    with pytest.raises(Nonconforming, match="misses solar_w and has unknown sun_w and has twice grid_w"):
        conform(frame, POWER)


@pytest.mark.parametrize(
    ("column", "values", "stored"),
    [
        pytest.param("solar_w", [1, 2], [1.0, 2.0], id="integers are doubles"),
        pytest.param("solar_w", [float("nan"), 2.0], [None, 2.0], id="NaN is NULL"),
        pytest.param("solar_w", pd.Series([float("nan"), 2.0], dtype="float64[pyarrow]"), [None, 2.0], id="Arrow NaN"),
        pytest.param("solar_w", [None, None], [None, None], id="nothing at all is NULL"),
        pytest.param("interval_s", [300.0, 900.0], [300, 900], id="whole floats are integers"),
        pytest.param("_raw_id", pd.Categorical(["a", "b"]), ["a", "b"], id="categories are text"),
        pytest.param("_raw_id", list(Letter), ["a", "b"], id="enum members are text"),
        pytest.param("local_date", pd.to_datetime(["2025-03-01", "2025-03-02"]), [1, 2], id="midnights are dates"),
        pytest.param("local_date", [date(2025, 3, 1), date(2025, 3, 2)], [1, 2], id="dates are dates"),
    ],
)
def test_values_that_mean_the_same_are_taken(frame_of: FrameOf, column: str, values: Any, stored: list[Any]) -> None:
    """pandas spells one value in several ways; the lake in one."""
    frame = frame_of(POWER, {"interval_start": START}, {"interval_start": START + timedelta(minutes=5)})
    frame[column] = pd.Series(values, dtype="object") if isinstance(values, list) and None in values else values
    expected = [date(2025, 3, day) for day in stored] if column == "local_date" else stored
    assert conform(frame, POWER)[column].to_pylist() == expected


@pytest.mark.parametrize(
    ("column", "value", "reason"),
    [
        pytest.param("solar_w", "5", "cannot be DOUBLE: the frame has .*string.*'5'", id="text is no number"),
        pytest.param("interval_s", 299.5, "cannot be INTEGER", id="half a second"),
        pytest.param("interval_s", 2**40, "cannot be INTEGER", id="too large for 32 bits"),
        pytest.param("site_id", 2.0**60, "cannot be BIGINT", id="a float site id has lost digits"),
        pytest.param("interval_start", pd.Timestamp(2025, 3, 1), "cannot be TIMESTAMPTZ", id="no zone (Q5)"),
        pytest.param("interval_start", "2025-03-01T00:00:00Z", "cannot be TIMESTAMPTZ", id="an instant as text"),
        pytest.param("interval_start", pd.Timestamp(1, unit="ns", tz="UTC"), "cannot be TIMESTAMPTZ", id="nanoseconds"),
        pytest.param("local_date", pd.Timestamp(2025, 3, 1, 1), "cannot be DATE", id="01:00 is no date (Q9)"),
        pytest.param("local_date", START, "cannot be DATE", id="an instant is no date"),
        pytest.param("_raw_id", 7, "cannot be VARCHAR", id="a number is no text"),
        pytest.param("solar_w", [1.0], "cannot be DOUBLE", id="a list is no number"),
    ],
)
def test_values_that_mean_something_else_are_refused(
    frame_of: FrameOf, column: str, value: object, reason: str
) -> None:
    """Nothing is converted that would change or lose its meaning."""
    frame = frame_of(POWER, {})
    frame[column] = pd.Series([value])
    with pytest.raises(Nonconforming, match=f"power: column {column} {reason}"):
        conform(frame, POWER)


@pytest.mark.parametrize(
    ("table", "column", "value", "reason"),
    [
        (STATE_OF_ENERGY, "soe_pct", 140.0, "has 140.0, outside 0 … 100"),
        (STATE_OF_ENERGY, "soe_pct", -0.5, "has -0.5, outside 0 … 100"),
        (POWER, "grid_w", float("inf"), "has inf, outside"),
        (POWER, "interval_s", 0, "has 0, outside 1 … 90,000"),
        (DAILY, "coverage_pct", None, "is NULL in 1 of 1 rows and must not be"),
        (SITES, "status", None, "is NULL in 1 of 1 rows and must not be"),
    ],
)
def test_bounds_and_nulls_are_checked(frame_of: FrameOf, table: Table, column: str, value: object, reason: str) -> None:
    """What the schema forbids is refused with the value that broke it (Q38 for power)."""
    frame = frame_of(table, {})
    frame[column] = pd.Series([value], dtype="object" if value is None else None)
    with pytest.raises(Nonconforming, match=f"{table.name}: column {column} {reason}"):
        conform(frame, table)


def test_infinity_is_refused_where_no_bounds_are() -> None:
    """Infinity is no measurement, declared bounds or not."""
    table = Table(
        "t", "One row.", ("k",), (Field("k", Kind.BIGINT, "Key.", nullable=False), Field("v", Kind.DOUBLE, "V."))
    )
    with pytest.raises(Nonconforming, match="column v has infinity"):
        conform(pd.DataFrame({"k": [1], "v": [float("-inf")]}), table)


def test_repeated_key_is_refused_with_the_key(frame_of: FrameOf) -> None:
    """Duplicates are the transform's to settle (Q18); the lake takes none."""
    frame = frame_of(POWER, {"solar_w": 1.0}, {"interval_start": START + timedelta(minutes=5)}, {"solar_w": 2.0})
    with pytest.raises(
        Nonconforming, match=r"1 rows repeat a key, the first is site_id 1001, interval_start 2025-03-01"
    ):
        conform(frame, POWER)


def test_same_instant_at_two_sites_is_no_repetition(frame_of: FrameOf) -> None:
    """The whole key counts, not a part of it."""
    assert conform(frame_of(POWER, {"site_id": 1}, {"site_id": 2}), POWER).num_rows == 2


def test_empty_frame_conforms(frame_of: FrameOf) -> None:
    """A window without data still has a schema."""
    content = conform(frame_of(POWER), POWER)
    assert content.num_rows == 0
    assert content.schema.equals(POWER.arrow_schema())


def test_nullable_integers_stay_exact(frame_of: FrameOf) -> None:
    """A missing site id beside a 16-digit one does not make it a float."""
    frame = frame_of(REQUESTS, {"raw_id": "a", "site_id": 2**62 + 1}, {"raw_id": "b", "site_id": None})
    assert conform(frame, REQUESTS)["site_id"].to_pylist() == [2**62 + 1, None]
