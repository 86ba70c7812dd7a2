"""The formats that rows can be written in."""

from enum import StrEnum


class Format(StrEnum):
    """What rows can be written as."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    PARQUET = "parquet"
    MARKDOWN = "markdown"
