"""A range as a CSV file: what the page shows, in kWh."""

import csv
import io
from typing import Any

_NOT_ENERGY = frozenset({"site_id", "stored"})


def of_range(found: dict[str, Any]) -> bytes:
    """The rows of `warehouse.dashboard.periods.energy_range` as a whole, a column without any value left out.

    Returns:
        UTF-8 text with a line of names; energies in kWh, empty where not known.
    """
    series = found["series"]
    names = [
        name
        for name in (series[0] if series else {})
        if name not in _NOT_ENERGY and any(value is not None for part in series for value in part[name])
    ]
    has_sites = any(part["site_id"] is not None for part in series)
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    stored = "whole_hours" if found["by"] == "hour" else "days_stored"
    writer.writerow([*(["site_id"] if has_sites else []), found["by"], stored, *(f"{name}_kwh" for name in names)])
    for part in series:
        for at, period in enumerate(found["periods"]):
            writer.writerow(
                [
                    *([part["site_id"]] if has_sites else []),
                    period,
                    part["stored"][at],
                    *(None if part[name][at] is None else part[name][at] / 1000 for name in names),
                ]
            )
    return text.getvalue().encode()
