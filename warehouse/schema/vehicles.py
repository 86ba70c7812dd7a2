"""The tables of cars: sessions at public chargers, readings of cars, and what wall connectors had plugged in."""

from warehouse.schema.declaration import Field, Keep, Kind, Table, Unit
from warehouse.schema.shared_fields import LINEAGE, SITE_ID, watts

MAX_SESSION_KWH = 1_000
"""Batteries of electric lorries stay below it; past it a number is a fault, or in another unit."""

MAX_STATE = 1_000
"""The API's numbers of states have one or two digits."""

VEHICLE = Field("vehicle", Kind.VARCHAR, "Short form of the VIN, such as vin-000001; NULL where none is reported.")

PUBLIC_CHARGING = Table(
    "public_charging",
    "One row per charging session at a public charger of Tesla's. Sessions at home are in charge_sessions.",
    ("session_id",),
    (
        Field("session_id", Kind.VARCHAR, "The API's id of the session.", nullable=False),
        VEHICLE,
        Field("started_at", Kind.TIMESTAMPTZ, "When charging began.", nullable=False),
        Field("ended_at", Kind.TIMESTAMPTZ, "When charging ended; NULL where it is not reported."),
        Field("local_date", Kind.DATE, "Calendar day at the charger on which charging began.", nullable=False),
        Field(
            "energy_kwh",
            Kind.DOUBLE,
            "Energy that was charged for; NULL where any of it was priced by time.",
            Unit.KWH,
            bounds=(0, MAX_SESSION_KWH),
            source="Q115",
        ),
        Field("currency", Kind.VARCHAR, "Currency of all fees; NULL without fees, or where they differ."),
        Field("total_due", Kind.MONEY, "What is due for all fees; NULL where one is not known.", source="Q115"),
        Field("charging_due", Kind.MONEY, "What is due for charging."),
        Field("parking_due", Kind.MONEY, "What is due for parking after charging."),
        Field("congestion_due", Kind.MONEY, "What is due for charging at a crowded charger."),
        Field("other_due", Kind.MONEY, "What is due for fees of a kind that is not described."),
        Field("is_paid", Kind.BOOLEAN, "All fees are paid; NULL where that is not reported."),
        *LINEAGE,
    ),
    partition="account",
)

VEHICLE_STATES = Table(
    "vehicle_states",
    "One row per car and reading of its charge_state. No car is woken for it.",
    ("vehicle", "observed_at"),
    (
        Field("vehicle", Kind.VARCHAR, "Short form of the VIN, such as vin-000001.", nullable=False),
        Field("observed_at", Kind.TIMESTAMPTZ, "When the car reported it.", nullable=False),
        Field("battery_level_pct", Kind.DOUBLE, "How full the battery is.", Unit.PCT, bounds=(0, 100), source="Q101"),
        Field("charge_limit_pct", Kind.DOUBLE, "The charge limit.", Unit.PCT, bounds=(0, 100)),
        Field("charging_state", Kind.VARCHAR, "Disconnected, NoPower, Starting, Charging, Complete, Stopped, …"),
        Field(
            "charger_power_kw",
            Kind.DOUBLE,
            "Charging power, in whole kW as the API gives it.",
            Unit.KW,
            bounds=(0, 1000),
        ),
        Field("charger_current_a", Kind.DOUBLE, "Charging current.", Unit.A, bounds=(0, 10_000)),
        Field("charger_voltage_v", Kind.DOUBLE, "Voltage at the car.", Unit.V, bounds=(0, 10_000)),
        Field(
            "charger_phases",
            Kind.INTEGER,
            "1, or 2 for three phases; NULL while it does not charge.",
            bounds=(0, 3),
            source="Q101",
        ),
        Field("charge_amps_a", Kind.DOUBLE, "The current that is set.", Unit.A, bounds=(0, 10_000), source="Q77"),
        Field(
            "charge_energy_added_kwh",
            Kind.DOUBLE,
            "Energy of the present or last charge, at home or elsewhere.",
            Unit.KWH,
            bounds=(0, MAX_SESSION_KWH),
        ),
        Field("scheduled_charging_mode", Kind.VARCHAR, "Off, StartAt or DepartBy.", source="Q81"),
        *LINEAGE,
    ),
    partition="account",
)

WALL_CONNECTOR_STATES = Table(
    "wall_connector_states",
    "One row per site, snapshot and wall connector: the only link between a charge session and a car.",
    ("site_id", "observed_at", "din_hash"),
    (
        SITE_ID,
        Field("observed_at", Kind.TIMESTAMPTZ, "When the site reported it.", nullable=False),
        Field(
            "din_hash",
            Kind.VARCHAR,
            "Hash of the connector's serial number, as in charge_sessions.",
            nullable=False,
            source="Q118",
        ),
        VEHICLE,
        Field("state", Kind.INTEGER, "The API's number of the connector's state.", bounds=(0, MAX_STATE)),
        watts("power_w", "Power that it gives to a car; part of the home's load (Q119)."),
        *LINEAGE,
    ),
    keep=Keep.FIRST_FETCHED,
)
