"""`wattlog whoami`."""

from typing import TYPE_CHECKING

from flows.cli.options import Json

if TYPE_CHECKING:
    from flows.settings import Settings


def whoami(settings: "Settings", *, as_json: Json = False) -> int:
    """Show provider, region, scopes, and where the tokens are."""
    from extract.api.client import utc_now
    from flows.cli.tables.identity import print_identity
    from flows.credentials import credentials_of
    from flows.errors import UsageError
    from flows.identity import identify

    credentials = credentials_of(settings, utc_now)
    credentials.token()
    if not settings.resolved_provider.base_url:
        raise UsageError(f"provider {settings.provider} has no address; set WATTLOG_API_BASE_URL")
    return print_identity(settings, identify(settings, credentials, utc_now), as_json=as_json)
