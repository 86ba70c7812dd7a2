"""Text as it may be printed: without secrets, and without characters that control a terminal."""

from wattlog.secret_text import masked
from wattlog.visible import visible


def printable(text: str) -> str:
    """The same text in one line, secrets masked, control characters as escapes.

    Secrets are masked first: an escape within a secret would hide it from the mask.
    """
    return visible(masked(" ".join(text.split())))
