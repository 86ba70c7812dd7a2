"""One sentence for each row of table `reconciliation`, in plain English for owners."""

from datetime import UTC, date, datetime, tzinfo
from typing import Any, Final

import pandas as pd

from transform.reconciliation.source_values import DAILY, USES
from wattlog.causes import SENTENCES, Cause, Check, Granularity, Verdict

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
    "calendar_history/day": "the day series",
    "calendar_history/week": "the week series",
    "calendar_history/month": "the month series",
    "calendar_history/year": "the year series",
    "calendar_history/lifetime": "the lifetime series",
    "energy_intervals": "the intervals",
    "energy_intervals/5m": "the 5-minute intervals",
    "energy_intervals/15m": "the 15-minute intervals",
    "energy_intervals/30m": "the 30-minute intervals",
    "energy_intervals/60m": "the 60-minute intervals",
    "power": "the power readings",
    DAILY: "the days",
    USES: "the sum of its uses",
}

_RETIRED_ENDPOINT: Final = "history/"

_PLURAL: Final = frozenset(
    name for source, name in _SOURCES.items() if source in (DAILY, "power") or source.startswith("energy_")
)


def difference_text(rows: pd.DataFrame, zone: tzinfo) -> list[str]:
    """One sentence for each row of table `reconciliation`, in the order of the rows.

    Args:
        rows: The rows, of one site.
        zone: The site's zone: times of day are those of its clock.

    Raises:
        KeyError: A row has a cause that is not in `Cause`.
    """
    return [_sentence(row, zone) for row in rows.to_dict("records")]


def _sentence(row: dict[Any, Any], zone: tzinfo) -> str:
    when, what = _when(row), _measure(row["measure"])
    left, right = _source(row["left_source"]), _source(row["right_source"])
    if pd.isna(row["verdict"]):
        return f"{when}: where {_energy(row['left_wh'])} of {what} went is not checked: {SENTENCES[row['cause']]}"
    match row["verdict"]:
        case Verdict.MISSING_RIGHT:
            return f"{when} is missing from {right}; {_only_left(row, left, what)}"
        case Verdict.MISSING_LEFT:
            other = f"{right} {_verb(right)} {_energy(0 if pd.isna(row['right_wh']) else row['right_wh'])} of {what}"
            return f"{when} is missing from {left}; {other}: {SENTENCES[row['cause']]}"
        case Verdict.AGREE:
            return f"{when}: {left} and {right} agree on {_energy(row['right_wh'])} of {what}"
    values = f"{left} {_verb(left)} {_energy(row['left_wh'])} of {what}, {right} {_energy(row['right_wh'])}"
    difference = f"{_energy(row['difference_wh'], '+')}{_since(row, zone)}"
    return f"{when}: {values} ({difference}): {SENTENCES[row['cause']]}{_unknown_moment(row)}"


def _only_left(row: dict[Any, Any], left: str, what: str) -> str:
    if pd.isna(row["left_wh"]):
        return "no other source has it"
    ending = "; the day is filled" if row["check_name"] == Check.DAY_VS_MONTH_SERIES else ""
    return f"{left} {_verb(left)} {_energy(row['left_wh'])} of {what}{ending}"


def _since(row: dict[Any, Any], zone: tzinfo) -> str:
    """Since when the two differ, where that is known; with the UTC offset in an hour that the clock shows twice."""
    if pd.isna(row["diverges_at"]):
        return ""
    instant: datetime = row["diverges_at"].to_pydatetime().astimezone(UTC)
    local = instant.astimezone(zone)
    is_twice = local.replace(fold=1 - local.fold).utcoffset() != local.utcoffset()
    return f" since {local:%H:%M (UTC%z)}" if is_twice else f" since {local:%H:%M}"


def _unknown_moment(row: dict[Any, Any]) -> str:
    is_shift = row["cause"] == Cause.ALLOCATION_SHIFT and row["granularity"] == Granularity.DAY
    return "; a daily total does not show when the shift began" if is_shift and pd.isna(row["diverges_at"]) else ""


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
    return "the older endpoint" if name.startswith(_RETIRED_ENDPOINT) else _SOURCES.get(name, name)


def _verb(source: str) -> str:
    return "give" if source in _PLURAL else "gives"


def _energy(wh: float, sign: str = "") -> str:
    """Wh, and kWh from one of them on."""
    if abs(wh) >= 1000:
        return f"{wh / 1000:{sign},.1f} kWh"
    return f"{wh:{sign}.0f} Wh" if float(wh).is_integer() else f"{wh:{sign}.1f} Wh"
