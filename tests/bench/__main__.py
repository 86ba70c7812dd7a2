"""`python -m tests.bench [NAME …]`: the benchmarks named, or all but the longest; one line a measurement.

Exit code 1 when a promise is not kept.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from typing import Final

from tests.bench import fleet, models, publish, raw_index, reconciliation, report, simulator, thousand
from tests.bench.measurement import Measurement

BENCHMARKS: Final[dict[str, Callable[[], Iterator[Measurement]]]] = {
    "raw_index": raw_index.measure,
    "simulator": simulator.measure,
    "models": models.measure,
    "reconciliation": reconciliation.measure,
    "publish": publish.measure,
    "report": report.measure,
    "fleet": fleet.measure,
    "thousand": thousand.measure,
}
ONLY_BY_NAME: Final = frozenset({"thousand"})


def main() -> int:
    """Run what is named and print it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure speed as ratios within one run."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"one of {', '.join(BENCHMARKS)}")
    names = parser.parse_args().names or [name for name in BENCHMARKS if name not in ONLY_BY_NAME]
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    is_kept = True
    for name in names:
        for each in BENCHMARKS[name]():
            sys.stdout.write(f"{each}\n")
            sys.stdout.flush()
            is_kept &= each.is_kept
    return 0 if is_kept else 1


if __name__ == "__main__":
    sys.exit(main())
