"""How a run begins: its context, with the rate limiter that its settings name. Prefect is imported only where one is named."""

from extract.api.client import Clock, utc_now
from flows.run_context import RunContext, new_run_id
from flows.settings import Settings


def new_context(settings: Settings, *, clock: Clock = utc_now, max_requests: int | None = None) -> RunContext:
    """The context of a run that begins now.

    Raises:
        UsageError: The settings name a shared rate limit, and no Prefect API is configured.
    """
    make_limiter = None
    if settings.shared_rate_limit is not None:
        from flows.orchestration.rate_limiter import limiter_of

        make_limiter = limiter_of(settings.shared_rate_limit)
    return RunContext(settings, new_run_id(clock()), clock, max_requests, make_limiter)
