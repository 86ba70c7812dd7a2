"""Choosing sites and days: by each site's own calendar, both ends included."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import duckdb
import pytest

from tests.unit.warehouse.conftest import Publish
from warehouse.errors import QueryFailed
from warehouse.export.row_filter import RowFilter, select
from warehouse.query.query import connect

ADELAIDE, LOS_ANGELES, GONE = 1, 2, 3


@pytest.fixture
def path(publish: Publish) -> Path:
    """Three days of hourly snapshots of three sites, one of them no longer in `sites`."""
    start = datetime(2025, 3, 8, tzinfo=UTC)
    snapshots = [
        {"site_id": site, "observed_at": start + timedelta(hours=hour)}
        for site in (ADELAIDE, LOS_ANGELES, GONE)
        for hour in range(72)
    ]
    zones = [
        {"site_id": ADELAIDE, "timezone": "Australia/Adelaide"},
        {"site_id": LOS_ANGELES, "timezone": "America/Los_Angeles"},
    ]
    days = [{"site_id": site, "local_date": date(2025, 3, day)} for site in (1, 2) for day in (7, 8, 9)]
    return publish({"sites": zones, "live_status": snapshots, "daily": days})


@pytest.fixture
def connection(path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    with connect(path) as opened:
        yield opened


def _hours(connection: duckdb.DuckDBPyConnection, selection: RowFilter, site: int) -> list[datetime]:
    rows = select(connection, "select * from live_status", selection).read_all().to_pylist()
    return [row["observed_at"] for row in rows if row["site_id"] == site]


@pytest.mark.parametrize(
    ("site", "first", "hours"),
    [
        (ADELAIDE, datetime(2025, 3, 8, 14, tzinfo=UTC), 24),
        (LOS_ANGELES, datetime(2025, 3, 9, 8, tzinfo=UTC), 23),
        (GONE, datetime(2025, 3, 9, tzinfo=UTC), 24),
    ],
    ids=["ahead of UTC by a half hour", "the day clocks go forward", "unknown to sites: UTC"],
)
def test_day_of_an_instant_is_the_sites_own(
    connection: duckdb.DuckDBPyConnection, site: int, first: datetime, hours: int
) -> None:
    """9 March begins at another instant at each site (Q36), and no site's rows are dropped in silence."""
    found = _hours(connection, RowFilter(since=date(2025, 3, 9), until=date(2025, 3, 9)), site)
    assert (found[0], len(found)) == (first, hours)


def test_since_goes_on_where_until_ended(connection: duckdb.DuckDBPyConnection) -> None:
    """Up to a day and from the next day on are everything, with no row twice and none lost."""
    until = _hours(connection, RowFilter(until=date(2025, 3, 8)), LOS_ANGELES)
    since = _hours(connection, RowFilter(since=date(2025, 3, 9)), LOS_ANGELES)
    assert until[-1] == datetime(2025, 3, 9, 7, tzinfo=UTC)
    assert since[0] == datetime(2025, 3, 9, 8, tzinfo=UTC)
    assert len(until) + len(since) == 72


def test_date_columns_are_compared_as_dates(connection: duckdb.DuckDBPyConnection) -> None:
    """`local_date` is the site's day already; both ends are included."""
    chosen = select(connection, "select * from daily", RowFilter(date(2025, 3, 8), date(2025, 3, 9), [LOS_ANGELES]))
    assert [(row["site_id"], row["local_date"].day) for row in chosen.read_all().to_pylist()] == [(2, 8), (2, 9)]


def test_order_of_the_query_is_kept(connection: duckdb.DuckDBPyConnection) -> None:
    """Choosing rows does not shuffle them."""
    query = "select * from live_status order by observed_at desc, site_id"
    everything = select(connection, query, RowFilter()).read_all().to_pylist()
    chosen = select(connection, query, RowFilter(sites=[LOS_ANGELES])).read_all().to_pylist()
    assert chosen == [row for row in everything if row["site_id"] == LOS_ANGELES]
    assert len(everything) == 216


def test_local_date_goes_before_other_dates(connection: duckdb.DuckDBPyConnection) -> None:
    """Where a query has several dates, the day of the row decides; without one, any other date."""
    named = "select date '2025-01-01' as other, local_date from daily"
    unnamed = "select local_date as month from daily"
    for query in (named, unnamed):
        assert select(connection, query, RowFilter(since=date(2025, 3, 9))).read_all().num_rows == 2


def test_sites_without_column_are_refused(connection: duckdb.DuckDBPyConnection) -> None:
    """A choice that cannot be made is said, never ignored."""
    with pytest.raises(QueryFailed, match="no site_id to choose sites by: leave --site out"):
        select(connection, "select local_date from daily", RowFilter(sites=[1]))


def test_error_of_an_unknown_site_lists_the_known(connection: duckdb.DuckDBPyConnection) -> None:
    """An empty file would look like a result."""
    with pytest.raises(QueryFailed, match="there is no site 7; there are 1, 2"):
        select(connection, "select * from daily", RowFilter(sites=[1, 7]))


def test_days_without_a_date_are_refused(connection: duckdb.DuckDBPyConnection) -> None:
    """`sites` has no day, and is not cut by when a site was installed."""
    with pytest.raises(QueryFailed, match="no date to choose days by"):
        select(connection, "select * from sites", RowFilter(since=date(2025, 3, 9)))


def test_days_the_wrong_way_round_are_refused(connection: duckdb.DuckDBPyConnection) -> None:
    """No day is between them, which is a mistake."""
    with pytest.raises(QueryFailed, match="--since 2025-03-09 is after --until 2025-03-08: swap them"):
        select(connection, "select * from daily", RowFilter(date(2025, 3, 9), date(2025, 3, 8)))
