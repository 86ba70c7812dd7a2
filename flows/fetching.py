"""The stages of a run that send requests: discover the sites, fetch their history, fetch cross-checks."""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from extract.api.empty_runs import empty_runs
from extract.api.planner import Chunk, FetchScope, plan
from extract.errors import OnlyEmptyResponses
from flows.executors.executor import Executor
from flows.fetch_session import FetchSession
from flows.planning import Asked, about, chunks_for, cross_check_chunks, further_chunks, not_asked, subject
from flows.progress import Progress
from flows.tasks.fetch import Failure, Fetched, merged
from transform.sites import Site
from warehouse.lake.lake import Lake
from wattlog.series_spec import Series

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Fetching:
    """The requests of one run.

    Attributes:
        executor: Runs the steps.
        session: Sends the requests.
        progress: Is informed of each stage.
        sites: The sites to fetch.
        scope: The series and days to fetch.
        asked: Windows that the run has requested before.
    """

    executor: Executor
    session: FetchSession
    progress: Progress
    sites: Sequence[Site]
    scope: FetchScope
    asked: frozenset[Asked] = frozenset()

    def history(self, *, newest_first: bool) -> Iterator[Fetched]:
        """Fetch every open window, then those that the responses open up."""
        context, archive = self.session.context, self.session.archive
        if self.session.stop.is_stopped():
            return
        now = self.session.now()
        asked = set(self.asked)
        chunks = chunks_for(context, archive, self.sites, self.scope, now=now, newest_first=newest_first)
        chunks = not_asked(chunks, asked) if asked else chunks
        while chunks:
            yield from self._fetch(chunks)
            if self.session.stop.is_stopped():
                break
            asked |= {about(request) for chunk in chunks for request in chunk.requests}
            again = {chunk.site_id for chunk in chunks if chunk.again}
            chunks = further_chunks(
                context,
                archive,
                self.sites,
                self.scope,
                asked,
                again,
                now=self.session.now(),
                newest_first=newest_first,
            )

        yield Fetched(0, 0, tuple(self._only_empty()))

    def _only_empty(self) -> Iterator[Failure]:
        """A failure for each site that has data and got none in this run."""
        run_id = self.session.context.run_id
        for site in self.sites:
            entries = self.session.archive.entries(site.site_id)
            if run_id in empty_runs(entries):
                what = f"site {site.site_id}"
                count = sum(
                    entry.run_id == run_id and entry.is_conclusive and entry.window_start is not None
                    for entry in entries
                )
                yield Failure(what, OnlyEmptyResponses(what, count), site.site_id)

    def cross_checks(self, lake: Lake) -> tuple[list[Chunk], list[Fetched]]:
        """Fetch the week and the day itself once for each suspect day (Q19); returns what was requested, and the results."""
        if self.session.stop.is_stopped():
            return [], []
        session = self.session
        chunks = cross_check_chunks(session.context, session.archive, lake, self.sites, self.scope, now=session.now())
        if not chunks:
            return [], []
        log.info("suspect days: sending cross-check requests=%s", sum(len(chunk.requests) for chunk in chunks))
        return chunks, self._fetch(chunks)

    def _fetch(self, chunks: Sequence[Chunk]) -> list[Fetched]:
        """Fetch every window of some chunks."""
        names = {site.site_id: site.site_name or str(site.site_id) for site in self.sites}
        parts: Counter[str] = Counter()
        for chunk in chunks:
            parts[f"{names[chunk.site_id]} {chunk.series}"] += len(chunk.requests)
        self.progress.begin("requests", parts.total(), parts)
        return self.executor.fetch(
            self.session,
            chunks,
            on_request=lambda site_id, series: self.progress.advance(f"{names[site_id]} {series}"),
        )


def ask_for_clocks(
    session: FetchSession, executor: Executor, sites: Iterable[Site]
) -> tuple[Fetched, frozenset[Asked]]:
    """Request the lifetime of each site whose site_info names no clock, before any other window is planned by it.

    The lifetime is requested in every run, and has no window that a wrong clock would change. Without a usable response, the
    windows are those of the clock that was known before, or of the zone that the site's place suggests.

    Returns:
        The result, and which windows have been requested.
    """
    scope, now = FetchScope((Series.ENERGY_YEAR,), is_named=True), session.now()
    settle_hours = session.context.settings.settle_hours
    chunks = [
        chunk
        for site in sites
        if not site.is_clock_in_info
        for chunk in plan(subject(site, now), (), scope, now=now, settle_hours=settle_hours)
    ]
    if not chunks or session.stop.is_stopped():
        return Fetched(0, 0), frozenset()
    fetched = merged(executor.fetch(session, chunks))
    failed = {failure.site_id for failure in fetched.failures}
    for failure in fetched.failures:
        log.info("the clock of a site is not known site_id=%s reason=%s", failure.site_id, failure.error)
    requests = [request for chunk in chunks for request in chunk.requests if request.site_id not in failed]
    if fetched.left or fetched.stopped_by is not None or fetched.not_offered:
        return Fetched(0, 0, stopped_by=fetched.stopped_by), frozenset()
    return Fetched(len(requests), 0), frozenset(about(request) for request in requests)
