"""From the settings to the tokens: what the environment gives wins, a seed before a login, a login where nothing is given."""

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial

from extract.api.client import Clock
from extract.api.regions import is_trusted
from extract.auth.credentials import Credentials, GivenToken, Login, Renew, login_in
from extract.auth.oauth import OAuthClient
from extract.auth.renewal import renew_detached
from extract.auth.token_store import StoreKind, TokenStore, open_store, open_stores, slot_locked
from extract.auth.tokens import Tokens, digest
from extract.errors import TokenStoreFailed
from flows.errors import UsageError
from flows.settings import Settings
from wattlog.providers import PROVIDERS, Authority

log = logging.getLogger(__name__)


def credentials_of(
    settings: Settings, clock: Clock, *, is_interrupted: Callable[[], bool] = lambda: False
) -> Credentials:
    """What to send as a bearer token, and how to renew it; an interrupted run does not wait for a renewal.

    Raises:
        UsageError: A refresh token is set that nothing could renew.
        TokenStoreFailed: The stored tokens cannot be read.
    """
    how = partial(renew_detached, is_interrupted=is_interrupted)
    if settings.refresh_token is not None:
        return _seeded(settings, settings.refresh_token.get_secret_value(), clock, how)
    if settings.access_token is not None:
        return GivenToken(settings.access_token.get_secret_value(), "setting WATTLOG_ACCESS_TOKEN")
    authority = authority_of(settings)
    stores = open_stores(settings.token_store, settings.config_dir)
    found = login_in(stores, slot_of(settings))
    public_token = PROVIDERS[settings.provider].public_token
    if found is None and public_token is not None:
        return GivenToken(public_token, f"the {settings.provider}'s own")
    client_id = settings.client_id or authority.client_id or ""
    return Login(found or stores[0], slot_of(settings), authority, client_id, settings.config_dir, clock, how=how)


def _seeded(settings: Settings, seed: str, clock: Clock, how: Renew) -> Login:
    authority = authority_of(settings)
    if not authority.token_url:
        raise UsageError(f"{settings.provider} does not renew tokens; unset WATTLOG_REFRESH_TOKEN")
    client_id = client_id_of(settings)
    given = settings.access_token.get_secret_value() if settings.access_token is not None else ""
    tokens = Tokens.of(given, seed, client_id=client_id, seed_sha256=digest(seed))
    return Login(_seed_store(settings), seed_slot(seed), authority, client_id, settings.config_dir, clock, tokens, how)


def _seed_store(settings: Settings) -> TokenStore:
    """A file by default: not every session of a machine sees its keyring, and two stores spend a seed twice."""
    kind = StoreKind.FILE if settings.token_store is StoreKind.AUTO else settings.token_store
    return open_store(kind, settings.config_dir)


def seed_slot(seed: str) -> str:
    """Where the descendants of a refresh token from the environment are kept: another seed, another slot."""
    return f"seed-{digest(seed)[:16]}"


def client_id_of(settings: Settings) -> str:
    """The application that logs in.

    Raises:
        UsageError: None is set, and the provider has no application of its own.
    """
    client_id = settings.client_id or authority_of(settings).client_id
    if client_id is None:
        raise UsageError(
            f"provider {settings.provider} needs an application: register one at "
            f"{PROVIDERS[settings.provider].account_page or 'its console'} "
            "and set WATTLOG_CLIENT_ID (and WATTLOG_CLIENT_SECRET, WATTLOG_REDIRECT_URI as registered)"
        )
    return client_id


def authority_of(settings: Settings) -> Authority:
    """Who gives out tokens. Of an authority that is not the provider's own nothing is assumed, no grace either."""
    provider = settings.resolved_provider
    known = provider.authority.at(provider.base_url)
    known = replace(known, authorize_url=settings.authorize_url or known.authorize_url)
    if settings.token_url is not None and settings.token_url != known.token_url:
        known = replace(known, token_url=settings.token_url, retry_grace_s=0.0)
    return known


def oauth_client(settings: Settings) -> OAuthClient:
    """The application that logs in, at its authority."""
    authority = authority_of(settings)
    secret = settings.client_secret
    return OAuthClient(
        authority.token_url,
        client_id_of(settings),
        authorize_url=authority.authorize_url,
        client_secret=None if secret is None else secret.get_secret_value(),
    )


def slot_of(settings: Settings) -> str:
    """The login's name in the store. A refresh token goes to the address that gave it, so another address is another login."""
    authority, own = authority_of(settings), PROVIDERS[settings.provider].authority.at("").token_url
    return authority.name if authority.token_url == own else f"{authority.name}-{digest(authority.token_url)[:8]}"


def first_address(settings: Settings, credentials: Credentials) -> str:
    """The address to ask first: the setting's, else that of the region found at login, else the provider's.

    An earlier version could store an address that is not trusted; it is not used.

    Raises:
        AuthExpired: There is no login.
    """
    known = settings.resolved_provider.base_url
    if settings.api_base_url:
        return known
    found = credentials.tokens().base_url
    return found if found and is_trusted(found, known) else known


def save_login(settings: Settings, tokens: Tokens) -> str:
    """Keep the tokens of a login, in one store only; returns where they are, in words."""
    slot = slot_of(settings)
    first, *others = open_stores(settings.token_store, settings.config_dir)
    with slot_locked(settings.config_dir, slot):
        first.write(slot, tokens)
        for store in others:
            store.remove(slot)
    return first.place(slot)


def remember_home(settings: Settings, base_url: str) -> None:
    """Keep the address of the account's region with the stored login, so that no run has to look for it."""
    slot = slot_of(settings)
    with slot_locked(settings.config_dir, slot):
        store = login_in(open_stores(settings.token_store, settings.config_dir), slot)
        stored = None if store is None else store.read(slot)
        if store is not None and stored is not None:
            store.write(slot, replace(stored, base_url=base_url))


def protect_stored(settings: Settings) -> None:
    """Have the stored tokens masked, and found by `verify`, though nothing is asked with them: reading them is enough."""
    slots = [slot_of(settings)]
    if settings.refresh_token is not None:
        slots.append(seed_slot(settings.refresh_token.get_secret_value()))
    for store in open_stores(settings.token_store, settings.config_dir):
        for slot in slots:
            try:
                store.read(slot)
            except TokenStoreFailed as error:
                log.warning("%s", error)


FORGOTTEN = "`wattlog logout` forgot the tokens that came of this WATTLOG_REFRESH_TOKEN, and it is spent"


def forget_login(settings: Settings) -> list[str]:
    """Forget the stored tokens; returns where there were any, in words.

    Of a seed's descendants a note stays: without it the seed would be sent again, and it is spent.
    """
    slot, gone = slot_of(settings), list[str]()
    with slot_locked(settings.config_dir, slot):
        for store in open_stores(settings.token_store, settings.config_dir):
            if store.remove(slot):
                gone.append(store.place(slot))
    if settings.refresh_token is not None:
        slot = seed_slot(settings.refresh_token.get_secret_value())
        store = _seed_store(settings)
        with slot_locked(settings.config_dir, slot):
            stored = store.read(slot)
            if stored is not None and stored.refresh_token is not None:
                store.write(slot, Tokens("", seed_sha256=stored.seed_sha256, ended_because=FORGOTTEN))
                gone.append(store.place(slot))
    return gone
