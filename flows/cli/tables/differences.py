"""The differences of each site, as `reconcile` and `demo` print them."""

from collections.abc import Sequence

from rich.table import Table

from flows.console import note, print_rest, print_sentences, print_table
from flows.differences import AGREE, SKIPPED, SiteDifferences
from flows.progress import MOST_PARTS


def print_differences(found: Sequence[SiteDifferences]) -> None:
    """Print each site's checks, and a sentence for each of its largest differences."""
    if not found:
        note("there is nothing to compare yet: no day has two sources; run `wattlog backfill`")
    by_unexplained = sorted(found, key=lambda of_site: -of_site.unexplained)
    for of_site in by_unexplained[:MOST_PARTS] if len(found) > MOST_PARTS else found:
        print_table(_checks(of_site))
        sentences = [*of_site.sentences(), *of_site.not_checked()]
        if sentences:
            print_sentences(sentences)
    print_rest(len(found) - MOST_PARTS, "sites")


def _checks(of_site: SiteDifferences) -> Table:
    name = of_site.site.site_name or str(of_site.site.site_id)
    table = Table(title=f"{name} ({of_site.site.site_id})")
    table.add_column("check")
    table.add_column("of")
    for verdict in ("agree", "differ", "missing", "skipped"):
        table.add_column(verdict, justify="right")
    table.add_column("causes")
    for check in of_site.checks:
        agree, differ, skipped = (check.verdicts.get(verdict, 0) for verdict in (AGREE, "differs", SKIPPED))
        causes = ", ".join(f"{cause} {count:,}" for cause, count in check.causes.items())
        counts = (f"{number:,}" for number in (agree, differ, check.periods - agree - differ - skipped, skipped))
        table.add_row(check.check_name, f"{check.granularity}s", *counts, causes)
    return table
