"""The models of what energy cost: by hour, day, and month, and by billing cycle."""

from warehouse.models.columns import MONTH, SITE, kwh
from warehouse.models.model import Local, Model, Period
from warehouse.schema import BILLS, DAILY_COSTS, HOURLY_COSTS, Field, Kind

_KWH = (kwh("grid_import_kwh", "Energy taken from the grid."), kwh("grid_export_kwh", "Energy given to the grid."))


def _money(name: str, text: str) -> Field:
    return Field(name, Kind.MONEY, text)


_HOME = _money("home_import_cost", "Part of import_cost for what the home used, cars left out.")
_SAVED = {
    "solar": "What the panels saved: what they gave the home and the battery would have been imported.",
    "battery": "What the battery saved: what it gave would have been imported, what it took would not.",
    "both": "What panels and battery saved together.",
}


def _savings(of: str) -> tuple[Field, ...]:
    return tuple(_money(f"saved_by_{name}", f"{text} {of}") for name, text in _SAVED.items())


_OF_ENERGY = _savings("Of energy alone: what demand charges would have been is part of a bill's savings.")
_OF_BILLS = _savings("By the same rules, demand charges of that home's own peaks included.")

COSTS_HOURLY = Model(
    "costs_hourly",
    (
        *SITE,
        HOURLY_COSTS.field("starts_at"),
        Field("local_starts_at", Kind.TIMESTAMP, "What the site's clock shows then."),
        *(
            HOURLY_COSTS.field(name)
            for name in (
                "local_date",
                "stored_s",
                "label",
                "season",
                "currency",
                "tariff_basis",
                "buy_per_kwh",
                "sell_per_kwh",
            )
        ),
        *_KWH,
        HOURLY_COSTS.field("import_cost"),
        HOURLY_COSTS.field("export_credit"),
        _HOME,
        HOURLY_COSTS.field("battery_import_cost"),
        HOURLY_COSTS.field("ev_import_cost"),
    ),
    is_materialised=True,
    local=Local(Period.DAY, "local_date"),
)

_PARTS = (
    _HOME,
    *(DAILY_COSTS.field(name) for name in ("battery_import_cost", "ev_import_cost", "daily_charges")),
    *_OF_ENERGY,
)

_OF_DAY = (
    *(
        DAILY_COSTS.field(name)
        for name in (
            *("import_cost", "import_cost_low", "import_cost_high"),
            *("export_credit", "export_credit_low", "export_credit_high"),
        )
    ),
    _money("energy_cost", "import_cost less export_credit; NULL where either is not known exactly."),
)

_EXACT = "Sum of the days on which it is known exactly; the others are not in it."
_BOUNDED = "Sum of the days of which it is known: exact ones, and those between two bounds."
_OF_MONTH = (
    _money("import_cost", f"Cost of the imports. {_EXACT}"),
    _money("import_cost_low", f"The least that the imports cost. {_BOUNDED}"),
    _money("import_cost_high", f"The most that the imports cost. {_BOUNDED}"),
    _money("export_credit", f"Credit for the exports. {_EXACT}"),
    _money("export_credit_low", f"The least credit for the exports. {_BOUNDED}"),
    _money("export_credit_high", f"The highest credit for the exports. {_BOUNDED}"),
    _money(
        "energy_cost", "import_cost less export_credit. Sum of the days on which both are known exactly: priced_days."
    ),
)

COSTS_DAILY = Model(
    "costs_daily",
    (
        *SITE,
        *(DAILY_COSTS.field(name) for name in ("local_date", "currency", "tariff_basis", "is_bounded")),
        *_KWH,
        *_OF_DAY,
        *_PARTS,
    ),
)

COSTS_MONTHLY = Model(
    "costs_monthly",
    (
        *SITE,
        MONTH,
        DAILY_COSTS.field("currency"),
        DAILY_COSTS.field("tariff_basis"),
        Field("days", Kind.BIGINT, "Days with energy."),
        Field("priced_days", Kind.BIGINT, "Days whose energy is priced exactly."),
        Field("bounded_days", Kind.BIGINT, "Days whose cost lies between two bounds."),
        *_KWH,
        *_OF_MONTH,
        *_PARTS,
    ),
)

BILLS_MODEL = Model(
    "bills",
    (
        *SITE,
        *(
            BILLS.field(name)
            for name in (
                *(
                    "cycle_start",
                    "cycle_end",
                    "days",
                    "priced_days",
                    "bounded_days",
                    "missing_days",
                    "currency",
                    "tariff_basis",
                    "netting",
                ),
            )
        ),
        *_KWH,
        *(
            BILLS.field(name)
            for name in (
                *("import_cost", "export_credit", "fixed_charges", "demand_charges", "is_demand_lower_bound"),
                *("minimum_adjustment", "credit_used", "credit_carried", "credit_paid", "credit_expired"),
                *("is_credit_known", "tax"),
                *("net_cost", "net_cost_low", "net_cost_high"),
            )
        ),
        kwh("credit_carried_kwh", "Credit that is carried to the next cycle, as energy; NULL where credits are money."),
        kwh("credit_expired_kwh", "Credit that expires at the true-up, as energy; NULL where credits are money."),
        *_OF_BILLS,
    ),
)

COST_MODELS = (COSTS_HOURLY, COSTS_DAILY, COSTS_MONTHLY, BILLS_MODEL)
