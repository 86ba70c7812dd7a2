"""Who we are to the API: asked with one request, for `login` and `whoami`."""

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from extract.api.client import Client, Clock
from extract.api.fetch import judge
from extract.api.regions import AccountRegion, account_region, identity_request
from extract.auth.credentials import Credentials
from extract.errors import AuthExpired, MissingCommandScope, MissingScope, WrongRegion
from flows.credentials import first_address
from flows.settings import Settings
from wattlog.providers import COMMAND_SCOPE, IdentityCall


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of a login.

    Attributes:
        region: Where the account lives; None when the provider does not say.
        base_url: The address to ask.
        scopes: What the token may read; None when the provider does not say.
        expires_at: When the access token ends; None when the provider does not say.
        is_renewable: Whether another one can be had without a person.
        place: Where the tokens come from, in words.
        refusal: What the API said instead of naming the region, where the token may not even read that.
    """

    region: str | None
    base_url: str
    scopes: tuple[str, ...] | None
    expires_at: datetime | None
    is_renewable: bool
    place: str
    refusal: MissingScope | None = None


def identify(settings: Settings, credentials: Credentials, clock: Clock) -> Identity:
    """Ask the API who the token belongs to. Nothing of the answer is kept: it may name vehicles.

    Raises:
        AuthExpired: There is no login.
        PaymentRequired: The provider wants to be paid.
        Retryable: No answer.
    """
    base_url = first_address(settings, credentials)
    refusal = None
    found = AccountRegion(None, None)
    with Client(base_url, credentials.token, user_agent=user_agent(), classify=_anything, clock=clock) as client:
        try:
            found = _account_region(settings, credentials, client)
        except MissingScope as error:
            refusal = error
    tokens = credentials.tokens()
    return Identity(
        region=found.region,
        base_url=settings.api_base_url or found.base_url or base_url,
        scopes=tokens.granted_scopes or found.scopes or None,
        expires_at=tokens.expires_at,
        is_renewable=tokens.refresh_token is not None,
        place=credentials.place,
        refusal=refusal,
    )


def check_command_scope(what: str, scopes: tuple[str, ...] | None) -> None:
    """Check that a token may change settings, where its scopes are known.

    Args:
        what: What needs it.
        scopes: The scopes of the token; None where they are not known.

    Raises:
        MissingCommandScope: It may not.
    """
    if scopes is not None and COMMAND_SCOPE not in scopes:
        raise MissingCommandScope(what, f"the token has the scopes {' '.join(scopes)}")


def user_agent() -> str:
    """Who asks."""
    return f"wattlog/{version('wattlog')}"


def _account_region(settings: Settings, credentials: Credentials, client: Client) -> AccountRegion:
    provider = settings.resolved_provider
    try:
        return _identified(provider.identity, credentials, client)
    except WrongRegion:
        # A strict server refuses this request with 421 as well: the account is in one of the other regions.
        if settings.api_base_url or not provider.other_regions:
            raise
        client.move(provider.other_regions[0])
        return _identified(provider.identity, credentials, client)


def _identified(call: IdentityCall, credentials: Credentials, client: Client) -> AccountRegion:
    """Send the identity call; a token that is refused is renewed once."""
    request, token = identity_request(call), client.token()
    response = client.send(request, token=token)
    error = judge(response)
    if type(error) is AuthExpired and credentials.renew(token):
        response = client.send(request, attempt=2)
        error = judge(response)
    if error is not None:
        raise error
    return account_region(response, call, client.base_url)


def _anything(_body: bytes, _request: object) -> str:
    """What is asked here is looked at by its reader alone."""
    return "data"
