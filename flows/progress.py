"""How the pipeline reports its progress. The console draws it, Prefect logs it, tests count it."""

from collections.abc import Mapping
from typing import Protocol

MOST_PARTS = 20
"""A fleet with more sites than this is shown as a whole, not site by site."""


class Progress(Protocol):
    """Receives the stages of a run, and the units done of each."""

    def begin(self, stage: str, total: int, parts: Mapping[str, int] | None = None) -> None:
        """A stage of `total` units begins, and the previous one is over; `parts` has the units of each part."""

    def advance(self, part: str = "") -> None:
        """One more unit is done, of `part`."""

    def pause(self, reason: str) -> None:
        """Nothing advances for a while, for this reason."""

    def end(self) -> None:
        """The last stage is over."""


class Silent:
    """Reports nothing."""

    def begin(self, stage: str, total: int, parts: Mapping[str, int] | None = None) -> None:
        """See `Progress`."""

    def advance(self, part: str = "") -> None:
        """See `Progress`."""

    def pause(self, reason: str) -> None:
        """See `Progress`."""

    def end(self) -> None:
        """See `Progress`."""
