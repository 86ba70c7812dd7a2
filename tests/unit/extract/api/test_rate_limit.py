"""The rate stays below the limit, uses nearly all of it, and falls after a 429."""

import threading
from concurrent.futures import ThreadPoolExecutor

from extract.api.rate_limit import RECOVERY_S, RateLimiter
from tests.patience import PATIENCE_S, wait_until


class Clock:
    """Seconds that pass when a caller sleeps."""

    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def test_the_limiter_keeps_the_sliding_minute_between_threads() -> None:
    """Five a minute: of eight threads at once, three wait until the run is stopped."""
    stop, waiting, done = threading.Event(), set[int](), list[int]()

    def sleep(_: float) -> None:
        waiting.add(threading.get_ident())
        stop.wait(PATIENCE_S)

    rate_limiter = RateLimiter(5, clock=Clock(), sleep=sleep, is_stopped=stop.is_set)

    def ask(number: int) -> None:
        rate_limiter.wait()
        if not stop.is_set():
            done.append(number)

    with ThreadPoolExecutor(8) as pool:
        futures = [pool.submit(ask, number) for number in range(8)]
        wait_until(lambda: len(waiting) == 3 and len(done) == 5)
        stop.set()
        for future in futures:
            future.result(timeout=PATIENCE_S)
    assert len(done) == 5, "the waiting threads returned because the run was stopped"


def test_without_a_limit_there_is_no_delay() -> None:
    clock = Clock()
    rate_limiter = RateLimiter(None, clock=clock, sleep=clock.sleep)
    for _ in range(1000):
        rate_limiter.wait()
    assert clock.now == 1000.0
    assert rate_limiter.requests_per_minute is None


def test_a_429_delays_all_threads_and_is_reported_once() -> None:
    """Q28: Retry-After."""
    clock, pauses_s = Clock(), list[float]()
    rate_limiter = RateLimiter(None, clock=clock, sleep=clock.sleep, on_pause=pauses_s.append)
    for _ in range(4):
        rate_limiter.slow_down(41)
    rate_limiter.wait()
    assert clock.now >= 1041.0
    assert pauses_s == [41]


def test_a_429_delays_a_thread_that_waits_already() -> None:
    """Q28: a slot is free again, but may not be taken before the end of the pause."""
    clock = Clock()

    def sleep(seconds: float) -> None:
        if clock.now == 1000.0:
            rate_limiter.slow_down(41)
        clock.sleep(seconds)

    rate_limiter = RateLimiter(100, clock=clock, sleep=sleep)
    with rate_limiter._window.state() as state:
        state.paused_until = 1000.5
    rate_limiter.wait()
    assert clock.now == 1041.0


def test_a_429_lowers_the_rate_and_time_raises_it_again() -> None:
    clock = Clock()
    rate_limiter = RateLimiter(100, clock=clock, sleep=clock.sleep)
    assert rate_limiter.requests_per_minute == 100
    rate_limiter.slow_down(1)
    rate_limiter.slow_down(1)
    assert rate_limiter.requests_per_minute == 80, "two 429s at one moment count once"
    clock.now += 2
    rate_limiter.slow_down(1)
    assert rate_limiter.requests_per_minute == 64
    clock.now += 2
    began = clock.now
    for _ in range(11):
        rate_limiter.wait()
    assert 9.0 < clock.now - began < 11.0, "one at a time, 61 s / 64 apart"
    clock.now += RECOVERY_S
    rate_limiter.wait()
    assert rate_limiter.requests_per_minute == 80
    clock.now += RECOVERY_S
    rate_limiter.wait()
    assert rate_limiter.requests_per_minute == 100
