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
    site: Annotated[
        int | None, typer.Option("--site", help="The site; or give --region.", metavar="ID", show_default=False)
    ] = None,
    region: Annotated[
        str | None,
        typer.Option(
            help="All sites of this region, as `region` under [billing] in wattlog.toml has it.",
            metavar="NAME",
            show_default=False,
        ),
    ] = None,
    currency: Annotated[
        str | None,
        typer.Option(help="Currency of rows that have none, such as GBP.", metavar="CODE", show_default=False),
    ] = None,
) -> int:
    """Import prices by interval. A price for the same beginning replaces the one before it."""
    from extract.archive.imported import ImportedFile
    from flows.cli.importing import import_files, site_of
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
    if (site is None) == (region is None):
        raise UsageError("give either --site ID or --region NAME")
    content = read_file(file)
    try:
        read_prices(content)
    except UnreadablePrices as error:
        raise UsageError(f"{file.name} cannot be imported: {error}") from None
    found: dict[int, PriceImport] = {}

    def of_region(sites: Any) -> Any:
        chosen = [one for one in sites if settings.billing.of(one.site_id).region == region]
        if not chosen:
            raise UsageError(
                f'no site has the region {region}: write region = "{region}" under [billing], or under [billing.sites.ID], '
                "in wattlog.toml"
            )
        return chosen

    def files_for(archive: Any, chosen: Any) -> list[ImportedFile]:
        kept = price_file(chosen, content, currency)
        effect = effect_of(archive, chosen, kept, new_context(settings))
        found[chosen.site_id] = effect
        return [] if effect.is_nothing else [kept]

    import_files(settings, of_region if site is None else site_of(site), files_for, "prices import")
    if region is not None:
        note(f"sites of the region {region}: {', '.join(map(str, found))}")
    effect = PriceImport.together(found.values())
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
