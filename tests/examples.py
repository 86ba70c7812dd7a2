"""Number of random examples: a fifth in `make quick`, five times the number of `make test` in the exhaustive profile.

The `max_examples` of the Hypothesis profile is used as a percentage. Examples have no deadline and no check for slowness,
since both would depend on the machine.
"""

from datetime import datetime, timedelta

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st


def register_profiles() -> None:
    """Register the profiles. Examples are the same every time, except in the exhaustive profile."""
    reproducible = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
    settings.register_profile("quick", reproducible, max_examples=20)
    settings.register_profile("whole", reproducible, max_examples=100)
    settings.register_profile("exhaustive", reproducible, max_examples=500, derandomize=False, print_blob=True)
    settings.load_profile("whole")


def share(of: int) -> int:
    """The profile's percentage of a number, at least one."""
    return max(1, of * settings().max_examples // 100)


def examples(whole: int) -> settings:
    """Settings of a test that has `whole` examples in `make test`."""
    return settings(max_examples=share(whole))


def instants(first: datetime, last: datetime) -> st.SearchStrategy[datetime]:
    """Instants from `first` to `last`, both aware. `st.datetimes` takes naive bounds alone."""
    return st.timedeltas(timedelta(0), last - first).map(lambda after: first + after)
