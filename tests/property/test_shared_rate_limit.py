"""A limit that several workers share never lets more through than the provider allows."""

from hypothesis import given
from hypothesis import strategies as st

from flows.orchestration.rate_limiter import slots


@given(st.integers(min_value=2, max_value=10_000))
def test_slots_and_a_minutes_decay_stay_within_the_limit_and_use_it(per_minute: int) -> None:
    burst, a_second = slots(per_minute)
    assert burst >= 1
    assert burst + 60 * a_second <= per_minute
    assert burst + 61 * a_second >= per_minute - 1e-6


def test_one_a_minute_still_comes_round() -> None:
    burst, a_second = slots(1)
    assert burst == 1
    assert 0 < a_second < 1 / 60
