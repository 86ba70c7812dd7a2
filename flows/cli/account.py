"""`wattlog account`: the provider's console in the terminal."""

from typing import TYPE_CHECKING

from flows.cli.options import Json

if TYPE_CHECKING:
    from flows.settings import Settings


def account(settings: "Settings", *, as_json: Json = False) -> int:
    """Show sites, vehicles, scopes, and subscription of the account, each with its source."""
    from extract.api.client import utc_now
    from flows.account_overview import account_reader
    from flows.cli.tables.account import print_overview
    from flows.credentials import credentials_of

    with account_reader(settings, credentials_of(settings, utc_now), utc_now) as reader:
        overview = reader.overview()
    return print_overview(settings.resolved_provider, overview, as_json=as_json)


def account_test(settings: "Settings", *, as_json: Json = False) -> int:
    """Check and time the token, and site_info and live_status of each site."""
    from extract.api.client import utc_now
    from flows.account_overview import account_reader
    from flows.cli.tables.account import print_checks
    from flows.credentials import credentials_of

    with account_reader(settings, credentials_of(settings, utc_now), utc_now) as reader:
        checks = list(reader.checks())
    return print_checks(checks, as_json=as_json)
