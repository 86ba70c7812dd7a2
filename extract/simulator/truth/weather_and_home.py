"""Solar energy and home use of each slot, in whole Wh."""

from datetime import date

import numpy as np

from extract.simulator.local_day import SLOT_S, Ints
from extract.simulator.seeded import unit_hash
from extract.simulator.site import SiteSpec
from wattlog.sun import elevation_sine

SLOTS_PER_HOUR = 3600 // SLOT_S


def solar_wh(spec: SiteSpec, day: date, epochs_s: Ints, noise: np.random.Generator) -> Ints:
    """Solar energy of each slot: elevation of the sun × seeded cloudiness; exactly 0 at night."""
    if not spec.has_solar:
        return np.zeros(len(epochs_s), np.int64)
    middles_s = epochs_s + SLOT_S // 2
    noon_s = int(middles_s[len(middles_s) // 2])
    sine = np.clip(elevation_sine(middles_s, spec.latitude, spec.longitude, position_at_s=noon_s), 0.0, None)
    clearness = 0.22 + 0.78 * unit_hash(spec.seed, day, 1) ** 0.45
    knots = noise.uniform(1.0 - 0.9 * (1.0 - clearness), 1.0, len(epochs_s) // 6 + 2)
    clouds = np.interp(np.arange(len(epochs_s)) / 6, np.arange(len(knots)), knots)
    watts = spec.solar_peak_w * 0.93 * sine**1.15 * clearness * clouds
    return np.asarray(np.rint(watts / SLOTS_PER_HOUR), np.int64)


def home_wh(spec: SiteSpec, day: date, local_s: Ints, noise: np.random.Generator) -> Ints:
    """Home use of each slot, without vehicles: at least 1 Wh, at most what the battery could supply.

    Because of the upper bound, every evening can end at the battery level at which the next day begins.

    Args:
        spec: The site.
        day: Local day.
        local_s: Seconds on the local clock at the beginning of each slot.
        noise: Random generator of the day.
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
