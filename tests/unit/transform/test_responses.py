"""The outcome of a response, and which of its rows can be used."""

import json
import logging
from dataclasses import replace
from datetime import UTC, date, datetime
from typing import Any

import orjson
import pytest

from tests.unit.transform.answers import KeptAnswer, answer, checked, energy_row
from transform.responses import (
    Outcome,
    Reason,
    Reject,
    RequestedDays,
    as_json,
    clock_of,
    holds_energy,
    outcome,
    parse,
    quarantine_frame,
    response_of,
)
from wattlog.zones import Zone

LONDON = Zone("Europe/London")
ROW = {"timestamp": "2025-06-10T00:00:00-07:00", "soe": 41}


def bodied(body: bytes, series: str = "soe") -> KeptAnswer:
    return replace(answer(series, []), body=body)


@pytest.mark.parametrize(
    "response",
    [
        None,
        "",
        "upstream has nothing to say",
        {"serial_number": "", "period": "day"},
        {"period": "day", "time_series": None},
        {"period": "day", "time_series": []},
    ],
    ids=["null", "empty string", "string", "no time_series", "time_series null", "time_series empty"],
)
def test_each_of_the_six_spellings_of_empty_is_no_data_and_no_fault(response: object) -> None:
    """Q23: a response without rows is a response; nothing of it goes to quarantine."""
    parsed = parse(bodied(orjson.dumps({"response": response})))
    assert (parsed.facts.outcome, parsed.rows.num_rows, parsed.facts.rejects) == (Outcome.NO_DATA, 0, ())


@pytest.mark.parametrize(
    "body", [b"", b"<html><body>Bad gateway</body></html>", b'{"response": {"time_series": [{"ti', b"\xff\xfe"]
)
def test_a_body_that_is_not_json_is_quarantined_as_a_whole(body: bytes) -> None:
    parsed = parse(bodied(body))
    assert parsed.facts.outcome is Outcome.NOT_JSON
    assert [(reject.row_number, reject.reason) for reject in parsed.facts.rejects] == [(-1, "not_json")]


def test_a_document_nested_without_end_is_not_json_rather_than_a_crash() -> None:
    assert outcome(b"[" * 100_000 + b"NaN", "power") is Outcome.NOT_JSON


@pytest.mark.parametrize(
    "document",
    [
        [],
        {"time_series": [ROW]},
        {"response": 5},
        {"response": [ROW]},
        {"response": {"time_series": {"0": ROW}}},
        {"response": {"time_series": [1, 2, 3]}},
        {"response": {"time_series": [{"start": "2025-06-10T00:00:00-07:00", "soe": 41}]}},
        {"response": {"period": "day", "series": [ROW]}},
        {"response": None, "error": "upstream internal error"},
    ],
    ids=[
        "list",
        "no response",
        "number",
        "bare rows",
        "rows by key",
        "rows of numbers",
        "stamp renamed",
        "rows renamed",
        "error",
    ],
)
def test_a_shape_that_is_not_described_is_a_changed_contract(document: object) -> None:
    parsed = parse(bodied(orjson.dumps(document)))
    assert parsed.facts.outcome is Outcome.CONTRACT
    assert [(reject.row_number, reject.reason) for reject in parsed.facts.rejects] == [(-1, "contract")]


@pytest.mark.parametrize(
    ("series", "response", "expected"),
    [
        (
            "backup",
            {"events": [{"timestamp": "2025-01-01T00:00:00Z", "duration": 60_000}], "events_count": 0},
            Outcome.DATA,
        ),
        ("backup", {"events": [], "total_events": 0}, Outcome.NO_DATA),
        ("charge", {"charge_history": [{"charge_start_time": {"seconds": 1}}]}, Outcome.DATA),
        ("charge", {"charge_history": []}, Outcome.NO_DATA),
        ("snapshot", [{"energy_site_id": 1}], Outcome.DATA),
        ("snapshot", {"site_name": "Ridge"}, Outcome.DATA),
        ("snapshot", [], Outcome.NO_DATA),
        ("snapshot", 5, Outcome.CONTRACT),
        ("products", {"site_name": "Ridge"}, Outcome.CONTRACT),
        ("site_info", [{"energy_site_id": 1}], Outcome.CONTRACT),
        ("live_status", [], Outcome.CONTRACT),
    ],
)
def test_series_with_other_shapes_are_judged_by_their_own(series: str, response: object, expected: Outcome) -> None:
    assert outcome(orjson.dumps({"response": response}), series) is expected


def test_a_byte_order_mark_is_no_obstacle() -> None:
    """Q35: dumps made by Windows tools begin with one."""
    body = b"\xef\xbb\xbf" + orjson.dumps({"response": {"time_series": [ROW]}})
    assert parse(bodied(body)).rows["soe_pct"].to_pylist() == [41.0]


def test_absent_and_null_measures_are_null_and_the_row_is_kept() -> None:
    """Q24: keys differ from row to row."""
    rows = [
        {"timestamp": "2025-06-10T00:00:00-07:00", "solar_power": 5},
        {"timestamp": "2025-06-10T00:05:00-07:00", "grid_power": 2.5, "solar_power": None},
    ]
    parsed = parse(answer("power", rows))
    assert parsed.rows["solar_w"].to_pylist() == [5.0, None]
    assert parsed.rows["grid_w"].to_pylist() == [None, 2.5]
    assert parsed.rows["generator_w"].to_pylist() == [None, None]
    assert parsed.facts.rejects == ()


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        (None, "null_row"),
        ("nothing", "not_an_object"),
        ({"soe": 5}, "no_timestamp"),
        ({"timestamp": 1749538800, "soe": 5}, "no_timestamp"),
        ({"soe": "n/a"}, "no_timestamp"),
        ({"timestamp": "2025-06-10T00:15:00-07:00", "soe": "n/a"}, "not_a_number"),
        ({"timestamp": "2025-06-10T00:15:00-07:00", "soe": ""}, "not_a_number"),
        ({"timestamp": "2025-06-10T00:15:00-07:00", "soe": "NaN"}, "not_a_number"),
        ({"timestamp": "2025-06-10T00:15:00-07:00", "soe": [50]}, "not_a_number"),
        ({"timestamp": "2025-06-10T00:15:00-07:00", "soe": {"value": 50}}, "not_a_number"),
    ],
)
def test_one_bad_row_is_quarantined_with_its_payload_and_the_rest_is_kept(row: Any, reason: str) -> None:
    parsed = parse(answer("soe", [ROW, row, {**ROW, "timestamp": "2025-06-10T00:30:00-07:00"}]))
    assert parsed.rows["row_number"].to_pylist() == [0, 2]
    (reject,) = parsed.facts.rejects
    assert (reject.row_number, reject.reason) == (1, reason)
    assert orjson.loads(reject.payload) == row


def test_nan_and_infinity_in_the_json_cost_their_rows_only() -> None:
    """Python programs write them though JSON has no such numbers."""
    body = b"""{"response": {"time_series": [
        {"timestamp": "2025-06-10T00:00:00-07:00", "soe": NaN},
        {"timestamp": "2025-06-10T00:15:00-07:00", "soe": 50},
        {"timestamp": "2025-06-10T00:30:00-07:00", "soe": -Infinity}]}}"""
    parsed = parse(bodied(body))
    assert parsed.rows["soe_pct"].to_pylist() == [50.0]
    assert [(reject.row_number, reject.reason) for reject in parsed.facts.rejects] == [
        (0, "not_a_number"),
        (2, "not_a_number"),
    ]
    assert '"soe": NaN' in parsed.facts.rejects[0].payload


def test_a_number_that_no_double_holds_exactly_is_read_as_the_nearest() -> None:
    assert parse(answer("soe", [{**ROW, "soe": 2**60 + 1}])).rows["soe_pct"].to_pylist() == [float(2**60)]


def test_numbers_in_strings_are_numbers() -> None:
    rows = [energy_row("2025-06-10T00:00:00-07:00", solar_energy_exported="724", grid_energy_imported=" 1.5 ")]
    parsed = parse(answer("energy_interval", rows))
    assert parsed.rows["solar_energy_exported_wh"].to_pylist() == [724.0]
    assert parsed.rows["grid_energy_imported_wh"].to_pylist() == [1.5]
    assert parsed.facts.rejects == ()


@pytest.mark.parametrize("switch", [True, False])
@pytest.mark.parametrize("indent", [b"", b" "], ids=["even", "odd"])
def test_a_switch_is_no_number_wherever_it_stands(switch: bool, indent: bytes) -> None:
    """Arrow would take it for 1 or 0; where the body begins makes no difference."""
    body = indent + orjson.dumps({"response": {"time_series": [ROW, {**ROW, "soe": switch}]}})
    assert [(reject.row_number, reject.reason) for reject in parse(bodied(body)).facts.rejects] == [(1, "not_a_number")]


def test_a_boolean_among_texts_is_not_a_number() -> None:
    parsed = parse(answer("soe", [{**ROW, "soe": "41"}, {**ROW, "soe": True}]))
    assert parsed.rows["soe_pct"].to_pylist() == [41.0]
    assert [reject.reason for reject in parsed.facts.rejects] == ["not_a_number"]


def test_totals_and_raw_timestamp_are_known_and_new_names_are_reported() -> None:
    """Q42: totals are omitted where zero and derive from the flows; an unknown name stays in the raw archive."""
    row = energy_row(
        "2025-06-10T00:00:00-07:00", total_home_usage=3, raw_timestamp="2025-06-10T00:00:00-07:00", ev_energy=9
    )
    parsed = parse(answer("energy_interval", [row]))
    assert parsed.facts.unknown_columns == {"ev_energy"}
    assert "total_home_usage" not in parsed.rows.column_names


@pytest.mark.parametrize(
    ("envelope", "zone", "offset", "period"),
    [
        ({"installation_time_zone": "Australia/Sydney", "period": "day"}, "Australia/Sydney", None, "day"),
        ({"installation_time_zone": "", "time_zone_offset": -420}, None, -420, None),
        ({"installation_time_zone": 7, "time_zone_offset": "x", "period": None}, None, None, None),
        ({"time_zone_offset": True}, None, None, None),
    ],
)
def test_the_envelope_gives_zone_offset_and_period(
    envelope: dict[str, object], zone: str | None, offset: int | None, period: str | None
) -> None:
    """Q7, Q8: either may be missing, or be something else than it should be."""
    parsed = parse(answer("soe", [ROW], envelope=envelope))
    assert (parsed.facts.installation_time_zone, parsed.facts.time_zone_offset, parsed.facts.period) == (
        zone,
        offset,
        period,
    )


def test_response_of_distinguishes_a_body_without_json_from_one_without_response() -> None:
    assert response_of(b'{"response": [1]}') == [1]
    with pytest.raises(LookupError):
        response_of(b"{}")
    with pytest.raises(ValueError, match="not JSON"):
        response_of(b"<html>")


def test_parsing_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """An unknown column is logged once, where the responses are gathered."""
    with caplog.at_level(logging.DEBUG):
        parse(answer("soe", [{**ROW, "new": 1}]))
    assert caplog.records == []


def outcome_of(series: str, stamps: list[str], first: date, last: date) -> Outcome:
    body = orjson.dumps({"response": {"time_series": [{"timestamp": stamp, "soe": 1} for stamp in stamps]}})
    return outcome(body, series, RequestedDays(first, last, LONDON, datetime(2026, 1, 1, tzinfo=UTC)))


@pytest.mark.parametrize(
    ("stamps", "expected"),
    [
        (["2025-03-29T23:55:00+00:00"], Outcome.WRONG_WINDOW),
        (["2025-03-31T00:00:00+01:00", "2025-03-31T00:55:00+01:00"], Outcome.WRONG_WINDOW),
        (["2025-03-30T00:00:00+00:00"], Outcome.DATA),
        (["2025-03-29T00:00:00+00:00", "2025-03-30T00:00:00+00:00", "2025-03-31T00:00:00+01:00"], Outcome.DATA),
        (["2025-03-30T22:30:00Z"], Outcome.DATA),
        (["2025-03-30T23:30:00Z"], Outcome.WRONG_WINDOW),
        (["2025-03-29T23:55:00+00:00", "2025-03-30T08:50:00+09:00"], Outcome.WRONG_WINDOW),
        (["2025-03-29T23:55:00+00:00", "2025-03-29T23:55:00Z"], Outcome.WRONG_WINDOW),
        (["2025-03-29T12:00:00+00:00", "2025-03-30T00:00:00+00:00", "2025-03-30T12:00:00+01:00"], Outcome.WRONG_WINDOW),
        (["2025-03-30T12:00:00+01:00", "2025-03-31T00:00:00+01:00", "2025-03-31T12:00:00+01:00"], Outcome.WRONG_WINDOW),
        (["2025-03-30T00:00:00+00:00", "2025-03-30T23:00:00+01:00", "2025-03-31T00:00:00+01:00"], Outcome.DATA),
    ],
    ids=[
        "the day before",
        "an hour of the day after",
        "the day",
        "more than the day",
        "UTC, on the site's day",
        "UTC, past it",
        "a far clock's offset",
        "a row repeated in UTC",
        "half a day too early",
        "half a day too late",
        "the day and a row more",
    ],
)
def test_a_day_none_of_whose_rows_is_of_it_is_of_the_wrong_window(stamps: list[str], expected: Outcome) -> None:
    """Q22: by the rows' instants on the clock of the response, which show which day the server picked (Q1)."""
    assert outcome_of("soe", stamps, date(2025, 3, 30), date(2025, 3, 30)) is expected


def test_a_day_that_is_not_over_is_complete_as_far_as_it_went() -> None:
    """Asked at two o'clock with the row of the midnight before among its own: nothing is lacking."""
    stamps = ["2025-06-09T23:55:00+01:00", "2025-06-10T00:00:00+01:00", "2025-06-10T13:55:00+01:00"]
    body = orjson.dumps({"response": {"time_series": [{"timestamp": stamp, "soe": 1} for stamp in stamps]}})
    for hour, expected in ((13, Outcome.DATA), (16, Outcome.WRONG_WINDOW)):
        asked_at = datetime(2025, 6, 10, hour, tzinfo=UTC)
        assert outcome(body, "soe", RequestedDays(date(2025, 6, 10), date(2025, 6, 10), LONDON, asked_at)) is expected


@pytest.mark.parametrize(
    ("envelope", "stamps", "expected"),
    [
        ({"installation_time_zone": "Europe/Paris"}, [], "+02:00"),
        ({"installation_time_zone": "America/Pacific"}, [], "+01:00"),
        ({"time_zone_offset": -420}, ["2025-06-10T00:00:00+01:00"], "-07:00"),
        ({"time_zone_offset": "-420"}, [], "+01:00"),
        ({}, ["2025-06-10T00:00:00-07:00", "2025-06-10T00:00:00-07:00", "2025-06-10T00:00:00+01:00"], "-07:00"),
        ({}, ["2025-06-10T00:00:00+09:00", "2025-06-10T00:00:00+01:00"], "+01:00"),
        ({}, ["2025-06-10T00:00:00Z", "nonsense", "2025-06-10T00:00:00"], "+01:00"),
    ],
)
def test_the_clock_of_a_response(envelope: dict[str, object], stamps: list[str], expected: str) -> None:
    """Q7, Q8: what it names, else what most of its stamps show, else the one by which it was asked."""
    clock = clock_of(envelope, stamps, LONDON)
    assert datetime(2025, 6, 10, tzinfo=UTC).astimezone(clock).isoformat()[-6:] == expected


def test_months_and_years_are_judged_by_all_their_days() -> None:
    assert (
        outcome_of("energy_day", ["2025-04-01T01:00:00+01:00"], date(2025, 3, 1), date(2025, 3, 31)) == "wrong_window"
    )
    assert outcome_of("energy_month", ["2017-10-01T12:00:00+11:00"], date(2017, 1, 1), date(2017, 12, 31)) == "data"


def test_lifetimes_and_emptiness_are_of_no_window() -> None:
    """A lifetime's first year may begin before the installation; nothing is of any day."""
    assert outcome_of("energy_year", ["2017-01-01T01:00:00+11:00"], date(2017, 6, 1), date(2025, 1, 1)) == "data"
    assert outcome(b'{"response": ""}', "soe", RequestedDays(date(2025, 1, 1), date(2025, 1, 1))) == "no_data"


@pytest.mark.parametrize(("level", "expected"), [(0, False), (0.0, False), (3, True), (None, False)])
def test_zeros_hold_no_energy(level: object, expected: bool) -> None:
    """Q17."""
    assert holds_energy(answer("soe", [{"timestamp": "2025-03-30T00:00:00Z", "soe": level}])) is expected


def test_nothing_holds_no_energy() -> None:
    assert not holds_energy(answer("power", None))


def test_rejects_are_rows_ordered_by_response_and_position() -> None:
    rejects = [
        Reject(1001, "b", 0, Reason.NULL_ROW, "null"),
        Reject(1001, "a", 11, Reason.NO_VALUE, "{}"),
        Reject(1001, "a", -1, Reason.CONTRACT, '""'),
    ]
    frame = checked({"quarantine": quarantine_frame(rejects)})["quarantine"]
    assert frame[["raw_id", "row_number"]].to_numpy().tolist() == [["a", -1], ["a", 11], ["b", 0]]
    assert frame["reason"].tolist() == ["contract", "no_value", "null_row"]


def test_no_reject_is_an_empty_table() -> None:
    assert len(checked({"quarantine": quarantine_frame([])})["quarantine"]) == 0


def test_a_payload_is_json_and_keeps_what_was_wrong_with_it() -> None:
    assert orjson.loads(as_json({"soe": 140, "note": "übervoll"})) == {"soe": 140, "note": "übervoll"}
    assert json.loads(as_json({"soe": 10**30})) == {"soe": 10**30}
    assert as_json({"soe": float("nan")}) == '{"soe": NaN}'
    assert as_json({"soe": float("-inf")}) == '{"soe": -Infinity}'


def test_stamps_at_the_ends_of_the_calendar_show_no_clock() -> None:
    """They cannot be converted to a zone: the first and the last year have no day before or after them."""
    stamps = ["0001-01-01T00:00:00+09:00", "9999-12-31T23:59:59-09:00", "2025-06-10T12:00:00-07:00"]
    assert clock_of({}, stamps, Zone("America/Los_Angeles")) == Zone("America/Los_Angeles")
