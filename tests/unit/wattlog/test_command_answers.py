"""What answers to commands mean: six forms of success, failures inside status 200, and other statuses."""

import orjson
import pytest

from wattlog.commands.answers import LONGEST_REASON, Verdict, judge
from wattlog.statuses import Action, action_for

ACCEPTED = {
    "lower case": (200, {"response": {"code": 201, "message": "Updated"}}),
    "capital keys": (200, {"response": {"Message": "Updated", "Code": 201}}),
    "code 200": (200, {"response": {"Message": "Backup reserve updated", "Code": 200}}),
    "empty text": (200, {"response": ""}),
    "code 204": (200, {"response": {"code": 204, "message": "Updated"}}),
    "result": (200, {"response": {"result": True, "reason": ""}}),
    "empty object": (200, {"response": {}}),
    "text": (200, {"response": "Updated"}),
    "empty error": (200, {"response": "", "error": "", "error_description": ""}),
}

REJECTED = {
    "code": (200, {"response": {"code": 400, "message": "out of range"}}, "code 400: out of range"),
    "capital code": (200, {"response": {"Code": 500, "Message": ""}}, "code 500"),
    "result": (200, {"response": {"result": False, "reason": "not now"}}, "not now"),
    "result without reason": (200, {"response": {"result": False}}, "no explanation"),
    "error": (200, {"response": None, "error": "bad", "error_description": ""}, "bad"),
    "error beside an answer": (200, {"response": "", "error": "bad", "error_description": "too bad"}, "too bad"),
    "bad request": (
        400,
        {"response": None, "error": "no tariffID", "error_description": ""},
        "status 400: no tariffID",
    ),
    "scope": (
        403,
        {"response": None, "error": "Unauthorized missing scopes"},
        "status 403: Unauthorized missing scopes",
    ),
    "too many": (429, {"response": None, "error": "too many requests"}, "status 429: too many requests"),
    "payment": (402, {"response": None, "error": "subscription_required"}, "status 402: subscription_required"),
}

UNKNOWN = {
    "null": (200, b'{"response":null}'),
    "no response": (200, b'{"other":1}'),
    "false": (200, b'{"response":false}'),
    "a list": (200, b"[]"),
    "a page": (200, b"<html>busy</html>"),
    "nothing": (200, b""),
    "gateway": (502, b'{"response":null,"error":"energy_gateway_unreachable"}'),
    "time-out": (408, b""),
    "no answer": (None, b"connection reset"),
    "no answer, from the archive": (0, b"connection reset"),
}


@pytest.mark.parametrize("name", ACCEPTED)
def test_every_form_of_success_is_accepted(name: str) -> None:
    """Q53: clients that insisted on one spelling reported failures."""
    status, payload = ACCEPTED[name]
    assert judge(status, orjson.dumps(payload)) == (Verdict.ACCEPTED, "")


@pytest.mark.parametrize("status", [201, 202, 204])
def test_an_empty_body_is_accepted_with_a_status_that_has_none(status: int) -> None:
    assert judge(status, b"").verdict is Verdict.ACCEPTED


@pytest.mark.parametrize("name", REJECTED)
def test_a_sign_of_failure_is_a_rejection_with_its_reason(name: str) -> None:
    """Q62, Q63."""
    status, payload, reason = REJECTED[name]
    assert judge(status, orjson.dumps(payload)) == (Verdict.REJECTED, reason)


@pytest.mark.parametrize("name", UNKNOWN)
def test_everything_else_is_unknown(name: str) -> None:
    status, body = UNKNOWN[name]
    verdict, reason = judge(status, body)
    assert verdict is Verdict.UNKNOWN
    assert reason


def test_a_long_reason_is_cut() -> None:
    assert len(judge(200, orjson.dumps({"error": "x" * 900})).reason) == LONGEST_REASON


def test_a_status_that_requests_are_repeated_for_leaves_it_open_except_a_limit() -> None:
    """One table of statuses. A limit is repeated as well, and has carried out nothing."""
    unknown = {status for status in range(300, 600) if judge(status, b"").verdict is Verdict.UNKNOWN}
    assert unknown == {status for status in range(300, 600) if action_for(status) is Action.RETRY}
    assert {408, 424, 499, 500, 502, 504} <= unknown
