"""Models of a warehouse that is brought up to date: computed again for the days that changed, not for all of history.

The SQL of a model is the same for some days as for all: its sources are replaced by views that have the rows of those days,
and of enough days around them; of what it gives, only the rows of those days are taken. A model declares how far its rows
depend on other days (`Local`). Where what is known of a site changed, its zone for example, all of its days did. Where all
files of a table were loaded again, its rows are compared with those before (`warehouse.build.other_rows`).
"""

import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import date, timedelta
from string import Template

import duckdb

from warehouse.build import other_rows
from warehouse.build.load import DISORDER, TableChange
from warehouse.build.other_rows import END_COLUMNS
from warehouse.models import MODELS, SCHEMA, Model, Period, recreate
from warehouse.models.zone_offsets import create_zone_offsets
from warehouse.schema import TABLES

MARGIN = timedelta(days=2)
"""A site's day begins less than a day from that of UTC, and a row of a model may depend on the day after its own."""

_SITES_BEFORE = """
create or replace temp table sites_before as
with clocks as (
    select zone, list((begins_at, ends_at, offset_us) order by begins_at, ends_at, offset_us) as offsets
    from meta.zone_offsets
    group by zone
)
select sites.* exclude (today), clocks.offsets
from analytics.sites as sites
left join clocks on clocks.zone = sites.zone
"""
_SITES_AFTER = _SITES_BEFORE.replace("sites_before", "sites_after")
_OTHER_SITES = """
select site_id from (from temp.sites_before except all from temp.sites_after)
union
select site_id from (from temp.sites_after except all from temp.sites_before)
"""
_LATEST_ENDS = Template("""
with spans as (
    select unnest(?::bigint[]) as site_id, unnest(?::timestamp[]) as first_at, unnest(?::timestamp[]) as last_at
)
select stored.site_id, min(stored."$time")::date, max(stored."$end")::date
from main."$table" as stored
join spans
    on stored.site_id = spans.site_id
    and stored."$time" between spans.first_at::timestamptz and spans.last_at::timestamptz
group by stored.site_id
having max(stored."$end") is not null
""")
_CREATE_STALE = """
create or replace temp table stale_days (
    site_id bigint, first_day date, last_day date, source_first_day date, source_end_day date
)
"""
_NOTE_STALE = """
insert into temp.stale_days
select unnest(?::bigint[]), unnest(?::date[]), unnest(?::date[]), unnest(?::date[]), unnest(?::date[])
"""
_IS_STALE = Template("stored.site_id = days.site_id$and_dates")
_DATES = Template(' and stored."$column" between days.first_day and days.last_day')
_SHARE = Template("""
select
    (select count(*) from analytics."$name"),
    (select count(*) from analytics."$name" as stored semi join temp.stale_days as days on $is_stale)
""")
_DELETE = Template('delete from analytics."$name" as stored using temp.stale_days as days where $is_stale')
_INSERT = Template("""
insert into analytics."$name"
select stored.* from ($query) as stored semi join temp.stale_days as days on $is_stale order by $order
""")
_VIEW = Template("""
create or replace temp view "$source" as
select stored.*
from $schema."$name" as stored
semi join temp.stale_days as days on stored.site_id = days.site_id$and_in_days
""")
# The constants are the widest days of all sites: with them, DuckDB skips blocks of the file.
_IN_DAYS = Template("""
    and stored."$last" >= days.source_first_day and stored."$first" < days.source_end_day
where stored."$last" >= $kind '$from_day' and stored."$first" < $kind '$until_day'
""")


@dataclass(frozen=True, slots=True, order=True)
class Days:
    """Days of one site.

    Attributes:
        site_id: The site.
        first: The first of them.
        last: The last.
    """

    site_id: int
    first: date = date.min
    last: date = date.max

    def widened(self, by: timedelta) -> "Days":
        """The same with so much more at both ends."""
        first = self.first if self.first - date.min < by else self.first - by
        last = self.last if date.max - self.last < by else self.last + by
        return replace(self, first=first, last=last)

    def whole(self, period: Period) -> "Days":
        """The same as whole periods of the calendar."""
        if period is Period.ALL:
            return Days(self.site_id)
        first, last = self.first, self.last
        if period is Period.YEAR:
            first, last = first.replace(month=1), last.replace(month=12)
        if period is not Period.DAY:
            first, last = first.replace(day=1), _month_end(last)
        return replace(self, first=first, last=last)


Stale = Mapping[str, frozenset[Days] | None]
"""Table or model with its schema → days of which it has other rows than before; None where it may be any."""


@contextmanager
def updated_models(connection: duckdb.DuckDBPyConnection, changes: Collection[TableChange]) -> Iterator[None]:
    """Where changes are applied to the tables of the database in use: its models follow.

    A model of which too much would change is computed as a whole, and is in order again. Views need nothing.

    Raises:
        ModelMismatch: A model's columns are not the declared ones.
        duckdb.Error: A model's SQL fails.
    """
    if any(change.table.name == "sites" and not change.is_nothing for change in changes):
        connection.execute(_SITES_BEFORE)
    before = _stale(connection, changes)
    compared = [change.table for change in changes if other_rows.can_be_compared(change)]
    for table in compared:
        other_rows.keep(connection, table)
    yield
    stale = {name: _union([days, before[name]]) for name, days in _stale(connection, changes).items()}
    if "main.sites" in stale:
        create_zone_offsets(connection)
        connection.execute(_SITES_AFTER)
        stale["main.sites"] = frozenset(Days(site_id) for (site_id,) in connection.execute(_OTHER_SITES).fetchall())
    fetched = dict(stale)
    for table in compared:
        rows = list(other_rows.other_rows(connection, table))
        found = [(Days(site_id, first, last).widened(MARGIN), is_other) for site_id, first, last, is_other in rows]
        fetched[f"main.{table.name}"] = frozenset(days for days, _ in found)
        stale[f"main.{table.name}"] = frozenset(days for days, is_other in found if is_other)
    _update_all(connection, stale, fetched)


def _update_all(connection: duckdb.DuckDBPyConnection, stale: Stale, fetched: Stale) -> None:
    """Update all models; `fetched` has also the days of rows that are the same in a later response."""
    known = dict(stale)
    for model in MODELS.values():
        changed = {**known, **fetched} if model.reads(other_rows.FETCHED_AT) else known
        days = _union(changed[source] for source in model.sources if source in changed)
        if days is not None:
            days = frozenset(span.whole(model.local.period) for span in days) if model.is_materialised else days
        if model.is_materialised and days != frozenset() and (days is None or not _update(connection, model, days)):
            recreate(connection, model)
            days = None
        known[f"{SCHEMA}.{model.name}"] = days


def _stale(connection: duckdb.DuckDBPyConnection, changes: Iterable[TableChange]) -> dict[str, frozenset[Days] | None]:
    """The days of the rows that the tables have now where changes are, have been or will be applied."""
    return {
        f"main.{change.table.name}": None if change.stale is None else frozenset(_days(connection, change))
        for change in changes
        if not change.is_nothing
    }


def _days(connection: duckdb.DuckDBPyConnection, change: TableChange) -> Iterator[Days]:
    spans = change.stale or ()
    for span in spans:
        yield Days(span.site_id, span.first_at.date(), span.last_at.date()).widened(MARGIN)
    end = END_COLUMNS.get(change.table.name)
    if end and spans:
        query = _LATEST_ENDS.substitute(table=change.table.name, time=change.table.time_column, end=end)
        columns = zip(*((span.site_id, span.first_at, span.last_at) for span in spans), strict=True)
        for site_id, first, last in connection.execute(query, [list(values) for values in columns]).fetchall():
            yield Days(site_id, first, last).widened(MARGIN)


def _union(found: Iterable[frozenset[Days] | None]) -> frozenset[Days] | None:
    together: frozenset[Days] = frozenset()
    for days in found:
        if days is None:
            return None
        together |= days
    return together


def _update(connection: duckdb.DuckDBPyConnection, model: Model, days: Collection[Days]) -> bool:
    """Compute a model again for some days; False, with nothing done, where they are too much of it."""
    _note(connection, days)
    column = model.local.date_column
    names = {
        "name": model.name,
        "is_stale": _IS_STALE.substitute(and_dates=_DATES.substitute(column=column) if column else ""),
        "order": f'stored.site_id, stored."{column}"' if column else "stored.site_id",
    }
    ((rows, stale_rows),) = connection.execute(_SHARE.substitute(names)).fetchall()
    if stale_rows > DISORDER * rows:
        return False
    query = model.query
    for source in model.sources:
        view = _view(source, days)
        if view is not None:
            connection.execute(view)
            query = re.sub(rf"\b{re.escape(source)}\b", f'temp."{source}"', query)
    connection.execute(_DELETE.substitute(names))
    connection.execute(_INSERT.substitute(names, query=query))
    return True


def _note(connection: duckdb.DuckDBPyConnection, days: Iterable[Days]) -> None:
    """Put days where SQL can join them, with those of the rows that they are computed from."""
    connection.execute(_CREATE_STALE)
    rows = [(span.site_id, span.first, span.last, *_source_days(span)) for span in sorted(days)]
    connection.execute(_NOTE_STALE, [list(values) for values in zip(*rows, strict=True)])


def _source_days(days: Days) -> tuple[date, date]:
    """The first day of the rows that rows of some days are computed from, and the day after the last, in UTC."""
    source = days.widened(MARGIN)
    return source.first, min(source.last, date.max - timedelta(days=1)) + timedelta(days=1)


def _view(source: str, days: Collection[Days]) -> str | None:
    """A view in the place of a source, with the rows of the days; None for sources that are read whole."""
    schema, name = source.split(".")
    if schema == "main" and TABLES[name].time_column:
        fields, time = TABLES[name].fields, TABLES[name].time_column
    elif schema == SCHEMA and MODELS[name].is_materialised:
        fields, time = MODELS[name].fields, MODELS[name].local.date_column
    else:
        return None
    in_days = ""
    if time and date.min < min(span.first for span in days):
        in_days = _IN_DAYS.substitute(
            first=time,
            last=END_COLUMNS.get(name, time),
            from_day=min(_source_days(span)[0] for span in days),
            until_day=max(_source_days(span)[1] for span in days),
            kind=next(field.type for field in fields if field.name == time),
        )
    return _VIEW.substitute(source=source, schema=f"warehouse.{schema}", name=name, and_in_days=in_days)


def _month_end(day: date) -> date:
    if (day.year, day.month) == (date.max.year, date.max.month):
        return date.max
    return (day.replace(day=28) + timedelta(days=4)).replace(day=1) - timedelta(days=1)
