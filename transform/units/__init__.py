"""Is energy in Wh? Units are not assumed but shown: by power, by intervals, and by the days of a roll-up."""

from transform.units.days import in_watt_hours, scaled
from transform.units.rollups import rollups_in_watt_hours

__all__ = ["in_watt_hours", "rollups_in_watt_hours", "scaled"]
