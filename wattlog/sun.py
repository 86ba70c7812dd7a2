"""How high the sun stands at a place."""

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

_DAY_S = 86_400
_J2000_DAYS = 10_957.5


def elevation_sine(
    epochs_s: Ints, latitude: float, longitude: float, *, position_at_s: Ints | int | None = None
) -> Floats:
    """Sine of the sun's elevation, accurate to about half a degree: that is two minutes of sunrise, more near the poles.

    Source: the low-precision formulae of the Astronomical Almanac (mean longitude, mean anomaly, sidereal time).

    Args:
        epochs_s: Instants in epoch seconds.
        latitude: Degrees north.
        longitude: Degrees east.
        position_at_s: Instants for which the position among the stars is computed; it changes by a degree a day. None:
            `epochs_s`.
    """
    days = epochs_s / _DAY_S - _J2000_DAYS
    at = days if position_at_s is None else position_at_s / _DAY_S - _J2000_DAYS
    anomaly = np.radians((357.529 + 0.98560028 * at) % 360)
    longitude_of_sun = np.radians((280.459 + 0.98564736 * at + 1.915 * np.sin(anomaly)) % 360)
    obliquity = np.radians(23.439)
    declination = np.arcsin(np.sin(obliquity) * np.sin(longitude_of_sun))
    ascension = np.arctan2(np.cos(obliquity) * np.sin(longitude_of_sun), np.cos(longitude_of_sun))
    hour_angle = np.radians((280.46061837 + 360.98564736629 * days + longitude) % 360) - ascension
    north = np.radians(latitude)
    sine: Floats = np.sin(north) * np.sin(declination) + np.cos(north) * np.cos(declination) * np.cos(hour_angle)
    return sine
