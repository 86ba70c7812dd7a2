"""Secrets that a worker's environment need not hold: Secret blocks of the Prefect server, read when a flow run begins."""

from typing import Final

from prefect.blocks.system import Secret
from pydantic import SecretStr

from flows.errors import UsageError
from flows.settings import Settings, checked_secret
from wattlog.secret_text import NotSendable

BLOCKS: Final = {
    "access_token": "wattlog-access-token",
    "refresh_token": "wattlog-refresh-token",
    "client_secret": "wattlog-client-secret",
}
"""Setting → the block that may hold it."""


def with_secret_blocks(settings: Settings) -> Settings:
    """The settings, with missing secrets taken from their blocks where these exist; the environment has precedence."""
    missing = [name for name in BLOCKS if getattr(settings, name) is None]
    found = {name: _secret(BLOCKS[name]) for name in missing}
    return settings.model_copy(update={name: secret for name, secret in found.items() if secret is not None})


def _secret(block: str) -> SecretStr | None:
    try:
        loaded = Secret.load(block)
    except ValueError:  # what Prefect raises where there is no such block
        return None
    if not isinstance(loaded, Secret):
        return None
    try:
        return checked_secret(str(loaded.get()))
    except NotSendable as error:
        raise UsageError(f"Secret block {block}: {error}") from None
