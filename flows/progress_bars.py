"""Progress on a terminal: a bar for each stage, and one for each of its parts where these are few."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from rich.console import Console
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
from rich.text import Text

from flows.progress import MOST_PARTS
from wattlog.visible import visible


@contextmanager
def drawn_progress() -> "Iterator[Drawn]":
    """Bars on standard error."""
    columns = (
        TextColumn("{task.description}", markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        Rate(),
        TimeRemainingColumn(elapsed_when_finished=True),
        TextColumn("{task.fields[note]}", style="yellow", markup=False),
    )
    with Bars(*columns, console=Console(stderr=True, markup=False, emoji=False), refresh_per_second=8) as bars:
        yield Drawn(bars)


class Rate(ProgressColumn):
    """Units a minute, as limits are given."""

    def render(self, task: Task) -> Text:
        """The speed of the last half minute."""
        return Text("" if task.speed is None else f"{task.speed * 60:,.0f}/min", style="dim")


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
            self._parts = {
                name: self._bars.add_task(visible(f"  {name}"), total=of, note="") for name, of in parts.items()
            }

    def advance(self, part: str = "") -> None:
        """See `Progress`."""
        for task in (self._stage, self._parts.get(part)):
            if task is not None:
                self._bars.update(task, advance=1, note="")

    def pause(self, reason: str) -> None:
        """See `Progress`."""
        if self._stage is not None:
            self._bars.update(self._stage, note=visible(reason))

    def end(self) -> None:
        """See `Progress`. The parts go, their stage stays."""
        for task in self._parts.values():
            self._bars.remove_task(task)
        self._parts = {}
