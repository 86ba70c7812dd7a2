"""The account, and the checks of it, as `wattlog account` prints them."""

from collections.abc import Sequence
from typing import Any

from rich.table import Table

from flows.account_overview import Check, Overview
from flows.console import note, print_json, print_sentences, print_table
from flows.errors import exit_code_for
from transform.account_items import Item, Value
from wattlog.providers import Provider


def print_overview(provider: Provider, overview: Overview, *, as_json: bool) -> int:
    """Print what is known of an account; returns the exit code."""
    if as_json:
        print_json(overview_as_dict(provider, overview))
    else:
        subject = ""
        table = Table("of", "what", "value", "source", title="Account")
        for item in overview.items:
            table.add_row("" if item.subject == subject else item.subject, item.name, _text(item.value), item.source)
            subject = item.subject
        print_table(table)
        if provider.only_on_account_page:
            print_sentences([_web_only(provider)])
    for text in (*overview.notes, *(str(failure) for failure in overview.failures)):
        note(text)
    return exit_code_for(overview.failures[0]) if overview.failures else 0


def overview_as_dict(provider: Provider, overview: Overview) -> dict[str, Any]:
    """What is known of an account, as JSON has it."""
    return {
        "items": [_as_dict(item) for item in overview.items],
        "only_in_web_console": {"address": provider.account_page or None, "items": list(provider.only_on_account_page)},
        "notes": list(overview.notes),
        "failures": [str(failure) for failure in overview.failures],
    }


def print_checks(checks: Sequence[Check], *, as_json: bool) -> int:
    """Print the checks; returns the exit code, that of the first one that failed."""
    if as_json:
        print_json([check_as_dict(check) for check in checks])
    else:
        table = Table("check", "site", "result", title="Checks of the account")
        table.add_column("ms", justify="right")
        for check in checks:
            elapsed = "" if check.elapsed_ms is None else f"{check.elapsed_ms:,.0f}"
            table.add_row(check.name, "" if check.site_id is None else str(check.site_id), _result(check), elapsed)
        print_table(table)
    failed = [check.error for check in checks if check.error is not None]
    for error in failed:
        note(str(error))
    return exit_code_for(failed[0]) if failed else 0


def check_as_dict(check: Check) -> dict[str, Any]:
    """A check, as JSON has it."""
    return {
        "check": check.name,
        "site_id": check.site_id,
        "result": _result(check),
        "status": check.status,
        "elapsed_ms": check.elapsed_ms,
        "reason": check.skipped_because if check.error is None else str(check.error),
    }


def _result(check: Check) -> str:
    if check.skipped_because is not None:
        return "not covered"
    return "ok" if check.error is None else "failed"


def _as_dict(item: Item) -> dict[str, Any]:
    return {"subject": item.subject, "name": item.name, "value": item.value, "source": item.source}


def _text(value: Value) -> str:
    match value:
        case None:
            return "not reported"
        case bool():
            return "yes" if value else "no"
        case _:
            return str(value)


def _web_only(provider: Provider) -> str:
    items = ", ".join(name.lower() for name in provider.only_on_account_page)
    return f"Only the web console has these: {items}. Its address: {provider.account_page}"
