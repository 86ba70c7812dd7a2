"""Tariffs that tools write to steer a battery: their prices are not the owner's (Q137)."""

import re
from typing import Final

from transform.tariffs.tariff import Tariff

_NAMES: Final = re.compile(r"\bpower_?sync\b|predbat|batpred|aemo[-_ ]?spike", re.IGNORECASE)
"""Names that such tools give: `POWER_SYNC:AMBER`, `Predbat`, `AEMO-SPIKE`."""

_HALF_HOURS: Final = re.compile(r"PERIOD_\d{2}_\d{2}")
"""The labels of a tariff with a price for each half hour."""


def is_synthetic(tariff: Tariff) -> bool:
    """Whether a tool wrote the tariff, by its code, name or utility, or by labels that are times of the day."""
    texts = (tariff.code, tariff.name, tariff.utility)
    labels = [label for season in tariff.buy.seasons for label in season.periods]
    return any(map(_NAMES.search, texts)) or (bool(labels) and all(map(_HALF_HOURS.fullmatch, labels)))
