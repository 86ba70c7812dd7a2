"""Reproducible random numbers for any local day, computed without those of the days before."""

from datetime import date

_MASK = (1 << 64) - 1


def unit_hash(seed: int, day: date, salt: int) -> float:
    """A number in [0, 1) that depends only on the arguments (splitmix64)."""
    state = (seed * 0x9E3779B97F4A7C15 + day.toordinal() * 0xD1B54A32D192ED03 + salt * 0x8CB92BA72F3D8DD7) & _MASK
    state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
    return ((state ^ (state >> 31)) >> 11) / float(1 << 53)
