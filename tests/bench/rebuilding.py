"""Measures 1 and 7: a rebuild beside DuckDB's own read of the same archive, and the memory that it takes."""

from collections.abc import Iterator
from pathlib import Path

import duckdb

from tests.bench.child import Child, least_cpu, python, run
from tests.bench.histories import Histories
from tests.bench.result import Curve, Limit, Result
from tests.bench.sizes import length
from wattlog.names import DataDirectory

READ = Path(__file__).with_name("children") / "duckdb_read.py"
REBUILD, DUCKDB = "wattlog rebuild", "DuckDB reads it"
OF_TABLE = {
    "power": ("power", "is_interval"),
    "state_of_energy": ("soe", "is_interval"),
    "energy_intervals": ("energy", "is_interval"),
    "energy_periods": ("energy", "not is_interval"),
}


def measure_ratio(histories: Histories) -> Iterator[Result | Curve]:
    """Measure 1, and the cost of a rebuild over the lengths of history."""
    lines: dict[str, dict[str, float]] = {REBUILD: {}, DUCKDB: {}}
    for months in histories.sizes.histories:
        sides = _both_sides(histories, months)
        for name, line in lines.items():
            line[length(months)] = sides[name].cpu_s
        if months in histories.sizes.compared:
            yield Result(
                1,
                f"rebuild {length(months)} / DuckDB reads the archive",
                sides[REBUILD].cpu_s / sides[DUCKDB].cpu_s,
                "×",
                Limit(3.0, 2.0),
                {name: child.cpu_s for name, child in sides.items()},
            )
    yield Curve(1, "cost of a rebuild", lines)


def measure_memory(histories: Histories) -> Iterator[Result]:
    """Measure 7, of the rebuilds that measure 1 made, where it did."""
    least, most = histories.sizes.histories[0], histories.sizes.histories[-1]
    peaks = {}
    for months in (least, most):
        histories.rebuilt(months)
        peaks[months] = max(child.peak_mb for child in histories.rebuilds[months])
    yield Result(
        7,
        f"peak memory of rebuild, {length(most)} / {length(least)}",
        peaks[most] / peaks[least],
        "×",
        Limit(1.3, 1.1),
        {f"{length(months)} MB": peak for months, peak in peaks.items()},
    )


def _both_sides(histories: Histories, months: int) -> dict[str, Child]:
    """A rebuild and DuckDB's read, in turn; both must make the same number of rows."""
    root, parquet = histories.archive(months), histories.directory / f"{months}-months-by-duckdb"
    read = python(READ, DataDirectory(root).raw, parquet)
    sides = least_cpu(histories.sizes.rounds, {REBUILD: lambda: histories.rebuild(months), DUCKDB: lambda: run(read)})
    _refuse_other_rows(DataDirectory(root).warehouse, parquet)
    return sides


def _refuse_other_rows(warehouse: Path, parquet: Path) -> None:
    """The comparison is worth something only if both sides have made the same rows."""
    with duckdb.connect(str(warehouse), read_only=True) as connection:
        for table, (name, condition) in OF_TABLE.items():
            kept = "where source = 'calendar_history/day'" if table == "energy_periods" else ""
            ((ours,),) = connection.execute(f"select count(*) from main.{table} {kept}").fetchall()
            file = parquet / f"{name}.parquet"
            ((theirs,),) = connection.execute(f"select count(*) from '{file}' where {condition}").fetchall()
            assert ours == theirs, f"{table}: {ours:,} rows in the warehouse, {theirs:,} read by DuckDB"
