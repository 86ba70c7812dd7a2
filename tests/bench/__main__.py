"""`python -m tests.bench`: every benchmark, one line a measurement; exit code 1 when a promise is not kept."""

import sys
from collections.abc import Callable, Iterator

from tests.bench import fleet, models, publish, raw_index, reconciliation, report, simulator
from tests.bench.measurement import Measurement

BENCHMARKS: tuple[Callable[[], Iterator[Measurement]], ...] = (
    raw_index.measure,
    simulator.measure,
    models.measure,
    reconciliation.measure,
    publish.measure,
    report.measure,
    fleet.measure,
)


def main() -> int:
    """Run everything and print it."""
    is_kept = True
    for benchmark in BENCHMARKS:
        for each in benchmark():
            sys.stdout.write(f"{each}\n")
            is_kept &= each.is_kept
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
