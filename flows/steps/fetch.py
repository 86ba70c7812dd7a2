"""The first step: ask the windows of a chunk and keep the answers.

What went wrong stands in the result, so that one bad window never costs the others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from extract.ask import ask
from extract.errors import BudgetSpent, ExtractError, NotOffered, Retryable, RunStopped
from extract.planner import Chunk
from extract.series import ACCOUNT, HISTORY, Request, question_of
from flows.errors import STOPS_THE_RUN
from flows.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Failure:
    """A request that stayed without an answer, and why."""

    what: str
    error: ExtractError
    site_id: int = ACCOUNT


@dataclass(frozen=True, slots=True)
class Fetched:
    """What asking one chunk came to.

    Attributes:
        answered: Windows with an answer.
        left: Windows not asked, because the run was stopped or its budget spent.
        failures: Windows asked in vain.
        stopped_by: The error that every further request would meet again, if there was one.
        not_offered: Series that turned out to be none of the provider's; their windows are not counted.
    """

    answered: int
    left: int
    failures: tuple[Failure, ...] = ()
    stopped_by: ExtractError | None = None
    not_offered: tuple[NotOffered, ...] = ()


def merged(parts: Iterable[Fetched]) -> Fetched:
    """What asking several chunks came to."""
    found = list(parts)
    return Fetched(
        sum(each.answered for each in found),
        sum(each.left for each in found),
        tuple(failure for each in found for failure in each.failures),
        next((each.stopped_by for each in found if each.stopped_by is not None), None),
        tuple(error for each in found for error in each.not_offered),
    )


def fetch_windows(workspace: Workspace, chunk: Chunk) -> Fetched:
    """Ask every window of a chunk and keep the answers.

    What this very run has an answer to is not asked again: a worker process may have died before it could tell.
    """
    left = _left(workspace, chunk)
    fetched = fetch_all(workspace, left)
    return replace(fetched, answered=fetched.answered + len(chunk.requests) - len(left))


def _left(workspace: Workspace, chunk: Chunk) -> list[Request]:
    """The requests without an answer of this run; of a lifetime in pages one answer is not all."""
    if HISTORY.get(chunk.series) is None or HISTORY[chunk.series].is_paged:
        return list(chunk.requests)
    answered = {
        (entry.question, entry.window_start, entry.window_end)
        for entry in workspace.archive.entries(chunk.site_id, chunk.month)
        if entry.run_id == workspace.run_id and entry.series == chunk.series and entry.is_answer
    }
    return [
        each
        for each in chunk.requests
        if each.window is None or (question_of(dict(each.params)), each.window.start, each.window.end) not in answered
    ]


def fetch_all(workspace: Workspace, requests: Sequence[Request]) -> Fetched:
    """Ask requests one after the other; see `Fetched` for what may go wrong."""
    answered = 0
    failures: list[Failure] = []
    not_offered: list[NotOffered] = []
    for done, request in enumerate(requests):
        if workspace.stop.is_set() or request.site_id in workspace.set_aside:
            return Fetched(answered, len(requests) - done, tuple(failures), not_offered=tuple(not_offered))
        if request.series in workspace.not_offered:
            continue
        try:
            ask(request, workspace.fetcher.fetch, workspace.archive.answer)
            answered += 1
            workspace.set_aside.note(request.site_id, is_failure=False)
        except NotOffered as error:
            workspace.not_offered.add(request.series)
            not_offered.append(error)
        except (BudgetSpent, RunStopped):
            workspace.stop.set()
            return Fetched(answered, len(requests) - done, tuple(failures))
        except STOPS_THE_RUN as error:
            workspace.stop.set()
            return Fetched(
                answered, len(requests) - done - 1, (*failures, Failure(request.what, error, request.site_id)), error
            )
        except ExtractError as error:
            failures.append(Failure(request.what, error, request.site_id))
            workspace.set_aside.note(request.site_id, is_failure=isinstance(error, Retryable))
        if workspace.on_request is not None:
            workspace.on_request(request.site_id, request.series)
    return Fetched(answered, 0, tuple(failures), not_offered=tuple(not_offered))
