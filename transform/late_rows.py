"""Rows that were missing in the final response to a window, and came with a later one: they are revisions (Q14)."""

from collections.abc import Collection, Sequence
from datetime import timedelta, tzinfo

import numpy as np
import numpy.typing as npt

from transform.responses import RawResponse
from transform.time import Ints
from wattlog.series import SETTLE_HOURS

Mask = npt.NDArray[np.bool_]

_WAIT = timedelta(hours=SETTLE_HOURS)


def is_late(
    responses: Sequence[RawResponse],
    clocks: Sequence[tzinfo],
    unusable: Collection[str],
    owners: Ints,
    kinds: Ints,
    is_new: Mask,
) -> Mask:
    """Which rows an earlier run would have had, if the server had had them: its response to the same window was final.

    What comes before that is usual. An earlier response shows nothing if a row of it could not be used, or if it has only rows
    of another kind.

    Args:
        responses: The responses, in the order of their requests.
        clocks: The clock of each response's days.
        unusable: Ids of responses with rows that could not be used.
        owners: The response of each row, by position.
        kinds: What each row is, as a number, such as the length of its interval.
        is_new: Whether no earlier response has the row.
    """
    late = np.zeros(len(owners), dtype=bool)
    earlier = _complete_before(responses, clocks, unusable, np.unique(owners[is_new]).tolist())
    for number, before in earlier.items():
        mine = is_new & (owners == number)
        for kind in np.unique(kinds[mine]).tolist():
            shown = (kinds[owners == other] for other in before)
            if any(not len(of_other) or kind in of_other for of_other in shown):
                late |= mine & (kinds == kind)
    return late


def _complete_before(
    responses: Sequence[RawResponse], clocks: Sequence[tzinfo], unusable: Collection[str], numbers: Sequence[int]
) -> dict[int, list[int]]:
    """Response → the earlier ones to the same window that were final, of other runs."""
    by_window: dict[tuple[object, ...], list[int]] = {}
    for number, response in enumerate(responses):
        is_final = (response.requested_at - _WAIT).astimezone(clocks[number]).date() > response.window_end
        if is_final and response.raw_id not in unusable:
            by_window.setdefault(_window(response), []).append(number)
    found = {}
    for number in numbers:
        run_id = responses[number].run_id
        of_window = by_window.get(_window(responses[number]), ())
        before = [other for other in of_window if other < number and responses[other].run_id != run_id]
        if before:
            found[number] = before
    return found


def _window(response: RawResponse) -> tuple[object, ...]:
    return str(response.series), response.window_start, response.window_end
