"""Waiting for a condition that another thread or process fulfils, not for a length of time."""

import time
from collections.abc import Callable

PATIENCE_S = 600.0
"""Longest wait; generous, so that a busy machine does not make a test fail."""

LOOK_S = 0.01


def wait_until(
    holds: Callable[[], object],
    describe: Callable[[], object] = lambda: "the condition did not become true",
    *,
    look_s: float = LOOK_S,
) -> None:
    """Return as soon as a condition holds.

    Args:
        holds: The condition.
        describe: Returns the message if the condition does not hold in time.
        look_s: Interval between checks.
    """
    deadline = time.monotonic() + PATIENCE_S
    while not holds():
        assert time.monotonic() < deadline, describe()
        time.sleep(look_s)
