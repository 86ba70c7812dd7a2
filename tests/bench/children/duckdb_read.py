"""`duckdb_read.py RAW_ARCHIVE DESTINATION`: DuckDB alone reads a raw archive into typed Parquet.

Bodies are parsed once, into typed columns. There are no checks, no units, no gaps and no estimates: the least that any program
must do. Imports nothing but DuckDB, since its whole process is measured.
"""

import json
import sys
from pathlib import Path
from string import Template

import duckdb

FLOWS = (
    *("solar_energy_exported", "generator_energy_exported", "grid_energy_imported"),
    *("grid_services_energy_imported", "grid_services_energy_exported", "grid_energy_exported_from_solar"),
    *("grid_energy_exported_from_generator", "grid_energy_exported_from_battery", "battery_energy_exported"),
    *("battery_energy_imported_from_grid", "battery_energy_imported_from_solar"),
    *("battery_energy_imported_from_generator", "consumer_energy_imported_from_grid"),
    *("consumer_energy_imported_from_solar", "consumer_energy_imported_from_battery"),
    "consumer_energy_imported_from_generator",
)
POWERS = ("solar_power", "battery_power", "grid_power", "grid_services_power", "generator_power")

FILES: dict[str, tuple[tuple[str, ...], tuple[str, ...]]] = {
    "power": (("power",), POWERS),
    "soe": (("soe",), ("soe",)),
    "energy": (("energy_interval",), FLOWS),
    "rollups": (("energy_day", "energy_month", "energy_year"), FLOWS),
}
"""File → its series and its numbers. A day of energy with one row, which is a period, is marked by a column."""

_READ = Template("""
copy (
    select
        site_id,
        series,
        moment.timestamp::timestamptz as interval_start,
        moment.timestamp[:10]::date as local_date,
        len(answer.response.time_series) > 1 as is_interval,
        $numbers,
        requested_at::timestamptz as fetched_at,
        raw_id,
        run_id
    from (
        select *, unnest(answer.response.time_series) as moment
        from (
            select * exclude (body), from_json(body, '$form') as answer
            from read_ndjson(
                $segments,
                compression = 'zstd',
                hive_partitioning = false,
                columns = {
                    site_id: 'BIGINT', series: 'VARCHAR', requested_at: 'VARCHAR', raw_id: 'VARCHAR', run_id: 'VARCHAR',
                    outcome: 'VARCHAR', body: 'VARCHAR'
                }
            )
            where outcome = 'data'
        )
    )
) to '$destination' (format parquet)
""")


def statement(raw: Path, destination: Path, name: str) -> str | None:
    """The statement that makes one file; None where the archive has no segment of its series."""
    series, numbers = FILES[name]
    segments = [str(path) for one in series for path in raw.glob(f"site_id=*/series={one}/*.ndjson.zst")]
    if not segments:
        return None
    row = {"timestamp": "VARCHAR", **dict.fromkeys(numbers, "DOUBLE")}
    return _READ.substitute(
        numbers=", ".join(f"moment.{name}" for name in numbers),
        form=json.dumps({"response": {"time_series": [row]}}),
        segments=sorted(segments),
        destination=destination / f"{name}.parquet",
    )


def main() -> None:
    """Make every file."""
    raw, destination = map(Path, sys.argv[1:])
    destination.mkdir(parents=True, exist_ok=True)
    with duckdb.connect() as connection:
        for name in FILES:
            sql = statement(raw, destination, name)
            if sql is not None:
                connection.execute(sql)


if __name__ == "__main__":
    main()
