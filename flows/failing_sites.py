"""Sites that keep failing are skipped for the rest of the run, so that they do not delay the others."""

import threading
from collections import Counter
from collections.abc import Iterable

FAILURES_IN_A_ROW = 3
"""After so many failed windows in a row, each with all its retries, the rest of the site is left for another run. A fault that
outlasts the retries of three windows outlasts those of the next one, too, and each window costs half a minute."""


class FailingSites:
    """Counts each site's failures in a row. Thread-safe.

    Args:
        site_ids: Sites that are skipped from the beginning.
    """

    def __init__(self, site_ids: Iterable[int] = ()) -> None:
        self._in_a_row: Counter[int] = Counter()
        self._lock = threading.Lock()
        self.add(site_ids)

    def __contains__(self, site_id: int) -> bool:
        with self._lock:
            return self._in_a_row[site_id] >= FAILURES_IN_A_ROW

    def note(self, site_id: int, *, is_failure: bool) -> None:
        """Note that a request of a site was answered, or failed after all its retries."""
        with self._lock:
            self._in_a_row[site_id] = self._in_a_row[site_id] + 1 if is_failure else 0

    def among(self) -> frozenset[int]:
        """The sites that are skipped."""
        with self._lock:
            return frozenset(site_id for site_id, count in self._in_a_row.items() if count >= FAILURES_IN_A_ROW)

    def add(self, site_ids: Iterable[int]) -> None:
        """Skip sites that failed in another process."""
        with self._lock:
            self._in_a_row.update(dict.fromkeys(site_ids, FAILURES_IN_A_ROW))
