"""The clocks of sites, from the warehouse."""

from datetime import UTC, tzinfo

import duckdb

from wattlog.zones import zone_named

_ZONE = "select timezone from main.sites where site_id = $site"


def zone_of(connection: duckdb.DuckDBPyConnection, site_id: int) -> tzinfo:
    """The zone of a site; UTC where none is known.

    Args:
        connection: The warehouse.
        site_id: The site.
    """
    rows = connection.execute(_ZONE, {"site": site_id}).fetchall()
    return (zone_named(str(rows[0][0])) if rows else None) or UTC
