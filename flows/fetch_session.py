"""What the requests of a run share in one process: client, rate limiter, request budget, and what the run has found out."""

import ssl
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import partial
from importlib.metadata import version
from types import TracebackType
from typing import Self

from extract.api.client import Client, Clock
from extract.api.fetch import Fetcher
from extract.api.rate_limit import RateLimiter, RequestBudget
from extract.api.shared_limits import ProcessSharedBudget, ProcessSharedLimiter, SharedLimits
from extract.archive.raw_archive import RawArchive
from extract.archive.unkept import Unkept
from extract.requests import Request
from flows.credentials import credentials_of, first_address
from flows.errors import UsageError
from flows.failing_sites import FailingSites
from flows.progress import Progress, Silent
from flows.run_context import RunContext
from flows.stop_signal import StopSignal
from transform.responses import RequestedDays, outcome
from transform.vehicles import outcome_of_car
from wattlog.providers import Provider
from wattlog.series import SERIES
from wattlog.series_spec import Series, Subject

OnRequest = Callable[[int, str], None]
"""(site id, series): called after each window is done, whether it was answered or not."""


@dataclass(frozen=True, slots=True)
class FetchState:
    """What a run has found out while it fetched, which saves requests elsewhere. Can be pickled.

    Attributes:
        base_url: The address of the account's region, where it is not the one that was asked first.
        not_offered: Series that the provider does not offer.
        skipped_sites: Sites that kept failing.
        shared_vin_ends: The ends of VINs that several cars of the account have.
    """

    base_url: str | None = None
    not_offered: frozenset[Series] = frozenset()
    skipped_sites: frozenset[int] = frozenset()
    shared_vin_ends: frozenset[str] = frozenset()


class FetchSession:
    """Sends the requests of a run and keeps the responses. Thread-safe; close it at the end.

    Args:
        context: The run.
        archive: Where responses are kept.
        stop: Stops the requests.
        progress: Is informed of pauses.
        shared_limits: Limits that several processes share; None where one process sends all requests.
        state: What the run has found out so far.

    Attributes:
        not_offered: Series that the provider does not offer.
        skipped_sites: Sites that kept failing.

    Raises:
        UsageError: A refresh token is set that cannot be renewed.
        TokenStoreFailed: The stored tokens cannot be read.
    """

    def __init__(
        self,
        context: RunContext,
        archive: RawArchive,
        *,
        stop: StopSignal | None = None,
        progress: Progress | None = None,
        shared_limits: SharedLimits | None = None,
        state: FetchState | None = None,
    ) -> None:
        state = state or FetchState()
        self.context = context
        self.archive = archive
        self.stop = stop or StopSignal()
        self.not_offered = set(state.not_offered)
        self.skipped_sites = FailingSites(state.skipped_sites)
        self._progress = progress or Silent()
        self._shared_limits = shared_limits
        self._credentials = credentials_of(context.settings, context.clock, is_interrupted=self.stop.is_interrupted)
        self._first_url = first_address(context.settings, self._credentials)
        self.client = self._new_client(state.base_url or self._first_url, shared_vin_ends=state.shared_vin_ends)
        self.fetcher = self._new_fetcher(context.settings.resolved_provider)
        self._unkept = Unkept()
        self._proxy: Client | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self.client.close()
        if self._proxy is not None:
            self._proxy.close()

    @property
    def requests(self) -> int:
        """Requests sent so far, retries included, by all processes of the run."""
        return self.fetcher.budget.spent

    def now(self) -> datetime:
        """The present instant, corrected where this computer's clock is ahead of the server's."""
        return self.client.time.now()

    def access_token(self) -> str:
        """The bearer token.

        Raises:
            AuthExpired: There is none.
            Retryable: It is due for renewal, and the renewal failed.
        """
        return self._credentials.token()

    def granted_scopes(self) -> tuple[str, ...] | None:
        """The scopes of the token; None where they are not known.

        Raises:
            AuthExpired: There is no token.
        """
        return self._credentials.tokens().granted_scopes

    def read(self, request: Request) -> bytes:
        """The body of a response that may not be stored (`Request.is_kept`), after retries as usual.

        Raises:
            ExtractError: As from `Fetcher.fetch`.
        """
        return self._unkept.take(replace(self.fetcher, archive=self._unkept).fetch(request))

    def send_to_car(self, request: Request) -> None:
        """Send a command to a car, once: through the signing proxy where the settings name one, which gets no other request.

        Raises:
            ExtractError: As from `Fetcher.send_once`.
            UsageError: The file of the certificate authority cannot be used.
        """
        url = self.context.settings.vehicle_command_url
        if url is None:
            self.fetcher.send_once(request)
            return
        if self._proxy is None:
            self._proxy = self._new_client(url, self._proxy_certificates())
        replace(self.fetcher, client=self._proxy, is_movable=False).send_once(request)

    def _proxy_certificates(self) -> ssl.SSLContext | None:
        """The certificates that the proxy may have; None for those of the environment."""
        path = self.context.settings.vehicle_command_ca
        if path is None:
            return None
        try:
            return ssl.create_default_context(cafile=path)
        except OSError as error:
            raise UsageError(f"WATTLOG_VEHICLE_COMMAND_CA: {path} cannot be used: {error.strerror or error}") from None

    def state(self) -> FetchState:
        """What the run has found out so far."""
        moved = None if self.client.base_url == self._first_url else self.client.base_url
        skipped = self.skipped_sites.among()
        return FetchState(moved, frozenset(self.not_offered), skipped, self.client.shared_vin_ends)

    def add_state(self, state: FetchState) -> None:
        """Take over what another process has found out."""
        self.not_offered |= state.not_offered
        self.skipped_sites.add(state.skipped_sites)

    def _new_client(
        self, base_url: str, ssl_context: ssl.SSLContext | None = None, shared_vin_ends: frozenset[str] = frozenset()
    ) -> Client:
        return Client(
            base_url,
            self.access_token,
            user_agent=f"wattlog/{version('wattlog')}",
            classify=partial(classified, clock=self.now),
            clock=self.context.clock,
            is_interrupted=self.stop.is_interrupted,
            transport=self.context.transport,
            ssl_context=ssl_context,
            shared_vin_ends=shared_vin_ends,
        )

    def _new_fetcher(self, provider: Provider) -> Fetcher:
        cap, shared = self.context.max_requests, self._shared_limits
        has_fixed_url = bool(self.context.settings.api_base_url)
        return Fetcher(
            client=self.client,
            archive=self.archive,
            budget=RequestBudget(cap) if shared is None else ProcessSharedBudget(cap, shared),
            rate_limiter=self._new_limiter(provider.requests_per_minute),
            run_id=self.context.run_id,
            provider=provider.name,
            renew=self._credentials.renew,
            is_stopped=self.stop.is_stopped,
            sleep=self.stop.wait,
            other_regions=() if has_fixed_url else provider.other_regions,
        )

    def _new_limiter(self, requests_per_minute: int | None) -> RateLimiter:
        """The limiter that the run asks for, else that of the run's processes, else that of this process alone."""
        shared = self._shared_limits
        own = RateLimiter if shared is None else partial(ProcessSharedLimiter, shared)
        return (self.context.make_limiter or own)(
            requests_per_minute,
            sleep=self.stop.wait,
            is_stopped=self.stop.is_stopped,
            on_pause=lambda seconds: self._progress.pause(f"429: waiting {seconds:.0f} s"),
        )


def classified(body: bytes, request: Request, *, clock: Clock) -> str:
    """The outcome of a response, with regard to the window that was requested (Q22)."""
    is_reading = request.path.endswith(f"/{SERIES[Series.VEHICLE_STATE].endpoint}")
    if request.is_of_cars and is_reading:
        return str(outcome_of_car(body, Series.VEHICLE_STATE))
    if not request.is_kept or (request.series is Series.COMMAND and request.is_of_cars):
        return "data"  # its reader judges it
    if SERIES[request.series].subject is not Subject.SITE:
        return str(outcome_of_car(body, request.series))
    if request.series in (Series.SNAPSHOT, Series.COMMAND):
        return str(outcome(body, request.path.rsplit("/", 1)[-1]))
    series, window = request.series, request.window
    if window is None:
        return str(outcome(body, series))
    requested = RequestedDays(window.start, window.end, window.start_at.tzinfo or UTC, clock())
    return str(outcome(body, series, requested))
