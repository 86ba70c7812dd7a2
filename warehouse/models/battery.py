"""The models of a battery's capacity."""

from warehouse.models.columns import MONTH, SITE, kwh, pct
from warehouse.models.model import Local, Model, Period
from warehouse.schema import SITES, Field, Kind

_LIVE_KWH = kwh(
    "live_capacity_kwh", "Median of what live status gave as the energy of the full pack; NULL without any."
)
_LIVE_READINGS = Field("live_readings", Kind.BIGINT, "How many readings of live status that is of.")
_SPANS = Field("spans", Kind.BIGINT, "Discharges of ten points of state of energy or more that the estimate is of.")
_SPAN_PCT = pct("span_pct", "How far the state of energy fell in them, all together; NULL where they are too few.")
_CAPACITY = (
    kwh("capacity_kwh", "Energy that the full battery gives, estimated; NULL where there are too few discharges."),
    kwh("capacity_low_kwh", "Lower end of the interval that has the capacity in 95 of 100 months."),
    kwh("capacity_high_kwh", "Upper end of that interval."),
)

BATTERY_CAPACITY = Model(
    "battery_capacity",
    (
        SITES.field("site_id"),
        MONTH,
        _LIVE_KWH,
        _LIVE_READINGS,
        _SPANS,
        _SPAN_PCT,
        kwh("span_kwh", "Energy that they discharged; NULL where they are too few."),
        *_CAPACITY,
    ),
    is_materialised=True,
    local=Local(Period.MONTH, "month"),
)

BATTERY_HEALTH = Model(
    "battery_health",
    (
        *SITE,
        MONTH,
        *_CAPACITY,
        _SPANS,
        _SPAN_PCT,
        _LIVE_KWH,
        _LIVE_READINGS,
        kwh("nameplate_energy_kwh", "Rated energy of the batteries at present; NULL where unknown."),
        pct("of_nameplate_pct", "Capacity by rated energy."),
        kwh("first_year_kwh", "Capacity in the first twelve months in which it is known."),
        pct("of_first_year_pct", "Capacity by that of the first year."),
        pct("year_round_trip_efficiency_pct", "Round-trip efficiency of the calendar year, of `battery_cycles`."),
    ),
)

BATTERY_MODELS = (BATTERY_CAPACITY, BATTERY_HEALTH)
