"""The model of what differs before and after a change of a setting."""

from collections.abc import Iterator

from warehouse.models.columns import ENERGY, SITE, kwh, pct
from warehouse.models.model import Model
from warehouse.schema import COMMANDS, SETTING_CHANGES, Field, Kind

MEASURES = ("solar", "home", "grid_import", "grid_export", "battery_charge", "battery_discharge")
"""The flows that are compared, each by its column in the models of energy without `_kwh`."""

_SOE = "Mean state of energy, app scale; NULL unless all of the side is stored"


def _clock(name: str, text: str) -> Field:
    return Field(name, Kind.TIMESTAMP, text)


def _pairs() -> Iterator[Field]:
    texts = {field.name: field.description.removesuffix(".") for field in ENERGY}
    for measure in MEASURES:
        name = f"{measure}_kwh"
        for when in ("before", "after"):
            yield kwh(f"{when}_{name}", f"{texts[name].split(';')[0]}, per day of the side {when} the change.")
    for when in ("before", "after"):
        yield pct(f"{when}_mean_soe_pct", f"{_SOE} {when} the change.")


COMMAND_EFFECTS = Model(
    "command_effects",
    (
        *SITE,
        SETTING_CHANGES.field("changed_at"),
        _clock("local_changed_at", "What the site's clock showed then."),
        *(SETTING_CHANGES.field(name) for name in ("not_before", "name", "value_before", "value_after")),
        Field("command_id", Kind.VARCHAR, "The command in table commands; NULL where none explains the change."),
        COMMANDS.field("origin"),
        Field("side_length", Kind.VARCHAR, "How long each side is: 24 hours or 7 days; longer ones are whole days."),
        _clock("before_from", "When the side before the change begins, on the site's clock."),
        _clock("before_until", "When it ends, not included."),
        _clock("after_from", "When the side after the change begins, on the site's clock."),
        _clock("after_until", "When it ends, not included."),
        Field(
            "status",
            Kind.VARCHAR,
            "comparable; solar_differs: both sides are known, and no difference is given; not_enough_data.",
        ),
        Field("reason", Kind.VARCHAR, "Why no difference is given, as a sentence; NULL where it is comparable."),
        *_pairs(),
        *(
            kwh(f"{measure}_difference_kwh", "After less before, per day; NULL unless comparable.")
            for measure in MEASURES[1:]
        ),
        pct("mean_soe_difference_pct", "After less before, in points; NULL unless comparable."),
    ),
    is_materialised=True,
)

EFFECT_MODELS = (COMMAND_EFFECTS,)
