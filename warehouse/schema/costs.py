"""The tables of what energy cost: by price and hour, by day, and by billing cycle."""

from warehouse.schema.declaration import Field, Keep, Kind, Table, Unit
from warehouse.schema.shared_fields import LOCAL_DATE, MAX_INTERVAL_WH, MAX_POWER_W, SITE_ID

CURRENCY = Field("currency", Kind.VARCHAR, "ISO 4217 code of all amounts of the row; NULL where none is known.")
TARIFF_BASIS = Field(
    "tariff_basis",
    Kind.VARCHAR,
    "in_force; assumed where a tariff was used that was not in force then; NULL where no tariff is known.",
    source="Q138",
)


def _money(name: str, text: str, *, nullable: bool = True) -> Field:
    return Field(name, Kind.MONEY, text, nullable=nullable)


def _price(name: str, text: str) -> Field:
    return Field(name, Kind.DECIMAL, text, Unit.PER_KWH)


def _wh(name: str, text: str) -> Field:
    return Field(name, Kind.DOUBLE, text, Unit.WH, bounds=(-MAX_INTERVAL_WH, MAX_INTERVAL_WH))


def _credit_wh(name: str, text: str) -> Field:
    return Field(name, Kind.DOUBLE, f"{text}, as energy; NULL where credits are money.", Unit.WH)


def _peak(name: str, home: str = "") -> Field:
    text = f"Highest mean import of a quarter hour{home}; NULL where the tariff has no demand charges."
    return Field(name, Kind.DOUBLE, text, Unit.W, bounds=(-MAX_POWER_W, MAX_POWER_W))


_VARIANTS = {"without_solar": "without panels", "without_battery": "without battery", "without_both": "without both"}

HOURLY_COSTS = Table(
    "hourly_costs",
    "One row per site and part of a local hour with one price; an hour in which the price changes has several.",
    ("site_id", "starts_at"),
    (
        SITE_ID,
        Field("starts_at", Kind.TIMESTAMPTZ, "Beginning of the hour, or of the price within it, UTC.", nullable=False),
        LOCAL_DATE,
        Field("stored_s", Kind.INTEGER, "Seconds for which intervals are stored.", Unit.S, nullable=False),
        Field("label", Kind.VARCHAR, "Label of the price of imports; empty where there is none.", nullable=False),
        Field("season", Kind.VARCHAR, "Season of the tariff; empty where there is none.", nullable=False),
        CURRENCY,
        TARIFF_BASIS,
        _price("buy_per_kwh", "Price of imports; NULL where none is known."),
        _price(
            "sell_per_kwh", "Price of exports; NULL where none is known, as in a tariff without a sell side (Q132)."
        ),
        _wh("grid_import_wh", "Energy taken from the grid."),
        _wh("grid_export_wh", "Energy given to the grid."),
        _money("import_cost", "Cost of the imports; NULL without a price."),
        _money("export_credit", "Credit for the exports; NULL without a price."),
        _money("battery_import_cost", "Part of import_cost for what charged the battery."),
        _money("ev_import_cost", "Part of import_cost for what charged cars."),
        _peak("peak_import_w"),
        _money("demand_price", "Price of the highest import, per kW; NULL where there is none."),
        *(
            _wh(f"{name}_{flow}_wh", f"Energy {text} the grid if the home had been {variant}.")
            for name, variant in _VARIANTS.items()
            for flow, text in (("import", "taken from"), ("export", "given to"))
        ),
        *(_peak(f"{name}_peak_w", f" if the home had been {variant}") for name, variant in _VARIANTS.items()),
    ),
    keep=Keep.OWN_MONTH,
)

DAILY_COSTS = Table(
    "daily_costs",
    "One row per site and local day with energy.",
    ("site_id", "local_date"),
    (
        SITE_ID,
        LOCAL_DATE,
        CURRENCY,
        TARIFF_BASIS,
        _wh("grid_import_wh", "Energy taken from the grid, by intervals."),
        _wh("grid_export_wh", "Energy given to the grid, by intervals."),
        _money("import_cost", "Cost of the imports; NULL where it is not known exactly."),
        _money("import_cost_low", "The least that the imports cost; import_cost where that is known."),
        _money("import_cost_high", "The most that the imports cost; import_cost where that is known."),
        _money("export_credit", "Credit for the exports; NULL where it is not known exactly."),
        _money("export_credit_low", "The least credit for the exports."),
        _money("export_credit_high", "The highest credit for the exports."),
        Field(
            "is_bounded",
            Kind.BOOLEAN,
            "For a part of the day only the sum of the energy is known, so the cost lies between two bounds.",
            nullable=False,
        ),
        _money("battery_import_cost", "Part of import_cost for what charged the battery."),
        _money("ev_import_cost", "Part of import_cost for what charged cars."),
        _money("daily_charges", "The tariff's charges for each day."),
        *(
            _money(
                f"{name}_cost", f"Imports less exports if the home had been {variant}; NULL where not known exactly."
            )
            for name, variant in _VARIANTS.items()
        ),
    ),
)

BILLS = Table(
    "bills",
    "One row per site and billing cycle.",
    ("site_id", "cycle_start"),
    (
        SITE_ID,
        Field("cycle_start", Kind.DATE, "First local day of the cycle.", nullable=False),
        Field("cycle_end", Kind.DATE, "Last local day of the cycle.", nullable=False),
        Field("days", Kind.INTEGER, "Days of the cycle.", nullable=False),
        Field("priced_days", Kind.INTEGER, "Days whose energy is priced exactly.", nullable=False),
        Field("bounded_days", Kind.INTEGER, "Days whose cost lies between two bounds.", nullable=False),
        Field(
            "missing_days",
            Kind.INTEGER,
            "Days without energy after the site's first and before its last one; with one, the bill is not known exactly.",
            nullable=False,
        ),
        CURRENCY,
        TARIFF_BASIS,
        Field("netting", Kind.VARCHAR, "none, monthly, annual or buy_all_sell_all.", nullable=False),
        _wh("grid_import_wh", "Energy taken from the grid, by intervals, priced or not."),
        _wh("grid_export_wh", "Energy given to the grid, by intervals, priced or not."),
        _money("import_cost", "Cost of the imports, after netting; of all use with buy_all_sell_all."),
        _money("export_credit", "Credit for the exports, after netting; for all generation with buy_all_sell_all."),
        _money("fixed_charges", "Daily and monthly charges."),
        _money("demand_charges", "Charges for the highest import that is stored."),
        Field(
            "is_demand_lower_bound",
            Kind.BOOLEAN,
            "Time with a demand charge is not stored, so the charge may be higher, and only net_cost_low is known.",
            nullable=False,
        ),
        _money("minimum_adjustment", "What the monthly minimum adds."),
        _money("credit_used", "Credit of earlier cycles that is used."),
        _money("credit_carried", "Credit that is carried to the next cycle; NULL where credits are energy."),
        _credit_wh("credit_carried_wh", "Credit that is carried to the next cycle"),
        _money("credit_paid", "Credit of the year before that is paid out at the true-up."),
        _money(
            "credit_expired", "Credit of the year before that expires at the true-up; NULL where credits are energy."
        ),
        _credit_wh("credit_expired_wh", "Credit of the year before that expires at the true-up"),
        Field(
            "is_credit_known",
            Kind.BOOLEAN,
            "False where credits are carried and this cycle, or an earlier one of the year of credits, is not known exactly: "
            "it neither used nor added credits, so credits, and what is to be paid with them, may differ.",
            nullable=False,
        ),
        _money("tax", "Tax."),
        _money("net_cost", "What is to be paid; negative where it is received. NULL where it is not known exactly."),
        _money("net_cost_low", "The least that it can be; net_cost where that is known."),
        _money("net_cost_high", "The most that it can be; net_cost where that is known."),
        *(
            _money(f"{name}_cost", f"net_cost if the home had been {variant}, demand charges included.")
            for name, variant in _VARIANTS.items()
        ),
    ),
)
