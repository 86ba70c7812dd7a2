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
        Field("vehicle", Kind.VARCHAR, "Pseudonym of the car; NULL for a command to a site."),
        Field("requested_at", Kind.TIMESTAMPTZ, "When the intent was stored, just before the request.", nullable=False),
        Field(
            "name",
            Kind.VARCHAR,
            "reserve, mode, storm-watch, export, grid-charging, off-grid-reserve or tariff.",
            nullable=False,
            source="Q45",
        ),
        Field("value_before", Kind.VARCHAR, "The value that site_info showed before; NULL where it had none."),
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
            "applied, accepted_unconfirmed, accepted_absent, rejected or failed.",
            nullable=False,
            source="Q62, Q64, Q66",
        ),
        Field("reason", Kind.VARCHAR, "Why it is not applied, or what else there is to explain; NULL without either."),
        Field(
            "attempts",
            Kind.INTEGER,
            "How often the request was sent; 0 where no answer is stored.",
            nullable=False,
            bounds=(0, 1000),
        ),
        Field("origin", Kind.VARCHAR, "Where the change came from: cli, schedule or api.", nullable=False),
        *LINEAGE,
    ),
)
