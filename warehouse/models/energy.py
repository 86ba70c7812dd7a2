"""The models of energy: by day, by longer periods, by hour, and what follows from it."""

from warehouse.models.columns import (
    DAYS,
    DAYS_HELD,
    DAYS_IMPORTED,
    ENERGY,
    GRANULARITY,
    MONTH,
    PERIOD_START,
    SITE,
    VERSUS_TESLA,
    kwh,
    pct,
)
from warehouse.models.model import Local, Model, Period
from warehouse.schema import DAILY, Field, Kind, Unit

_PERIOD = (DAYS, DAYS_HELD, DAYS_IMPORTED, *ENERGY, *VERSUS_TESLA)


def _kw(name: str, text: str) -> Field:
    return Field(name, Kind.DOUBLE, text, Unit.KW)


def _instant(name: str, text: str) -> Field:
    return Field(name, Kind.TIMESTAMPTZ, text)


def _clock(name: str, text: str) -> Field:
    return Field(name, Kind.TIMESTAMP, text)


DAILY_MODEL = Model(
    "daily",
    (*SITE, *(DAILY.field(name) for name in ("local_date", "status", "source", "coverage_pct")), *ENERGY),
)

PERIODS = Model(
    "periods",
    (*SITE, GRANULARITY, PERIOD_START, Field("period_end", Kind.DATE, "Last of those days."), *_PERIOD),
    is_materialised=True,
)

MONTHLY = Model("monthly", (*SITE, MONTH, *_PERIOD))

YEARLY = Model("yearly", (*SITE, Field("year", Kind.INTEGER, "The site's calendar year."), *_PERIOD))

LIFETIME = Model(
    "lifetime",
    (
        *SITE,
        Field("first_day", Kind.DATE, "Day of the installation, or the first with data where that is unknown."),
        Field("last_day", Kind.DATE, "Newest day with data."),
        *_PERIOD,
    ),
)

HOURLY = Model(
    "hourly",
    (
        *SITE,
        _instant("hour_start", "When the hour begins, UTC."),
        _clock("local_hour", "What the site's clock shows then."),
        Field("local_date", Kind.DATE, "The site's calendar day."),
        Field(
            "held_s",
            Kind.INTEGER,
            "Seconds of the hour for which intervals are stored; 3,600 when all of it is.",
            Unit.S,
        ),
        *ENERGY,
    ),
    is_materialised=True,
    local=Local(Period.DAY, "local_date"),
)

HOURLY_PROFILE = Model(
    "hourly_profile",
    (
        *SITE,
        Field("month_of_year", Kind.INTEGER, "1 to 12, of any year."),
        Field("hour_of_day", Kind.INTEGER, "0 to 23 on the site's clock."),
        Field("days", Kind.BIGINT, "Days on which all of that hour is stored."),
        *(kwh(field.name, f"Mean of: {field.description}") for field in ENERGY),
    ),
    is_materialised=True,
)

SELF_SUFFICIENCY = Model(
    "self_sufficiency",
    (
        *SITE,
        GRANULARITY,
        PERIOD_START,
        Field(
            "days",
            Kind.BIGINT,
            "Days with all parts of self-sufficiency: those that the percentages are computed from.",
        ),
        *(field for field in ENERGY if field.name in {"solar_kwh", "home_kwh", "grid_import_kwh", "grid_export_kwh"}),
        pct("self_consumption_pct", "Share of the solar energy that was not given to the grid."),
        pct(
            "self_sufficiency_pct", "Share of what the home used that the grid did not supply, not even by the battery."
        ),
        pct(
            "self_powered_pct",
            "The app's figure: share of what the home used that did not come from the grid directly.",
        ),
    ),
    is_materialised=True,
    local=Local(Period.YEAR, "period_start"),
)

PEAK_DEMAND = Model(
    "peak_demand",
    (
        *SITE,
        MONTH,
        Field("window_minutes", Kind.INTEGER, "Length of the window: 15, 30 or 60 minutes by the site's clock."),
        _kw("peak_import_kw", "Highest mean import of a window; NULL where the grid is not metered."),
        _instant("peak_import_at", "When that window begins, UTC."),
        _clock("local_peak_import_at", "What the site's clock shows then."),
        _kw("peak_home_kw", "Highest mean home load of a window; NULL where it is unknown."),
        _instant("peak_home_at", "When that window begins, UTC."),
        _clock("local_peak_home_at", "What the site's clock shows then."),
    ),
    is_materialised=True,
    local=Local(Period.MONTH, "month"),
)

ENERGY_MODELS = (
    DAILY_MODEL,
    PERIODS,
    MONTHLY,
    YEARLY,
    LIFETIME,
    HOURLY,
    HOURLY_PROFILE,
    SELF_SUFFICIENCY,
    PEAK_DEMAND,
)
