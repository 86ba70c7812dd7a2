"""One request to a service beside the API, sent again where it may succeed; its failure is one sentence."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential_jitter

from extract.api.transport_errors import described
from extract.services.errors import ServiceRefused, ServiceUnavailable
from wattlog.secret_text import masked

_Answer = TypeVar("_Answer")

TIMEOUT_S: Final = 120.0
"""How long a service may take for the next part of an answer; a query over a month of minutes takes seconds."""

ATTEMPTS: Final = 4
_DETAIL: Final = 300
"""So many characters of an answer are shown."""

_REFUSED: Final = range(400, 500)
_MAY_SUCCEED_LATER: Final = frozenset({408, 425, 429})


@dataclass(slots=True)
class Service:
    """Sends requests to one address.

    Attributes:
        name: The service, for messages.
        url: Its address.
        headers: Headers of every request.
        auth: User name and password; None for none.
        transport: Replaces the network in tests.
        wait_s: The first wait before a request is sent again.
    """

    name: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    auth: tuple[str, str] | None = None
    transport: httpx.BaseTransport | None = None
    wait_s: float = 1.0

    def request(self, method: str, path: str, **request: Any) -> httpx.Response:
        """The answer to a request that may be sent several times.

        Raises:
            ServiceUnavailable: No answer came, or the service failed, each time.
            ServiceRefused: It refuses the request.
        """
        return self._again(lambda client: _checked(self.name, client.request(method, path, **request)))

    def download(self, path: str, target: Path, **request: Any) -> int:
        """Write the body of an answer to a file; returns how many bytes it has.

        Raises:
            ServiceUnavailable: See `request`.
            ServiceRefused: See `request`.
        """

        def one(client: httpx.Client) -> int:
            with client.stream("GET", path, **request) as response, target.open("wb") as file:
                if response.status_code != 200:
                    response.read()
                    _checked(self.name, response)
                return sum(file.write(part) for part in response.iter_bytes())

        return self._again(one)

    def _again(self, send: Callable[[httpx.Client], _Answer]) -> _Answer:
        retrying = Retrying(
            retry=retry_if_exception_type(ServiceUnavailable),
            stop=stop_after_attempt(ATTEMPTS),
            wait=wait_exponential_jitter(multiplier=self.wait_s, max=30 * self.wait_s, jitter=self.wait_s),
            reraise=True,
        )
        answer: _Answer = retrying(self._once, send)
        return answer

    def _once(self, send: Callable[[httpx.Client], _Answer]) -> _Answer:
        with httpx.Client(
            base_url=self.url, headers=self.headers, auth=self.auth, timeout=TIMEOUT_S, transport=self.transport
        ) as client:
            try:
                return send(client)
            except (httpx.HTTPError, httpx.InvalidURL) as error:
                raise ServiceUnavailable(self.name, described(error)) from None


def _checked(name: str, response: httpx.Response) -> httpx.Response:
    status = response.status_code
    if status < 300:
        return response
    detail = masked(" ".join(response.text.split())[:_DETAIL]) or response.reason_phrase
    if status in _REFUSED and status not in _MAY_SUCCEED_LATER:
        raise ServiceRefused(name, status, detail)
    raise ServiceUnavailable(name, f"status {status}, {detail}")
