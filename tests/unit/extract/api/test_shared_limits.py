"""Several processes share one budget and one limit: each `SharedLimits` here is that of one process."""

import pickle
import threading
from bisect import bisect_left
from heapq import heappop, heappush
from pathlib import Path

import pytest

from extract.api.shared_limits import Halt, ProcessSharedBudget, ProcessSharedLimiter, SharedLimits
from extract.errors import ArchiveError, BudgetSpent, RunStopped

NOW = 1_768_507_650.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    SharedLimits(tmp_path / "limits").begin()
    return tmp_path / "limits"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def limiters(path: Path, clock: Clock, count: int, limit: int | None = 5) -> list[ProcessSharedLimiter]:
    return [ProcessSharedLimiter(SharedLimits(path), limit, clock=clock) for _ in range(count)]


def test_all_processes_share_one_budget(path: Path) -> None:
    """Eight processes at once, and not one request too many or too few."""
    budgets = [ProcessSharedBudget(50, SharedLimits(path)) for _ in range(8)]
    granted: list[int] = []

    def spend(budget: ProcessSharedBudget) -> None:
        for number in range(20):
            try:
                budget.spend()
            except BudgetSpent:
                return
            granted.append(number)

    threads = [threading.Thread(target=spend, args=(budget,)) for budget in budgets]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert len(granted) == 50
    assert {budget.spent for budget in budgets} == {50}


def test_without_a_limit_requests_are_only_counted(path: Path) -> None:
    first, second = ProcessSharedBudget(None, SharedLimits(path)), ProcessSharedBudget(None, SharedLimits(path))
    for _ in range(3):
        first.spend()
        second.spend()
    assert first.spent == 6


def test_all_processes_take_slots_of_one_minute(path: Path) -> None:
    """They are granted in order; a minute later they are free again (Q28)."""
    clock = Clock()
    first, second = limiters(path, clock, 2)
    assert [first.try_acquire() for _ in range(3)] == [0.0] * 3
    clock.now += 20
    assert [second.try_acquire() for _ in range(2)] == [0.0] * 2
    assert first.try_acquire() == second.try_acquire() == pytest.approx(41.0), "when the first of them is free again"
    clock.now += 41.1
    assert [second.try_acquire() > 0 for _ in range(4)] == [False] * 3 + [True]


def test_a_429_pauses_and_slows_down_all_processes(path: Path) -> None:
    clock = Clock()
    first, second = limiters(path, clock, 2, limit=10)
    first.slow_down(20.0)
    assert second.try_acquire() == pytest.approx(20.0)
    second.slow_down(15.0)
    clock.now += 21
    assert second.try_acquire() == 0
    assert first.requests_per_minute == second.requests_per_minute == 8, "two 429s in one pause count as one"
    assert first.try_acquire() == pytest.approx(61 / 8), "slots are evenly spaced over all processes"
    clock.now += 7.7
    assert first.try_acquire() == 0


def test_a_halt_ends_the_requests_of_all(path: Path) -> None:
    mine, theirs = SharedLimits(path), SharedLimits(path)
    assert theirs.halt == 0
    mine.halt = Halt.EVERYTHING
    mine.halt = Halt.REQUESTS
    assert theirs.halt == 2, "a halt is not taken back"
    with pytest.raises(RunStopped):
        ProcessSharedBudget(None, theirs).spend()
    assert theirs.spent == 0


def test_a_halt_ends_the_waiting_of_all(path: Path) -> None:
    """A thread that waits for a slot returns at once."""
    clock = Clock()
    (rate_limiter,) = limiters(path, clock, 1, limit=1)
    rate_limiter.wait()
    SharedLimits(path).halt = Halt.REQUESTS
    rate_limiter.wait()
    assert rate_limiter.try_acquire() > 0, "there was no slot, and it did not wait for one"


def test_at_most_a_tenth_of_the_limit_goes_unused(path: Path) -> None:
    """Q28: three processes of four threads each, every request travels for up to a second, by a simulated clock.

    In no sixty seconds does the server receive more than sixty requests, and all of them arrive in little more than the
    shortest time that the limit allows. (Nearly sixty in every sixty seconds is not possible: a burst moves by a second
    each minute.)
    """
    clock, arrived = Clock(), list[float]()
    waiting = [
        (clock.now, number, rate_limiter) for number, rate_limiter in enumerate(4 * limiters(path, clock, 3, limit=60))
    ]
    while len(arrived) < 60 * 20:
        clock.now, number, rate_limiter = heappop(waiting)
        wait_s = rate_limiter.try_acquire()
        if wait_s == 0:
            travels_s = 0.01 + 0.618 * len(arrived) % 1.0
            arrived.append(clock.now + travels_s)
            wait_s = 2 * travels_s
        heappush(waiting, (clock.now + wait_s, number, rate_limiter))
    arrived.sort()
    assert max(bisect_left(arrived, start + 60) - number for number, start in enumerate(arrived)) <= 60
    assert arrived[-1] - NOW <= 60 * 19 / 0.9


def test_a_run_begins_with_nothing(path: Path) -> None:
    """What a killed run left, damage included, is removed."""
    before = SharedLimits(path)
    before.spend(None)
    before.halt = Halt.REQUESTS
    path.write_bytes(b"no database at all")
    again = SharedLimits(path)
    again.begin()
    assert (again.spent, again.halt) == (0, Halt.NOTHING)
    again.end()
    assert not path.exists()


def test_it_is_pickled_as_its_path(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Also to a process with another working directory."""
    monkeypatch.chdir(path.parent)
    mine = SharedLimits(Path(path.name))
    mine.spend(None)
    sent = pickle.dumps(mine)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    theirs: SharedLimits = pickle.loads(sent)  # noqa: S301 - our own
    theirs.spend(None)
    assert SharedLimits(path).spent == 2


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot be used"):
        SharedLimits(tmp_path / "elsewhere").spend(None)
