"""Sites that keep failing are set aside for the run, so that the others get on (ghosts, stale sites: API.md §1.1)."""

import threading
from collections import Counter
from collections.abc import Iterable

FAILURES_IN_A_ROW = 3
"""So many windows in a row, each asked as often as retries allow, and the rest of the site is left for another run. A fault
that outlasts three windows' retries outlasts the next one's, too, and each costs half a minute."""


class FailingSites:
    """Counts each site's failures in a row. Thread-safe."""

    def __init__(self) -> None:
        self._in_a_row: Counter[int] = Counter()
        self._lock = threading.Lock()

    def __contains__(self, site_id: int) -> bool:
        with self._lock:
            return self._in_a_row[site_id] >= FAILURES_IN_A_ROW

    def note(self, site_id: int, *, is_failure: bool) -> None:
        """A request of a site was answered, or was not after all its retries."""
        with self._lock:
            self._in_a_row[site_id] = self._in_a_row[site_id] + 1 if is_failure else 0

    def among(self) -> frozenset[int]:
        """The sites that are set aside."""
        with self._lock:
            return frozenset(site_id for site_id, count in self._in_a_row.items() if count >= FAILURES_IN_A_ROW)

    def add(self, site_ids: Iterable[int]) -> None:
        """Set sites aside that failed elsewhere."""
        with self._lock:
            self._in_a_row.update(dict.fromkeys(site_ids, FAILURES_IN_A_ROW))

    def __getstate__(self) -> dict[str, frozenset[int]]:
        return {"among": self.among()}

    def __setstate__(self, state: dict[str, frozenset[int]]) -> None:
        self.__dict__.update(FailingSites().__dict__)
        self.add(state["among"])
