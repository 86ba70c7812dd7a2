"""Several processes spend one allowance of requests: each `Allowance` here is what one of them has open."""

import pickle
import threading
from bisect import bisect_left
from heapq import heappop, heappush
from pathlib import Path

import pytest

from extract.allowance import Allowance, CommonPace, Halt, SharedBudget
from extract.errors import ArchiveError, BudgetSpent, RunStopped

NOW = 1_768_507_650.0


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Allowance(tmp_path / "allowance").begin()
    return tmp_path / "allowance"


class Clock:
    def __init__(self) -> None:
        self.now = NOW

    def __call__(self) -> float:
        return self.now


def paces(path: Path, clock: Clock, count: int, limit: int | None = 5) -> list[CommonPace]:
    return [CommonPace(Allowance(path), limit, clock=clock) for _ in range(count)]


def test_a_cap_is_spent_once_by_all(path: Path) -> None:
    """Eight processes at once, and not one request too many or too few."""
    budgets = [SharedBudget(50, Allowance(path)) for _ in range(8)]
    granted: list[int] = []

    def spend(budget: SharedBudget) -> None:
        for number in range(20):
            try:
                budget.spend()
            except BudgetSpent:
                return
            granted.append(number)

    threads = [threading.Thread(target=spend, args=(each,)) for each in budgets]
    for each in threads:
        each.start()
    for each in threads:
        each.join(60)
    assert len(granted) == 50
    assert {each.spent for each in budgets} == {50}


def test_without_a_cap_they_are_only_counted(path: Path) -> None:
    first, second = SharedBudget(None, Allowance(path)), SharedBudget(None, Allowance(path))
    for _ in range(3):
        first.spend()
        second.spend()
    assert first.spent == 6


def test_the_places_of_a_minute_are_taken_by_all(path: Path) -> None:
    """Whoever comes first has them; a minute later they are there again (Q28)."""
    clock = Clock()
    first, second = paces(path, clock, 2)
    assert [first.turn_s() for _ in range(3)] == [0.0] * 3
    clock.now += 20
    assert [second.turn_s() for _ in range(2)] == [0.0] * 2
    assert first.turn_s() == second.turn_s() == pytest.approx(41.0), "when the first of them comes free again"
    clock.now += 41.1
    assert [second.turn_s() > 0 for _ in range(4)] == [False] * 3 + [True]


def test_a_429_holds_everybody_back_and_slows_everybody_down(path: Path) -> None:
    clock = Clock()
    first, second = paces(path, clock, 2, limit=10)
    first.slow_down(20.0)
    assert second.turn_s() == pytest.approx(20.0)
    second.slow_down(15.0)
    clock.now += 21
    assert second.turn_s() == 0
    assert first.requests_per_minute == second.requests_per_minute == 8, "two that came back in one pause count as one"
    assert first.turn_s() == pytest.approx(61 / 8), "one place at a time, whoever takes it"
    clock.now += 7.7
    assert first.turn_s() == 0


def test_a_halt_ends_the_asking_of_all(path: Path) -> None:
    mine, theirs = Allowance(path), Allowance(path)
    assert theirs.halt == 0
    mine.halt = Halt.EVERYTHING
    mine.halt = Halt.ASKING
    assert theirs.halt == 2, "what is halted stays so"
    with pytest.raises(RunStopped):
        SharedBudget(None, theirs).spend()
    assert theirs.spent == 0


def test_a_halt_ends_the_waiting_of_all(path: Path) -> None:
    """Whoever waits for a place of the next minute goes home at once."""
    clock = Clock()
    (pace,) = paces(path, clock, 1, limit=1)
    pace.wait()
    Allowance(path).halt = Halt.ASKING
    pace.wait()
    assert pace.turn_s() > 0, "there was no place: it did not wait for one"


def test_at_most_a_tenth_of_the_limit_goes_unused(path: Path) -> None:
    """Q28: three processes of four threads each, every request on its way for up to a second, by a clock that nobody waits for.

    Whichever sixty seconds the server looks at, it never sees more than sixty requests, and it sees them in little more than
    the time that the limit makes them take. (Nearly sixty in any sixty seconds is not to be had: what comes in one go comes
    a second later each minute.)
    """
    clock, arrived = Clock(), list[float]()
    asking = [(clock.now, number, pace) for number, pace in enumerate(4 * paces(path, clock, 3, limit=60))]
    while len(arrived) < 60 * 20:
        clock.now, number, pace = heappop(asking)
        wait_s = pace.turn_s()
        if wait_s == 0:
            travels_s = 0.01 + 0.618 * len(arrived) % 1.0
            arrived.append(clock.now + travels_s)
            wait_s = 2 * travels_s
        heappush(asking, (clock.now + wait_s, number, pace))
    arrived.sort()
    assert max(bisect_left(arrived, start + 60) - number for number, start in enumerate(arrived)) <= 60
    assert arrived[-1] - NOW <= 60 * 19 / 0.9


def test_a_run_begins_with_nothing(path: Path) -> None:
    """Whatever a killed run left, damage too, is gone."""
    before = Allowance(path)
    before.spend(None)
    before.halt = Halt.ASKING
    path.write_bytes(b"no database at all")
    again = Allowance(path)
    again.begin()
    assert (again.spent, again.halt) == (0, Halt.NOTHING)
    again.end()
    assert not path.exists()


def test_it_travels_as_its_path(path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """To a process that stands in another directory, too."""
    monkeypatch.chdir(path.parent)
    mine = Allowance(Path(path.name))
    mine.spend(None)
    sent = pickle.dumps(mine)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    theirs: Allowance = pickle.loads(sent)  # noqa: S301 - our own
    theirs.spend(None)
    assert Allowance(path).spent == 2


def test_a_file_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(ArchiveError, match="cannot be used"):
        Allowance(tmp_path / "elsewhere").spend(None)
