"""Frames as the schema declares them."""

import pandas as pd
import pytest

from transform.frames import empty_frame, table_frame
from warehouse.schema import TABLES


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_frame_has_the_declared_columns_and_types(table: str) -> None:
    frame = empty_frame(table)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        field.name: field.dtype for field in TABLES[table].fields
    }
    assert tuple(frame.columns) == TABLES[table].columns


def test_columns_are_put_side_by_side_by_position_and_scalars_repeated() -> None:
    """An index that a Series brings along has no meaning here."""
    payload = pd.Series(["x", "y"], index=[7, 3])
    frame = table_frame("quarantine", {"raw_id": "a", "row_number": [0, 1], "reason": "contract", "payload": payload})
    assert frame["payload"].tolist() == ["x", "y"]
    assert frame["raw_id"].tolist() == ["a", "a"]
    assert frame.index.tolist() == [0, 1]


def test_a_column_that_the_table_has_not_is_refused() -> None:
    with pytest.raises(ValueError, match="quarantine has no column solar_w"):
        table_frame("quarantine", {"solar_w": [1.0]})


def test_a_column_has_its_declared_type_whatever_it_came_as() -> None:
    """Whole numbers come as floats, text as categories, and the other way a column is taken as it is."""
    frame = table_frame(
        "power",
        {
            "site_id": 7,
            "interval_s": pd.Series([300.0, 900.0]),
            "solar_w": pd.Series([1, 2]),
            "grid_w": pd.Series([0.5, None]),
            "_raw_id": pd.Series(["a", "b"], dtype="category"),
        },
    )
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == TABLES["power"].dtypes
    assert frame[["site_id", "interval_s", "solar_w", "_raw_id"]].to_numpy().tolist() == [
        [7, 300, 1.0, "a"],
        [7, 900, 2.0, "b"],
    ]
    assert frame["grid_w"].isna().tolist() == [False, True]
    assert frame["battery_w"].isna().all()


def test_a_frame_is_not_shared() -> None:
    """What is done to one frame changes neither the columns that it was made of nor another empty frame."""
    watts = pd.Series([1.0, 2.0])
    frame, nothing = table_frame("power", {"solar_w": watts}), empty_frame("power")
    frame.loc[0, "solar_w"] = 9.0
    nothing.loc[0, "solar_w"] = 9.0
    assert watts.tolist() == [1.0, 2.0]
    assert empty_frame("power").empty
