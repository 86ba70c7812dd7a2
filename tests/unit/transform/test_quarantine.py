"""What was set aside, as a table."""

import json

import orjson

from tests.unit.transform.answers import checked
from transform.quarantine import Reason, Reject, as_json, quarantine_frame


def test_rejects_are_rows_ordered_by_answer_and_position() -> None:
    rejects = [
        Reject(1001, "b", 0, Reason.NULL_ROW, "null"),
        Reject(1001, "a", 11, Reason.NO_VALUE, "{}"),
        Reject(1001, "a", -1, Reason.CONTRACT, '""'),
    ]
    frame = checked({"quarantine": quarantine_frame(rejects)})["quarantine"]
    assert frame[["raw_id", "row_number"]].to_numpy().tolist() == [["a", -1], ["a", 11], ["b", 0]]
    assert frame["reason"].tolist() == ["contract", "no_value", "null_row"]


def test_nothing_set_aside_is_an_empty_table() -> None:
    assert len(checked({"quarantine": quarantine_frame([])})["quarantine"]) == 0


def test_a_payload_is_json_and_keeps_what_was_wrong_with_it() -> None:
    assert orjson.loads(as_json({"soe": 140, "note": "übervoll"})) == {"soe": 140, "note": "übervoll"}
    assert json.loads(as_json({"soe": 10**30})) == {"soe": 10**30}
    assert as_json({"soe": float("nan")}) == '{"soe": NaN}'
    assert as_json({"soe": float("-inf")}) == '{"soe": -Infinity}'
