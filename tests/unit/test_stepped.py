"""The clock of tests moves by what is slept, and never while another participant is in the middle of something."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.patience import PATIENCE_S, wait_until
from tests.stepped import SteppedClock


def test_time_is_the_sum_of_what_was_slept(tmp_path: Path) -> None:
    clock, other = SteppedClock(tmp_path / "clock"), SteppedClock(tmp_path / "clock")
    assert clock() == other() == 0.0
    with clock.awake():
        clock.sleep(1.5)
        clock.sleep(0.25)
    assert clock() == other() == 1.75


def test_time_stands_still_while_one_is_awake(tmp_path: Path) -> None:
    """One is in the middle of something and the other wants to sleep: it waits, and so does the time."""
    begun, done = threading.Event(), threading.Event()

    def work() -> float:
        mine = SteppedClock(tmp_path / "clock")
        with mine.awake():
            before = mine()
            begun.set()
            assert done.wait(PATIENCE_S)
            return mine() - before

    def sleep() -> None:
        mine = SteppedClock(tmp_path / "clock")
        with mine.awake():
            asleep.set()
            mine.sleep(60)

    asleep = threading.Event()
    clock = SteppedClock(tmp_path / "clock")
    with ThreadPoolExecutor(2) as pool:
        working = pool.submit(work)
        assert begun.wait(PATIENCE_S)
        sleeping = pool.submit(sleep)
        assert asleep.wait(PATIENCE_S)
        assert {clock() for _ in range(2_000)} == {0.0}
        done.set()
        assert working.result(PATIENCE_S) == 0.0
        sleeping.result(PATIENCE_S)
    wait_until(lambda: clock() == 60.0)
