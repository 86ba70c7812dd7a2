"""The reader of all JSON that the API sends."""

import math

import pytest

from wattlog.api_json import MAX_BYTES, MAX_DEPTH, UnreadableJson, flaw_of, read, read_records, write


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "empty"),
        (b" \n", "empty"),
        (b"<html>", "not JSON"),
        (b"NaN", "NaN"),
        (b"[Infinity]", "NaN"),
        (b"[-1e999]", "NaN"),
        (b'"\\ud800"', "not JSON"),
        (b'[NaN, "\\ud800"]', "not JSON"),
        (b'"\xff"', "not JSON"),
        (b"[" * (MAX_DEPTH + 1) + b"]" * (MAX_DEPTH + 1), "levels deep"),
        (b"[" * 300 + b"NaN" + b"]" * 300, "levels deep"),
        (b"[" * 100_000 + b"]" * 100_000, "levels deep"),
        (b"1" * (MAX_BYTES + 1), "larger than"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_is_refused_has_a_reason_without_the_body(body: bytes, reason: str) -> None:
    with pytest.raises(UnreadableJson, match=reason):
        read(body)


def test_what_is_taken() -> None:
    assert read(b'\xef\xbb\xbf{"a": 1, "a": 2}') == {"a": 2}
    deepest = b"[" * MAX_DEPTH + b"]" * MAX_DEPTH
    assert flaw_of(read(deepest)) is None
    assert read(b"123456789012345678901234567890") == pytest.approx(1.2345678901234568e29)


@pytest.mark.parametrize("filling", [b"", b'"[{[{"', b'{"a": [], "a": 1}'], ids=["plain", "in text", "name twice"])
def test_the_depth_is_judged_wherever_the_deepest_part_is(filling: bytes) -> None:
    """Whether brackets within text, or values that count no more, are among those that are counted first."""
    rows = b", ".join([b'{"a": 1}'] * 100 + [filling] * bool(filling))
    for before, after in ((b'{"rows": [%b], "deep": ' % rows, b"}"), (b"[%b, " % rows, b"]")):
        levels = MAX_DEPTH - 1
        read(before + b"[" * levels + b"]" * levels + after)
        with pytest.raises(UnreadableJson, match="levels deep"):
            read(before + b"[" * (levels + 1) + b"]" * (levels + 1) + after)


def test_records_are_judged_one_by_one() -> None:
    """NaN stays NaN, and is written as it came."""
    document, is_strict = read_records(b'[{"a": NaN}, {"a": 1}]')
    assert not is_strict
    assert math.isnan(document[0]["a"])
    assert [flaw_of(record) is None for record in document] == [False, True]
    assert write(document) == b'[{"a": NaN}, {"a": 1}]'
    assert read_records(b"[1]") == ([1], True)
    with pytest.raises(UnreadableJson):
        read_records(b"[" * 100 + b"NaN" + b"]" * 100)
