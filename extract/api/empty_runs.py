"""Runs whose responses are all empty although the site has data: such responses answer nothing.

A token that is valid was seen to give empty responses until it was renewed (Q23). A healthy site with data always has some in
a run: the lifetime is requested every time. So a run without any, of windows that had data in another run, settles nothing.
"""

from collections.abc import Iterable, Sequence

from extract.archive.raw_archive import IndexEntry

Window = tuple[object, ...]
"""Series, question and first day: a lifetime has another last day every day."""


def empty_runs(entries: Sequence[IndexEntry]) -> frozenset[str]:
    """The runs that have only empty responses for a site, of which one is for a window that has data in another run.

    Args:
        entries: The index entries of one site.
    """
    with_data = {entry.run_id for entry in entries if entry.outcome == "data" and entry.window_start is not None}
    empty = [
        entry
        for entry in entries
        if entry.outcome != "data"
        and entry.run_id not in with_data
        and entry.is_conclusive
        and entry.window_start is not None
    ]
    if not empty:
        return frozenset()
    of_data = _windows(entry for entry in entries if entry.outcome == "data")
    return frozenset(entry.run_id for entry in empty if not of_data.isdisjoint(_windows([entry])))


def _windows(entries: Iterable[IndexEntry]) -> set[Window]:
    return {(entry.series, entry.question, entry.window_start) for entry in entries}
