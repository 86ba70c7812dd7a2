"""The items of Teslemetry's console page, and where wattlog has each (Q142); docs/ACCOUNT.md is the table for owners."""

from dataclasses import dataclass
from typing import Final

ACCOUNT: Final = "wattlog account"
TEST: Final = "wattlog account test"


@dataclass(frozen=True, slots=True)
class ConsoleItem:
    """One item of the page.

    Attributes:
        section: Heading on the page.
        name: The item, as the page names it.
        command: The command that has it; empty where the web console alone has it.
        because: Why the web console alone has it.
    """

    section: str
    name: str
    command: str = ""
    because: str = ""


_NO_ENDPOINT: Final = "no public endpoint has it"
_CHANGES_ACCOUNT: Final = "it changes the account with Teslemetry, and no public endpoint does"

CONSOLE_ITEMS: Final = (
    ConsoleItem("Vehicles", "Vehicle State", ACCOUNT),
    ConsoleItem("Vehicles", "Config", because="it configures streaming, which wattlog does not use"),
    ConsoleItem("Vehicles", "Access Type", ACCOUNT),
    ConsoleItem("Vehicles", "Virtual Key", ACCOUNT),
    ConsoleItem("Vehicles", "Number Of Keys", ACCOUNT),
    ConsoleItem("Vehicles", "Firmware", ACCOUNT),
    ConsoleItem("Energy Sites", "Site Info", TEST),
    ConsoleItem("Energy Sites", "Live Status", TEST),
    ConsoleItem("Energy Sites", "Grid", ACCOUNT),
    ConsoleItem("Energy Sites", "Battery", ACCOUNT),
    ConsoleItem("Energy Sites", "Solar", ACCOUNT),
    ConsoleItem("Energy Sites", "Wall Connectors", ACCOUNT),
    ConsoleItem("Subscription", "Subscription", ACCOUNT),
    ConsoleItem("Subscription", "Subscribe", because=_CHANGES_ACCOUNT),
    ConsoleItem("Subscription", "Change Payment", because=_CHANGES_ACCOUNT),
    ConsoleItem("Subscription", "Modify Subscription", because=_CHANGES_ACCOUNT),
    ConsoleItem("Subscription", "Cancel", because=_CHANGES_ACCOUNT),
    ConsoleItem("Pay Per Use", "Command Credits", because="no request gives the balance; only the stream has it"),
    ConsoleItem("Pay Per Use", "Last Topup", because=_NO_ENDPOINT),
    ConsoleItem("Pay Per Use", "Topup Amount", because=_NO_ENDPOINT),
    ConsoleItem("Pay Per Use", "Buy Credits", because=_CHANGES_ACCOUNT),
    ConsoleItem("Pay Per Use", "Auto Topup", because=_CHANGES_ACCOUNT),
    ConsoleItem(
        "Pay Per Use", "Command History", because=f"{_NO_ENDPOINT}; wattlog's own commands are in table `commands`"
    ),
    ConsoleItem("Applications", "Connected Apps", because=_NO_ENDPOINT),
    ConsoleItem("Applications", "Remove", because=_CHANGES_ACCOUNT),
    ConsoleItem("Access Tokens", "Access Tokens", because=_CHANGES_ACCOUNT),
    ConsoleItem("Scopes", "Scopes", ACCOUNT),
    ConsoleItem("Delete", "Delete", because=_CHANGES_ACCOUNT),
    ConsoleItem("Help", "Support", because="it is a page for people"),
    ConsoleItem("Help", "Community Discord", because="it is a page for people"),
    ConsoleItem("Help", "Status", because="it is a page for people"),
)
"""Every item, in the order of the page."""

WEB_CONSOLE_ONLY: Final = tuple(item.name for item in CONSOLE_ITEMS if not item.command)
"""The names of the items that the web console alone has."""
