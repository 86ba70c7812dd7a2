"""What the pipeline tells of its progress; the console draws it, Prefect logs it, tests count it."""

from typing import Protocol


class Progress(Protocol):
    """Told of stages and of what is done of each."""

    def begin(self, stage: str, total: int) -> None:
        """A stage of `total` units begins; the one before is over."""

    def advance(self, note: str = "") -> None:
        """One more unit is done."""

    def end(self) -> None:
        """The last stage is over."""


class Silent:
    """Tells nobody."""

    def begin(self, stage: str, total: int) -> None:
        """See `Progress`."""

    def advance(self, note: str = "") -> None:
        """See `Progress`."""

    def end(self) -> None:
        """See `Progress`."""
