"""The dialog of a login: an access token that is typed or piped in, or a browser that returns with a code."""

import getpass
import secrets
import sys
import webbrowser

from extract.api.client import utc_now
from extract.auth.credentials import GivenToken
from extract.auth.oauth import LOGIN, OAuthClient
from extract.auth.redirect import RedirectListener, code_in, is_loopback
from extract.auth.tokens import Tokens
from extract.errors import AuthExpired
from flows.console import note
from flows.credentials import authority_of, oauth_client, save_login
from flows.errors import UsageError
from flows.identity import check_command_scope, identify
from flows.settings import Settings
from wattlog.providers import COMMAND_SCOPE
from wattlog.secret_text import NotSendable, protect, sendable
from wattlog.visible import visible


def log_in_with_token(settings: Settings, *, commands: bool) -> str:
    """Ask for an access token, hidden, or read it from a pipe; it is tried before it is stored.

    Args:
        settings: The settings.
        commands: Whether the token must be able to change settings.

    Raises:
        MissingCommandScope: It is not.
    """
    if sys.stdin.isatty():
        scope = f" with the scope {COMMAND_SCOPE}" if commands else ""
        page = settings.resolved_provider.account_page
        note(f"make an access token{scope} at {page} and paste it here; it is not shown")
        typed = getpass.getpass("token: ", stream=sys.stderr)
    else:
        typed = _line_of_stdin()
    protect(typed)
    try:
        token = sendable(typed, strip=True)
    except NotSendable as error:
        raise UsageError(
            f"no token on standard input: {error}; pipe it in, or run `wattlog login` in a terminal"
        ) from None
    identity = identify(settings, GivenToken(token, "standard input"), utc_now)
    if commands:
        check_command_scope("login", identity.scopes)
    return save_login(settings, Tokens.of(token, base_url=None, scopes=identity.scopes or ()))


def _line_of_stdin() -> str:
    """A line that was piped in.

    Raises:
        UsageError: It is not text; what it is may be a secret, so none of it is shown.
    """
    try:
        return sys.stdin.readline()
    except UnicodeDecodeError:
        raise UsageError("standard input is not text in UTF-8; pipe in the line as it was given to you") from None


# --- with a browser ---------------------------------------------------------------------------------------------------


def log_in_with_browser(settings: Settings, *, paste: bool, browser: bool, timeout_s: float) -> str:
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

    Without a browser and without a person at the keyboard the page is served all the same: the port may be forwarded from
    another machine.
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
    redirected = _line_of_stdin()
    if not redirected.strip():
        raise AuthExpired(LOGIN, "no address came on standard input")
    return code_in(redirected, state)


def _show(url: str, *, browser: bool) -> None:
    note("log in with a browser at this address:")
    sys.stderr.write(f"{visible(url)}\n")
    sys.stderr.flush()
    found = _browser() if browser and sys.stdin.isatty() else None
    if found is not None:
        found.open(url)
