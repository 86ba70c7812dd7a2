"""PVOutput: outputs of days and statuses of intervals, within the requests that it allows an hour.

Source: PVOutput, its API specification r2: addoutput, addbatchstatus, rate limits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

import httpx

from extract.services.errors import ServiceLimited, ServiceRefused
from extract.services.http import Service

NAME: Final = "PVOutput"
STATUSES: Final = 30
"""Statuses of a request."""

OUTPUTS: Final = 30
"""Outputs of a request, of an account that has donated; without a donation there is one."""

_REMAINING: Final = "x-rate-limit-remaining"
_RESET: Final = "x-rate-limit-reset"
_FAILED: Final = "0"


@dataclass(slots=True)
class PVOutput:
    """An account.

    Attributes:
        service: The server, with the key of the account.
        has_donated: More is allowed.
    """

    service: Service
    has_donated: bool
    _left: int | None = field(default=None)
    _reset_at: str = field(default="")

    @classmethod
    def at(cls, url: str, key: str, *, has_donated: bool, transport: httpx.BaseTransport | None = None) -> "PVOutput":
        """An account of a server.

        Args:
            url: The address of the server.
            key: The API key of the account.
            has_donated: More is allowed.
            transport: Replaces the network in tests.
        """
        headers = {"X-Pvoutput-Apikey": key, "X-Rate-Limit": "1"}
        return cls(Service(NAME, url, headers=headers, transport=transport), has_donated)

    @property
    def outputs_a_request(self) -> int:
        """How many outputs a request may have."""
        return OUTPUTS if self.has_donated else 1

    def add_outputs(self, system_id: int, outputs: Sequence[str]) -> None:
        """Add or replace the outputs of days.

        Args:
            system_id: The system.
            outputs: Each with its fields, as the specification orders them.

        Raises:
            ServiceLimited: The requests of the hour are used up.
            ServiceError: It cannot be reached, or refuses.
        """
        for first in range(0, len(outputs), self.outputs_a_request):
            self._post("addoutput", system_id, outputs[first : first + self.outputs_a_request])

    def add_statuses(self, system_id: int, statuses: Sequence[str]) -> None:
        """Add or replace statuses; see `add_outputs`."""
        for first in range(0, len(statuses), STATUSES):
            sent = statuses[first : first + STATUSES]
            response = self._post("addbatchstatus", system_id, sent)
            results = [result.rpartition(",")[2] for result in response.text.strip().split(";")]
            if len(results) != len(sent) or _FAILED in results:
                at = results.index(_FAILED) if _FAILED in results else min(len(results), len(sent) - 1)
                raise ServiceRefused(NAME, response.status_code, f"the status {sent[at]} was not added")

    def _post(self, command: str, system_id: int, rows: Sequence[str]) -> httpx.Response:
        if self._left == 0:
            raise ServiceLimited(NAME, self._reset_at)
        try:
            response = self.service.request(
                "POST",
                f"/service/r2/{command}.jsp",
                headers={"X-Pvoutput-SystemId": str(system_id)},
                data={"data": ";".join(rows)},
            )
        except ServiceRefused as error:
            if error.status == httpx.codes.FORBIDDEN and "Exceeded" in error.detail:
                raise ServiceLimited(NAME, self._reset_at) from None
            raise
        self._note(response.headers)
        return response

    def _note(self, headers: httpx.Headers) -> None:
        """Note how many requests are left in this hour."""
        left, reset = headers.get(_REMAINING, ""), headers.get(_RESET, "")
        self._left = int(left) if left.isdecimal() else None
        self._reset_at = f"{datetime.fromtimestamp(int(reset), UTC):%H:%M} UTC" if reset.isdecimal() else ""
