"""The page that receives a login: on loopback alone, for the login that waits, once."""

import socket
from urllib.parse import urlsplit

import httpx
import pytest

from extract.auth.redirect import RedirectListener
from extract.errors import AuthExpired

STATE = "the-state-of-this-login"


def test_it_listens_on_loopback_alone() -> None:
    with RedirectListener() as listener:
        assert listener._server.server_address[0] == "127.0.0.1"
        assert urlsplit(listener.redirect_uri).hostname == "localhost"


def test_the_first_redirect_of_this_login_is_taken_and_no_other() -> None:
    """Another state, another path, and the same redirect for a second time get a 404, and change nothing."""
    with RedirectListener() as listener:
        address = listener.redirect_uri.replace("localhost", "127.0.0.1")
        assert httpx.get(f"{address}?state={STATE}&code=early").status_code == 404, "nothing is expected yet"
        listener.expect(STATE)
        assert httpx.get(f"{address}?state=another&code=evil").status_code == 404
        assert httpx.get(f"{address}?code=evil").status_code == 404
        assert httpx.get(f"{address}/more?state={STATE}&code=evil").status_code == 404
        assert httpx.get(f"{address}?state={STATE}&code=good").status_code == 200
        assert httpx.get(f"{address}?state={STATE}&code=late").status_code == 404
        assert listener.wait(60).endswith(f"?state={STATE}&code=good")


def test_a_connection_on_which_nothing_comes_does_not_delay_the_redirect() -> None:
    """Browsers open such connections in advance."""
    with RedirectListener() as listener:
        listener.expect(STATE)
        parts = urlsplit(listener.redirect_uri)
        with socket.create_connection(("127.0.0.1", parts.port or 80)):
            assert httpx.get(f"http://127.0.0.1:{parts.port}{parts.path}?state={STATE}&code=good").status_code == 200


def test_a_redirect_that_does_not_come_ends_the_wait() -> None:
    with RedirectListener() as listener, pytest.raises(AuthExpired, match="no redirect came"):
        listener.wait(-1)
