"""The executor: maps the steps of the pipeline over many chunks.

An executor contains nothing about energy, and the pipeline nothing about threads or servers.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from extract.api.planner import Chunk
from extract.api.shared_limits import SharedLimits
from flows.fetch_session import FetchSession, OnRequest
from flows.tasks.fetch import Fetched
from flows.tasks.partition import Shaped
from flows.tasks.session import TransformSession

Item = TypeVar("Item")

Step = Callable[[TransformSession, Item], Shaped]
"""Does the work of one item. It takes and returns small picklable values (paths, counts), never frames."""


class Executor(Protocol):
    """Maps steps over chunks; results come in the order of the chunks."""

    @property
    def shared_limits(self) -> SharedLimits | None:
        """The limits that its processes share; None where one process sends all requests."""
        ...

    def fetch(
        self,
        session: FetchSession,
        chunks: Sequence[Chunk],
        *,
        on_request: OnRequest | None = None,
        on_done: Callable[[Fetched], None] | None = None,
    ) -> list[Fetched]:
        """Fetch chunks, with as many requests in flight as the provider allows.

        Args:
            session: Sends the requests of this process.
            chunks: What to fetch.
            on_request: Called after each window.
            on_done: Called with each result as soon as it is there.
        """
        ...

    def transform(
        self,
        step: Step[Item],
        session: TransformSession,
        items: Sequence[Item],
        *,
        on_done: Callable[[Shaped], None] | None = None,
    ) -> list[Shaped]:
        """Do a step for each item.

        Args:
            step: The step.
            session: Archive and lake of this process.
            items: What to do it with.
            on_done: Called with each result as soon as it is there.
        """
        ...
