"""The elevation of the sun, compared with published times of sunrise and sunset."""

from datetime import datetime, timedelta

import numpy as np
import pytest

from wattlog.sun import elevation_sine
from wattlog.zones import Zone

AT_RISE = np.sin(np.radians(-0.833))
"""At sunrise and sunset half of the sun and the refraction are below the horizon."""


@pytest.mark.parametrize(
    ("zone", "latitude", "longitude", "rise", "set_"),
    [
        ("Europe/London", 51.48, 0.0, "2025-06-21T04:43", "2025-06-21T21:21"),
        ("Europe/London", 51.48, 0.0, "2025-12-21T08:04", "2025-12-21T15:53"),
        ("Australia/Sydney", -33.87, 151.21, "2025-12-22T05:41", "2025-12-22T20:05"),
        ("America/Phoenix", 33.45, -112.07, "2025-03-20T06:33", "2025-03-20T18:41"),
    ],
)
def test_the_sun_rises_and_sets_when_almanacs_say(
    zone: str, latitude: float, longitude: float, rise: str, set_: str
) -> None:
    """To four minutes."""
    for text, before in ((rise, False), (set_, True)):
        at = datetime.fromisoformat(text).replace(tzinfo=Zone(zone))
        early, late = (int((at + timedelta(minutes=minutes)).timestamp()) for minutes in (-4, 4))
        is_up = elevation_sine(np.array([early, late], dtype=np.int64), latitude, longitude) > AT_RISE
        assert is_up.tolist() == [before, not before], text


def test_the_position_may_be_that_of_one_instant() -> None:
    hours = np.arange(0, 86_400, 3600, dtype=np.int64) + 1_750_000_000
    exact = elevation_sine(hours, 36.9, -121.3)
    np.testing.assert_allclose(elevation_sine(hours, 36.9, -121.3, position_at_s=int(hours[12])), exact, atol=0.01)
