"""The account that a login belongs to, as `login` and `whoami` print it."""

from typing import Any

from flows.console import note, print_json, print_pairs
from flows.errors import exit_code_for
from flows.identity import Identity
from flows.settings import Settings


def print_identity(settings: Settings, identity: Identity, *, as_json: bool) -> int:
    """Print the facts of a login; returns the exit code."""
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
        print_pairs((name.replace("_", " "), _text(value)) for name, value in facts.items())
    if identity.refusal is None:
        return 0
    note(str(identity.refusal))
    return exit_code_for(identity.refusal)


def _text(value: Any) -> str:
    match value:
        case None:
            return "not reported"
        case bool():
            return "yes" if value else "no"
        case list():
            return " ".join(value)
        case _:
            return str(value)
