"""`wattlog prices`: import prices by interval."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from flows.settings import Settings


def prices_import(
    settings: "Settings",
    *,
    file: Annotated[
        Path,
        typer.Argument(
            help="CSV or Parquet with interval_start, buy_per_kwh, sell_per_kwh, and currency.", metavar="FILE"
        ),
    ],
    site: Annotated[int, typer.Option("--site", help="The site.", metavar="ID")],
    currency: Annotated[
        str | None,
        typer.Option(help="Currency of rows that have none, such as GBP.", metavar="CODE", show_default=False),
    ] = None,
) -> int:
    """Import prices by interval. A price for the same beginning replaces the one before it."""
    from extract.archive.imported import ImportedFile
    from flows.cli.importing import import_files
    from flows.console import note
    from flows.errors import ExitCode, UsageError
    from flows.imports import PriceImport, effect_of, price_file
    from flows.orchestration.context import new_context
    from flows.tariffs import read_file
    from transform.prices import UnreadablePrices, read_prices

    if currency is not None and not (
        len(currency) == 3 and currency.isascii() and currency.isalpha() and currency.isupper()
    ):
        raise UsageError(f"--currency {currency} is no code of ISO 4217; write it like GBP")
    content = read_file(file)
    try:
        read_prices(content)
    except UnreadablePrices as error:
        raise UsageError(f"{file.name} cannot be imported: {error}") from None
    found: list[PriceImport] = []

    def files_for(archive: Any, chosen: Any) -> list[ImportedFile]:
        kept = price_file(chosen, content, currency)
        effect = effect_of(archive, chosen, kept, new_context(settings))
        found.append(effect)
        return [] if effect.is_nothing else [kept]

    import_files(settings, site, files_for, "prices import")
    (effect,) = found
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in sorted(effect.refused.items()))
    if effect.is_nothing and effect.refused:
        raise UsageError(f"{file.name} has no row that can be used: {reasons}")
    if effect.is_nothing:
        note(f"{file.name} changes nothing: its prices are stored already")
        return ExitCode.OK
    note(f"{effect.new:,} prices are new, {effect.changed:,} replace others")
    if effect.refused:
        note(f"{sum(effect.refused.values()):,} rows are in table quarantine: {reasons}")
        return ExitCode.INCOMPLETE
    return ExitCode.OK
