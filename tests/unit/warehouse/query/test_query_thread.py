"""A call into DuckDB ends when it is interrupted or takes too long, and is left behind where it does not."""

import os
import signal
import threading
import time
from collections.abc import Callable

import duckdb
import pyarrow as pa
import pytest

from warehouse.errors import QueryTooLong
from warehouse.query import query_thread
from warehouse.query.query_thread import QueryThread, is_left_behind


class Interruptible:
    """In the place of a connection: `work` ends when it is interrupted."""

    def __init__(self) -> None:
        self.is_interrupted = threading.Event()

    def interrupt(self) -> None:
        self.is_interrupted.set()

    def work(self) -> None:
        self.is_interrupted.wait()
        raise duckdb.InterruptException("Interrupted!")


class Stubborn(Interruptible):
    """Its work goes on until it is released."""

    def __init__(self) -> None:
        super().__init__()
        self.is_released = threading.Event()

    def work(self) -> None:
        self.is_released.wait()


def _thread(connection: Interruptible, limit_s: float | None = None) -> QueryThread:
    return QueryThread(connection, limit_s=limit_s)  # type: ignore[arg-type]


def _after_ctrl_c(work: Callable[[], None]) -> Callable[[], None]:
    def call() -> None:
        os.kill(os.getpid(), signal.SIGINT)
        work()

    return call


def test_answers_and_errors_come_back() -> None:
    thread = _thread(Interruptible())
    assert thread.run(lambda: 42) == 42
    with pytest.raises(ZeroDivisionError):
        thread.run(lambda: 1 // 0)


def test_ctrl_c_interrupts_duckdb() -> None:
    connection = Interruptible()
    with pytest.raises(KeyboardInterrupt):
        _thread(connection).run(_after_ctrl_c(connection.work))
    assert connection.is_interrupted.is_set()
    assert not is_left_behind()


def test_a_call_that_does_not_stop_is_left_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(query_thread, "GRACE_S", 0.0)
    connection = Stubborn()
    with pytest.raises(KeyboardInterrupt):
        _thread(connection).run(_after_ctrl_c(connection.work))
    assert is_left_behind()
    connection.is_released.set()
    for thread in threading.enumerate():
        if thread.name == "query":
            thread.join()
    assert not is_left_behind()


def test_the_time_limit_counts_work_and_nothing_else() -> None:
    now = [0.0]
    connection = Interruptible()
    thread = QueryThread(connection, limit_s=10.0, clock=lambda: now[0])  # type: ignore[arg-type]

    def take(seconds: float) -> None:
        now[0] += seconds

    thread.run(lambda: take(9.9))
    now[0] += 1_000
    thread.run(lambda: take(0.1))
    with pytest.raises(QueryTooLong, match="ended after 10 s"):
        thread.run(connection.work)


def test_batches_are_computed_one_by_one() -> None:
    requested: list[int] = []

    def batches() -> "object":
        for number in range(3):
            requested.append(number)
            yield pa.RecordBatch.from_pydict({"n": [number]})

    schema = pa.schema([("n", pa.int64())])
    rows = _thread(Interruptible()).read(pa.RecordBatchReader.from_batches(schema, batches()))
    assert requested == []
    assert rows.read_next_batch()["n"].to_pylist() == [0]
    assert requested == [0]
    assert [batch["n"].to_pylist() for batch in rows] == [[1], [2]]


def test_an_interrupt_in_the_middle_of_an_answer_is_one() -> None:
    connection = Interruptible()

    def batches() -> "object":
        yield pa.RecordBatch.from_pydict({"n": [0]})
        _after_ctrl_c(connection.work)()

    schema = pa.schema([("n", pa.int64())])
    rows = _thread(connection).read(pa.RecordBatchReader.from_batches(schema, batches()))
    rows.read_next_batch()
    with pytest.raises(KeyboardInterrupt):
        rows.read_next_batch()


def test_an_interrupt_that_wakes_no_thread_is_one() -> None:
    """The signal comes to the thread of the query, so the waiting one is not woken by it."""
    connection = Interruptible()

    def call() -> None:
        time.sleep(0.1)  # the other thread waits by now; if it does not, the test shows less, and does not fail
        signal.pthread_kill(threading.get_ident(), signal.SIGINT)
        connection.work()

    with pytest.raises(KeyboardInterrupt):
        _thread(connection).run(call)
