"""What the pipeline tells of its progress; the console draws it, Prefect logs it, tests count it."""

from collections.abc import Mapping
from typing import Protocol


class Progress(Protocol):
    """Told of stages and of what is done of each."""

    def begin(self, stage: str, total: int, parts: Mapping[str, int] | None = None) -> None:
        """A stage of `total` units begins, the one before is over; `parts` says how many of them are whose."""

    def advance(self, part: str = "") -> None:
        """One more unit is done, of `part`."""

    def pause(self, reason: str) -> None:
        """Nothing advances for a while, and why."""

    def end(self) -> None:
        """The last stage is over."""


class Silent:
    """Tells nobody."""

    def begin(self, stage: str, total: int, parts: Mapping[str, int] | None = None) -> None:
        """See `Progress`."""

    def advance(self, part: str = "") -> None:
        """See `Progress`."""

    def pause(self, reason: str) -> None:
        """See `Progress`."""

    def end(self) -> None:
        """See `Progress`."""
