"""Tables of amounts: columns without anything in them are left out, and a currency that all rows share is in the title."""

from collections.abc import Collection, Iterable, Sequence
from decimal import ROUND_HALF_EVEN, Decimal
from typing import Final, NamedTuple

from rich.table import Table

CENT: Final = Decimal("0.01")


class MoneyColumn(NamedTuple):
    """One column of a table of amounts.

    Attributes:
        heading: Its heading, in one line or several.
        cells: Its cells, one for each row.
        is_right: Whether cells are aligned right, as numbers are.
        is_optional: Whether it is left out where no cell has anything but zero.
    """

    heading: str
    cells: Sequence[str]
    is_right: bool = True
    is_optional: bool = False


def amount(value: Decimal | None) -> str:
    """An amount in cents, rounded half to even; empty where it is not known."""
    return "" if value is None else f"{value.quantize(CENT, ROUND_HALF_EVEN):,}"


def table_of(title: str, columns: Iterable[MoneyColumn], currencies: Collection[str | None]) -> Table:
    """A table of amounts.

    Args:
        title: The title; the currency is added where all rows have the same one.
        columns: The columns, those that matter most first: a narrow terminal shows the first ones.
        currencies: The currency of each row; None where a row has no amount.
    """
    known = sorted({currency for currency in currencies if currency})
    shown = [column for column in columns if not (column.is_optional and _is_nothing(column))]
    if len(known) > 1:
        shown.append(MoneyColumn("currency", [currency or "" for currency in currencies], is_right=False))
    table = Table(title=f"{title}, in {known[0]}" if len(known) == 1 else title)
    for column in shown:
        table.add_column(column.heading, justify="right" if column.is_right else "left")
    for cells in zip(*(column.cells for column in shown), strict=True):
        table.add_row(*cells)
    return table


def _is_nothing(column: MoneyColumn) -> bool:
    return set(column.cells) <= {"", amount(Decimal(0))}
