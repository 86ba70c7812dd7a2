"""Ctrl-C and SIGTERM: a run finishes what is in flight and keeps it, a query ends at once."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from flows.errors import QueryInterrupted
from flows.stop_signal import StopSignal

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def graceful(stop: StopSignal) -> Iterator[None]:
    """While this lasts, the first signal ends the run in good order and the second one at once.

    The archive stands a kill at any instant, so the second is safe, too. Outside the main thread, signals belong to
    another program (a Prefect worker, say) and are not handled.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _: FrameType | None) -> None:
        stop.interrupt(signal.Signals(number))
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class _Terminated(BaseException):
    """SIGTERM came."""


@contextmanager
def ends_at_once() -> Iterator[None]:
    """While this lasts, a signal ends what is done here at once, with nothing temporary left.

    Raises:
        QueryInterrupted: A signal came.
    """

    def terminate(*_: object) -> None:
        raise _Terminated

    is_main = threading.current_thread() is threading.main_thread()
    # SIGINT is set, too: a process that a script has put into the background begins with it ignored.
    before = {}
    if is_main:
        before[signal.SIGTERM] = signal.signal(signal.SIGTERM, terminate)
        before[signal.SIGINT] = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    except KeyboardInterrupt:
        raise QueryInterrupted(by_keyboard=True) from None
    except _Terminated:
        raise QueryInterrupted(by_keyboard=False) from None
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
