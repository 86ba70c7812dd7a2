"""docs/ACCOUNT.md has every item of Teslemetry's console page, and what it says is what the code has."""

import re
from pathlib import Path

from flows.cli.app import GROUPS
from wattlog.console_items import CONSOLE_ITEMS
from wattlog.providers import TESLEMETRY

PAGE = (Path(__file__).parents[2] / "docs" / "ACCOUNT.md").read_text(encoding="utf-8")

ITEMS = {
    "Vehicles": ("Vehicle State", "Config", "Access Type", "Virtual Key", "Number Of Keys", "Firmware"),
    "Energy Sites": ("Site Info", "Live Status", "Grid", "Battery", "Solar", "Wall Connectors"),
    "Subscription": ("Subscription", "Subscribe", "Change Payment", "Modify Subscription", "Cancel"),
    "Pay Per Use": (
        *("Command Credits", "Last Topup", "Topup Amount", "Buy Credits", "Auto Topup"),
        "Command History",
    ),
    "Applications": ("Connected Apps", "Remove"),
    "Access Tokens": ("Access Tokens",),
    "Scopes": ("Scopes",),
    "Delete": ("Delete",),
    "Help": ("Support", "Community Discord", "Status"),
}
"""The headings of the console page and their items."""


def rows() -> list[tuple[str, str, str, str]]:
    """Section, item, where, and why, of each row of the page's table."""
    lines = [line for line in PAGE.splitlines() if line.startswith("| ") and not line.startswith("| section")]
    found = [tuple(cell.strip() for cell in line.strip("|").split(" | ")) for line in lines]
    return [(section, item, where, why) for section, item, where, why in found]


def test_the_table_has_every_item_of_the_console() -> None:
    listed = [(section, item) for section, items in ITEMS.items() for item in items]
    assert [(section, item) for section, item, _, _ in rows()] == listed
    assert [(item.section, item.name) for item in CONSOLE_ITEMS] == listed


def test_each_row_says_where_the_item_is_or_why_only_there() -> None:
    for (_, name, where, why), item in zip(rows(), CONSOLE_ITEMS, strict=True):
        assert bool(item.command) != bool(item.because), name
        assert where == (f"`{item.command}`" if item.command else "web console only"), name
        assert item.command or why == f"because {item.because}", name
    commands = {item.command for item in CONSOLE_ITEMS if item.command}
    assert commands == {"wattlog account", *(f"wattlog account {name}" for name in GROUPS["account"][1])}


def test_the_page_has_the_address_of_the_console() -> None:
    assert TESLEMETRY.account_page in re.findall(r"https://\S+", PAGE)
