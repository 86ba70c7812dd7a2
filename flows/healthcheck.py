"""Tell a watchdog that a run began, ended well, or failed: the convention of healthchecks.io and of what imitates it.

`URL/start` when it begins, `URL` when all went well, `URL/fail` with one line on what went wrong. A watchdog notices what no
failing run can tell: that none ran at all. The watchdog itself is never a reason for a run to fail.
"""

import logging
from dataclasses import dataclass

import httpx
from pydantic import SecretStr

from flows.errors import UsageError

log = logging.getLogger(__name__)

TIMEOUT_S = 5.0
"""A run of a minute is not to wait for its watchdog."""

FLAWS = (httpx.HTTPError, httpx.InvalidURL, OSError)


@dataclass(slots=True)
class Healthcheck:
    """Pings a URL, or nobody when there is none.

    Attributes:
        url: Where to; whoever knows it can pretend to be us, so it is never printed.
        hidden: Secrets that must not leave in the line on a failure.
        timeout_s: How long one ping may take.
    """

    url: SecretStr | None
    hidden: tuple[SecretStr | None, ...] = ()
    timeout_s: float = TIMEOUT_S

    def __post_init__(self) -> None:
        if self.url is not None and not self.url.get_secret_value().startswith(("https://", "http://")):
            raise UsageError("the health check's URL must begin with https:// or http://")

    def began(self) -> None:
        """The run begins. Watchdogs that don't know `/start` answer 404, which is as well."""
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
            httpx.post(address, content=body.encode(), timeout=self.timeout_s)
        except FLAWS as error:
            # Neither the address nor the error's own words, which may repeat it.
            log.warning("health check not reached ping=%s error=%s", suffix or "success", type(error).__name__)

    def _without_secrets(self, line: str) -> str:
        for secret in (*self.hidden, self.url):
            if secret is not None and secret.get_secret_value():
                line = line.replace(secret.get_secret_value(), "***")
        return line
