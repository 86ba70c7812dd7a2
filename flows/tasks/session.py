"""What the steps that make the lake work with: the archive they read, the lake they write, and the run."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from extract.archive.raw_archive import RawArchive
from flows.run_context import RunContext
from flows.stop_signal import StopSignal
from warehouse.lake.lake import Lake


@dataclass(frozen=True, slots=True)
class TransformSession:
    """Archive and lake as opened by one process of a run.

    Attributes:
        context: The run.
        archive: The raw archive, read only.
        lake: The lake that is written; a rebuild writes another one than the live one.
        stop: An interrupted run begins no further step.
        lost: Records of the archive that the run could not read: id → reason.
    """

    context: RunContext
    archive: RawArchive
    lake: Lake
    stop: StopSignal = field(default_factory=StopSignal)
    lost: dict[str, str] = field(default_factory=dict)

    @property
    def settle_hours(self) -> float:
        """How long after its end a window's response counts as final."""
        return self.context.settings.settle_hours

    def note_lost(self, lost: Mapping[str, str]) -> None:
        """Note records that a step could not read, in this process or in another one."""
        self.lost.update(lost)
        self.archive.note_lost(lost)
