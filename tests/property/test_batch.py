"""Responses that are read together give the same rows as each of them read alone, whatever is wrong with some of them."""

from dataclasses import replace

import orjson
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.examples import examples
from tests.unit.transform.answers import answer
from transform.responses import batch, parse, parse_all, records_of
from wattlog.api_json import MAX_DEPTH

DEEP = b'{"response": {"time_series": [{"timestamp": "2025-06-10T00:00:00Z", "soe": 1, "x": %s%s}]}}'

WHOLE_BODIES = (
    b"",
    b"<html></html>",
    b'{"response": null}',
    b'{"response": {"time_series": []}}',
    b'{"response": {"time_series": [{"timestamp": "2025-06-10T00:00:00Z", "soe": NaN}]}}',
    DEEP % (b"[" * MAX_DEPTH, b"]" * MAX_DEPTH),
    DEEP % (b"[" * 40, b"]" * 40),
)
"""Bodies that are not usable, or only in part."""

VALUES = st.one_of(
    st.integers(-(2**70), 2**70), st.floats(allow_nan=False, allow_infinity=False), st.booleans(), st.none()
) | st.sampled_from(["41", "high", [1], {"a": 1}])

ROWS = st.one_of(
    st.builds(
        lambda stamp, soe, more: {"timestamp": stamp, "soe": soe, **more},
        st.sampled_from(["2025-06-10T00:00:00-07:00", "not a time", ""]),
        st.integers(0, 100) | VALUES,
        st.dictionaries(st.sampled_from(["new", "battery", "total_home_usage"]), VALUES, max_size=1),
    ),
    st.fixed_dictionaries({"timestamp": st.just("2025-06-10T00:15:00-07:00"), "soe": st.integers(0, 100)}),
    st.sampled_from([None, 7, "row", {}, {"soe": 1}, {"timestamp": 5, "soe": 1}]),
)


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """A response about state of energy: usual, odd in some rows, or not usable at all."""
    if draw(st.integers(0, 3)) == 0:
        return draw(st.sampled_from(WHOLE_BODIES))
    rows = draw(st.lists(ROWS, min_size=1, max_size=5))
    envelope: dict[str, object] = draw(
        st.sampled_from([{}, {"installation_time_zone": "Europe/London"}, {"time_zone_offset": -420}])
    )
    try:
        return orjson.dumps({"response": {**envelope, "time_series": rows}})
    except TypeError:  # an integer beyond 64 bits
        return b'{"response": {"time_series": [{"timestamp": "2025-06-10T00:00:00Z", "soe": 99999999999999999999}]}}'


@examples(150)
@given(found=st.lists(bodies(), max_size=6), size=st.integers(1, 8))
def test_responses_together_give_the_rows_of_each_alone(found: list[bytes], size: int) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(batch, "_ROWS", size)
        responses = [replace(answer("soe", []), raw_id=f"r{at}", body=body) for at, body in enumerate(found)]
        together = parse_all(responses, "soe")
    alone = [parse(response) for response in responses]
    expected = [
        row | {"response": position} for position, parsed in enumerate(alone) for row in parsed.rows.to_pylist()
    ]
    assert together.rows.to_pylist() == expected
    assert [replace(facts, unknown_columns=frozenset()) for facts in together.facts] == [
        replace(parsed.facts, unknown_columns=frozenset()) for parsed in alone
    ]
    assert {name for facts in together.facts for name in facts.unknown_columns} == {
        name for parsed in alone for name in parsed.facts.unknown_columns
    }
    assert together.rows.schema.field("row_number").type == pa.int32()
    assert [records_of(response.body, "soe") for response in responses] == [parsed.records for parsed in alone]
