"""Steps in this thread, one after another: the same run makes the same requests and writes in the same order."""

from collections.abc import Callable, Sequence

from extract.api.planner import Chunk
from extract.api.shared_limits import SharedLimits
from flows.executors.executor import Item, Step
from flows.fetch_session import FetchSession, OnRequest
from flows.tasks.fetch import Fetched, fetch_windows
from flows.tasks.partition import Shaped
from flows.tasks.session import TransformSession


class OneByOne:
    """An executor without threads."""

    @property
    def shared_limits(self) -> SharedLimits | None:
        """None: the limits of one process are its own."""
        return None

    def fetch(
        self,
        session: FetchSession,
        chunks: Sequence[Chunk],
        *,
        on_request: OnRequest | None = None,
        on_done: Callable[[Fetched], None] | None = None,
    ) -> list[Fetched]:
        """See `Executor.fetch`."""
        fetched = []
        for chunk in chunks:
            fetched.append(fetch_windows(session, chunk, on_request=on_request))
            if on_done is not None:
                on_done(fetched[-1])
        return fetched

    def transform(
        self,
        step: Step[Item],
        session: TransformSession,
        items: Sequence[Item],
        *,
        on_done: Callable[[Shaped], None] | None = None,
    ) -> list[Shaped]:
        """See `Executor.transform`."""
        shaped = []
        for item in items:
            shaped.append(step(session, item))
            if on_done is not None:
                on_done(shaped[-1])
        return shaped
