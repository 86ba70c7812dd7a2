"""What to do after an HTTP status: the one table of it (API.md#status-codes)."""

from enum import StrEnum
from typing import Final


class Action(StrEnum):
    """What to do after a response."""

    USE = "use"
    RETRY = "retry"
    SLOW_DOWN = "slow down"
    LOG_IN = "log in"
    MOVE = "use another region"
    PAY = "pay"
    WIDEN_SCOPE = "widen the scope"
    GIVE_UP_ENDPOINT = "give up the endpoint"
    GIVE_UP_REQUEST = "give up the request"


ACTIONS: Final[dict[int, Action]] = {
    200: Action.USE,
    401: Action.LOG_IN,
    402: Action.PAY,
    403: Action.WIDEN_SCOPE,
    408: Action.RETRY,
    410: Action.GIVE_UP_ENDPOINT,
    421: Action.MOVE,
    424: Action.RETRY,
    429: Action.SLOW_DOWN,
    499: Action.RETRY,
}
"""Status → action. Any 5xx is retried, any other status gives up the request."""


def action_for(status: int) -> Action:
    """What to do after an HTTP status."""
    default = Action.RETRY if status >= 500 else Action.GIVE_UP_REQUEST
    return ACTIONS.get(status, default)
