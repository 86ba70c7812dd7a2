"""The version of the schema, apart from it: to open a warehouse takes no more."""

from typing import Final

SCHEMA_VERSION: Final = 5
"""Raised when a table's meaning changes: every lake file written under another version is made again from raw."""
