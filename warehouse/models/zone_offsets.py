"""How far the sites' clocks are ahead of UTC, and when: the source of local time in models.

DuckDB has its own time zone database, whose release depends on DuckDB's: SQL could give a row another day than Python did.
So models, checks and the report do not use it. They join `meta.zone_offsets`, or, where there are many rows,
`meta.zone_days`, and add the offset. `timezone(…)` and `at time zone` stay what they are in an owner's own query.
"""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from string import Template

import duckdb

from wattlog.zones import FIRST_CHANGE, LAST_CHANGE, clock_periods

_FIRST_INSTANT, _LAST_INSTANT = datetime(1, 1, 1, tzinfo=UTC), datetime(9999, 12, 31, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_DAY_US = timedelta(days=1) // _MICROSECOND

_CREATE = """
create or replace table meta.zone_offsets (
    zone varchar not null, begins_at timestamptz not null, ends_at timestamptz not null, offset_us bigint not null
)
"""
_COMMENT = (
    "comment on table meta.zone_offsets is 'How many microseconds the clocks of a zone are ahead of UTC, from begins_at "
    "until before ends_at: analytics.sites.zone by the time zone database of wattlog, which may be newer than that of DuckDB.'"
)
_ZONES = """
select distinct timezone as name, regexp_replace(timezone, '^UTC([+-])', 'GMT\\1') as zone
from main.sites
where timezone is not null
order by name
"""
_INSERT = """
insert into meta.zone_offsets
select unnest(?::varchar[]), unnest(?::timestamptz[]), unnest(?::timestamptz[]), unnest(?::bigint[])
"""

# One row a day, or two where the clocks change: an equality, which is quicker to join by than a range.
_CREATE_DAYS = Template("""
create or replace view meta.zone_days as
select
    zone,
    unnest(range(
        greatest(epoch_us(begins_at) // $day_us, $first),
        least((epoch_us(ends_at) - 1) // $day_us, $last) + 1
    )) as utc_day,
    begins_at,
    ends_at,
    offset_us
from meta.zone_offsets
""").substitute(
    day_us=_DAY_US,
    first=(FIRST_CHANGE - datetime.fromtimestamp(0, UTC)).days,
    last=(LAST_CHANGE - datetime.fromtimestamp(0, UTC)).days,
)
_COMMENT_DAYS = (
    "comment on view meta.zone_days is 'meta.zone_offsets by the days of UTC, counted from 1970-01-01: a day on which the "
    "clocks change is two rows.'"
)

# A condition rather than a function that gives the offset: a subquery for each row takes ten times as long as this join.
_CREATE_CONDITION = Template("""
create or replace macro meta.is_in_force(clock, zone_name, instant) as
    clock.zone = zone_name
    and clock.utc_day = epoch_us(instant) // $day_us
    and instant >= clock.begins_at
    and instant < clock.ends_at
""").substitute(day_us=_DAY_US)
_COMMENT_CONDITION = (
    "comment on macro meta.is_in_force is 'Whether a row of meta.zone_days is the clock of a zone at an instant: "
    "left join meta.zone_days as clock on meta.is_in_force(clock, sites.zone, interval_start).'"
)


def create_zone_offsets(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `meta.zone_offsets`, `meta.zone_days` and `meta.is_in_force` for the zones in `main.sites`, and UTC.

    Raises:
        duckdb.Error: There is no table `main.sites`.
    """
    zones = {"UTC": "UTC", **dict(connection.execute(_ZONES).fetchall())}
    connection.execute("create schema if not exists meta")
    for statement in (_CREATE, _COMMENT, _CREATE_DAYS, _COMMENT_DAYS, _CREATE_CONDITION, _COMMENT_CONDITION):
        connection.execute(statement)
    columns = zip(*(row for name, zone in zones.items() for row in _rows(name, zone)), strict=True)
    connection.execute(_INSERT, [list(column) for column in columns])


def _rows(name: str, zone: str) -> Iterator[tuple[str, datetime, datetime, int]]:
    for period in clock_periods(name):
        yield zone, period.begins_at or _FIRST_INSTANT, period.ends_at or _LAST_INSTANT, period.offset // _MICROSECOND
