"""The terminal: results on standard output, progress and notes on standard error.

Text that is printed here cannot control the terminal (`wattlog.visible`), and nothing in it is read as Rich's markup.
"""

import shlex
import shutil
import sys
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import orjson

from flows.progress import Progress, Silent
from flows.table_layout import GAP, Column, Line, lay_out, pair_lines, wrapped
from wattlog.printable import printable
from wattlog.visible import visible, visible_json

if TYPE_CHECKING:  # a command that prints one line or JSON needs no Rich
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

LINE_EVERY_S = 5.0
"""Without a terminal, a stage prints its progress this often: a line for each request would fill the log."""

NARROWEST = 40
"""A terminal that reports a smaller width gets lines of this length."""

JSON_FOR_ALL = "--json"


def output() -> "Console":
    """Standard output, without markup."""
    from rich.console import Console

    return Console(markup=False, emoji=False, highlight=False)


def terminal_width() -> int | None:
    """How long a line may be; None where standard output is no terminal: a pipe has no width."""
    return max(shutil.get_terminal_size().columns, NARROWEST) if sys.stdout.isatty() else None


def print_lines(lines: Iterable[Line | str]) -> None:
    """Print lines as they are."""
    from rich.text import Text

    console = output()
    for line in lines:
        text, is_heading = (line, False) if isinstance(line, str) else (line.text, line.is_heading)
        console.print(Text(visible(text), style="bold" if is_heading else ""), soft_wrap=True)


def print_table(table: "Table", *, advice: str = JSON_FOR_ALL) -> None:
    """Print a table so that it fits, and an empty line.

    Args:
        table: Headings and cells; `flows.table_layout` lays them out, since Rich breaks words.
        advice: The option that gives all columns, named where some are left out.
    """
    print_lines([*_table_lines(table, terminal_width(), advice), ""])


def print_side_by_side(tables: "Sequence[Table]") -> None:
    """Print narrow tables side by side where they fit, else one below another, and an empty line."""
    width = terminal_width()
    blocks = [_table_lines(table, width, JSON_FOR_ALL) for table in tables]
    block_widths = [max(len(line.text) for line in block) for block in blocks]
    if width is not None and sum(block_widths) + 4 * (len(blocks) - 1) > width:
        for block in blocks:
            print_lines([*block, ""])
        return
    height = max(len(block) for block in blocks)
    for row in range(height):
        parts = [block[row] if row < len(block) else Line("") for block in blocks]
        joined = "    ".join(part.text.ljust(size) for part, size in zip(parts, block_widths, strict=True))
        print_lines([Line(joined.rstrip(), is_heading=parts[0].is_heading)])
    print_lines([""])


def _table_lines(table: "Table", width: int | None, advice: str) -> list[Line]:
    title = [] if table.title is None else wrapped(_shown(table.title), width)
    columns = [
        Column(
            _heading(column.header), tuple(_shown(cell) for cell in column.cells), is_right=column.justify == "right"
        )
        for column in table.columns
    ]
    return [*(Line(line, is_heading=True) for line in title), *lay_out(columns, width, advice)]


def lines(*texts: str) -> "Text":
    """A cell of several lines. A line feed within one of them is shown as an escape, as it is in any other cell."""
    from rich.text import Text

    return Text("\n".join(visible(text) for text in texts))


def _shown(content: object) -> str:
    from rich.text import Text

    return content.plain if isinstance(content, Text) else visible(str(content))


def _heading(content: object) -> str:
    """A heading comes from wattlog itself, and may have several lines."""
    from rich.text import Text

    return content.plain if isinstance(content, Text) else str(content)


def print_sentences(sentences: Iterable[str]) -> None:
    """Print sentences, each wrapped between words, and an empty line."""
    width = terminal_width()
    for sentence in sentences:
        first, *others = wrapped(visible(sentence), None if width is None else width - len(GAP))
        print_lines([first, *(GAP + other for other in others)])
    print_lines([""])


def print_rest(left: int, what: str) -> None:
    """Print how many rows were left out of a long table."""
    if left > 0:
        print_sentences([f"… and {left:,} more {what} (--json for all)"])


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns."""
    shown = [(visible(name), visible(value)) for name, value in pairs]
    indent, width = max((len(name) for name, _ in shown), default=0), terminal_width()
    for name, value in shown:
        print_lines(pair_lines(name, value, indent, width))


def print_commands(name: str, commands: Iterable[Sequence[str]]) -> None:
    """Print commands to copy into a shell, and an empty line; one that is too long goes on in the next line, as shells do."""
    width = terminal_width()
    for command in commands:
        line, lines = name + GAP, list[str]()
        for number, word in enumerate(shlex.quote(word) for word in command):
            if number and width is not None and len(line) + len(word) + 3 > width:
                lines.append(f"{line} \\")
                line = " " * (len(name) + 2 * len(GAP)) + word
            else:
                line += f" {word}" if number else word
        print_lines([*lines, line])
        name = " " * len(name)
    print_lines([""])


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    text = orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode() + "\n"
    sys.stdout.write(visible_json(text) if sys.stdout.isatty() else text)
    sys.stdout.flush()


def note(message: str) -> None:
    """Print one line on standard error, apart from the results."""
    sys.stderr.write(f"wattlog: {printable(message)}\n")


@contextmanager
def progress_to_console(*, is_quiet: bool = False) -> Iterator[Progress]:
    """Progress as bars on a terminal, as occasional lines elsewhere; none if `is_quiet`."""
    if is_quiet:
        yield Silent()
        return
    if not sys.stderr.isatty():
        yield Lines()
        return
    from flows.progress_bars import drawn_progress

    with drawn_progress() as progress:
        yield progress


class Lines:
    """Progress as plain lines: one when a stage begins, one every few seconds, one for each pause."""

    def __init__(self) -> None:
        self._stage, self._total, self._done, self._began, self._said = "", 0, 0, 0.0, 0.0

    def begin(self, stage: str, total: int, parts: Mapping[str, int] | None = None) -> None:
        """See `Progress`."""
        self._stage, self._total, self._done = stage, total, 0
        self._began = self._said = time.monotonic()
        note(f"{stage}: {total:,}")

    def advance(self, part: str = "") -> None:
        """See `Progress`."""
        self._done += 1
        now = time.monotonic()
        if now - self._said >= LINE_EVERY_S:
            self._said = now
            speed = self._done / (now - self._began)
            left_s = (self._total - self._done) / speed
            note(
                f"{self._stage}: {self._done:,} of {self._total:,}, {speed * 60:,.0f}/min, {left_s / 60:,.0f} min left"
            )

    def pause(self, reason: str) -> None:
        """See `Progress`."""
        note(f"{self._stage}: {reason}" if self._stage else reason)

    def end(self) -> None:
        """See `Progress`."""
