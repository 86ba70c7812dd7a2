"""A tariff in the terminal: a week × half-hour grid for each season, buy and sell, with a legend of the prices."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Final

import pandas as pd

from flows.console import output, print_pairs
from transform.tariffs import Season, Side, Tariff, grid, micro_text
from transform.tariffs.validation.fields import MONTHS
from transform.tariffs.validation.times import WEEKDAYS
from wattlog.visible import visible

if TYPE_CHECKING:
    from rich.text import Text

CELL_MINUTES: Final = 30
"""A character stands for half an hour, so that a day takes 48 of 80 columns."""

LETTERS: Final = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
UNKNOWN: Final = "."
"""A time without a known price."""

COLOURS: Final = ("green", "cyan", "yellow", "magenta", "red")
"""From the lowest price to the highest."""

_LABELS_SHOWN: Final = 3


def print_tariff(tariff: Tariff) -> None:
    """Print a tariff: what it is, the grids of its seasons, its charges."""
    print_pairs([(name, value) for name, value in _facts(tariff) if value])
    rows, console = grid(tariff), output()
    for name, side in (("buy", tariff.buy), ("sell", tariff.sell)):
        if side is None:
            console.print("\nsell: not known")
            continue
        for season, of_season in rows[rows["side"] == name].groupby("season", sort=False, dropna=False):
            dates = next((_dates(found) for found in side.seasons if found.name == season), "other days")
            heading = dates if pd.isna(season) else f"{visible(str(season))}, {dates}"
            console.print()
            for line in grid_lines(of_season, f"{name}: {heading}", tariff.currency):
                console.print(line, soft_wrap=True)
    console.print()


def grid_lines(rows: pd.DataFrame, heading: str, currency: str) -> "Iterator[Text]":
    """The lines of a season: hours, a line per day of the week, and the legend.

    Args:
        rows: Rows of `grid` of one side and season.
        heading: The first line.
        currency: The tariff's currency.
    """
    from rich.text import Text

    yield Text(heading, style="bold")
    yield Text("    " + "".join(f"{hour:<6}" for hour in range(0, 24, 3)).rstrip())
    known = sorted(rows["micro_per_kwh"].dropna().unique().tolist())
    letters = {price: LETTERS[min(position, len(LETTERS) - 1)] for position, price in enumerate(known)}
    colours = {
        price: COLOURS[position * (len(COLOURS) - 1) // max(len(known) - 1, 1)] for position, price in enumerate(known)
    }
    for day, of_day in rows.groupby("day_of_week"):
        line = Text(f"{WEEKDAYS[int(str(day))][:3]} ")
        for price in _cells(of_day):
            line.append(letters.get(price, UNKNOWN), style=colours.get(price, ""))
        yield line
    for price in known:
        labels = rows.loc[rows["micro_per_kwh"] == price, "label"].dropna().unique().tolist()
        more = "" if len(labels) <= _LABELS_SHOWN else f" and {len(labels) - _LABELS_SHOWN} more"
        names = visible(", ".join(labels[:_LABELS_SHOWN])) + more
        legend = Text("  ").append(letters[price], style=colours[price])
        yield legend.append(
            f"  {micro_text(price, 2):>10} {visible(currency) or 'a'}{'/' if currency else ' '}kWh  {names}"
        )
    if rows["micro_per_kwh"].isna().any():
        yield Text(f"  {UNKNOWN}  no price is known")
    if (rows["from_minute"] % CELL_MINUTES).any():
        yield Text("  A price changes within half an hour; the cell shows the one at its beginning.")


def _cells(of_day: pd.DataFrame) -> Iterator[int | None]:
    """The price at the beginning of each half hour."""
    begins, prices = of_day["from_minute"].tolist(), of_day["micro_per_kwh"].tolist()
    position = 0
    for minute in range(0, 24 * 60, CELL_MINUTES):
        while position + 1 < len(begins) and begins[position + 1] <= minute:
            position += 1
        price = prices[position]
        yield None if pd.isna(price) else int(price)


def _dates(season: Season) -> str:
    first, last = (f"{day} {MONTHS[month - 1]}" for month, day in (season.first, season.last))
    return f"{first} to {last}"


def _facts(tariff: Tariff) -> Iterator[tuple[str, str]]:
    yield "tariff", tariff.name or tariff.code
    yield "code", tariff.code if tariff.name else ""
    yield "utility", tariff.utility
    yield "currency", tariff.currency
    for name, side in (("", tariff.buy), ("sell ", tariff.sell)):
        if side is not None:
            yield from ((f"{name}{what}", value) for what, value in _charges(side))


def _charges(side: Side) -> Iterator[tuple[str, str]]:
    amounts: Sequence[tuple[str, int]] = (
        *((f"per day ({charge.name})", charge.amount_micro) for charge in side.daily),
        ("per month", side.monthly_micro),
        ("at least per month", side.minimum_micro),
    )
    yield from ((what, micro_text(amount, 2)) for what, amount in amounts if amount)
    for season, prices in side.demand.items():
        for label, price in prices.items():
            if price:
                yield f"per kW, {season} {label}", micro_text(price, 2)


def grid_as_json(tariff: Tariff) -> list[dict[str, Any]]:
    """The rows of `grid` as `--json` prints them: prices are text, so that they stay exact."""
    rows = grid(tariff)
    columns = {name: [None if pd.isna(value) else value for value in rows[name]] for name in rows.columns}
    for amount, name in (("micro_per_kwh", "price_per_kwh"), ("micro_per_kw", "price_per_kw")):
        columns[name] = [None if value is None else micro_text(int(value)) for value in columns.pop(amount)]
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]
