"""The window of one process and the window that several processes share give the same results, and never too many slots."""

from bisect import bisect_right
from pathlib import Path
from tempfile import TemporaryDirectory

from hypothesis import given
from hypothesis import strategies as st

from extract.api.rate_limit import MemoryWindow, RateLimiter
from extract.api.shared_limits import SharedLimits

WINDOW_S = 60.0


@given(
    st.integers(min_value=1, max_value=8),
    st.lists(st.floats(min_value=0, max_value=50, allow_nan=False), max_size=60),
)
def test_both_windows_give_the_same_slots(limit: int, pauses_s: list[float]) -> None:
    with TemporaryDirectory() as directory:
        shared, memory, now = SharedLimits(Path(directory) / "limits.sqlite"), MemoryWindow(), 1_768_507_650.0
        shared.begin()
        granted: list[float] = []
        for pause_s in pauses_s:
            now += pause_s
            with memory.state(), shared.state():
                wait_s = memory.take_slot(limit, WINDOW_S, now)
                assert shared.take_slot(limit, WINDOW_S, now) == wait_s
            if wait_s == 0:
                granted.append(now)
            else:
                assert now - granted[-limit] < WINDOW_S, "a slot was refused although fewer than the limit were taken"
        shared.end()
    for number, instant in enumerate(granted):
        assert number + 1 - bisect_right(granted, instant - WINDOW_S) <= limit


@given(st.integers(min_value=1, max_value=600), st.lists(st.floats(min_value=0, max_value=3), min_size=1, max_size=300))
def test_a_waiting_caller_attempts_once_a_slot(limit: int, works_s: list[float]) -> None:
    """A caller sleeps until its slot is free, in steps in which it checks whether the run was stopped."""
    now, sleeps = 0.0, list[float]()

    def sleep(seconds: float) -> None:
        nonlocal now
        now += seconds
        sleeps.append(seconds)

    limiter = RateLimiter(limit, clock=lambda: now, sleep=sleep)
    for work_s in works_s:
        limiter.wait()
        now += work_s
    assert sum(seconds < 1 for seconds in sleeps) <= 2 * len(works_s), (
        "at most one sleep below a second, and its rounding"
    )
