"""Secrets of services beside the API, by name: an environment variable, else the system's keyring.

WATTLOG_SECRET_HOME_ASSISTANT=…            # for the name `home-assistant`
keyring set wattlog home-assistant
"""

from typing import Final

from extract.auth.token_store import SERVICE, StoreKind, keyring_is_usable
from extract.errors import TokenStoreFailed
from flows.errors import UsageError
from flows.settings import Settings, checked_secret
from wattlog.addresses import is_local_network, is_private
from wattlog.secret_text import NotSendable

LONG_LIVED: Final = "a long-lived access token"
"""What Home Assistant needs, for messages."""


def secret_of(settings: Settings, name: str) -> str | None:
    """The secret of a service; None where there is none.

    Args:
        settings: The settings.
        name: The name of the service, or of its entry in `wattlog.toml`.

    Raises:
        TokenStoreFailed: The keyring cannot be read.
        UsageError: The keyring has a text that no header can carry.
    """
    given = settings.secrets.get(variable_of(name).removeprefix("WATTLOG_SECRET_").lower())
    if given is not None:
        return given.get_secret_value()
    if settings.token_store is StoreKind.FILE or not keyring_is_usable():
        return None
    import keyring
    from keyring.errors import KeyringError

    place = f"system keyring, service {SERVICE}, name {name}"
    try:
        stored = keyring.get_password(SERVICE, name)
    except KeyringError as error:
        raise TokenStoreFailed(place, f"cannot be used ({type(error).__name__})") from None
    try:
        found = None if stored is None else checked_secret(stored)
    except NotSendable as error:
        raise UsageError(f"{place}: {error}") from None
    return None if found is None else found.get_secret_value()


def needed_secret(settings: Settings, name: str, what: str) -> str:
    """The secret of a service that cannot be used without one.

    Args:
        settings: The settings.
        name: Its name.
        what: What the secret is, for the message.

    Raises:
        UsageError: There is none.
    """
    found = secret_of(settings, name)
    if found is None:
        raise UsageError(f"{name} needs {what}: set {variable_of(name)}, or run `keyring set {SERVICE} {name}`")
    return found


def variable_of(name: str) -> str:
    """The environment variable of a secret."""
    return f"WATTLOG_SECRET_{name.upper().replace('-', '_').replace(' ', '_')}"


def check_address(settings: Settings, url: str, secret: str | None) -> str:
    """The address, if the secret may be sent to it: by https, or within the local network.

    Raises:
        UsageError: Third parties could read the secret on the way.
    """
    if secret is not None and not settings.allow_http and not is_private(url) and not is_local_network(url):
        raise UsageError(
            "plain http to a machine outside the local network would show the secret to everyone on the way; "
            "write an https:// address, or set WATTLOG_ALLOW_HTTP=true if that network is yours"
        )
    return url
