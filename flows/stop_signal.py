"""Whether a run may go on: one object that its threads share."""

import signal
import threading


class StopSignal:
    """Stops the requests of a run, or the whole run. Thread-safe.

    A run that is stopped sends no further request; what was fetched is still transformed and published. A run that is
    interrupted begins nothing further at all.
    """

    def __init__(self) -> None:
        self._event = threading.Event()
        self._interrupted_by: signal.Signals | None = None

    def is_stopped(self) -> bool:
        """Whether no further request may be sent."""
        return self._event.is_set()

    def is_interrupted(self) -> bool:
        """Whether nothing further may begin."""
        return self._interrupted_by is not None

    @property
    def interrupted_by(self) -> signal.Signals | None:
        """The signal that interrupted the run; None if none did."""
        return self._interrupted_by

    def stop(self) -> None:
        """Send no further request."""
        self._event.set()

    def interrupt(self, by: signal.Signals) -> None:
        """Begin nothing further; requests in flight are finished and kept."""
        self._interrupted_by = by
        self._event.set()

    def wait(self, seconds: float) -> bool:
        """Sleep for so long, or until the run is stopped; returns whether it is stopped."""
        return self._event.wait(seconds)
