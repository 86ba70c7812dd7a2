"""The question before something is sent."""

import typer

from flows.errors import ChangeInterrupted


def is_to_be_sent() -> bool:
    """Ask on the terminal whether what was shown is to be sent.

    Raises:
        ChangeInterrupted: Ctrl-C, or the end of the input, came instead of an answer.
    """
    try:
        return typer.confirm("Send it?", err=True)
    except typer.Abort:
        raise ChangeInterrupted(by_keyboard=True) from None
