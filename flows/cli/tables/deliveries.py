"""What was delivered, and what would be."""

from collections.abc import Sequence
from itertools import groupby
from typing import Any

from rich.table import Table

from flows.console import print_sentences, print_table
from flows.deliveries.delivery import Delivery
from flows.deliveries.record import Delivered
from flows.deliveries.run import DeliveryRequest


def print_deliveries(found: Sequence[Delivery], *, is_dry_run: bool) -> None:
    """Print what each target was brought, or would be, by site."""
    table = Table(
        "target", "site", "months to send" if is_dry_run else "months sent", "rows", "unchanged", "taken away"
    )
    for name in ("months to send", "months sent", "rows", "unchanged", "taken away"):
        for column in table.columns:
            if column.header == name:
                column.justify = "right"
    for delivery in found:
        for plan in delivery.plans:
            parts = (
                plan.changed if is_dry_run else [part for part in delivery.sent_parts if part.site_id == plan.site_id]
            )
            cells = (len(parts), sum(part.rows for part in parts), plan.unchanged, len(plan.withdrawn))
            table.add_row(delivery.target, str(plan.site_id), *(f"{count:,}" for count in cells))
    print_table(table)


def deliveries_as_json(found: Sequence[Delivery], request: DeliveryRequest, added: Sequence[str]) -> dict[str, Any]:
    """The same as `--json` prints it."""
    return {
        "dry_run": request.is_dry_run,
        "targets": [
            {
                "target": delivery.target,
                "sent": {"months": delivery.sent, "rows": delivery.rows},
                "error": None if delivery.error is None else str(delivery.error),
                "sites": [
                    {
                        "site_id": plan.site_id,
                        "changed": [part.month for part in plan.changed],
                        "rows": plan.rows,
                        "unchanged": plan.unchanged,
                        "taken_away": list(plan.withdrawn),
                        "left_out": list(plan.left_out),
                    }
                    for plan in delivery.plans
                ],
            }
            for delivery in found
        ],
        "energy_dashboard": list(added),
    }


def print_entries(entries: Sequence[Delivered]) -> None:
    """Print what targets have, by site."""
    if not entries:
        print_sentences(["nothing was sent yet"])
        return
    table = Table("target", "site", "months", "rows", "last sent")
    for (target, site_id), of_site in groupby(entries, key=lambda entry: (entry.target, entry.site_id)):
        found = list(of_site)
        months = f"{found[0].month} to {found[-1].month}, {len(found):,}"
        last = max(entry.delivered_at for entry in found)
        table.add_row(
            target, str(site_id), months, f"{sum(entry.rows for entry in found):,}", f"{last:%Y-%m-%d %H:%M}Z"
        )
    print_table(table)


def entries_as_json(entries: Sequence[Delivered]) -> list[dict[str, Any]]:
    """The same as `--json` prints it."""
    return [
        {
            "target": entry.target,
            "site_id": entry.site_id,
            "month": entry.month,
            "sha256": entry.digest,
            "rows": entry.rows,
            "delivered_at": entry.delivered_at,
            "run_id": entry.run_id,
        }
        for entry in entries
    ]
