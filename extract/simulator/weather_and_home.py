"""The two things a battery has to answer to: what the sun gives and what the home takes, per slot, in whole Wh."""

from datetime import date

import numpy as np

from extract.simulator.local_day import DAY_S, SLOT_S, Floats, Ints
from extract.simulator.site import SiteSpec

SLOTS_PER_HOUR = 3600 // SLOT_S
_MASK = (1 << 64) - 1
_J2000_DAYS = 10_957.5


def unit_hash(seed: int, day: date, salt: int) -> float:
    """A number in [0, 1) that depends on the arguments alone: splitmix64, cheap enough to ask for any day."""
    state = (seed * 0x9E3779B97F4A7C15 + day.toordinal() * 0xD1B54A32D192ED03 + salt * 0x8CB92BA72F3D8DD7) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((state ^ (state >> 31)) >> 11) / float(1 << 53)


def solar_elevation_sine(epochs_s: Ints, latitude: float, longitude: float) -> Floats:
    """Sine of the sun's elevation at UTC instants, good to about half a degree.

    Source: the low-precision formulae of the Astronomical Almanac (mean longitude, mean anomaly, sidereal time).
    """
    days = epochs_s / DAY_S - _J2000_DAYS
    noon = float(days[len(days) // 2])
    anomaly = np.radians((357.529 + 0.98560028 * noon) % 360)
    longitude_of_sun = np.radians((280.459 + 0.98564736 * noon + 1.915 * np.sin(anomaly)) % 360)
    obliquity = np.radians(23.439)
    declination = np.arcsin(np.sin(obliquity) * np.sin(longitude_of_sun))
    ascension = np.arctan2(np.cos(obliquity) * np.sin(longitude_of_sun), np.cos(longitude_of_sun))
    hour_angle = np.radians((280.46061837 + 360.98564736629 * days + longitude) % 360) - ascension
    lat = np.radians(latitude)
    sine: Floats = np.sin(lat) * np.sin(declination) + np.cos(lat) * np.cos(declination) * np.cos(hour_angle)
    return sine


def solar_wh(spec: SiteSpec, day: date, epochs_s: Ints, noise: np.random.Generator) -> Ints:
    """Solar energy of each slot: the sun's elevation × a seeded cloudiness; exactly 0 while the sun is down."""
    if not spec.has_solar:
        return np.zeros(len(epochs_s), np.int64)
    sine = np.clip(solar_elevation_sine(epochs_s + SLOT_S // 2, spec.latitude, spec.longitude), 0.0, None)
    clearness = 0.22 + 0.78 * unit_hash(spec.seed, day, 1) ** 0.45
    knots = noise.uniform(1.0 - 0.9 * (1.0 - clearness), 1.0, len(epochs_s) // 6 + 2)
    clouds = np.interp(np.arange(len(epochs_s)) / 6, np.arange(len(knots)), knots)
    watts = spec.solar_peak_w * 0.93 * sine**1.15 * clearness * clouds
    return np.asarray(np.rint(watts / SLOTS_PER_HOUR), np.int64)


def home_wh(spec: SiteSpec, day: date, local_s: Ints, noise: np.random.Generator) -> Ints:
    """Energy the home takes in each slot, cars aside: at least 1 Wh, and never more than the battery could carry.

    The upper bound lets every evening close at the level the next day begins with.

    Args:
        spec: The site.
        day: Local day.
        local_s: Seconds on the local clock at the beginning of each slot.
        noise: The day's generator.
    """
    hour = local_s / 3600
    weekend = 1.12 if day.weekday() >= 5 else 1.0
    shape = (
        0.45
        + 0.85 * np.exp(-(((hour - 7.4) / 1.3) ** 2))
        + 0.25 * np.exp(-(((hour - 13.0) / 3.0) ** 2))
        + 1.65 * np.exp(-(((hour - 19.2) / 2.1) ** 2))
    )
    day_factor = (0.8 + 0.45 * unit_hash(spec.seed, day, 2)) * weekend
    watts = spec.home_mean_w * shape * day_factor * noise.gamma(7.0, 1 / 7.0, len(local_s))
    ceiling = int(spec.battery_power_w * 0.9) // SLOTS_PER_HOUR if spec.has_battery else 10**6
    return np.clip(np.rint(watts / SLOTS_PER_HOUR).astype(np.int64), 1, ceiling)
