"""The tables `[[publish]]` of `wattlog.toml`: the targets that the history is delivered to.

[[publish]]
target = "home-assistant"
to = "http://homeassistant.local:8123"

[[publish]]
name = "old dashboard"
target = "influxdb"
to = "http://dashboard.local:8086"
schema = "powerwall-dashboard"
"""

from collections.abc import Mapping
from datetime import date
from enum import StrEnum
from typing import Annotated, Any, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator


class TargetKind(StrEnum):
    """What can be delivered to."""

    PARQUET = "parquet"
    INFLUXDB = "influxdb"
    HOME_ASSISTANT = "home-assistant"
    PVOUTPUT = "pvoutput"


class InfluxSchema(StrEnum):
    """How points are named in InfluxDB."""

    POWERWALL_DASHBOARD = "powerwall-dashboard"
    WATTLOG = "wattlog"


PVOUTPUT_URL: Final = "https://pvoutput.org"

_OF_ONE_KIND: Final[dict[str, TargetKind]] = {
    "relations": TargetKind.PARQUET,
    "version": TargetKind.INFLUXDB,
    "layout": TargetKind.INFLUXDB,
    "database": TargetKind.INFLUXDB,
    "org": TargetKind.INFLUXDB,
    "systems": TargetKind.PVOUTPUT,
    "donation": TargetKind.PVOUTPUT,
}


class TargetSettings(BaseModel):
    """One target.

    Attributes:
        target: What it is.
        to: Its address, or a directory; of PVOutput its own address unless another is given.
        name: Its name on the command line and of its secret; what it is, if not given.
        sites: Sites to deliver; all if empty.
        since: The first day to deliver; all if not given.
        with_sync: Deliver at the end of every `wattlog sync`.
        relations: Of parquet: the tables and models.
        version: Of InfluxDB: 1, 2 or 3.
        layout: Of InfluxDB: how points are named; `schema` in the file.
        database: Of InfluxDB: the database, or the bucket of 2.x.
        org: Of InfluxDB 2.x: the organisation.
        systems: Of PVOutput: site id → system id.
        donation: Of PVOutput: the account has donated, which allows more requests and older days.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, populate_by_name=True)

    target: TargetKind
    to: str = ""
    name: Annotated[str, Field(pattern=r"^([A-Za-z0-9][A-Za-z0-9 _-]*)?$")] = ""
    sites: tuple[int, ...] = ()
    since: date | None = None
    with_sync: bool = True
    relations: Annotated[tuple[str, ...], Field(min_length=1)] = ("daily", "analytics.hourly", "analytics.daily")
    version: Annotated[int, Field(ge=1, le=3)] = 1
    layout: Annotated[InfluxSchema, Field(alias="schema")] = InfluxSchema.WATTLOG
    database: str = "powerwall"
    org: str = ""
    systems: Mapping[int, int] = Field(default_factory=dict)
    donation: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        for name, kind in _OF_ONE_KIND.items():
            if name in self.model_fields_set and self.target is not kind:
                shown = "schema" if name == "layout" else name
                raise ValueError(f"{shown} belongs to target {kind}, not to {self.target}")
        if not self.to and self.target is not TargetKind.PVOUTPUT:
            raise ValueError(f"target {self.target} needs `to`: its {self._place}")
        if self.target is TargetKind.PVOUTPUT and not self.systems:
            raise ValueError("target pvoutput needs systems: a table of site id = system id")
        if self.target is TargetKind.INFLUXDB and self.version == 2 and not self.org:
            raise ValueError("version 2 of InfluxDB needs org: the organisation")
        return self

    @property
    def _place(self) -> str:
        return "directory, or s3://bucket/prefix" if self.target is TargetKind.PARQUET else "address"

    @property
    def shown_name(self) -> str:
        """Its name."""
        return self.name or str(self.target)

    @property
    def address(self) -> str:
        """Where it is."""
        return self.to or PVOUTPUT_URL


def targets_of(value: Any) -> tuple[TargetSettings, ...]:
    """The targets of a list of tables.

    Raises:
        ValueError: Two have the same name.
    """
    if not isinstance(value, list | tuple):
        raise ValueError("expected a list of targets: tables [[publish]], each with target and to")
    found = tuple(one if isinstance(one, TargetSettings) else TargetSettings.model_validate(one) for one in value)
    names = [one.shown_name for one in found]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"two targets are called {repeated[0]}; give each a name")
    return found
