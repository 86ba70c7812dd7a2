"""What was found, in words that an owner understands: one sentence a row."""

from datetime import UTC, date, datetime, tzinfo
from typing import Any, Final

import pandas as pd

from transform.reconciliation.vocabulary import DAILY, USES, Cause, Check, Granularity, Verdict

_USES: Final[dict[str, str]] = {
    "home_wh": "home use",
    "grid_export_wh": "grid export",
    "battery_charge_wh": "battery charge",
    "solar_energy_exported_wh": "solar",
    "grid_energy_imported_wh": "grid import",
    "battery_energy_exported_wh": "battery discharge",
    "generator_energy_exported_wh": "generator",
    "grid_services_energy_imported_wh": "grid services import",
    "grid_services_energy_exported_wh": "grid services export",
}

_SPLITS: Final[dict[str, str]] = {
    "consumer_energy_imported": "home use",
    "grid_energy_exported": "grid export",
    "battery_energy_imported": "battery charge",
}

_SOURCES: Final[dict[str, str]] = {
    "calendar_history/day": "the day itself",
    "calendar_history/week": "the week series",
    "calendar_history/month": "the month series",
    "calendar_history/year": "the year series",
    "calendar_history/lifetime": "the lifetime series",
    "energy_intervals": "the intervals",
    "energy_intervals/5m": "the five-minute rows",
    "energy_intervals/15m": "the quarter hours",
    "energy_intervals/30m": "the half hours",
    "energy_intervals/60m": "the hours",
    "power": "power",
    DAILY: "the days",
    USES: "where it went",
}

_OLD_ENDPOINT: Final = "history/"

_PLURAL: Final = frozenset({"the days", *(name for source, name in _SOURCES.items() if source.startswith("energy_"))})

_WHY: Final[dict[str, str]] = {
    Cause.DROPPED_DAY: "it lacks a day",
    Cause.PARTIAL_PERIOD: "one of the two knows only a part of it",
    Cause.ROLLUP_DRIFT: "Tesla's own sum has drifted",
    Cause.ALLOCATION_SHIFT: "totals match, only the split is another",
    Cause.MISSING_INTERVALS: "rows are missing",
    Cause.MIDNIGHT_ZERO: "the row of zeros was cut at midnight",
    Cause.WRONG_WINDOW: "the answer was of another day",
    Cause.UNIT_MISMATCH: "it was told in another unit",
    Cause.SENSOR_INVERSION: "a sensor had the wrong sign",
    Cause.REVISED: "one of them had not settled",
    Cause.ROUNDING: "one of them is rounded",
    Cause.NO_SPLITS: "without a battery the API does not tell",
    Cause.UNEXPLAINED: "unexplained",
}


def in_words(rows: pd.DataFrame, zone: tzinfo) -> list[str]:
    """One sentence for each row of table `reconciliation`, in the order of the rows.

    Args:
        rows: The rows, of one site.
        zone: The site's zone: times of day are those of its clock.

    Raises:
        KeyError: A row's cause is none of `Cause`.
    """
    return [_sentence(row, zone) for row in rows.to_dict("records")]


def why(cause: str) -> str:
    """A cause in words."""
    return _WHY[cause]


def _sentence(row: dict[Any, Any], zone: tzinfo) -> str:
    when, what = _when(row), _measure(row["measure"])
    left, right = _source(row["left_source"]), _source(row["right_source"])
    if pd.isna(row["verdict"]):
        return f"{when}: where {_energy(row['left_wh'])} of {what} went is not checked: {_WHY[row['cause']]}"
    match row["verdict"]:
        case Verdict.MISSING_RIGHT:
            return f"{when} is missing from {right}; {_only_left(row, left, what)}"
        case Verdict.MISSING_LEFT:
            told = f"{right} {_verb(right)} {_energy(0 if pd.isna(row['right_wh']) else row['right_wh'])} of {what}"
            return f"{when} is missing from {left}; {told}: {_WHY[row['cause']]}"
        case Verdict.AGREE:
            return f"{when}: {left} and {right} agree on {_energy(row['right_wh'])} of {what}"
    values = f"{left} {_verb(left)} {_energy(row['left_wh'])} of {what}, {right} {_energy(row['right_wh'])}"
    difference = f"{_energy(row['difference_wh'], '+')}{_since(row, zone)}"
    return f"{when}: {values} ({difference}): {_WHY[row['cause']]}{_unknown_moment(row)}"


def _only_left(row: dict[Any, Any], left: str, what: str) -> str:
    if pd.isna(row["left_wh"]):
        return "nothing else tells of it"
    ending = "; filled" if row["check_name"] == Check.DAY_VS_MONTH_SERIES else ""
    return f"{left} {_verb(left)} {_energy(row['left_wh'])} of {what}{ending}"


def _since(row: dict[Any, Any], zone: tzinfo) -> str:
    """From when on the two differ, where that is known; an hour that the clock shows twice is told apart by its offset."""
    if pd.isna(row["parts_at"]):
        return ""
    instant: datetime = row["parts_at"].to_pydatetime().astimezone(UTC)
    local = instant.astimezone(zone)
    is_twice = local.replace(fold=1 - local.fold).utcoffset() != local.utcoffset()
    return f" from {local:%H:%M (UTC%z)} on" if is_twice else f" from {local:%H:%M} on"


def _unknown_moment(row: dict[Any, Any]) -> str:
    is_shift = row["cause"] == Cause.ALLOCATION_SHIFT and row["granularity"] == Granularity.DAY
    return "; since when in the day a single row cannot tell" if is_shift and pd.isna(row["parts_at"]) else ""


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
    use, _, source = name.removesuffix("_wh").rpartition("_from_")
    return f"{_SPLITS[use]} from {source}" if use in _SPLITS else _USES[name]


def _source(name: str) -> str:
    return "the old endpoint" if name.startswith(_OLD_ENDPOINT) else _SOURCES.get(name, name)


def _verb(source: str) -> str:
    return "give" if source in _PLURAL else "gives"


def _energy(wh: float, sign: str = "") -> str:
    """Wh, and kWh from one of them on."""
    if abs(wh) >= 1000:
        return f"{wh / 1000:{sign},.1f} kWh"
    return f"{wh:{sign}.0f} Wh" if float(wh).is_integer() else f"{wh:{sign}.1f} Wh"
