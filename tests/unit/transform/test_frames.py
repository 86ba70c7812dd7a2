"""Frames as the schema declares them."""

import pandas as pd
import pytest

from transform.frames import empty_frame, table_frame
from warehouse.schema import TABLES


@pytest.mark.parametrize("table", TABLES)
def test_an_empty_frame_has_the_declared_columns_and_types(table: str) -> None:
    frame = empty_frame(table)
    assert {name: str(dtype) for name, dtype in frame.dtypes.items()} == {
        each.name: each.dtype for each in TABLES[table].fields
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
