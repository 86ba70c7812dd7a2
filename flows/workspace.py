"""Where a run works: the data directory, the clock, and the handles that steps share.

A workspace travels to other processes as its settings, its run id and what the run has found out so far; what it holds open
stays behind and is opened anew on first use there.
"""

import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property, partial
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx

from extract.allowance import Allowance, CommonPace, SharedBudget
from extract.archive import RawArchive
from extract.auth import Credentials
from extract.client import Client, Clock, utc_now
from extract.fetch import Budget, Fetcher
from extract.pace import OnPause, Pace
from extract.providers import NEIGHBOURS
from extract.series import Request, Series
from flows.credentials import credentials_of
from flows.failing_sites import FailingSites
from flows.settings import Settings
from transform.parse import outcome
from warehouse.lake import Lake

OnRequest = Callable[[int, str], None]
"""(site id, series): called after each window is done, answered or not."""


@dataclass
class Workspace:
    """Everything a step needs to know.

    Attributes:
        settings: The run's settings.
        run_id: Identifies the run; sorts by time.
        clock: Gives the instant.
        transport: Replaces the network in tests.
        max_requests: Hard cap on requests, retries included.
        on_request: Told of each window done, in this process.
        on_pause: Told how long a 429 holds everybody back, in this process.
        stop: Set when the run must not ask any further.
        not_offered: Series that the provider was found not to know in this run.
        interrupted_by: The signal that ended the run early, if one did: then nothing further is begun.
        set_aside: Sites that kept failing in this run.
        allowance: What the processes of this run share of cap and pace; None where there is but one.
        home: The address at which this run found the account to live, where that was not known before.
    """

    settings: Settings
    run_id: str
    clock: Clock = utc_now
    transport: httpx.BaseTransport | None = None
    max_requests: int | None = None
    on_request: OnRequest | None = None
    on_pause: OnPause | None = None
    stop: threading.Event = field(default_factory=threading.Event)
    not_offered: set[Series] = field(default_factory=set)
    interrupted_by: signal.Signals | None = None
    set_aside: FailingSites = field(default_factory=FailingSites)
    allowance: Allowance | None = None
    home: str | None = None

    @property
    def root(self) -> Path:
        """The data directory."""
        return self.settings.data_dir

    @property
    def warehouse_path(self) -> Path:
        """The published warehouse."""
        return self.root / "warehouse.duckdb"

    @cached_property
    def archive(self) -> RawArchive:
        """The raw archive."""
        return RawArchive(self.root / "raw")

    @cached_property
    def lake(self) -> Lake:
        """The Parquet lake."""
        return Lake(self.root / "lake")

    @cached_property
    def credentials(self) -> Credentials:
        """Who we are to the API."""
        return credentials_of(self.settings, self.clock)

    @property
    def base_url(self) -> str:
        """The address to ask first: the setting's, else that of the region found at login, else the provider's."""
        known = self.settings.resolved_provider.base_url
        if self.home is not None:
            return self.home
        return known if self.settings.api_base_url else self.credentials.tokens().base_url or known

    @cached_property
    def client(self) -> Client:
        """The HTTP client."""
        return Client(
            self.base_url,
            self.access_token,
            user_agent=f"wattlog/{version('wattlog')}",
            classify=_outcome,
            clock=self.clock,
            transport=self.transport,
        )

    @cached_property
    def fetcher(self) -> Fetcher:
        """Asks, keeps and retries."""
        provider = self.settings.resolved_provider
        return Fetcher(
            client=self.client,
            archive=self.archive,
            budget=self._budget(),
            pace=self._pace(provider.requests_per_minute),
            run_id=self.run_id,
            provider=provider.name,
            renew=self.credentials.renew,
            is_stopped=self.stop.is_set,
            sleep=self.stop.wait,
            neighbours=() if self.settings.api_base_url else NEIGHBOURS.get(provider.name, ()),
        )

    def _budget(self) -> Budget:
        cap = self.max_requests
        return Budget(cap) if self.allowance is None else SharedBudget(cap, self.allowance)

    def _pace(self, requests_per_minute: int | None) -> Pace:
        """This process's own pace, that of all processes of the run, or one shared with other runs through Prefect."""
        kind: Callable[..., Pace] = Pace if self.allowance is None else partial(CommonPace, self.allowance)
        if self.settings.shared_rate_limit is not None:
            from flows.shared_pace import SharedPace

            kind = partial(SharedPace, self.settings.shared_rate_limit)
        return kind(
            requests_per_minute,
            sleep=self.stop.wait,
            is_stopped=self.stop.is_set,
            on_pause=lambda seconds: self.on_pause(seconds) if self.on_pause is not None else None,
        )

    def access_token(self) -> str:
        """The bearer token.

        Raises:
            AuthExpired: There is none.
            Retryable: It is due for renewal, and that did not work this time.
        """
        return self.credentials.token()

    def interrupt(self, by: signal.Signals) -> None:
        """End the run early: requests in flight are finished and kept, nothing further is begun."""
        self.interrupted_by = by
        self.stop.set()

    def close(self) -> None:
        """Close what is open."""
        client = self.__dict__.pop("client", None)
        if client is not None:
            client.close()

    def __getstate__(self) -> dict[str, Any]:
        client: Client | None = self.__dict__.get("client")
        here = {name: getattr(self.settings, name).absolute() for name in ("data_dir", "config_dir")}
        state = {
            "settings": self.settings.model_copy(update=here),
            "run_id": self.run_id,
            "clock": self.clock,
            "max_requests": self.max_requests,
            "not_offered": set(self.not_offered),
            "set_aside": self.set_aside,
            "allowance": self.allowance,
            "home": self.home if client is None or client.base_url == self.base_url else client.base_url,
        }
        return state if "lake" not in self.__dict__ else {**state, "lake": Lake(self.lake.root.absolute())}

    def __setstate__(self, state: dict[str, Any]) -> None:
        lake = state.pop("lake", None)
        self.__dict__.update(Workspace(**state).__dict__)
        if lake is not None:
            self.lake = lake


def _outcome(body: bytes, request: Request) -> str:
    """What an answer amounts to, its window considered (Q22)."""
    window = None if request.window is None else (request.window.start, request.window.end)
    return str(outcome(body, request.series, window))


def new_run_id(now: datetime) -> str:
    """An id that sorts by time: `20260101T031500.123456Z`."""
    return f"{now:%Y%m%dT%H%M%S.%f}Z"
