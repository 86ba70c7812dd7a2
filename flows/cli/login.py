"""`wattlog login`, `wattlog logout`, `wattlog whoami`."""

import getpass
import secrets
import sys
import webbrowser
from typing import Any

from extract.auth import Credentials, GivenToken
from extract.client import utc_now
from extract.errors import AuthExpired
from extract.oauth import LOGIN, OAuthClient
from extract.providers import ProviderName
from extract.redirect import RedirectListener, code_in, is_loopback
from extract.tokens import Tokens
from flows.console import note, print_json, print_pairs
from flows.credentials import (
    authority_of,
    credentials_of,
    forget_login,
    oauth_client,
    remember_home,
    save_login,
)
from flows.errors import UsageError, exit_code_for
from flows.identity import Identity, identify
from flows.settings import Settings


def login(settings: Settings, *, paste: bool, browser: bool, timeout_s: float, as_json: bool) -> int:
    """Log in at the provider, keep the tokens, and say who we are now."""
    if settings.provider is ProviderName.OWNER:
        raise UsageError(
            "Tesla has closed the Owner API; set WATTLOG_PROVIDER to teslemetry or fleet-na, fleet-eu, fleet-cn"
        )
    stored = settings.model_copy(update={"access_token": None, "refresh_token": None})
    if settings.provider is ProviderName.TESLEMETRY:
        place = _log_in_with_token(stored)
    else:
        place = _log_in_with_browser(stored, paste=paste, browser=browser, timeout_s=timeout_s)
    note(f"logged in; the tokens are kept in: {place}")
    for name in ("access_token", "refresh_token"):
        if getattr(settings, name) is not None:
            note(f"WATTLOG_{name.upper()} is set and wins over this login; unset it")
    identity = identify(stored, credentials_of(stored, utc_now), utc_now)
    if not settings.api_base_url and settings.provider is not ProviderName.SIMULATOR:
        remember_home(stored, identity.base_url)
    return _print_identity(stored, identity, as_json=as_json)


def logout(settings: Settings, *, as_json: bool) -> None:
    """Forget the stored tokens."""
    gone = forget_login(settings)
    if as_json:
        print_json({"forgotten": gone})
    else:
        note("; ".join(f"forgot the tokens in: {place}" for place in gone) or "no tokens were stored")
    for name in ("access_token", "refresh_token"):
        if getattr(settings, name) is not None:
            note(f"WATTLOG_{name.upper()} is still set; unset it, too")


def whoami(settings: Settings, *, as_json: bool) -> int:
    """Say who we are to the API, asking it."""
    credentials: Credentials = credentials_of(settings, utc_now)
    credentials.token()
    if not settings.resolved_provider.base_url:
        raise UsageError(f"provider {settings.provider} has no address; set WATTLOG_API_BASE_URL")
    return _print_identity(settings, identify(settings, credentials, utc_now), as_json=as_json)


# --- with a token -----------------------------------------------------------------------------------------------------


def _log_in_with_token(settings: Settings) -> str:
    """Ask for a Teslemetry token, hidden, or read it from a pipe; it is tried before it is kept."""
    if sys.stdin.isatty():
        note("make an access token at https://teslemetry.com/console and paste it here; it is not shown")
        token = getpass.getpass("token: ", stream=sys.stderr).strip()
    else:
        token = sys.stdin.readline().strip()
    if not token or not token.isprintable() or " " in token:
        raise UsageError("no token on standard input; pipe it in, or run `wattlog login` in a terminal")
    identity = identify(settings, GivenToken(token, "standard input"), utc_now)
    return save_login(settings, Tokens.of(token, base_url=None, scopes=identity.scopes or ()))


# --- with a browser ---------------------------------------------------------------------------------------------------


def _log_in_with_browser(settings: Settings, *, paste: bool, browser: bool, timeout_s: float) -> str:
    """Authorization code with PKCE: the browser comes back to a loopback port, or its address is pasted."""
    authority = authority_of(settings)
    if not authority.token_url or not authority.authorize_url:
        raise UsageError(f"provider {settings.provider} has no address to log in at; set WATTLOG_API_BASE_URL")
    client, verifier = oauth_client(settings), secrets.token_urlsafe(64)
    if paste or not _can_listen(settings, browser=browser):
        redirect_uri = settings.redirect_uri or "http://localhost:8484/callback"
        code = _pasted_code(settings, client, redirect_uri, verifier, browser=browser)
    else:
        redirect_uri, code = _received_code(settings, client, verifier, browser=browser, timeout_s=timeout_s)
    audience = settings.resolved_provider.base_url
    return save_login(settings, client.exchange(code, redirect_uri, verifier, audience, utc_now()))


def _can_listen(settings: Settings, *, browser: bool) -> bool:
    """Whether a browser can come back here: the address is this machine's, and a browser is where we are.

    Without a browser and without a person at the keyboard we listen all the same: somebody may forward the port.
    """
    if settings.redirect_uri is not None and not is_loopback(settings.redirect_uri):
        return False
    return not sys.stdin.isatty() or not browser or _browser() is not None


def _browser() -> webbrowser.BaseBrowser | None:
    try:
        return webbrowser.get()
    except webbrowser.Error:
        return None


def _received_code(
    settings: Settings, client: OAuthClient, verifier: str, *, browser: bool, timeout_s: float
) -> tuple[str, str]:
    try:
        listener = RedirectListener(settings.redirect_uri)
    except OSError as error:
        raise UsageError(
            f"cannot listen at {settings.redirect_uri or 'a loopback port'} ({error.strerror}); "
            "free the port, set another WATTLOG_REDIRECT_URI, or use --paste"
        ) from None
    with listener:
        url, state = client.authorization_url(listener.redirect_uri, settings.scopes, verifier)
        listener.expect(state)
        _show(url, browser=browser)
        return listener.redirect_uri, code_in(listener.wait(timeout_s), state)


def _pasted_code(settings: Settings, client: OAuthClient, redirect_uri: str, verifier: str, *, browser: bool) -> str:
    url, state = client.authorization_url(redirect_uri, settings.scopes, verifier)
    _show(url, browser=browser)
    note("after the login the browser is sent to a page that may not open; its whole address is wanted here")
    if sys.stdin.isatty():
        sys.stderr.write("address: ")
        sys.stderr.flush()
    redirected = sys.stdin.readline()
    if not redirected.strip():
        raise AuthExpired(LOGIN, "no address came on standard input")
    return code_in(redirected, state)


def _show(url: str, *, browser: bool) -> None:
    note("log in with a browser at this address:")
    sys.stderr.write(f"{url}\n")
    sys.stderr.flush()
    found = _browser() if browser and sys.stdin.isatty() else None
    if found is not None:
        found.open(url)


# --- results ----------------------------------------------------------------------------------------------------------


def _print_identity(settings: Settings, identity: Identity, *, as_json: bool) -> int:
    facts: dict[str, Any] = {
        "provider": str(settings.provider),
        "region": identity.region,
        "base_url": identity.base_url,
        "scopes": None if identity.scopes is None else list(identity.scopes),
        "expires_at": identity.expires_at,
        "is_renewable": identity.is_renewable,
        "tokens_from": identity.place,
    }
    if as_json:
        print_json(facts)
    else:
        print_pairs((name.replace("_", " "), _words(value)) for name, value in facts.items())
    if identity.refusal is None:
        return 0
    note(str(identity.refusal))
    return exit_code_for(identity.refusal)


def _words(value: Any) -> str:
    match value:
        case None:
            return "not told"
        case bool():
            return "yes" if value else "no"
        case list():
            return " ".join(value)
        case _:
            return str(value)
