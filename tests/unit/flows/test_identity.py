"""Whether a token may change settings: only where its scopes are known can it be refused."""

import pytest

from extract.errors import MissingCommandScope
from flows.identity import check_command_scope
from wattlog.providers import COMMAND_SCOPE, READ_SCOPE


@pytest.mark.parametrize("scopes", [None, (COMMAND_SCOPE,), (READ_SCOPE, COMMAND_SCOPE)])
def test_a_token_with_the_scope_or_with_unknown_scopes_is_tried(scopes: tuple[str, ...] | None) -> None:
    check_command_scope("login", scopes)


def test_a_token_without_the_scope_is_refused_with_what_it_has() -> None:
    with pytest.raises(MissingCommandScope, match=f"the token has the scopes {READ_SCOPE}.*wattlog login --commands"):
        check_command_scope("login", (READ_SCOPE,))
