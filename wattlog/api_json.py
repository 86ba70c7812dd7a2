"""The reader of all JSON that the API and the token endpoint send.

`read` accepts JSON as RFC 8259 defines it. `read_records` is for lists of records in which one bad record must not affect the
others: it accepts NaN, Infinity and numbers beyond the range of a double, and the caller calls `flaw_of` for each record or
checks each number. Both limit size and depth, so that no RecursionError or MemoryError occurs later. If an object has a name
twice, the last value counts, as in all Python readers.
"""

import hashlib
import json
import math
from collections.abc import Iterable
from itertools import chain
from typing import Any, Final

import orjson

MAX_BYTES: Final = 64 * 1024 * 1024
"""A five-minute day is about 0.2 MB, a lifetime far less; a larger response is an error."""

MAX_DEPTH: Final = 64
"""Levels of arrays and objects. The deepest known response, a tariff in site_info, has nine. Python's own limits begin at
254 levels (`orjson.dumps`)."""

TOO_DEEP: Final = f"nested more than {MAX_DEPTH} levels deep"
"""The reason for a document or record with more levels."""

_BOM: Final = b"\xef\xbb\xbf"
"""Dumps made by Windows tools begin with it (Q35)."""

_CONTAINERS: Final = frozenset({dict, list})

_MANY_ARRAYS: Final = 16
"""A response of a history series has one or two."""

_DIGITS_OF_64_BITS: Final = 19
"""Every integer of so many digits fits in 64 bits without a sign; longer ones are read as doubles, as orjson does."""


class UnreadableJson(ValueError):
    """A body that is not JSON, or JSON beyond the limits. Its text has the reason and never quotes the body."""


def read(body: bytes) -> Any:
    """The document of a body.

    Raises:
        UnreadableJson: The body is not JSON, or is too large or too deep; NaN and Infinity are not JSON.
    """
    text = _bounded(body)
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise UnreadableJson(_reason(text)) from None
    if too_deep(document, _openings(text)):
        raise UnreadableJson(TOO_DEEP)
    return document


def read_records(body: bytes, *, is_depth_checked: bool = True) -> tuple[Any, bool]:
    """The document of a body with a list of records, and whether `read` accepts it too.

    Args:
        body: The body.
        is_depth_checked: Whether to limit the depth of the whole; if not, the caller calls `flaw_of` for each record.

    Raises:
        UnreadableJson: The body is not even JSON with NaN and Infinity, or is too large or too deep.
    """
    text, is_strict = _bounded(body), True
    try:
        document = orjson.loads(text)
    except orjson.JSONDecodeError:
        document, is_strict = _with_constants(text), False
    if is_depth_checked and too_deep(document, _openings(text)):
        raise UnreadableJson(TOO_DEEP)
    return document, is_strict


def flaw_of(value: Any) -> str | None:
    """The reason why a record is unusable: NaN, Infinity, or too many levels; None if it is usable."""
    for level, values in enumerate(_levels(value)):
        if level >= MAX_DEPTH and not _CONTAINERS.isdisjoint(map(type, values)):
            return TOO_DEEP
        if any(type(item) is float and not math.isfinite(item) for item in values):
            return _NOT_FINITE
    return None


def write(value: Any) -> bytes:
    """A document as JSON. NaN, Infinity and integers beyond 64 bits are written as Python writes them."""
    if flaw_of(value) is None:
        try:
            return orjson.dumps(value)
        except TypeError:  # an integer beyond 64 bits
            pass
    return json.dumps(value, ensure_ascii=False).encode()


_NOT_FINITE: Final = "NaN, Infinity or a number past the range of a double"
_NOT_JSON: Final = "not JSON"


def checksum(document: object) -> str:
    """Identifies a document of JSON, whatever the order of its keys."""
    return hashlib.sha256(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)).hexdigest()


def _bounded(body: bytes) -> bytes:
    if len(body) > MAX_BYTES:
        raise UnreadableJson(f"larger than {MAX_BYTES} bytes")
    return body.removeprefix(_BOM)


def _reason(text: bytes) -> str:
    """Why orjson refused a text, without its own message, which quotes the text."""
    try:
        document = _with_constants(text)
    except UnreadableJson as error:
        return str(error)
    return flaw_of(document) or _NOT_JSON


def _with_constants(text: bytes) -> Any:
    """The document of a text that is JSON, possibly with NaN, Infinity and numbers of any size.

    Raises:
        UnreadableJson: It is not. The standard library accepts lone surrogates; orjson refuses them.
    """
    if not text.strip():
        raise UnreadableJson("empty")
    try:
        document = json.loads(text.decode(), parse_int=_integer)
    except RecursionError:
        raise UnreadableJson(TOO_DEEP) from None
    except ValueError:
        raise UnreadableJson(_NOT_JSON) from None
    try:
        orjson.dumps(document)
    except TypeError:
        raise UnreadableJson(TOO_DEEP if too_deep(document) else _NOT_JSON) from None
    return document


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits.lstrip("-")) <= _DIGITS_OF_64_BITS else float(digits)


def too_deep(document: Any, openings: float = math.inf) -> bool:
    """Whether a document has more than `MAX_DEPTH` levels.

    Args:
        document: The document.
        openings: How many arrays and objects it has at most; the search ends once it has found so many. Most of the values of
            a response are in its rows, which hold no further ones.
    """
    containers = [document] if type(document) in _CONTAINERS else []
    if openings <= MAX_DEPTH:
        return False
    for _ in range(MAX_DEPTH):
        openings -= len(containers)
        if not openings:
            return False
        values = list(chain.from_iterable(map(_values, containers)))
        if _CONTAINERS.isdisjoint(map(type, values)):
            return False
        containers = [item for item in values if type(item) in _CONTAINERS]
    return True


def _openings(text: bytes) -> int:
    """How many arrays and objects a text has at most: brackets within strings are counted, too.

    Arrays are few, so each is searched for: that takes less than counting bytes.
    """
    arrays, place = 0, text.find(b"[")
    while place >= 0 and arrays < _MANY_ARRAYS:
        arrays, place = arrays + 1, text.find(b"[", place + 1)
    if place >= 0:
        arrays += text.count(b"[", place)
    return arrays + text.count(b"{")


def _levels(value: Any) -> Iterable[list[Any]]:
    """The values of a document, level by level: the document, then its values, and so on."""
    level = [value]
    while level:
        yield level
        level = list(chain.from_iterable(_values(item) for item in level if type(item) in _CONTAINERS))


def _values(container: Any) -> Iterable[Any]:
    return container.values() if type(container) is dict else container
