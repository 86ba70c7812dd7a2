"""Lines of JSON, each with its own checksum, so that a flipped bit is found in its line.

    ["a",1,"1c291ca3"]              a list: the checksum is its last element
    {"a":1,"crc32":"1c291ca3"}      an object: the checksum is its last member

The checksum is CRC-32 of everything before its digits. A line without a newline comes from a write that was not finished.
Damaged lines are moved to the file `NAME.damaged` until `wattlog verify` has reported them.
"""

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from zlib import crc32

from wattlog import durable

log = logging.getLogger(__name__)

DAMAGED = ".damaged"
"""Suffix of the file with the damaged lines of another file."""

REPORTED = ".reported"
"""Suffix of such a file after its lines were reported."""

_MEMBER = b',"crc32":"'
_ELEMENT = b',"'
_ENDS = {ord("]"): (_ELEMENT, b'"]'), ord("}"): (_MEMBER, b'"}')}
_CLOSING = {b"[": b'"]', b"{": b'"}'}
_DIGITS = slice(-10, -2)


@dataclass(frozen=True, slots=True)
class Lines:
    """The lines of a file.

    Attributes:
        checked: Lines with a right checksum, without their newline.
        unchecked: All other lines: damaged, or written by a version of wattlog without checksums.
        torn: An unfinished line at the end of the file.
    """

    checked: list[bytes]
    unchecked: list[bytes]
    torn: bytes


def with_checksum(text: bytes) -> bytes:
    """The line of a JSON list or object that is not empty, with its newline."""
    name, end = _ENDS[text[-1]]
    begin = text[:-1] + name
    return b"%b%08x%b\n" % (begin, crc32(begin), end)


def without_checksum(line: bytes) -> bytes:
    """The JSON text of a line; a line without checksum is returned as it is."""
    if not is_whole(line):
        return line
    name, _ = _ENDS[line[-1]]
    return line[: -10 - len(name)] + line[-1:]


def is_whole(line: bytes) -> bool:
    """Whether the checksum of a line is right."""
    return line[_DIGITS] == b"%08x" % crc32(line[:-10]) and line[-2:] == _CLOSING.get(line[:1])


def split(content: bytes) -> Lines:
    """The lines of a file's content."""
    *lines, torn = content.split(b"\n")
    checked = [line for line in lines if is_whole(line)]
    unchecked = [] if len(checked) == len(lines) else [line for line in lines if not is_whole(line)]
    return Lines(checked, unchecked, torn)


def append(path: Path, texts: Iterable[bytes], *, is_flushed: bool = False) -> None:
    """Add lines to a file. An unfinished line at its end is cut off first.

    Raises:
        OSError: The file cannot be written; it is unchanged.
    """
    data = b"".join(with_checksum(text) for text in texts)
    if durable.last_byte(path) not in {b"", b"\n"}:
        durable.cut(path, path.read_bytes().rfind(b"\n") + 1)
    durable.append(path, data, is_flushed=is_flushed)


def save_damaged(path: Path, lines: Iterable[bytes]) -> None:
    """Copy damaged lines of a file to its file of damaged lines, which `unreported` finds.

    Raises:
        OSError: It cannot be written.
    """
    durable.append(path.with_name(path.name + DAMAGED), b"".join(line + b"\n" for line in lines))


def unreported(below: Path) -> Iterator[tuple[Path, int]]:
    """Files of damaged lines below a directory that were not reported yet, and their number of lines."""
    for path in sorted(below.rglob(f"*{DAMAGED}")):
        yield path, path.read_bytes().count(b"\n")


def mark_reported(path: Path) -> None:
    """Mark a file of damaged lines as reported; its lines are kept.

    Raises:
        OSError: A file cannot be written.
    """
    durable.append(path.with_name(path.name + REPORTED), path.read_bytes())
    path.unlink()
