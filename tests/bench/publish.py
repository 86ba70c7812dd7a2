"""Publishing and exporting: what a night's changes cost beside a whole build, and that memory stays flat.

The nightly change is the newest month of every site, in every table that is there.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import nullcontext
from itertools import product
from pathlib import Path
from unittest.mock import patch

import duckdb
import numpy as np
import pandas as pd

from tests.bench.measurement import Measurement, best_of
from warehouse.build import build as building
from warehouse.build.build import Loading, build
from warehouse.lake.lake import Lake
from warehouse.query.query import connect
from warehouse.schema import TABLES

SITES = range(1001, 1011)
MONTHS = [str(month) for month in pd.period_range("2024-01", "2025-12", freq="M")]
STEPS_S = {"power": 300, "energy_intervals": 300, "state_of_energy": 900}

LARGEST_SHARE = 0.3
"""Promised: loading a night's changes takes at most this share of loading everything, here where a month is a 24th."""
LARGEST_SLOWING = 1.5
"""Promised: a query takes at most so many times as long on a warehouse that was brought up to date for a month of nights."""
LARGEST_GROWTH_MB = 400
"""Promised: what ten million rows take in memory on their way out; a batch of them is about 12 MB."""
EXPORTED_ROWS = 10_000_000

_EXPORT = """
import resource, sys
from pathlib import Path
from warehouse.export.export import export
from warehouse.query.output_format import Format

before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
path, relation, destination, form = sys.argv[1:]
rows = export(Path(path), relation, Path(destination), Format(form)).rows
print(rows, (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024)
"""


def _month(name: str, site: int, month: str, night: int) -> pd.DataFrame:
    """A month of plausible rows; numbers differ from night to night."""
    days, table = pd.Period(month).days_in_month, TABLES[name]
    count = days * 86_400 // STEPS_S[name]
    starts = pd.date_range(f"{month}-01", periods=count, freq=f"{STEPS_S[name]}s", tz="UTC").as_unit("us")
    numbers = np.random.default_rng(site + night).integers(0, 400, (len(table.fields), count)) / 4
    given: dict[str, object] = {
        "site_id": site,
        "interval_start": starts,
        "local_date": starts.tz_localize(None).floor("D"),
        "interval_s": STEPS_S[name],
        "_fetched_at": pd.Timestamp("2026-01-01", tz="UTC"),
        "_raw_id": np.repeat([f"{month}-{day}" for day in range(days)], count // days),
        "_run_id": "run",
    }
    return pd.DataFrame({field.name: given.get(field.name, numbers[at]) for at, field in enumerate(table.fields)})


def _write(lake: Lake, months: list[str], night: int) -> None:
    for name, site, month in product(STEPS_S, SITES, months):
        lake.write(name, _month(name, site, month, night), site_id=site, period=month, digest=str(night))


def _no_models(connection: duckdb.DuckDBPyConnection, _: object) -> None:
    connection.execute("create schema if not exists analytics")


def _owner_asks(path: Path) -> float:
    with connect(path) as connection:
        query = "select sum(solar_w) from power where site_id = 1005 and interval_start >= '2025-01-01'"
        return best_of(20, lambda: connection.execute(query).fetchall())


def measure() -> Iterator[Measurement]:
    """Times, ratios and memory of publishing and exporting."""
    with tempfile.TemporaryDirectory() as directory:
        lake, path = Lake(Path(directory) / "lake"), Path(directory) / "warehouse.duckdb"
        _write(lake, MONTHS, 0)
        with (
            patch.object(building, "create_models", _no_models),
            patch.object(building, "updated_models", lambda *_: nullcontext()),
        ):
            whole = build(lake, path)
            yield Measurement(
                f"load {sum(whole.rows.values()):,} rows of {whole.files_loaded} files", whole.seconds, "s"
            )
            in_order, nights = _owner_asks(path), []
            size = path.stat().st_size
            for night in range(1, 6):
                _write(lake, MONTHS[-1:], night)
                built = build(lake, path)
                assert built.loading is Loading.CHANGES
                nights.append(built.seconds)
        yield Measurement("  a night's changes, in that time", min(nights) / whole.seconds, "×", LARGEST_SHARE)
        yield Measurement(
            "  a query afterwards, in its time before", _owner_asks(path) / in_order, "×", LARGEST_SLOWING
        )
        yield Measurement("  the file afterwards, in its size before", path.stat().st_size / size, "×", LARGEST_SLOWING)
        began = time.perf_counter()
        build(lake, path, anew=True)
        yield Measurement("  the same whole, with models", time.perf_counter() - began, "s")
        _write(lake, MONTHS[-1:], 9)
        yield Measurement("  a night's changes, with models", build(lake, path).seconds, "s")
        yield from _exports(path, whole.rows["power"])


def _exports(path: Path, stored_rows: int) -> Iterator[Measurement]:
    """The power of all sites as CSV; as many copies of it as ten million rows take as Parquet."""
    many = f"select power.* from power cross join range({-(-EXPORTED_ROWS // stored_rows)})"
    for form, relation in (("csv", "power"), ("parquet", many)):
        arguments = [str(path), relation, str(path.with_name(f"rows.{form}")), form]
        done = subprocess.run([sys.executable, "-c", _EXPORT, *arguments], capture_output=True, text=True, check=True)
        rows, growth_mb = done.stdout.split()
        yield Measurement(f"memory for {int(rows):,} rows as {form}", float(growth_mb), "MB", LARGEST_GROWTH_MB)
