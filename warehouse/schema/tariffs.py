"""The tables of what energy costs: tariffs by the time in which they are valid, and prices by interval."""

from warehouse.schema.declaration import Field, Kind, Table, Unit
from warehouse.schema.shared_fields import INTERVAL_S, INTERVAL_START, LINEAGE, SITE_ID

_HIGHEST_PRICE = 10**6
"""`transform.tariffs.money` refuses larger amounts, so that a price times the energy of an interval is within 64 bits."""

TARIFFS = Table(
    "tariffs",
    "One row per site and time in which a tariff is valid.",
    ("site_id", "valid_from", "kind"),
    (
        SITE_ID,
        Field(
            "valid_from",
            Kind.TIMESTAMPTZ,
            "When it was first seen, or the beginning of the day that was given with the file.",
            nullable=False,
        ),
        Field(
            "kind",
            Kind.VARCHAR,
            "api, file, or prices: seen in responses, imported, or prices by interval in table prices.",
            nullable=False,
        ),
        Field(
            "valid_to",
            Kind.TIMESTAMPTZ,
            "When the next tariff begins, or the API had none any more; NULL for the one in force.",
        ),
        Field("last_seen_at", Kind.TIMESTAMPTZ, "When a response had it last; NULL for other kinds.", source="Q138"),
        Field("sha256", Kind.VARCHAR, "Checksum of the document; that of site_settings.tariff_sha256."),
        Field("code", Kind.VARCHAR, "Code of the plan."),
        Field("name", Kind.VARCHAR, "Name of the plan."),
        Field("utility", Kind.VARCHAR, "Name of the utility."),
        Field("currency", Kind.VARCHAR, "ISO 4217 code; NULL where the document has none."),
        Field(
            "is_synthetic",
            Kind.BOOLEAN,
            "Written by a tool that steers the battery by invented prices: used for costs only with use_synthetic_tariffs.",
            nullable=False,
            source="Q137",
        ),
        Field("document", Kind.VARCHAR, "The tariff as JSON; NULL for prices by interval."),
    ),
    partition="account",
)


def _price(name: str, text: str) -> Field:
    return Field(name, Kind.DECIMAL, text, Unit.PER_KWH, bounds=(-_HIGHEST_PRICE, _HIGHEST_PRICE))


PRICES = Table(
    "prices",
    "One row per site and interval with prices of its own.",
    ("site_id", "interval_start"),
    (
        SITE_ID,
        INTERVAL_START,
        INTERVAL_S,
        _price("buy_per_kwh", "Price of an imported kWh; may be negative; NULL where it is not known."),
        _price("sell_per_kwh", "Price of an exported kWh; may be negative; NULL where it is not known."),
        Field("currency", Kind.VARCHAR, "ISO 4217 code.", nullable=False),
        *LINEAGE,
    ),
)
