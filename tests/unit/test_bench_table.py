"""The table that `make bench` prints, and its JSON."""

import json
import math
from pathlib import Path

import pytest

from tests.bench import table
from tests.bench.result import Curve, Limit, Result

AT_MOST, AT_LEAST = Limit(3.0, 2.0), Limit(1.7, 1.9, is_least=True)
RESULTS: list[Result | Curve] = [
    Result(1, "rebuild 10 y / DuckDB reads the archive", 9.3, "×", AT_MOST, {"wattlog rebuild": 77.4}),
    Result(9, "lake files of a closed site-year", 326, "", Limit(20, 12)),
    Result(9, "  bytes of its intervals / as gzip CSV", 0.523, "×", Limit(0.6)),
    Result(12, "two Dask workers in one's time, 40 site-years", 1.84, "×", AT_LEAST),
    Curve(
        1, "cost of a rebuild", {"wattlog rebuild": {"1 y": 11.3, "10 y": 77.4}, "DuckDB": {"1 y": 1.4, "10 y": 8.3}}
    ),
]


def test_every_line_is_readable_at_80_columns() -> None:
    assert [line for line in table.lines(RESULTS) if len(line) > 80] == []


def test_a_row_has_number_value_and_both_limits_and_says_whether_the_limit_holds() -> None:
    rows = [line.split() for line in table.lines(RESULTS)]
    assert rows[0] == ["#", "measure", "value", "reach", "stretch", "result"]
    assert rows[1][:2] + rows[1][-7:] == ["1", "rebuild", "9.3", "×", "≤", "3", "2", "NOT", "REACHED"]
    assert rows[2] == ["archive"]
    assert rows[3][-6:] == ["326", "≤", "20", "12", "NOT", "REACHED"]
    assert rows[4][-5:] == ["0.523", "×", "≤", "0.6", "ok"]


def test_the_number_of_a_measure_with_two_rows_stands_once() -> None:
    first, second = (line for line in table.lines(RESULTS) if "lake files" in line or "bytes of" in line)
    assert first.startswith(" 9  lake")
    assert second.startswith("      bytes")


def test_a_curve_has_the_cost_of_each_length_and_the_ratio() -> None:
    *_, heading, ours, theirs, ratio = table.lines(RESULTS)
    assert heading.startswith("cost of a rebuild, CPU s ")
    assert heading.split()[-4:] == ["1", "y", "10", "y"]
    assert ours.split()[-2:] == ["11.30", "77.40"]
    assert theirs.split()[-2:] == ["1.40", "8.30"]
    assert ratio.split() == ["ratio", "8.07", "9.33"]


@pytest.mark.parametrize(
    ("value", "limit", "is_reached"),
    [
        (3.0, AT_MOST, True),
        (3.01, AT_MOST, False),
        (1.7, AT_LEAST, True),
        (1.69, AT_LEAST, False),
        (math.nan, AT_MOST, False),
        (math.nan, AT_LEAST, False),
    ],
)
def test_a_limit_holds_up_to_its_value(value: float, limit: Limit, is_reached: bool) -> None:
    assert Result(1, "anything", value, "×", limit).is_reached is is_reached


def test_the_json_has_values_limits_and_what_they_were_computed_from(tmp_path: Path) -> None:
    path = tmp_path / "build" / "bench.json"
    table.write(RESULTS, path)
    written = json.loads(path.read_text(encoding="utf-8"))
    assert [row["number"] for row in written["measures"]] == [1, 9, 9, 12]
    assert written["measures"][0]["limit"] == {"reach": 3.0, "stretch": 2.0, "is_least": False}
    assert written["measures"][0]["parts"] == {"wattlog rebuild": 77.4}
    assert [row["is_reached"] for row in written["measures"]] == [False, False, True, True]
    assert written["curves"][0]["lines"]["DuckDB"] == {"1 y": 1.4, "10 y": 8.3}
