"""Which statements a person may give to the published warehouse: one SELECT that reads tables and calls known functions.

The type of a statement is not enough. `explain analyze copy …` is an EXPLAIN and writes, and so does a SELECT with
`with x as (copy …)`. So the syntax tree is read, with everything nested in it: each query node must be one that reads,
and each table function one of a list. This is the second of two layers; the first are DuckDB's own switches
(`warehouse.connection.lock`).
"""

import re
from collections.abc import Iterator
from typing import Any

import duckdb
import orjson

from warehouse.connection import brief
from warehouse.errors import FunctionRefused, NotReadOnly, QueryFailed

_NODES = frozenset({"SELECT_NODE", "SET_OPERATION_NODE", "RECURSIVE_CTE_NODE", "CTE_NODE"})
"""Query nodes that read. DuckDB 2.0 has others, within a common table expression: COPY, INSERT, UPDATE, DELETE, MERGE."""

_FUNCTIONS = frozenset(
    [
        "unnest",
        "range",
        "generate_series",
        "repeat",
        "repeat_row",
        "json_each",
        "json_tree",
        "histogram",
        "histogram_values",
        "summary",
        "duckdb_columns",
        "duckdb_constraints",
        "duckdb_databases",
        "duckdb_functions",
        "duckdb_keywords",
        "duckdb_schemas",
        "duckdb_tables",
        "duckdb_types",
        "duckdb_views",
        "pragma_show",
        "pragma_table_info",
        "pragma_version",
        "pg_timezone_names",
        "icu_calendar_names",
    ]
)
"""Table functions that read nothing but the warehouse and their arguments."""

_FILE_FUNCTIONS = frozenset(
    [
        "glob",
        "read_blob",
        "read_csv",
        "read_csv_auto",
        "read_json",
        "read_json_auto",
        "read_json_objects",
        "read_json_objects_auto",
        "read_ndjson",
        "read_ndjson_auto",
        "read_ndjson_objects",
        "read_parquet",
        "parquet_scan",
        "read_text",
        "sniff_csv",
        "parquet_file_metadata",
        "parquet_full_metadata",
        "parquet_kv_metadata",
        "parquet_metadata",
        "parquet_schema",
    ]
)
"""Table functions that read files: allowed with `--allow-files` only."""

_EXPLAIN = re.compile(
    r"""(?:\s|--[^\n]*\n|/\*.*?\*/)* explain
        (?:\s|--[^\n]*\n|/\*.*?\*/)* (?:analyze\b | \(\s*(?:analyze|format)\b[^()]*\))?""",
    re.IGNORECASE | re.VERBOSE | re.DOTALL,
)
"""EXPLAIN with its options. What follows is checked by itself."""

_TREE = "select json_serialize_sql(?::varchar)"


def checked(connection: duckdb.DuckDBPyConnection, sql: str, *, allows_files: bool = False) -> duckdb.Statement:
    """The one statement of a text, which only reads.

    Args:
        connection: Any open connection; the statement is parsed there and not run.
        sql: The text.
        allows_files: Whether table functions that read files are allowed.

    Raises:
        NotReadOnly: The text is no statement, several, or one that does more than read.
        FunctionRefused: It calls a table function that is not allowed.
        QueryFailed: It is not SQL.
    """
    try:
        statements = connection.extract_statements(sql)
    except duckdb.Error as error:
        raise QueryFailed(brief(error)) from error
    if len(statements) != 1:
        raise NotReadOnly(f"{len(statements)} statements" if statements else "an empty text")
    statement = statements[0]
    if statement.type is duckdb.StatementType.EXPLAIN:
        prefix = _EXPLAIN.match(statement.query)
        tree = None if prefix is None else _tree(connection, statement.query[prefix.end() :])
    elif statement.type is duckdb.StatementType.SELECT:
        tree = _tree(connection, statement.query)
    else:
        raise NotReadOnly(statement.type.name)
    if tree is None:
        raise NotReadOnly(f"this {statement.type.name}")
    for node in _nodes(tree):
        _check(node, allows_files=allows_files)
    return statement


def _check(node: dict[str, Any], *, allows_files: bool) -> None:
    kind = node.get("type")
    if not isinstance(kind, str):
        return
    if kind.endswith("_NODE") and kind not in _NODES:
        raise NotReadOnly(f"{kind.split('_')[0]} within a SELECT")
    if kind == "TABLE_FUNCTION":
        name = str(node["function"]["function_name"]).lower()
        reads_files = name in _FILE_FUNCTIONS
        if name not in _FUNCTIONS and not (reads_files and allows_files):
            raise FunctionRefused(name, reads_files)


def _tree(connection: duckdb.DuckDBPyConnection, query: str) -> object:
    """The syntax tree of one SELECT; None where the text is something else, or nested deeper than can be read."""
    try:
        ((serialized,),) = connection.execute(_TREE, [query]).fetchall()
        tree = orjson.loads(serialized)
    except duckdb.Error as error:
        raise QueryFailed(brief(error)) from error
    except orjson.JSONDecodeError:
        return None
    return None if tree["error"] or len(tree["statements"]) != 1 else tree["statements"]


def _nodes(tree: object) -> Iterator[dict[str, Any]]:
    """Every object of a tree, without recursion: a statement may be nested to any depth."""
    left = [tree]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            yield node
            left += node.values()
        elif isinstance(node, list):
            left += node
