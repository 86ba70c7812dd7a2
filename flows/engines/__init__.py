"""How the steps of the pipeline are run: on threads here, or as Prefect tasks.

An engine maps one step over many chunks. It knows nothing of energy; the pipeline knows nothing of threads or servers.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from flows.workspace import Workspace

Item = TypeVar("Item")
Result = TypeVar("Result")

Step = Callable[[Workspace, Item], Result]
"""A step does one chunk of work. It takes and gives small picklable values (paths, counts), never frames, and reports
what went wrong in its result; it raises for bugs alone."""


class Engine(Protocol):
    """Maps steps over chunks."""

    def map(
        self,
        step: Step[Item, Result],
        workspace: Workspace,
        items: Sequence[Item],
        *,
        workers: int,
        on_done: Callable[[Result], None] | None = None,
    ) -> list[Result]:
        """The results of `step` for each item, in the order of the items.

        Args:
            step: What to do with each item.
            workspace: Passed to each call.
            items: What to do it with.
            workers: How many at a time.
            on_done: Told of each result as soon as it is there.
        """
        ...
