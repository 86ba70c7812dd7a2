"""Who we are to the API: asked with one request, for `login` and `whoami`."""

from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import version

from extract.archive import Exchange
from extract.auth import Credentials
from extract.client import Client, Clock
from extract.errors import AuthExpired, MissingScope, WrongRegion
from extract.fetch import judge
from extract.providers import NEIGHBOURS, ProviderName
from extract.regions import METADATA, REGION, Residence, residence, teslemetry_residence
from extract.series import Request
from flows.settings import Settings


@dataclass(frozen=True, slots=True)
class Identity:
    """What is known of a login.

    Attributes:
        region: Where the account lives; None when nobody says.
        base_url: The address to ask.
        scopes: What the token may read; None when nobody says.
        expires_at: When the access token ends; None when nobody says.
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
        AuthExpired: Nobody is logged in.
        PaymentRequired: The provider wants to be paid.
        Retryable: No answer.
    """
    known = settings.resolved_provider.base_url
    base_url = known if settings.api_base_url else credentials.tokens().base_url or known
    refusal = None
    found = Residence(None, None)
    with Client(base_url, credentials.token, user_agent=user_agent(), classify=_anything, clock=clock) as client:
        try:
            found = _residence(settings, credentials, client)
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


def user_agent() -> str:
    """Who asks."""
    return f"wattlog/{version('wattlog')}"


def _residence(settings: Settings, credentials: Credentials, client: Client) -> Residence:
    if settings.provider is ProviderName.TESLEMETRY:
        return teslemetry_residence(_asked(METADATA, credentials, client))
    try:
        return residence(_asked(REGION, credentials, client))
    except WrongRegion:
        # A strict server does not even name the right one (421 here, too): one of its neighbours is it.
        elsewhere = NEIGHBOURS.get(settings.provider, ()) if not settings.api_base_url else ()
        if not elsewhere:
            raise
        client.move(elsewhere[0])
        return residence(_asked(REGION, credentials, client))


def _asked(request: Request, credentials: Credentials, client: Client) -> Exchange:
    """The answer to a request; a token that is refused is renewed once."""
    token = client.token()
    exchange = client.send(request, token=token)
    error = judge(exchange)
    if type(error) is AuthExpired and credentials.renew(token):
        exchange = client.send(request, attempt=2)
        error = judge(exchange)
    if error is not None:
        raise error
    return exchange


def _anything(_body: bytes, _request: object) -> str:
    """What is asked here is looked at by its reader alone."""
    return "data"
