"""The pace stays below the limit, uses nearly all of it, and gives way to a 429."""

import time
from concurrent.futures import ThreadPoolExecutor

from extract.pace import RECOVERY_S, Pace


class Clock:
    """Seconds that pass when somebody sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_limiter_keeps_the_sliding_minute_between_threads() -> None:
    """Real time: five a minute, so that of eight that ask at once, three are still waiting a moment later."""
    stopped = False
    pace = Pace(5, is_stopped=lambda: stopped)
    done: list[float] = []

    def ask(_: int) -> None:
        pace.wait()
        if not stopped:
            done.append(time.monotonic())

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(ask, number) for number in range(8)]
        time.sleep(0.5)
        assert len(done) == 5
        stopped = True
        for future in futures:
            future.result(timeout=5)
    assert len(done) == 5, "those who were held back were let go because the run was stopped"


def test_no_limit_holds_nobody_back() -> None:
    clock = Clock()
    pace = Pace(None, clock=clock, sleep=clock.sleep)
    for _ in range(1000):
        pace.wait()
    assert clock.now == 1000.0
    assert pace.requests_per_minute is None


def test_a_429_holds_everybody_back_and_is_told_once() -> None:
    """Q28: Retry-After."""
    clock, told = Clock(), list[float]()
    pace = Pace(None, clock=clock, sleep=clock.sleep, on_pause=told.append)
    for _ in range(4):
        pace.slow_down(41)
    pace.wait()
    assert clock.now >= 1041.0
    assert told == [41]


def test_a_429_that_comes_while_somebody_waits_holds_him_back() -> None:
    """Q28: a place came free meanwhile, but nobody may take it before the pause is over."""
    clock = Clock()

    def sleep(seconds: float) -> None:
        if clock.now == 1000.0:
            pace.slow_down(41)
        clock.sleep(seconds)

    pace = Pace(100, clock=clock, sleep=sleep)
    pace._standing.paused_until = 1000.5
    pace.wait()
    assert clock.now == 1041.0


def test_a_429_lowers_the_pace_and_time_raises_it_again() -> None:
    clock = Clock()
    pace = Pace(100, clock=clock, sleep=clock.sleep)
    assert pace.requests_per_minute == 100
    pace.slow_down(1)
    pace.slow_down(1)
    assert pace.requests_per_minute == 80, "two answers of one moment are one piece of news"
    clock.now += 2
    pace.slow_down(1)
    assert pace.requests_per_minute == 64
    clock.now += 2
    began = clock.now
    for _ in range(11):
        pace.wait()
    assert 9.0 < clock.now - began < 11.0, "one at a time, 61 s / 64 apart"
    clock.now += RECOVERY_S
    pace.wait()
    assert pace.requests_per_minute == 80
    clock.now += RECOVERY_S
    pace.wait()
    assert pace.requests_per_minute == 100
