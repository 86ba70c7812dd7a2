"""The terminal: results on standard output, progress and notes on standard error."""

import sys
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import orjson
from rich.console import Console, RenderableType
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars
from rich.table import Table
from rich.text import Text

from flows.progress import Progress, Silent

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


def print_rest(left: int, what: str) -> None:
    """Say what was left out of a table that would have been too long."""
    if left > 0:
        output().print(f"… and {left:,} more {what} (--json for all)\n")


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
def progress_to_console(*, is_quiet: bool = False) -> Iterator[Progress]:
    """Progress as bars on a terminal, as occasional lines elsewhere; none if `is_quiet`."""
    if is_quiet:
        yield Silent()
        return
    if not sys.stderr.isatty():
        yield Lines()
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[note]}", style="yellow"),
    )
    with Bars(*columns, console=Console(stderr=True), refresh_per_second=8) as bars:
        yield Drawn(bars)


class Rate(ProgressColumn):
    """Units a minute, as limits are given."""

    def render(self, task: Task) -> Text:
        """The speed of the last half minute."""
        return Text("" if task.speed is None else f"{task.speed * 60:,.0f}/min", style="dim")


MOST_PARTS = 20
"""More bars or rows than this are read by nobody: a fleet is shown as a whole."""


class Drawn:
    """Progress as one bar a stage, and one for each of its parts where they are few."""

    def __init__(self, bars: Bars) -> None:
        self._bars = bars
        self._stage: TaskID | None = None
        self._parts: dict[str, TaskID] = {}

    def begin(self, stage: str, total: int, parts: Mapping[str, int] | None = None) -> None:
        """See `Progress`."""
        self.end()
        self._stage = self._bars.add_task(stage, total=total, note="")
        if parts is not None and len(parts) <= MOST_PARTS:
            self._parts = {name: self._bars.add_task(f"  {name}", total=of, note="") for name, of in parts.items()}

    def advance(self, part: str = "") -> None:
        """See `Progress`."""
        for task in (self._stage, self._parts.get(part)):
            if task is not None:
                self._bars.update(task, advance=1, note="")

    def pause(self, reason: str) -> None:
        """See `Progress`."""
        if self._stage is not None:
            self._bars.update(self._stage, note=reason)

    def end(self) -> None:
        """See `Progress`. The parts go, their stage stays."""
        for task in self._parts.values():
            self._bars.remove_task(task)
        self._parts = {}


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
        note(f"{self._stage}: {reason}")

    def end(self) -> None:
        """See `Progress`."""
