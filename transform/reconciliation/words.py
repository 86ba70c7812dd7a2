"""What was found, in words that an owner understands: one sentence a row."""

from datetime import date
from typing import Any, Final

import pandas as pd

from transform.reconciliation.vocabulary import DAILY, USES, Cause, Check, Granularity, Verdict

_MEASURES: Final[dict[str, str]] = {
    "home_wh": "home use",
    "grid_export_wh": "grid export",
    "battery_charge_wh": "battery charge",
    "solar_energy_exported_wh": "solar",
    "grid_energy_imported_wh": "grid import",
    "battery_energy_exported_wh": "battery discharge",
    "generator_energy_exported_wh": "generator",
}

_SOURCES: Final[dict[str, str]] = {
    "calendar_history/day": "the day itself",
    "calendar_history/week": "the week series",
    "calendar_history/month": "the month series",
    "calendar_history/year": "the year series",
    "calendar_history/lifetime": "the lifetime series",
    "energy_intervals": "the intervals",
    "power": "power",
    DAILY: "the days",
    USES: "where it went",
}

_WHY: Final[dict[str, str]] = {
    Cause.DROPPED_DAY: "it lacks a day",
    Cause.PARTIAL_PERIOD: "the period is not whole on one side",
    Cause.ROLLUP_DRIFT: "Tesla's own sum has drifted",
    Cause.ALLOCATION_SHIFT: "totals match, only the split is another",
    Cause.MISSING_INTERVALS: "rows are missing",
    Cause.MIDNIGHT_ZERO: "the row of zeros was cut at midnight",
    Cause.WRONG_WINDOW: "the answer was of another day",
    Cause.UNIT_MISMATCH: "it was told in another unit",
    Cause.SENSOR_INVERSION: "a sensor had the wrong sign",
    Cause.REVISED: "one of them had not settled",
    Cause.ROUNDING: "one of them is rounded",
    Cause.UNEXPLAINED: "unexplained",
}


def in_words(rows: pd.DataFrame) -> list[str]:
    """One sentence for each row of table `reconciliation`, in the order of the rows.

    Raises:
        KeyError: A row's cause is none of `Cause`.
    """
    return [_sentence(row) for row in rows.to_dict("records")]


def _sentence(row: dict[Any, Any]) -> str:
    when, what = _when(row), _measure(row["measure"])
    left, right = _source(row["left_source"]), _source(row["right_source"])
    match row["verdict"]:
        case Verdict.MISSING_RIGHT:
            if pd.isna(row["left_wh"]):
                return f"{when} is missing from {right}; nothing else tells of it"
            told = f"{left} {_verb(left)} {_kwh(row['left_wh'])} of {what}"
            ending = "; filled" if row["check_name"] == Check.DAY_VS_MONTH_SERIES else ""
            return f"{when} is missing from {right}; {told}{ending}"
        case Verdict.MISSING_LEFT:
            told = f"{right} {_verb(right)} {_kwh(0 if pd.isna(row['right_wh']) else row['right_wh'])} of {what}"
            return f"{when} is missing from {left}; {told}: {_WHY[row['cause']]}"
        case Verdict.AGREE:
            return f"{when}: {left} and {right} agree on {_kwh(row['right_wh'])} of {what}"
    values = f"{left} {_verb(left)} {_kwh(row['left_wh'])} of {what}, {right} {_kwh(row['right_wh'])}"
    return f"{when}: {values} ({_kwh(row['difference_wh'], '+')}): {_WHY[row['cause']]}"


def _when(row: dict[Any, Any]) -> str:
    start: date = row["period_start"]
    match row["granularity"]:
        case Granularity.MONTH:
            return f"{start:%Y-%m}"
        case Granularity.YEAR:
            return f"{start:%Y}"
        case Granularity.WEEK:
            return f"the week of {start}"
        case Granularity.LIFETIME:
            return f"since {start}"
    return str(start)


def _measure(name: str) -> str:
    return _MEASURES.get(name, name.removesuffix("_wh").replace("_energy_", " ").replace("_", " "))


def _source(name: str) -> str:
    return _SOURCES.get(name, name)


def _verb(source: str) -> str:
    return "give" if source in {"the days", "the intervals"} else "gives"


def _kwh(wh: float, sign: str = "") -> str:
    """Wh as kWh with as many decimals as there is something to see."""
    kwh = wh / 1000
    return f"{kwh:{sign}.1f} kWh" if abs(kwh) >= 1 else f"{kwh:{sign}.3f} kWh"
