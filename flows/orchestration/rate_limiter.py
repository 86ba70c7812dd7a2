"""One rate limit for several workers: each request also takes a slot of a global concurrency limit of Prefect.

Used only where WATTLOG_SHARED_RATE_LIMIT names such a limit. A single process keeps to the provider's limit by itself, more
exactly and without a request to a server before each request.
"""

from functools import partial
from typing import Any, Final

from prefect.client.orchestration import SyncPrefectClient
from prefect.client.schemas.actions import GlobalConcurrencyLimitCreate
from prefect.concurrency.asyncio import ConcurrencySlotAcquisitionError
from prefect.concurrency.sync import rate_limit
from prefect.exceptions import ObjectAlreadyExists, ObjectNotFound
from prefect.settings import PREFECT_API_URL

from extract.api.rate_limit import MINUTE_S, SLACK, RateLimiter
from flows.errors import UsageError
from flows.settings import Settings

WAIT_S: Final = 5.0
"""After so long without a slot, the limiter checks whether the run was stopped."""


class PrefectLimiter(RateLimiter):
    """A rate limiter of this process that also waits for the other workers.

    Args:
        limit: Name of the limit.
        requests_per_minute: See `RateLimiter`, as for everything else.

    Raises:
        UsageError: No Prefect API is configured: Prefect would start a server of its own, which shares nothing.
    """

    def __init__(self, limit: str, requests_per_minute: int | None, **rest: Any) -> None:
        if PREFECT_API_URL.value() is None:
            raise UsageError("WATTLOG_SHARED_RATE_LIMIT needs a Prefect API; set PREFECT_API_URL, or unset the limit")
        super().__init__(requests_per_minute, **rest)
        self._limit_name = limit

    def wait(self) -> None:
        """Return when the next request may be sent, or at once when the run is stopped.

        Raises:
            UsageError: There is no such limit; Prefect itself would ignore it.
        """
        super().wait()
        while not self._is_stopped():
            try:
                rate_limit(self._limit_name, timeout_seconds=WAIT_S, strict=True)
            except TimeoutError:
                continue
            except ConcurrencySlotAcquisitionError:
                raise UsageError(
                    f"Prefect has no limit called {self._limit_name}; run `wattlog deploy`, which makes it, "
                    "or unset WATTLOG_SHARED_RATE_LIMIT"
                ) from None
            return


def limiter_of(limit: str) -> "partial[PrefectLimiter]":
    """Makes limiters that share a limit; can be pickled."""
    return partial(PrefectLimiter, limit)


def slots(requests_per_minute: int) -> tuple[int, float]:
    """Slots of the limit, and how many of them become free again each second.

    In any minute at most the slots plus a minute's decay are given out, which together are the provider's limit. Prefect counts
    whole slots and forgets fractions at each grant: two processes at a limit of one slot get three fifths of it, at a tenth of
    the minute's slots about four fifths.
    """
    burst = max(1, requests_per_minute // 10)
    return burst, max(requests_per_minute - burst, 0.5) / (MINUTE_S * (1 + SLACK))


def ensure_limit(client: SyncPrefectClient, settings: Settings) -> bool:
    """Make the limit that the settings name, unless it exists; returns whether it was made.

    Raises:
        UsageError: The provider has no limit that could be shared.
    """
    name, per_minute = settings.shared_rate_limit, settings.resolved_provider.requests_per_minute
    if name is None or per_minute is None:
        raise UsageError(
            f"{settings.provider} has no limit of its own; set WATTLOG_REQUESTS_PER_MINUTE beside WATTLOG_SHARED_RATE_LIMIT"
        )
    try:
        client.read_global_concurrency_limit_by_name(name)
        return False
    except ObjectNotFound:
        limit, decay = slots(per_minute)
    try:
        client.create_global_concurrency_limit(
            GlobalConcurrencyLimitCreate(name=name, limit=limit, slot_decay_per_second=decay)
        )
    except ObjectAlreadyExists:
        return False
    return True
