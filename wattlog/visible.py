"""Text written by others, made safe to print: control characters are shown as escapes, for instance `\\x1b`.

Names of sites and error texts of an API are written by others. Control characters in them would clear the screen, set the
title of the terminal, write over a line or change the direction of the text.
"""

import re
from collections.abc import Callable
from functools import partial
from io import BufferedIOBase
from typing import Any, BinaryIO, cast

STEERING = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069"
"""Control characters of ASCII and Latin-1, line and paragraph separators, and characters that change the text direction."""

_STEERING = re.compile(f"[{STEERING}\ud800-\udfff]")
_STEERING_OR_BREAK = re.compile(f"[{STEERING}\ud800-\udfff\t\n]")
_SHORT = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}


def visible(text: str, *, keeps_lines: bool = False) -> str:
    """The same text with each control character as a visible escape.

    Args:
        text: Any text.
        keeps_lines: Whether line feeds and tabs stay; without, the result is one line.
    """
    return (_STEERING if keeps_lines else _STEERING_OR_BREAK).sub(_escape, text)


def visible_json(text: str) -> str:
    """The same JSON with such characters as escapes of JSON: the values stay the same."""
    return _STEERING.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _escape(found: re.Match[str]) -> str:
    code = ord(found[0])
    return _SHORT.get(found[0]) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")


def visible_sink(terminal: BinaryIO, *, is_json: bool) -> BinaryIO:
    """A binary file that writes UTF-8 to a terminal, control characters made visible; as escapes of JSON if `is_json`."""
    return cast("BinaryIO", _VisibleSink(terminal, visible_json if is_json else partial(visible, keeps_lines=True)))


class _VisibleSink(BufferedIOBase):
    """Each call writes whole characters."""

    def __init__(self, terminal: BinaryIO, make: Callable[[str], str]) -> None:
        super().__init__()
        self._terminal, self._make = terminal, make

    def writable(self) -> bool:
        return True

    def write(self, content: Any) -> int:
        self._terminal.write(self._make(bytes(content).decode()).encode())
        return len(content)
