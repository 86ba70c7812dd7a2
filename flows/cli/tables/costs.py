"""What energy cost, as tables for the terminal and as JSON: by day, month, or billing cycle, and by label."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from string import Template
from typing import Any, Final

import duckdb
from rich.table import Table

from flows.cli.tables.money import MoneyColumn, amount, table_of
from flows.console import note, print_table
from warehouse.query.query import connect

_BOUNDED: Final = ("import_cost", "export_credit", "net_cost")
"""Columns that may lie between two bounds."""

_BASIS: Final = {"in_force": "", "assumed": "assumed", None: "no tariff"}
"""`tariff_basis` → what is shown."""


class Grain(StrEnum):
    """What one row of the table is."""

    DAY = "day"
    MONTH = "month"
    CYCLE = "cycle"


@dataclass(frozen=True, slots=True)
class CostRows:
    """Costs of some sites.

    Attributes:
        grain: What one row is.
        rows: Rows of the model, by column.
        labels: Cost by site, currency and label in the same time.
    """

    grain: Grain
    rows: list[dict[str, Any]]
    labels: list[dict[str, Any]]


_MODEL: Final = {
    Grain.DAY: ("costs_daily", "local_date", "local_date"),
    Grain.MONTH: ("costs_monthly", "month", "(month + interval 1 month - interval 1 day)::date"),
    Grain.CYCLE: ("bills", "cycle_start", "cycle_end"),
}
"""Grain → model, its first day, its last day."""

_ROWS = Template("""
select * from analytics.$model
where (len(?::bigint[]) = 0 or site_id in (select unnest(?::bigint[]))) and $last >= ?::date and $first <= ?::date
order by site_id, $first, currency
""")
_LABELS = """
select
    site_id,
    site_name,
    currency,
    label,
    sum(grid_import_kwh) as grid_import_kwh,
    sum(grid_export_kwh) as grid_export_kwh,
    sum(import_cost) as import_cost,
    sum(export_credit) as export_credit
from analytics.costs_hourly
where (len(?::bigint[]) = 0 or site_id in (select unnest(?::bigint[]))) and local_date between ?::date and ?::date
    and currency is not null
group by site_id, site_name, currency, label
order by site_id, import_cost desc
"""


def stored_costs(warehouse: Path, grain: Grain, sites: Collection[int], first: date, last: date) -> CostRows:
    """Costs of the published warehouse.

    Args:
        warehouse: Path of the warehouse.
        grain: What one row is.
        sites: Only of these sites; empty for all.
        first: First local day.
        last: Last local day. Months and cycles that reach into the time are whole.
    """
    model, begin, end = _MODEL[grain]
    parameters = [list(sites), list(sites), first, last]
    with connect(warehouse) as connection:
        query = _ROWS.substitute(model=model, first=begin, last=end)
        return CostRows(grain, _dicts(connection, query, parameters), _dicts(connection, _LABELS, parameters))


def _dicts(connection: duckdb.DuckDBPyConnection, query: str, parameters: Sequence[object]) -> list[dict[str, Any]]:
    found = connection.execute(query, parameters)
    names = [column[0] for column in found.description or ()]
    return [dict(zip(names, row, strict=True)) for row in found.fetchall()]


def as_json(found: CostRows) -> dict[str, Any]:
    """The same for programs; amounts as numbers."""
    return {
        found.grain.value + "s": [_plain(row) for row in found.rows],
        "by_label": [_plain(row) for row in found.labels],
    }


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {name: float(value) if isinstance(value, Decimal) else value for name, value in row.items()}


def print_costs(found: CostRows) -> None:
    """Print a table for each site, and one of its labels; then notes about what is not known."""
    if not found.rows:
        note(
            "no costs are known: import a tariff with `wattlog tariff import FILE --site ID --from DAY`; one that a tool "
            "wrote to steer the battery is not used"
        )
        return
    for site_id in dict.fromkeys(row["site_id"] for row in found.rows):
        rows = [row for row in found.rows if row["site_id"] == site_id]
        name = rows[0]["site_name"] or f"site {site_id}"
        print_table((_bills if found.grain is Grain.CYCLE else _periods)(name, rows, found.grain))
        labels = [row for row in found.labels if row["site_id"] == site_id]
        if labels:
            print_table(_labels(name, labels))
    for sentence in _notes(found):
        note(sentence)


def _periods(name: str, rows: Sequence[dict[str, Any]], grain: Grain) -> Table:
    days = [str(row["local_date"]) if grain is Grain.DAY else f"{row['month']:%Y-%m}" for row in rows]
    columns = [
        MoneyColumn(grain.value, days, is_right=False),
        MoneyColumn("import\nkWh", [f"{row['grid_import_kwh']:,.1f}" for row in rows]),
        MoneyColumn("export\nkWh", [f"{row['grid_export_kwh']:,.1f}" for row in rows]),
        MoneyColumn("import\ncost", [_exact_or_bounds(row, "import_cost") for row in rows]),
        MoneyColumn("export\ncredit", [_exact_or_bounds(row, "export_credit") for row in rows]),
        MoneyColumn("energy\ncost", [amount(row["energy_cost"]) if not _is_bounded(row) else "" for row in rows]),
        _amounts("saved\nby solar", rows, "saved_by_solar"),
        _amounts("saved by\nbattery", rows, "saved_by_battery", is_optional=True),
        _amounts("saved by\nboth", rows, "saved_by_both"),
        _amounts("daily\ncharges", rows, "daily_charges", is_optional=True),
        _basis(rows),
    ]
    return table_of(f"What energy cost, {name}", columns, [row["currency"] for row in rows])


def _bills(name: str, rows: Sequence[dict[str, Any]], grain: Grain) -> Table:
    cycles = [f"{row['cycle_start']} to {row['cycle_end']}" for row in rows]
    days = [
        str(row["days"]) if row["priced_days"] == row["days"] else f"{row['priced_days']} of {row['days']}"
        for row in rows
    ]
    carried = [
        amount(row["credit_carried"]) if row["credit_carried_kwh"] is None else f"{row['credit_carried_kwh']:,.1f} kWh"
        for row in rows
    ]
    columns = [
        MoneyColumn("cycle", cycles, is_right=False),
        MoneyColumn("days\npriced", days),
        MoneyColumn("to pay", [_exact_or_bounds(row, "net_cost") for row in rows]),
        _amounts("import\ncost", rows, "import_cost"),
        _amounts("export\ncredit", rows, "export_credit"),
        _amounts("fixed\ncharges", rows, "fixed_charges", is_optional=True),
        _amounts("demand\ncharges", rows, "demand_charges", is_optional=True),
        _amounts("credit\nused", rows, "credit_used", is_optional=True),
        _amounts("tax", rows, "tax", is_optional=True),
        MoneyColumn("credit\ncarried", carried, is_optional=True),
        _amounts("saved by\nboth", rows, "saved_by_both"),
        _basis(rows),
    ]
    return table_of(f"Bills, {name}, by billing {grain.value}", columns, [row["currency"] for row in rows])


def _labels(name: str, rows: Sequence[dict[str, Any]]) -> Table:
    columns = [
        MoneyColumn("label", [row["label"] for row in rows], is_right=False),
        MoneyColumn("import kWh", [f"{row['grid_import_kwh']:,.1f}" for row in rows]),
        MoneyColumn("export kWh", [f"{row['grid_export_kwh']:,.1f}" for row in rows]),
        _amounts("import cost", rows, "import_cost"),
        _amounts("export credit", rows, "export_credit"),
    ]
    return table_of(f"By label, {name}", columns, [row["currency"] for row in rows])


def _amounts(heading: str, rows: Sequence[dict[str, Any]], name: str, *, is_optional: bool = False) -> MoneyColumn:
    return MoneyColumn(heading, [amount(row[name]) for row in rows], is_optional=is_optional)


def _basis(rows: Sequence[dict[str, Any]]) -> MoneyColumn:
    """How the tariff applies; nothing where it was in force."""
    texts = [_BASIS.get(row["tariff_basis"], row["tariff_basis"]) for row in rows]
    return MoneyColumn("basis", texts, is_right=False, is_optional=True)


def _is_bounded(row: dict[str, Any]) -> bool:
    """Whether a part of the row's energy has no exact cost, but bounds."""
    return bool(row.get("is_bounded") or row.get("bounded_days"))


def _has_two_amounts(row: dict[str, Any]) -> bool:
    """Whether a cost of the row is shown as two bounds."""
    sides = [(row[f"{name}_low"], row[f"{name}_high"]) for name in _BOUNDED if f"{name}_low" in row]
    return any(None not in (low, high) and low != high for low, high in sides)


def _exact_or_bounds(row: dict[str, Any], column: str) -> str:
    """An amount, or its bounds; where these meet, they are the amount, also of days of which only the sum is known."""
    return _between(row[f"{column}_low"], row[f"{column}_high"]) or amount(row[column])


def _between(low: Decimal | None, high: Decimal | None) -> str:
    if low is None:
        return ""
    if high is None:
        return f"at least {amount(low)}"
    return amount(low) if low == high else f"{amount(low)} to {amount(high)}"


def _notes(found: CostRows) -> Iterator[str]:
    basis = [row["tariff_basis"] for row in found.rows]
    what = {Grain.DAY: "days", Grain.MONTH: "months", Grain.CYCLE: "cycles"}[found.grain]
    if "assumed" in basis:
        yield (
            f"assumed: {basis.count('assumed'):,} of {len(basis):,} {what} are priced by a tariff that was not in force then"
        )
    if None in basis:
        yield (
            f"no tariff: {basis.count(None):,} of {len(basis):,} {what} have days without a tariff that was in force; import "
            "one with `wattlog tariff import FILE --site ID --from DAY`, or set assume_tariff = true under [billing] in "
            "wattlog.toml"
        )
    if found.grain is Grain.CYCLE:
        yield from _notes_on_days(found.rows)
    elif partly := sum(_is_bounded(row) for row in found.rows):
        yield (
            f"savings: {partly:,} of {len(found.rows):,} {what} have time of which no intervals are stored; what was saved on "
            "these days is not known, and not in the sums"
        )
    if any(_has_two_amounts(row) for row in found.rows):
        yield "two amounts: of some days only the sum of the energy is known, so the cost lies between the two"


def _notes_on_days(bills: Sequence[dict[str, Any]]) -> Iterator[str]:
    if least := sum(row["is_demand_lower_bound"] for row in bills):
        yield (
            f"at least: in {least:,} of {len(bills):,} cycles some time with a demand charge is not stored, so the highest "
            "import, and what is to be paid, may be higher; `wattlog gaps` lists it"
        )
    if unknown := sum(not row["is_credit_known"] for row in bills):
        yield (
            f"credits: {unknown:,} of {len(bills):,} cycles are not known exactly, or follow one that is not in the same year "
            "of credits. Such a cycle neither uses nor adds credits, so credits, and what is to be paid with them, may differ"
        )
    unbounded = sum(
        row["bounded_days"] > 0
        and not row["missing_days"]
        and row["net_cost_low"] is None
        and row["currency"] is not None
        for row in bills
    )
    if unbounded:
        yield (
            f"no amount: {unbounded:,} of {len(bills):,} cycles have days of which only the sum of the energy is known. "
            "Without a price of exports, or with netting, credits, or a limit of exports, nothing follows from sums"
        )
    missing = sum(row["missing_days"] > 0 for row in bills)
    if missing:
        yield (
            f"missing days: {missing:,} of {len(bills):,} cycles have days of which no energy is stored, so what is to be paid "
            "is not known; `wattlog gaps` lists them"
        )
    parts = sum(row["priced_days"] + row["bounded_days"] + row["missing_days"] < row["days"] for row in bills)
    if parts:
        yield (
            f"parts of cycles: {parts:,} of {len(bills):,} cycles are not over, began before the first stored day, or have "
            "days without a price; their amounts are for a part of their days"
        )


def month_of(text: str) -> tuple[date, date] | None:
    """First and last day of a month written as YYYY-MM; None where it is none."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        return None
    if f"{first:%Y-%m}" != text:
        return None
    return first, (first + timedelta(days=31)).replace(day=1) - timedelta(days=1)
