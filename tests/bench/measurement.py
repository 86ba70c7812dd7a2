"""One measurement and the limit that it is compared with."""

import re
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Measurement:
    """A number, its unit, and the most it may be.

    Attributes:
        name: What was measured.
        value: How much.
        unit: Of what: `s`, or `×` for ratios.
        limit: The most that was promised; None where the number is for information.
    """

    name: str
    value: float
    unit: str
    limit: float | None = None

    @property
    def is_kept(self) -> bool:
        """Whether the promise is kept."""
        return self.limit is None or self.value <= self.limit

    def __str__(self) -> str:
        promise = "" if self.limit is None else f"   at most {self.limit:g} {'ok' if self.is_kept else 'NOT KEPT'}"
        return f"{self.name:<60} {self.value:>10.3f} {self.unit}{promise}"


def best_of(times: int, work: Callable[[], object]) -> float:
    """The shortest of several runs, in seconds: what the work takes when nothing else is in its way."""
    shortest = float("inf")
    for _ in range(times):
        began = time.perf_counter()
        work()
        shortest = min(shortest, time.perf_counter() - began)
    return shortest


def peak_mb() -> float:
    """Highest memory of this process so far.

    Linux's `getrusage` counts what the parent had when it began this process, too; its status file does not.
    """
    status = Path("/proc/self/status")
    found = re.search(r"VmHWM:\s+(\d+) kB", status.read_text()) if status.exists() else None
    kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss if found is None else int(found[1])
    return kib / 1024
