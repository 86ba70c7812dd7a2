"""Ctrl-C and SIGTERM: finish what is in flight, keep it, stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from flows.workspace import Workspace

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def graceful(workspace: Workspace) -> Iterator[None]:
    """While this lasts, the first signal ends the run in good order and the second one at once.

    The archive stands a kill at any instant, so the second is safe, too. Elsewhere than in the main thread signals belong to
    somebody else (a Prefect worker, say) and are left alone.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, _: FrameType | None) -> None:
        workspace.interrupt(signal.Signals(number))
        signal.signal(number, signal.SIG_DFL)

    before = {number: signal.signal(number, handle) for number in SIGNALS}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
