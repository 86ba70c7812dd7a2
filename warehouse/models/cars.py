"""The model of what a charge did to the home."""

from warehouse.models.model import Model
from warehouse.schema import COMMANDS, Field, Kind, Unit


def _watts(name: str, text: str) -> Field:
    return Field(name, Kind.DOUBLE, text, Unit.W)


_CONNECTOR = (
    "Power of the wall connector by snapshots of that time, else the mean of its session, if that covers the time and no "
    "command changed the charge within it; NULL without either."
)

CHARGE_EFFECTS = Model(
    "charge_effects",
    (
        COMMANDS.field("command_id"),
        Field(
            "site_id",
            Kind.BIGINT,
            "The site at which the car was plugged in; NULL where no snapshot says so.",
            source="Q118",
        ),
        *(COMMANDS.field(name) for name in ("vehicle", "requested_at", "name", "value_asked")),
        Field("status", Kind.VARCHAR, "comparable or not_enough_data."),
        Field("reason", Kind.VARCHAR, "Why no difference is given, as a sentence; NULL where it is comparable."),
        _watts("before_home_w", "Mean power of the home before, wall connectors included."),
        _watts("after_home_w", "Mean power of the home afterwards, wall connectors included."),
        _watts("home_difference_w", "After less before; NULL unless comparable."),
        _watts("expected_difference_w", "By the car's current, voltage and phases; NULL where a reading is missing."),
        _watts("before_connector_w", _CONNECTOR),
        _watts("after_connector_w", _CONNECTOR),
    ),
)

CAR_MODELS = (CHARGE_EFFECTS,)
