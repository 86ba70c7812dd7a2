"""Table `revisions`: every value that the API told once and told otherwise later (Q12).

Only what was over when it was first told counts: the running interval and the running day grow, they are not revised.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from transform.answer import Answer
from transform.frames import empty_frame, table_frame

Mask = npt.NDArray[np.bool_]


def changes(
    rows: pd.DataFrame,
    answers: Sequence[Answer],
    *,
    measures: Sequence[str],
    keys: Sequence[npt.NDArray[Any]],
    starts: pd.Series,
    is_over: Mask,
) -> pd.DataFrame:
    """What later answers changed of rows that earlier ones told.

    Within one answer the last of several rows counts (Q18). A value that appears where there was none, or disappears, is a
    change with a NULL.

    **Shape**: rows of several answers → one row of table `revisions` per key, measure and answer that changed it.

    Args:
        rows: `answer` (position in `answers`, which are ordered by the time they were asked), `row_number`, the measures.
        answers: The answers, all of one site.
        measures: The columns that hold values.
        keys: What makes two rows the same, column by column.
        starts: The instant each row begins at.
        is_over: Whether the time each row stands for was over when it was asked.
    """
    if rows.empty or len(set(rows["answer"])) < 2:
        return empty_frame("revisions")
    order = np.lexsort((rows["row_number"], rows["answer"], *reversed(keys)))
    order = order[is_over[order]]
    if len(order) < 2:
        return empty_frame("revisions")
    owner = rows["answer"].to_numpy()[order]
    is_same = np.all([key[order][1:] == key[order][:-1] for key in keys], axis=0)
    is_superseded = np.append(is_same & (owner[1:] == owner[:-1]), False)
    order, owner = order[~is_superseded], owner[~is_superseded]
    is_same = np.all([key[order][1:] == key[order][:-1] for key in keys], axis=0)
    later = np.flatnonzero(is_same) + 1
    values = rows[list(measures)].to_numpy(dtype=np.float64)
    old, new = values[order[later - 1]], values[order[later]]
    at, column = np.nonzero((old != new) & ~(np.isnan(old) & np.isnan(new)))
    changed = order[later[at]]
    asked = rows["answer"].to_numpy()[changed]
    return table_frame(
        "revisions",
        {
            "site_id": pd.Series([each.site_id for each in answers], dtype="int64").array.take(asked),
            "series": pd.Series([str(each.series) for each in answers], dtype="str").array.take(asked),
            "interval_start": starts.array.take(changed),
            "measure": np.array(list(measures), dtype=object)[column],
            "seen_at": pd.Series([each.requested_at for each in answers], dtype="datetime64[us, UTC]").array.take(
                asked
            ),
            "old_value": old[at, column],
            "new_value": new[at, column],
        },
    )
