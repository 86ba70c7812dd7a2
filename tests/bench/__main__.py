"""`python -m tests.bench [NUMBER | NAME …]`: measures of the table by their numbers, other benchmarks by their names.

`table` stands for all measures. Without any name, everything but the longest. Exit code 1 when a limit is missed.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from tests.bench import (
    dashboard,
    fetching,
    fleet,
    importing,
    lake_size,
    models,
    nights,
    pricing,
    publish,
    publishing,
    raw_index,
    rebuilding,
    reconciliation,
    report,
    simulator,
    starting,
    table,
    thousand,
    workers,
)
from tests.bench.histories import Histories
from tests.bench.measurement import Measurement
from tests.bench.result import Curve, Result
from tests.bench.sizes import FULL, QUICK

MEASURES: Final[dict[int, Callable[[Histories], Iterator[Result | Curve]]]] = {
    1: rebuilding.measure_ratio,
    2: fetching.measure_backfill,
    3: fetching.measure_asking,
    4: nights.measure,
    5: starting.measure,
    6: publishing.measure_publishing,
    7: rebuilding.measure_memory,
    8: models.measure_ratio,
    9: lake_size.measure,
    10: publishing.measure_in_place,
    11: fetching.measure_requests,
    12: workers.measure,
    13: reconciliation.measure_ratio,
    14: pricing.measure_ratio,
    15: importing.measure_ratio,
}
"""The table's rows, by number."""

BENCHMARKS: Final[dict[str, Callable[[], Iterator[Measurement]]]] = {
    "raw_index": raw_index.measure,
    "simulator": simulator.measure,
    "models": models.measure,
    "reconciliation": reconciliation.measure,
    "publish": publish.measure,
    "report": report.measure,
    "fleet": fleet.measure,
    "dashboard": dashboard.measure,
    "thousand": thousand.measure,
}
"""What the table does not have, and parts of it in detail; a line a measurement."""

ONLY_BY_NAME: Final = frozenset({"thousand"})
TABLE: Final = "table"

JSON: Final = Path("build/bench.json")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what is named and print it."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description="Measure speed as ratios within one run."
    )
    numbers = [str(number) for number in MEASURES]
    known = [*numbers, TABLE, *BENCHMARKS]
    parser.add_argument("names", nargs="*", metavar="NUMBER|NAME", help=f"one of {', '.join(known)}")
    parser.add_argument(
        "--quick", action="store_true", help="small sizes, to see that it works: limits say nothing then"
    )
    parser.add_argument(
        "--json", type=Path, default=JSON, metavar="FILE", help=f"where the JSON goes (default: {JSON})"
    )
    options = parser.parse_args(arguments)
    names = options.names or [TABLE, *(name for name in BENCHMARKS if name not in ONLY_BY_NAME)]
    unknown = [name for name in names if name not in known]
    if unknown:
        parser.error(f"no benchmark is called {unknown[0]!r}; there are {', '.join(known)}")
    is_kept = _benchmarks([name for name in names if name in BENCHMARKS])
    chosen = sorted(int(number) for number in numbers if number in names or TABLE in names)
    return 0 if _measures(chosen, options.json, is_quick=options.quick) and is_kept else 1


def _benchmarks(names: Sequence[str]) -> bool:
    """Print the lines of the benchmarks; whether every promise is kept."""
    is_kept = True
    for name in names:
        for measurement in BENCHMARKS[name]():
            sys.stdout.write(f"{measurement}\n")
            sys.stdout.flush()
            is_kept &= measurement.is_kept
    return is_kept


def _measures(numbers: Sequence[int], path: Path, *, is_quick: bool) -> bool:
    """Print the table and write the JSON, which grows from measure to measure; whether every limit is reached."""
    results: list[Result | Curve] = []
    with tempfile.TemporaryDirectory(prefix="wattlog-bench-") as directory:
        histories = Histories(Path(directory), QUICK if is_quick else FULL)
        try:
            for number in numbers:
                began = time.perf_counter()
                results += MEASURES[number](histories)
                table.write(results, path)
                sys.stderr.write(f"measure {number}: {time.perf_counter() - began:.0f} s\n")
        finally:
            if results:
                table.show(results)
    return all(result.is_reached for result in results if isinstance(result, Result))


if __name__ == "__main__":
    sys.exit(main())
