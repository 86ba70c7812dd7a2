"""`meta.is_by_nature`: which gaps are no loss, for models and pages alike."""

from string import Template

import duckdb

from wattlog.gap_causes import BY_NATURE

CREATE = Template("create or replace macro meta.is_by_nature(cause) as cause in ($causes)").substitute(
    causes=", ".join(f"'{cause}'" for cause in BY_NATURE)
)
_COMMENT = (
    "comment on macro meta.is_by_nature is 'Whether a cause of main.gaps is no loss: nights, the future, and days before the "
    "installation.'"
)


def create_gap_causes(connection: duckdb.DuckDBPyConnection) -> None:
    """Create `meta.is_by_nature` in the current database.

    Raises:
        duckdb.Error: The database cannot be written.
    """
    connection.execute("create schema if not exists meta")
    connection.execute(CREATE)
    connection.execute(_COMMENT)
