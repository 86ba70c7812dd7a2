"""A sliding window admits a number of requests in any minute, and says when the next one will be admitted."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from extract.simulator.faults.rate_limit import Admission, RateLimit, SlidingWindow

START = datetime(2026, 8, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """An instant after the start."""
    return START + timedelta(seconds=seconds)


def test_the_window_slides() -> None:
    """Two in ten seconds: the third waits until the first is ten seconds old."""
    window = SlidingWindow(RateLimit(requests=2, window_s=10))
    assert window.admit(at(0)) == Admission(True, 1, 10)
    assert window.admit(at(6)) == Admission(True, 0, 4)
    assert window.admit(at(9.5)) == Admission(False, 0, 1)
    assert window.admit(at(10)) == Admission(True, 0, 6)
    assert window.admit(at(11)) == Admission(False, 0, 5)


def test_a_request_after_the_given_time_is_admitted() -> None:
    """A rejected request does not extend the wait."""
    window = SlidingWindow(RateLimit(requests=1, window_s=60))
    window.admit(at(0))
    rejected = [window.admit(at(20 + second)) for second in range(5)]
    assert [admission.reset_s for admission in rejected] == [40, 39, 38, 37, 36]
    assert window.admit(at(60)).is_admitted


@given(gaps=st.lists(st.floats(0, 30), min_size=1, max_size=60), requests=st.integers(1, 8))
def test_no_window_holds_more_than_the_limit(gaps: list[float], requests: int) -> None:
    """At most `requests` are admitted in any sixty seconds, and never fewer than possible."""
    window = SlidingWindow(RateLimit(requests=requests, window_s=60))
    admitted: list[datetime] = []
    now = START
    for gap in gaps:
        now += timedelta(seconds=gap)
        recent = [instant for instant in admitted if instant.timestamp() > now.timestamp() - 60]
        admission = window.admit(now)
        assert admission.is_admitted == (len(recent) < requests)
        if admission.is_admitted:
            admitted.append(now)
        assert admission.remaining == max(0, requests - len(recent) - 1)
