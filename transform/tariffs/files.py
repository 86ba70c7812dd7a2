"""Tariff documents as files: JSON, or TOML with the same names."""

import tomllib
from datetime import date, time
from enum import StrEnum
from typing import Any, Final

import orjson

from wattlog.api_json import TOO_DEEP, UnreadableJson, read, too_deep


class FileFormat(StrEnum):
    """The format of a tariff file, as its name ends."""

    JSON = "json"
    TOML = "toml"


class UnreadableTariff(ValueError):
    """A file that is no document of its format. Its text has the reason."""


_64_BITS: Final = 2**63


def parse_tariff_file(content: bytes, form: FileFormat) -> Any:
    """The document of a tariff file, of which nothing is checked but that it can be read.

    Raises:
        UnreadableTariff: It cannot be read.
    """
    try:
        return read(content) if form is FileFormat.JSON else _read_toml(content)
    except UnreadableJson as error:
        raise UnreadableTariff(f"the file is {error}") from None


def tariff_file(document: dict[str, Any], form: FileFormat) -> bytes:
    """A document as a file; reading it gives the same document."""
    if form is FileFormat.JSON:
        return orjson.dumps(document, option=orjson.OPT_INDENT_2) + b"\n"
    import tomlkit  # takes 40 ms, which only the export as TOML needs

    return tomlkit.dumps(document).encode()


def _read_toml(content: bytes) -> Any:
    try:
        document = tomllib.loads(content.decode("utf-8-sig"))
    except ValueError as error:  # not UTF-8, not TOML, or an integer of thousands of digits
        raise UnreadableTariff(f"the file is not TOML: {error}") from None
    except RecursionError:
        raise UnreadableTariff(f"the file is {TOO_DEEP}") from None
    if too_deep(document):
        raise UnreadableTariff(f"the file is {TOO_DEEP}")
    return _as_json(document)


def _as_json(value: Any) -> Any:
    """A value of TOML as JSON has it: dates, which no tariff has, are text, and integers beyond 64 bits are doubles."""
    if isinstance(value, dict):
        return {name: _as_json(item) for name, item in value.items()}
    if isinstance(value, list):
        return [_as_json(item) for item in value]
    if isinstance(value, int) and abs(value) >= _64_BITS:
        return float(value) if value.bit_length() < 1000 else None
    return value.isoformat() if isinstance(value, date | time) else value
