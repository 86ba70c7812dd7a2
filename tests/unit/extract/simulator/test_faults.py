"""A fault plan decides by number, by request and by seed; what it decides is the same whatever threads do."""

import threading
from collections.abc import Iterable

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from extract.simulator.fault_injector import emptied
from extract.simulator.faults import (
    INTERNAL_ERROR,
    TIMED_OUT,
    UNAVAILABLE,
    Arrival,
    EmptySpelling,
    Fault,
    FaultPlan,
    Latency,
    Rule,
    Where,
)

POWER = Arrival("GET", "/api/1/energy_sites/7/calendar_history", "kind=power")
DAY = Arrival("GET", "/api/1/energy_sites/7/calendar_history", "kind=energy&period=day")
MONTH = Arrival("GET", "/api/1/energy_sites/8/calendar_history", "kind=energy&period=month")
TOKEN = Arrival("POST", "/oauth2/v3/token")


def met(plan: FaultPlan, arrivals: Iterable[Arrival]) -> list[tuple[Fault, ...]]:
    """What the requests meet, in order."""
    script = plan.start()
    return [script.decide(each) for each in arrivals]


def test_a_plan_without_rules_lets_everything_pass() -> None:
    """No fault is the default."""
    assert met(FaultPlan(), [DAY, TOKEN]) == [(), ()]


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
def test_a_rule_goes_by_the_number_of_the_request(rule: Rule, expected: list[int]) -> None:
    """The n-th, the n-th to the m-th, from the n-th on, every k-th."""
    answers = met(FaultPlan((rule,)), [DAY] * 7)
    assert [number for number, faults in enumerate(answers, 1) if faults] == expected


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
def test_a_rule_is_about_some_requests(where: Where, expected: list[Arrival]) -> None:
    """By path, kind and period; logging in is spared unless it is named."""
    asked = [POWER, DAY, MONTH, TOKEN]
    answers = met(FaultPlan((Rule(TIMED_OUT, where),)), asked)
    assert [arrival for arrival, faults in zip(asked, answers, strict=True) if faults] == expected


def test_only_the_requests_a_rule_is_about_are_counted() -> None:
    """The second energy day, wherever it comes."""
    plan = FaultPlan((Rule(TIMED_OUT, Where(kind="energy", period="day"), first=2, last=2),))
    assert met(plan, [DAY, POWER, TOKEN, MONTH, DAY, DAY]) == [(), (), (), (), (TIMED_OUT,), ()]


def test_latency_adds_to_the_first_fault_of_the_plan() -> None:
    """Delays all count; of answers only one can be given."""
    plan = FaultPlan((Rule(UNAVAILABLE), Rule(Latency(0.1)), Rule(INTERNAL_ERROR), Rule(Latency(0.2))))
    assert met(plan, [DAY]) == [(Latency(0.1), Latency(0.2), UNAVAILABLE)]


def test_a_patient_client_gets_through() -> None:
    """`asks=2`: each request fails twice, whatever comes between."""
    plan = FaultPlan((Rule(UNAVAILABLE, asks=2),))
    assert met(plan, [DAY, POWER, DAY, POWER, DAY, POWER]) == [(UNAVAILABLE,)] * 4 + [()] * 2


def windows(count: int) -> list[Arrival]:
    """Different requests."""
    return [Arrival("GET", DAY.path, f"kind=energy&period=day&end_date={number}") for number in range(count)]


@given(seed=st.integers(0, 2**32), order=st.permutations(range(12)))
def test_what_is_drawn_does_not_depend_on_the_order(seed: int, order: list[int]) -> None:
    """A seed fixes the faults of each request, so that threads and retries change nothing."""
    plan = FaultPlan((Rule(TIMED_OUT, probability=0.3), Rule(INTERNAL_ERROR, probability=0.3)), seed)
    asked = windows(12)
    shuffled = met(plan, [asked[index] for index in order])
    assert [faults for _, faults in sorted(zip(order, shuffled, strict=True))] == met(plan, asked)


def test_a_probability_is_a_share_of_the_requests() -> None:
    """Two thousand draws of 0.2, and another seed draws others."""
    asked = windows(2_000)
    first, second = (met(FaultPlan((Rule(TIMED_OUT, probability=0.2),), seed), asked) for seed in (1, 2))
    assert 340 < sum(map(bool, first)) < 460
    assert first != second


def test_a_retry_draws_again() -> None:
    """The same request, asked often enough, gets through a fault that is only probable."""
    answers = met(FaultPlan((Rule(TIMED_OUT, probability=0.5),), 5), [DAY] * 64)
    assert {(), (TIMED_OUT,)} == set(answers)


def test_threads_lose_no_count() -> None:
    """The hundredth request meets the fault, whichever thread asks it."""
    script = FaultPlan((Rule(TIMED_OUT, first=100, last=100),)).start()
    found: list[tuple[Fault, ...]] = []
    threads = [threading.Thread(target=lambda: found.extend(script.decide(DAY) for _ in range(50))) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert found.count((TIMED_OUT,)) == 1
    assert len(found) == 200


@pytest.mark.parametrize(
    ("spelling", "expected"),
    [
        (EmptySpelling.NULL, None),
        (EmptySpelling.EMPTY_STRING, ""),
        (EmptySpelling.WITHOUT_SERIES, {"serial_number": "", "period": "day"}),
        (EmptySpelling.NULL_SERIES, {"serial_number": "S", "period": "day", "time_series": None}),
        (EmptySpelling.NO_ROWS, {"serial_number": "S", "period": "day", "time_series": []}),
    ],
)
def test_five_empties_are_spelled_as_reported(spelling: EmptySpelling, expected: object) -> None:
    """Q23, Q39: what is left of an answer; the serial number goes with the rows when the series is missing."""
    body = orjson.dumps({"response": {"serial_number": "S", "period": "day", "time_series": [{"soe": 3}]}})
    assert orjson.loads(emptied(body, spelling)) == {"response": expected}


def test_the_sixth_empty_is_any_other_string() -> None:
    """Q23: `'str' object has no attribute 'get'`."""
    response = orjson.loads(emptied(b'{"response":{}}', EmptySpelling.OTHER_STRING))["response"]
    assert isinstance(response, str)
    assert response


def test_an_empty_answer_keeps_the_name_of_its_rows() -> None:
    """Backup events and charge sessions have names of their own (API.md §1.2, §1.3)."""
    body = orjson.dumps({"response": {"events": [{"duration": 1}], "events_count": 0}})
    assert orjson.loads(emptied(body, EmptySpelling.NO_ROWS)) == {"response": {"events": [], "events_count": 0}}
