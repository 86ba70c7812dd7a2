"""When a command is sent again, and when the setting is read back (Q65, Q66, Q69).

A late repeat may undo what the owner changed meanwhile, so a request is repeated within seconds only, and never after it was
accepted. A value that is not confirmed is not sent again either.
"""

from collections.abc import Iterator
from typing import Final

MAX_ATTEMPTS: Final = 3
RETRY_WITHIN_S: Final = 10.0
"""No attempt begins later than this after the first one began."""

RETRY_PAUSES_S: Final = (1.0, 2.0)
"""Before the second and the third attempt."""

_READ_AT_S: Final = (0.0, 1.0, 3.0, 7.0, 15.0, 30.0, 60.0)
"""Seconds after the answer: the cloud stores at once, and a cache may be a minute old (Q64, Q65). The last reading is at the
end of the provider's time (`Provider.read_back_s`)."""


def is_late(elapsed_s: float) -> bool:
    """Whether it is too late to begin an attempt.

    Args:
        elapsed_s: Seconds since the first attempt began.
    """
    return elapsed_s > RETRY_WITHIN_S


def retry_pause_s(attempts: int, elapsed_s: float, asked_s: float = 0.0) -> float | None:
    """How long to wait before the next attempt; None if there is none.

    Args:
        attempts: Attempts so far.
        elapsed_s: Seconds since the first attempt began.
        asked_s: Seconds that the server asked to wait.
    """
    if not 1 <= attempts < MAX_ATTEMPTS:
        return None
    pause_s = max(RETRY_PAUSES_S[attempts - 1], asked_s)
    return None if is_late(elapsed_s + pause_s) else pause_s


def read_back_pauses_s(until_s: float) -> Iterator[float]:
    """The pauses before each reading of the setting, the first one at once.

    Args:
        until_s: How long after the answer the setting is read at most; the last reading is then.
    """
    before_s = 0.0
    for at_s in (*(at_s for at_s in _READ_AT_S if at_s < until_s), until_s):
        yield at_s - before_s
        before_s = at_s
