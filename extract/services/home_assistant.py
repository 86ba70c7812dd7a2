"""Home Assistant over its websocket: log in with a long-lived token, then commands with their answers.

Source: Home Assistant, its developers' page about the websocket API.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit, urlunsplit

import orjson
from websockets.exceptions import WebSocketException
from websockets.sync.client import ClientConnection, connect

from extract.services.errors import ServiceRefused, ServiceUnavailable
from wattlog.secret_text import masked, protect

NAME: Final = "Home Assistant"
PATH: Final = "/api/websocket"

TIMEOUT_S: Final = 120.0
"""How long an answer may take; a month of statistics takes about a second, and what is imported is queued."""

MAX_BYTES: Final = 256 * 2**20
"""The largest answer: a month of the hours of a thousand statistics is a fifth of it."""

_FRAMES: Final = logging.getLogger(f"{__name__}.frames")
_FRAMES.setLevel(logging.WARNING)  # at DEBUG, the library logs what is sent, and with it the token


@dataclass(slots=True)
class HomeAssistant:
    """A connection that is logged in.

    Attributes:
        connection: The connection.
        version: Version of Home Assistant.
    """

    connection: ClientConnection
    version: str
    _last_id: int = 0

    def call(self, command: str, *, message_id: int | None = None, **values: Any) -> Any:
        """The result of a command.

        Args:
            command: Its type.
            message_id: Its number, higher than all before it; None for the next one.
            values: What belongs to it.

        Raises:
            ServiceUnavailable: No answer came.
            ServiceRefused: The command failed.
        """
        return orjson.loads(self.answer(command, message_id=message_id, **values))["result"]

    def answer(self, command: str, *, message_id: int | None = None, **values: Any) -> bytes:
        """The whole message that answers a command, as it came; see `call`."""
        self._last_id = self._last_id + 1 if message_id is None else message_id
        with _mapped():
            self.connection.send(orjson.dumps({"id": self._last_id, "type": command, **values}).decode())
            while True:
                message = _bytes(self.connection.recv(TIMEOUT_S))
                found = _parsed(message)
                if found.get("id") == self._last_id and found.get("type") == "result":
                    break
        if not found.get("success"):
            error = found.get("error") or {}
            raise ServiceRefused(
                NAME, 400, masked(" ".join(f"{command}: {error.get('code')}, {error.get('message')}".split()))
            )
        return message


@contextmanager
def logged_in(url: str, token: str) -> Iterator[HomeAssistant]:
    """A connection to a Home Assistant.

    Args:
        url: Its address, as a browser has it.
        token: A long-lived access token.

    Raises:
        ServiceUnavailable: It cannot be reached.
        ServiceRefused: It refuses the token.
    """
    protect(token)
    with _mapped():
        connection = connect(
            websocket_address(url), open_timeout=TIMEOUT_S, max_size=MAX_BYTES, logger=_FRAMES, close_timeout=5
        )
    with connection:
        with _mapped():
            asked = _parsed(_bytes(connection.recv(TIMEOUT_S)))
            if asked.get("type") != "auth_required":
                raise ServiceUnavailable(NAME, "what answers is no Home Assistant")
            connection.send(orjson.dumps({"type": "auth", "access_token": token}).decode())
            granted = _parsed(_bytes(connection.recv(TIMEOUT_S)))
        if granted.get("type") != "auth_ok":
            raise ServiceRefused(NAME, 401, masked(str(granted.get("message"))))
        yield HomeAssistant(connection, str(granted.get("ha_version")))


def websocket_address(url: str) -> str:
    """The address of the websocket: `http://home:8123` → `ws://home:8123/api/websocket`."""
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    return urlunsplit((scheme, parts.netloc, parts.path.rstrip("/") + PATH, "", ""))


def _bytes(message: str | bytes) -> bytes:
    return message.encode() if isinstance(message, str) else message


def _parsed(message: bytes) -> dict[str, Any]:
    found = orjson.loads(message)
    return found if isinstance(found, dict) else {}


@contextmanager
def _mapped() -> Iterator[None]:
    try:
        yield
    except orjson.JSONDecodeError:
        raise ServiceUnavailable(NAME, "its answer is not JSON") from None
    except TimeoutError:
        raise ServiceUnavailable(NAME, "no answer in time") from None
    except OSError as error:
        raise ServiceUnavailable(NAME, f"no connection ({error.strerror or type(error).__name__})") from None
    except (WebSocketException, EOFError) as error:
        raise ServiceUnavailable(NAME, f"the connection failed ({type(error).__name__})") from None
