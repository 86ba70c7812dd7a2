"""The terminal: results on standard output, progress and notes on standard error."""

import sys
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import orjson
from rich.console import Console, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, TaskID, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from flows.progress import Progress

LINE_EVERY_S = 5.0
"""Without a terminal a stage says how far it is this often; a log with a line a request is read by nobody."""


def output() -> Console:
    """Standard output. Without a terminal lines are as long as they are: a pipe has no width."""
    return Console(soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else 200, highlight=False)


def print_table(renderable: RenderableType) -> None:
    """Print a table or anything else that Rich draws, and an empty line."""
    console = output()
    console.print(renderable)
    console.print()


def print_pairs(pairs: Iterable[tuple[str, str]]) -> None:
    """Print names and values in two columns, as they are: no markup."""
    grid = Table.grid(padding=(0, 2))
    for name, value in pairs:
        grid.add_row(name, Text(value))
    output().print(grid)


def print_json(value: Any) -> None:
    """Print a value as indented JSON."""
    sys.stdout.write(orjson.dumps(value, option=orjson.OPT_INDENT_2, default=str).decode() + "\n")
    sys.stdout.flush()


def note(message: str) -> None:
    """Say something to the person, beside the results."""
    sys.stderr.write(f"wattlog: {message}\n")


@contextmanager
def progress_to_console() -> Iterator[Progress]:
    """Progress as bars on a terminal, as occasional lines elsewhere."""
    if not sys.stderr.isatty():
        yield Lines()
        return
    columns = (
        TextColumn("{task.description:<16}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}", style="dim"),
    )
    with Bars(*columns, console=Console(stderr=True), refresh_per_second=8) as bars:
        yield Drawn(bars)


class Drawn:
    """Progress as one bar a stage."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._task: TaskID | None = None

    def begin(self, stage: str, total: int) -> None:
        """See `Progress`."""
        self.end()
        self._task = self._bars.add_task(stage, total=total, note="")

    def advance(self, note: str = "") -> None:
        """See `Progress`."""
        if self._task is not None:
            self._bars.update(self._task, advance=1, note=note)

    def end(self) -> None:
        """See `Progress`."""
        if self._task is not None:
            self._bars.update(self._task, note="")


class Lines:
    """Progress as plain lines: one when a stage begins, one every few seconds."""

    def __init__(self) -> None:
        self._stage, self._total, self._done, self._said = "", 0, 0, 0.0

    def begin(self, stage: str, total: int) -> None:
        """See `Progress`."""
        self._stage, self._total, self._done, self._said = stage, total, 0, time.monotonic()
        note(f"{stage}: {total:,}")

    def advance(self, note_: str = "") -> None:
        """See `Progress`."""
        self._done += 1
        if time.monotonic() - self._said >= LINE_EVERY_S:
            self._said = time.monotonic()
            note(f"{self._stage}: {self._done:,} of {self._total:,} {note_}".rstrip())

    def end(self) -> None:
        """See `Progress`."""
