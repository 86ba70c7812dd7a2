"""Of several rows about the same time one is stored: the one fetched last.

What it changed of earlier ones is a revision (Q12).
"""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.frames import table_frame
from transform.late_rows import is_late
from transform.observations import Floats, Mask, Observations
from transform.time import Ints

log = logging.getLogger(__name__)


def prefer_sound(observations: Observations, keys: Sequence[npt.NDArray[Any]], is_outside: Mask) -> None:
    """Drop rows for which another row of the same key is better, whichever was fetched last.

    A row with values that cannot be used is worse than one without, and a row of another window than its response was asked
    for is worse than one that was asked for.

    Args:
        observations: The rows.
        keys: Columns of the key.
        is_outside: Rows that lie outside of the window of their response.
    """
    flaws = 2 * observations.unusable().any(axis=1).astype(np.int64) + is_outside
    if not flaws.any():
        return
    order = np.lexsort((flaws, *reversed(keys)))
    is_first = np.ones(len(order), dtype=bool)
    is_first[1:] = np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0)
    is_worse = np.zeros(len(order), dtype=bool)
    is_worse[order] = flaws[order] > flaws[order][is_first][np.cumsum(is_first) - 1]
    observations.keep(~is_worse)


@dataclass(frozen=True, slots=True)
class Ranking:
    """Rows by their key, then by when they were asked, then by their position in the response.

    Attributes:
        order: Positions of the rows in this order.
        is_last: Whether each, in this order, is the last of its key.
    """

    order: npt.NDArray[np.intp]
    is_last: Mask

    @classmethod
    def of(cls, observations: Observations, keys: Sequence[npt.NDArray[Any]]) -> "Ranking":
        """The rows of `observations` by some columns."""
        order = np.lexsort((observations.rows["row_number"], observations.rows["response"], *reversed(keys)))
        is_last = np.ones(len(order), dtype=bool)
        if len(order):
            is_last[:-1] = np.any([key[order][1:] != key[order][:-1] for key in keys], axis=0)
        return cls(order, is_last)


def last_wins(observations: Observations, ranking: Ranking) -> None:
    """Keep one row per key: the one asked last, and within one response the last of several (Q12, Q18)."""
    order, is_last = ranking.order, ranking.is_last
    replaced = int((~is_last).sum())
    if replaced:
        owners = observations.rows["response"].to_numpy()[order]
        repeated = int((~is_last[:-1] & (owners[1:] == owners[:-1])).sum())
        log.debug("rows replaced site_id=%s rows=%s", observations.site.site_id, replaced - repeated)
        if repeated:
            log.info("rows repeated in one response site_id=%s rows=%s", observations.site.site_id, repeated)
    if replaced or (np.diff(order) < 0).any():
        observations.rows = observations.rows.take(order[is_last]).reset_index(drop=True)


def note_revisions(observations: Observations, ranking: Ranking, starts: pd.Series, is_over: Mask) -> None:
    """Keep what later responses changed of earlier ones, before the last one wins (Q12).

    Only what was over when it was first fetched counts: the running interval and the running day grow, they are not revised.
    Within one response the last of several rows counts (Q18). A value that appears where there was none, or disappears, is a
    change with a NULL. So is each value of a row that is late (`late_rows`).

    Args:
        observations: The rows; one row of table `revisions` is added per key, measure and response that changed it.
        ranking: The rows by their key.
        starts: The instant each row begins at.
        is_over: Whether the time each row stands for was over when it was asked.
    """
    _note_late_rows(observations, ranking, starts, is_over)
    if ranking.is_last.all():
        return
    rows, is_ranked_over = observations.rows, is_over[ranking.order]
    key: Ints = (np.cumsum(ranking.is_last) - ranking.is_last)[is_ranked_over]
    order = ranking.order[is_ranked_over]
    owners = rows["response"].to_numpy()
    owner = owners[order]
    is_repeated = np.append((key[1:] == key[:-1]) & (owner[1:] == owner[:-1]), np.zeros(min(len(key), 1), dtype=bool))
    order, key = order[~is_repeated], key[~is_repeated]
    later = np.flatnonzero(key[1:] == key[:-1]) + 1
    values = rows[observations.measures].to_numpy(dtype=np.float64)
    old, new = values[order[later - 1]], values[order[later]]
    at, column = np.nonzero((old != new) & ~(np.isnan(old) & np.isnan(new)))
    if len(at):
        changed = order[later[at]]
        observations.revisions.append(
            _revisions(observations, changed, starts, column, old=old[at, column], new=new[at, column])
        )


def _note_late_rows(observations: Observations, ranking: Ranking, starts: pd.Series, is_over: Mask) -> None:
    """Keep the values of rows that an earlier, final response to the same window did not have."""
    rows, is_new = observations.rows, np.zeros(len(observations.rows), dtype=bool)
    is_new[ranking.order[np.append(True, ranking.is_last)[:-1]]] = True
    kinds = rows["interval_s"].to_numpy() if "interval_s" in rows.columns else np.zeros(len(rows), dtype=np.int64)
    unusable = {reject.raw_id for reject in observations.rejects}
    owners = rows["response"].to_numpy()
    late = np.flatnonzero(
        is_late(observations.responses, observations.clocks, unusable, owners, kinds, is_new & is_over)
    )
    values = rows[observations.measures].to_numpy(dtype=np.float64)[late]
    at, column = np.nonzero(~np.isnan(values))
    if len(at):
        old = np.full(len(at), np.nan)
        observations.revisions.append(
            _revisions(observations, late[at], starts, column, old=old, new=values[at, column])
        )


def _revisions(
    observations: Observations, changed: Ints, starts: pd.Series, column: Ints, *, old: Floats, new: Floats
) -> pd.DataFrame:
    responses, owners = observations.responses, observations.rows["response"].to_numpy()[changed]
    seen_at = pd.Series([response.requested_at for response in responses], dtype="datetime64[us, UTC]")
    return table_frame(
        "revisions",
        {
            "site_id": pd.Series(observations.site.site_id, index=range(len(changed))),
            "series": pd.Series([str(response.series) for response in responses], dtype="str").array.take(owners),
            "interval_start": starts.array.take(changed),
            "measure": np.array(observations.measures, dtype=object)[column],
            "seen_at": seen_at.array.take(owners),
            "old_value": old,
            "new_value": new,
        },
    )
