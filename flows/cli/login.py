"""`wattlog login`."""

from typing import TYPE_CHECKING, Annotated

import typer

from flows.cli.options import Json

if TYPE_CHECKING:
    from flows.settings import Settings


def login(
    settings: "Settings",
    *,
    paste: Annotated[
        bool,
        typer.Option("--paste", help="Paste the address that the browser ends at; for machines without a browser."),
    ] = False,
    browser: Annotated[bool, typer.Option("--browser/--no-browser", help="Whether to open a browser.")] = True,
    commands: Annotated[
        bool, typer.Option("--commands", help="Ask for the permission to change settings, too (`wattlog set`).")
    ] = False,
    vehicles: Annotated[
        bool, typer.Option("--vehicles", help="Ask for the permissions to read cars and charge them, too.")
    ] = False,
    timeout: Annotated[float, typer.Option(min=1, help="Seconds to wait for the browser.", metavar="S")] = 300,
    as_json: Json = False,
) -> int:
    """Log in: at Tesla with a browser, at Teslemetry with a token."""
    from extract.api.client import utc_now
    from flows.cli.login_dialog import log_in_with_browser, log_in_with_token
    from flows.cli.tables.identity import print_identity
    from flows.console import note
    from flows.credentials import credentials_of, remember_home
    from flows.errors import UsageError
    from flows.identity import check_command_scope, identify
    from wattlog.providers import COMMAND_SCOPE, VEHICLE_SCOPES, LoginKind

    provider = settings.resolved_provider
    if provider.login is LoginKind.CLOSED:
        raise UsageError(provider.closed_because)
    stored = settings.model_copy(update={"access_token": None, "refresh_token": None})
    if commands:
        stored = stored.with_scopes(COMMAND_SCOPE)
    if vehicles:
        stored = stored.with_scopes(*VEHICLE_SCOPES)
    if provider.login is LoginKind.TOKEN:
        place = log_in_with_token(stored, commands=commands)
    else:
        place = log_in_with_browser(stored, paste=paste, browser=browser, timeout_s=timeout)
    note(f"logged in; the tokens are stored in: {place}")
    for name in ("access_token", "refresh_token"):
        if getattr(settings, name) is not None:
            note(f"WATTLOG_{name.upper()} is set and is used instead of this login; unset it")
    identity = identify(stored, credentials_of(stored, utc_now), utc_now)
    if not settings.api_base_url:
        remember_home(stored, identity.base_url)
    code = print_identity(stored, identity, as_json=as_json)
    if commands:
        check_command_scope("login", identity.scopes)  # a person may have left it out on the page
    return code
