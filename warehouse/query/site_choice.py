"""The sites that a command is about, of those that the warehouse has."""

from collections.abc import Collection

import duckdb

from warehouse.errors import QueryFailed


def chosen_sites(connection: duckdb.DuckDBPyConnection, sites: Collection[int] | None) -> list[int]:
    """The chosen sites in order, or all.

    Args:
        connection: An open warehouse.
        sites: Site ids; all sites when None.

    Raises:
        QueryFailed: One of them is unknown.
    """
    known: list[int] = [
        site for (site,) in connection.execute("select site_id from main.sites order by all").fetchall()
    ]
    unknown = sorted(set(sites or ()).difference(known))
    if unknown:
        raise QueryFailed(f"there is no site {unknown[0]}; there are {', '.join(map(str, known)) or 'none yet'}")
    return known if sites is None else sorted(set(sites))
