"""A sliding window admits so many requests in any minute, and says when the next one is."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from extract.simulator.limits import Admission, RateLimit, SlidingWindow

START = datetime(2026, 8, 1, 12, tzinfo=UTC)


def at(seconds: float) -> datetime:
    """An instant after the start."""
    return START + timedelta(seconds=seconds)


def test_the_window_slides() -> None:
    """Two in ten seconds: the third waits until the first is ten seconds old, not until a new minute begins."""
    window = SlidingWindow(RateLimit(requests=2, window_s=10))
    assert window.ask(at(0)) == Admission(True, 1, 10)
    assert window.ask(at(6)) == Admission(True, 0, 4)
    assert window.ask(at(9.5)) == Admission(False, 0, 1)
    assert window.ask(at(10)) == Admission(True, 0, 6)
    assert window.ask(at(11)) == Admission(False, 0, 5)


def test_waiting_as_long_as_told_helps() -> None:
    """A refused request does not push the end of the wait away."""
    window = SlidingWindow(RateLimit(requests=1, window_s=60))
    window.ask(at(0))
    refused = [window.ask(at(20 + second)) for second in range(5)]
    assert [each.reset_s for each in refused] == [40, 39, 38, 37, 36]
    assert window.ask(at(60)).is_admitted


@given(gaps=st.lists(st.floats(0, 30), min_size=1, max_size=60), requests=st.integers(1, 8))
def test_no_window_holds_more_than_the_limit(gaps: list[float], requests: int) -> None:
    """Whatever the pace, at most `requests` are admitted in any sixty seconds, and never fewer than could be."""
    window = SlidingWindow(RateLimit(requests=requests, window_s=60))
    admitted: list[datetime] = []
    now = START
    for gap in gaps:
        now += timedelta(seconds=gap)
        recent = [each for each in admitted if each.timestamp() > now.timestamp() - 60]
        answer = window.ask(now)
        assert answer.is_admitted == (len(recent) < requests)
        if answer.is_admitted:
            admitted.append(now)
        assert answer.remaining == max(0, requests - len(recent) - 1)
