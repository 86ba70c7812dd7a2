"""Fault plans decide by number, request, and seed; the order of threads has no effect."""

import threading
from collections.abc import Iterable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.simulator.faults.injector import emptied
from extract.simulator.faults.plan import (
    INTERNAL_ERROR,
    TIMED_OUT,
    UNAVAILABLE,
    EmptyForm,
    Fault,
    FaultPlan,
    IncomingRequest,
    Latency,
    Rule,
    Where,
)

POWER = IncomingRequest("GET", "/api/1/energy_sites/7/calendar_history", "kind=power")
DAY = IncomingRequest("GET", "/api/1/energy_sites/7/calendar_history", "kind=energy&period=day")
MONTH = IncomingRequest("GET", "/api/1/energy_sites/8/calendar_history", "kind=energy&period=month")
TOKEN = IncomingRequest("POST", "/oauth2/v3/token")


def faults_of(plan: FaultPlan, requests: Iterable[IncomingRequest]) -> list[tuple[Fault, ...]]:
    """The faults of requests, in order."""
    script = plan.start()
    return [script.decide(request) for request in requests]


def test_a_plan_without_rules_has_no_faults() -> None:
    """By default there are no faults."""
    assert faults_of(FaultPlan(), [DAY, TOKEN]) == [(), ()]


@pytest.mark.parametrize(
    ("rule", "expected"),
    [
        (Rule(TIMED_OUT, first=3, last=3), [3]),
        (Rule(TIMED_OUT, first=2, last=4), [2, 3, 4]),
        (Rule(TIMED_OUT, first=4), [4, 5, 6, 7]),
        (Rule(TIMED_OUT, first=2, every=3), [2, 5]),
        (Rule(TIMED_OUT), [1, 2, 3, 4, 5, 6, 7]),
    ],
)
def test_a_rule_selects_requests_by_number(rule: Rule, expected: list[int]) -> None:
    """The n-th, the n-th to the m-th, from the n-th on, every k-th."""
    decisions = faults_of(FaultPlan((rule,)), [DAY] * 7)
    assert [number for number, faults in enumerate(decisions, 1) if faults] == expected


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (Where(), [POWER, DAY, MONTH]),
        (Where(kind="energy"), [DAY, MONTH]),
        (Where(kind="energy", period="day"), [DAY]),
        (Where(path="/energy_sites/8/"), [MONTH]),
        (Where(path="/oauth2/v3/token"), [TOKEN]),
        (Where(path=""), [POWER, DAY, MONTH, TOKEN]),
    ],
)
def test_a_rule_selects_requests_by_path_and_parameters(where: Where, expected: list[IncomingRequest]) -> None:
    """By path, kind, and period; the login is affected only if the path names it."""
    requests = [POWER, DAY, MONTH, TOKEN]
    decisions = faults_of(FaultPlan((Rule(TIMED_OUT, where),)), requests)
    assert [request for request, faults in zip(requests, decisions, strict=True) if faults] == expected


def test_a_rule_counts_only_matching_requests() -> None:
    """The second request for energy of a day, between other requests."""
    plan = FaultPlan((Rule(TIMED_OUT, Where(kind="energy", period="day"), first=2, last=2),))
    assert faults_of(plan, [DAY, POWER, TOKEN, MONTH, DAY, DAY]) == [(), (), (), (), (TIMED_OUT,), ()]


def test_latency_adds_to_the_first_fault_of_the_plan() -> None:
    """All delays are added; of the other faults the first one applies."""
    plan = FaultPlan((Rule(UNAVAILABLE), Rule(Latency(0.1)), Rule(INTERNAL_ERROR), Rule(Latency(0.2))))
    assert faults_of(plan, [DAY]) == [(Latency(0.1), Latency(0.2), UNAVAILABLE)]


def test_a_client_that_retries_succeeds() -> None:
    """`attempts=2`: each request fails twice, also between other requests."""
    plan = FaultPlan((Rule(UNAVAILABLE, attempts=2),))
    assert faults_of(plan, [DAY, POWER, DAY, POWER, DAY, POWER]) == [(UNAVAILABLE,)] * 4 + [()] * 2


def windows(count: int) -> list[IncomingRequest]:
    """Different requests."""
    return [IncomingRequest("GET", DAY.path, f"kind=energy&period=day&end_date={number}") for number in range(count)]


@given(seed=st.integers(0, 2**32), order=st.permutations(range(12)))
def test_draws_do_not_depend_on_the_order_of_requests(seed: int, order: list[int]) -> None:
    """The seed determines the faults of each request; threads and retries have no effect."""
    plan = FaultPlan((Rule(TIMED_OUT, probability=0.3), Rule(INTERNAL_ERROR, probability=0.3)), seed)
    requests = windows(12)
    shuffled = faults_of(plan, [requests[index] for index in order])
    assert [faults for _, faults in sorted(zip(order, shuffled, strict=True))] == faults_of(plan, requests)


def test_a_probability_is_a_share_of_the_requests() -> None:
    """Two thousand draws of 0.2; another seed has other draws."""
    requests = windows(2_000)
    first, second = (faults_of(FaultPlan((Rule(TIMED_OUT, probability=0.2),), seed), requests) for seed in (1, 2))
    assert 340 < sum(map(bool, first)) < 460
    assert first != second


def test_a_retry_draws_again() -> None:
    """A repeated request eventually has no fault if the fault is only probable."""
    decisions = faults_of(FaultPlan((Rule(TIMED_OUT, probability=0.5),), 5), [DAY] * 64)
    assert {(), (TIMED_OUT,)} == set(decisions)


def test_counts_are_right_with_several_threads() -> None:
    """The hundredth request has the fault, whatever thread makes it."""
    script = FaultPlan((Rule(TIMED_OUT, first=100, last=100),)).start()
    found: list[tuple[Fault, ...]] = []
    threads = [threading.Thread(target=lambda: found.extend(script.decide(DAY) for _ in range(50))) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found.count((TIMED_OUT,)) == 1
    assert len(found) == 200


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (EmptyForm.NULL, None),
        (EmptyForm.EMPTY_STRING, ""),
        (EmptyForm.WITHOUT_SERIES, {"serial_number": "", "period": "day"}),
        (EmptyForm.NULL_SERIES, {"serial_number": "S", "period": "day", "time_series": None}),
        (EmptyForm.NO_ROWS, {"serial_number": "S", "period": "day", "time_series": []}),
    ],
)
def test_five_empty_forms_are_as_reported(form: EmptyForm, expected: object) -> None:
    """Q23, Q39: what remains of a response; without the series, the serial number is empty."""
    body = orjson.dumps({"response": {"serial_number": "S", "period": "day", "time_series": [{"soe": 3}]}})
    assert orjson.loads(emptied(body, form)) == {"response": expected}


def test_the_sixth_empty_form_is_another_string() -> None:
    """Q23: `'str' object has no attribute 'get'`."""
    response = orjson.loads(emptied(b'{"response":{}}', EmptyForm.OTHER_STRING))["response"]
    assert isinstance(response, str)
    assert response


def test_an_empty_response_keeps_the_key_of_its_rows() -> None:
    """Backup events and charge sessions have their own keys (API.md#requests, API.md#charge-sessions)."""
    body = orjson.dumps({"response": {"events": [{"duration": 1}], "events_count": 0}})
    assert orjson.loads(emptied(body, EmptyForm.NO_ROWS)) == {"response": {"events": [], "events_count": 0}}
