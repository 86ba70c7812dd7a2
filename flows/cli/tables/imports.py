"""What files of other tools have, and the imports that count."""

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
from rich.table import Table

from flows.console import print_lines, print_rest, print_table
from flows.histories import FoundTable, Inspection
from flows.progress import MOST_PARTS

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400


def print_inspection(found: Inspection) -> None:
    """Print what the files have: days, columns, resolution, zone, and unit, with the reason for each."""
    print_lines([f"{found.origin}: {found.format.title}, {len(found.files):,} files, {len(found.new):,} of them new"])
    table = Table("file", "days", "rows", "every", "source", "partial days", "not usable")
    for file in found.files[:MOST_PARTS]:
        for position, of_file in enumerate(file.tables):
            table.add_row(
                file.name,
                f"{of_file.first_day} to {of_file.last_day}",
                f"{of_file.rows:,}",
                resolution(of_file.step_s),
                of_file.source,
                f"{of_file.partial_days:,}",
                f"{len(file.rejects):,}" if not position else "",
            )
    print_table(table)
    if len(found.files) > MOST_PARTS:
        print_rest(len(found.files) - MOST_PARTS, f"of {len(found.files):,} files")
    print_lines([*_evidence(found), ""])


def _evidence(found: Inspection) -> list[str]:
    """Columns, unit, and zone, once for all files that agree."""
    seen: dict[tuple[Any, ...], int] = {}
    for file in found.files:
        for table in file.tables:
            key = (table.source, table.columns, table.unit, table.zone)
            seen[key] = seen.get(key, 0) + 1
    lines = []
    for (source, columns, unit, zone), count in seen.items():
        lines += [
            f"{source}, {count:,} files",
            f"  columns: {', '.join(columns)}",
            f"  unit: {unit}",
            f"  zone: {zone}",
        ]
    return lines


def resolution(step_s: int | None) -> str:
    """The distance between rows, as text."""
    if not step_s:
        return ""
    for length_s, name in ((_DAY_S, "day"), (_HOUR_S, "h"), (_MINUTE_S, "min")):
        if step_s >= length_s and step_s % length_s < length_s // 10:
            count = round(step_s / length_s)
            return name if name == "day" and count == 1 else f"{count} {name}"
    return f"{step_s} s"


def as_dict(found: Inspection, import_id: str | None) -> dict[str, Any]:
    """An inspection as `--json` prints it; the id is that of the import, None where nothing was stored."""
    return {
        "import_id": import_id,
        "path_name": found.origin,
        "format": found.format.series.partition(":")[2],
        "files": [
            {
                "name": file.name,
                "is_new": not file.is_kept,
                "not_usable": [
                    {"line": reject.line, "reason": str(reject.reason), "payload": reject.payload}
                    for reject in file.rejects
                ],
                "tables": [_table_as_dict(table) for table in file.tables],
            }
            for file in found.files
        ],
        "left_out": found.refused,
    }


def _table_as_dict(table: FoundTable) -> dict[str, Any]:
    return {
        "source": table.source,
        "rows": table.rows,
        "first_day": table.first_day,
        "last_day": table.last_day,
        "days": table.days,
        "partial_days": table.partial_days,
        "step_s": table.step_s,
        "columns": table.columns,
        "unit": table.unit,
        "zone": table.zone,
    }


def import_as_dict(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row of table `imports` as `--json` prints it."""
    return {name: None if pd.isna(value) else value for name, value in row.items()}


def print_imports(rows: Sequence[Mapping[str, Any]]) -> None:
    """Print the imports that count."""
    if not rows:
        print_lines(["there are no imports"])
        return
    table = Table("import", "site", "format", "path", "files", "days", "rows")
    for row in rows:
        table.add_row(
            row["import_id"],
            str(row["site_id"]),
            row["format"],
            row["path_name"],
            f"{row['files']:,}",
            f"{row['first_day']} to {row['last_day']}",
            f"{row['rows']:,}",
        )
    print_table(table)
