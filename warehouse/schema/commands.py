"""The table of commands: what was asked of a site, and what came of it."""

from warehouse.schema.declaration import Field, Kind, Table
from warehouse.schema.shared_fields import LINEAGE, SITE_ID

COMMANDS = Table(
    "commands",
    "One row per command that was sent, or was about to be sent when its run ended.",
    ("command_id",),
    (
        SITE_ID,
        Field(
            "command_id",
            Kind.VARCHAR,
            "Identifies the command; sorts by time. It is the id of its run.",
            nullable=False,
        ),
        Field("vehicle", Kind.VARCHAR, "Short form of the car's VIN; NULL for a command to a site."),
        Field("requested_at", Kind.TIMESTAMPTZ, "When the intent was stored, just before the request.", nullable=False),
        Field(
            "name",
            Kind.VARCHAR,
            "reserve, mode, storm-watch, export, grid-charging, off-grid-reserve or tariff; of a car charge-port, charge, "
            "limit, amps, schedule-charging or schedule-departure.",
            nullable=False,
            source="Q45, Q75",
        ),
        Field(
            "value_before", Kind.VARCHAR, "The value that site_info or the car showed before; NULL where it had none."
        ),
        Field(
            "value_asked",
            Kind.VARCHAR,
            "The value asked for, as `wattlog set` takes it; of a tariff the checksum, as in tariffs.sha256.",
            nullable=False,
        ),
        Field("value_after", Kind.VARCHAR, "The value read back; NULL where there was none, or nothing was read."),
        Field(
            "outcome",
            Kind.VARCHAR,
            "applied, accepted_unconfirmed, accepted_absent, rejected or failed; of a car done, retry_later, refused, "
            "needs_owner or failed.",
            nullable=False,
            source="Q62, Q64, Q66, Q85",
        ),
        Field("reason", Kind.VARCHAR, "Why it is not applied, or what else there is to explain; NULL without either."),
        Field(
            "attempts",
            Kind.INTEGER,
            "How often the request was sent; 0 where no answer is stored, or a car did not wake.",
            nullable=False,
            bounds=(0, 1000),
        ),
        Field(
            "route", Kind.VARCHAR, "How it came to a car: teslemetry, proxy or direct; NULL for a command to a site."
        ),
        Field(
            "may_have_succeeded",
            Kind.BOOLEAN,
            "The car may have carried it out, although that is not known; NULL for a command to a site.",
            source="Q90",
        ),
        Field(
            "charged_requests",
            Kind.INTEGER,
            "Answers that are charged for: the command, readings, waking; NULL for a command to a site.",
            bounds=(0, 1000),
            source="Q71, Q73",
        ),
        Field("cost", Kind.DECIMAL, "What they cost by the provider's prices; NULL where they are not charged."),
        Field("cost_unit", Kind.VARCHAR, "credits, or a currency."),
        Field("origin", Kind.VARCHAR, "Where the change came from: cli, schedule or api.", nullable=False),
        *LINEAGE,
    ),
)
