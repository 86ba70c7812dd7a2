"""Report to a watchdog that a run began, succeeded, or failed, by the convention of healthchecks.io.

`URL/start` when it begins, `URL` on success, `URL/fail` with one line on what went wrong. A watchdog detects that no run
took place at all. A watchdog that cannot be reached does not make a run fail.
"""

import logging
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from extract.api.patience import Patience
from extract.api.transport import BoundedTransport
from flows.errors import UsageError
from wattlog.secret_text import MASK, masked

log = logging.getLogger(__name__)

TIMEOUT_S = 5.0
"""A short run should not wait long for its watchdog."""

FLAWS = (httpx.HTTPError, httpx.InvalidURL, OSError)


@dataclass(slots=True)
class Healthcheck:
    """Sends requests to a URL, or none if there is no URL.

    Attributes:
        url: The address. It is a secret, because others could report in our name, so it is never printed.
        hidden: Secrets to mask in the line on a failure.
        timeout_s: How long one ping may take, as a whole.
        transport: Replaces the network in tests.
    """

    url: SecretStr | None
    hidden: tuple[SecretStr | None, ...] = ()
    timeout_s: float = TIMEOUT_S
    transport: httpx.BaseTransport | None = None

    def __post_init__(self) -> None:
        if self.url is not None and not self.url.get_secret_value().startswith(("https://", "http://")):
            raise UsageError("the health check's URL must begin with https:// or http://")

    def began(self) -> None:
        """The run begins. A watchdog without `/start` responds with 404, which does no harm."""
        self._ping("/start")

    def ended(self, failure: str | None) -> None:
        """The run is over.

        Args:
            failure: What went wrong, in one line; None when nothing did.
        """
        self._ping("" if failure is None else "/fail", self._without_secrets(failure or ""))

    def _ping(self, suffix: str, body: str = "") -> None:
        if self.url is None:
            return
        try:
            address = httpx.URL(self.url.get_secret_value())
            address = address.copy_with(path=address.path.rstrip("/") + suffix) if suffix else address
            # By the transport: a client of httpx logs the address.
            with self.transport or BoundedTransport(Patience(self.timeout_s)) as transport:
                transport.handle_request(httpx.Request("POST", address, content=body.encode())).close()
        except FLAWS as error:
            # Neither the address nor the error's text, which may contain it.
            log.warning("health check not reached ping=%s error=%s", suffix or "success", type(error).__name__)

    def _without_secrets(self, line: str) -> str:
        secrets = [secret.get_secret_value() for secret in (*self.hidden, self.url) if secret is not None]
        for secret in filter(None, secrets):
            line = line.replace(secret, MASK)
        return masked(line, secrets)
