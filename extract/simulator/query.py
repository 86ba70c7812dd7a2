"""What an endpoint is given, and how it says no."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone, tzinfo

from extract.simulator.contradiction import Moment
from extract.simulator.local_day import offset_s
from extract.simulator.site import SerialStyle, SiteSpec, ZoneMode
from extract.simulator.table import Row, Table
from extract.simulator.truth import Truth
from extract.simulator.world import World

NOT_AN_IANA_NAME = "America/Pacific"
"""A zone name that the API has been seen to give and no time-zone database knows. Source: Q8."""

_RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)")


class ApiError(Exception):
    """An answer that is not a success.

    Attributes:
        status: HTTP status.
        error: `error` of the envelope.
        description: `error_description` of the envelope.
    """

    def __init__(self, status: int, error: str, description: str = "") -> None:
        super().__init__(status, error, description)
        self.status = status
        self.error = error
        self.description = description

    @property
    def envelope(self) -> dict[str, str | None]:
        """The body. Source: API.md §1.0."""
        return {"response": None, "error": self.error, "error_description": self.description}


@dataclass(frozen=True, slots=True)
class Query:
    """One request about one site.

    Attributes:
        world: The account.
        truth: What happened at the site.
        params: Query parameters, decoded: an un-encoded `+` has become a space by now.
        now: The simulator's instant, UTC.
        repeat: How often the very same request was answered before.
    """

    world: World
    truth: Truth
    params: Mapping[str, str]
    now: datetime
    repeat: int = 0

    @property
    def spec(self) -> SiteSpec:
        """The site."""
        return self.truth.spec

    @property
    def clock(self) -> tzinfo:
        """The clock by which the server cuts days: the site's zone, or the offset in force now (Q7)."""
        return server_clock(self.spec, self.now)

    @property
    def moment(self) -> Moment:
        """When and how often it is asked."""
        return Moment(self.now, self.repeat)

    def tell(self, table: Table) -> list[Row]:
        """The rows of a table, after the site's contradictions have had their way with it."""
        for each in self.spec.contradictions:
            table = each.apply(table, self.moment)
        return table.render()

    def instant(self, name: str) -> datetime | None:
        """A parameter that is an RFC 3339 instant with an offset; None when it was not sent.

        Raises:
            ApiError: 400, it is something else.
        """
        text = self.params.get(name)
        if text is None:
            return None
        if _RFC3339.fullmatch(text):
            try:
                return datetime.fromisoformat(text).astimezone(UTC)
            except (ValueError, OverflowError) as error:
                raise _bad_instant(name, text) from error
        raise _bad_instant(name, text)


def _bad_instant(name: str, text: str) -> ApiError:
    return ApiError(400, f'parsing time "{text}": {name} must be RFC 3339 with an offset')


def server_clock(spec: SiteSpec, now: datetime) -> tzinfo:
    """The site's zone, or for a fixed-offset site the offset in force at the moment of asking (Q7)."""
    if spec.zone_mode is not ZoneMode.FIXED_OFFSET:
        return spec.zone
    return timezone(timedelta(seconds=offset_s(spec.zone, int(now.timestamp()))))


def zone_fields(spec: SiteSpec, now: datetime) -> dict[str, str | int]:
    """How an answer names the zone: a name, nothing, the empty string, not a zone, or minutes from UTC (Q7, Q8)."""
    match spec.zone_mode:
        case ZoneMode.NAMED:
            return {"installation_time_zone": spec.time_zone}
        case ZoneMode.MISSING:
            return {}
        case ZoneMode.EMPTY:
            return {"installation_time_zone": ""}
        case ZoneMode.NOT_IANA:
            return {"installation_time_zone": NOT_AN_IANA_NAME}
        case ZoneMode.FIXED_OFFSET:
            return {"time_zone_offset": offset_s(spec.zone, int(now.timestamp())) // 60}


def serial_fields(spec: SiteSpec) -> dict[str, str]:
    """How an answer gives the serial number: whole, empty or not at all (Q39)."""
    match spec.serial_style:
        case SerialStyle.GIVEN:
            return {"serial_number": serial_number(spec)}
        case SerialStyle.EMPTY:
            return {"serial_number": ""}
        case SerialStyle.MISSING:
            return {}


def connector_din(spec: SiteSpec, connector: int) -> str:
    """Identification number of a wall connector, invented from the site id."""
    return f"1457768-02-G--SIM{spec.site_id % 10**6:06d}{connector:02d}"


def serial_number(spec: SiteSpec) -> str:
    """The gateway's serial number, invented from the site id."""
    return f"1232100-00-E--SIM{spec.site_id % 10**9:09d}"
