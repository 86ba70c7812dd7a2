"""Segments: append-only files of zstd frames, one frame a record, one JSON line a frame.

A zstd file may be any number of frames in sequence. A segment is therefore an ordinary `.ndjson.zst`, which `zstdcat` and
DuckDB's `read_json` can read, and a record is added by appending its frame. Each frame has its own checksum.

A damaged frame is a corrupt range in a scan and does not end it: only its own record is lost, since the next frame is found
by its magic number and its checksum. A process that is killed while it writes leaves a corrupt tail.
"""

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from zlib import crc32

import zstandard

from extract.errors import ArchiveError, CorruptSegment
from wattlog import durable

LEVEL: Final = 1
"""A response of 77 kB becomes 3.7 kB in 0.06 ms; level 9 saves 6 % in ten times that (DECISIONS.md 78)."""

TAIL_SUFFIX = ".torn"
"""Suffix of the file next to a segment that keeps its corrupt tails. A last record with a damaged length looks like one, and a
response that was paid for is never deleted."""


_HAS_CHECKSUM = 0b100
"""Bit of the byte after the magic number (RFC 8878, 3.1.1.1.1): `frame` sets it, so a frame without it is damaged."""


@dataclass(frozen=True, slots=True)
class ByteRange:
    """A part of a segment: the bytes from `offset` to `offset + length`, which is not included."""

    offset: int
    length: int

    @property
    def end(self) -> int:
        """First byte after the range."""
        return self.offset + self.length

    def overlaps(self, other: "ByteRange") -> bool:
        """Whether the two have a byte in common."""
        return self.offset < other.end and self.end > other.offset


@dataclass(frozen=True, slots=True)
class Frame:
    """A record that can be read.

    Attributes:
        byte_range: Its place.
        line: The record.
        checksum: Of the frame's bytes; see `checksum_of`.
    """

    byte_range: ByteRange
    line: bytes
    checksum: int


@dataclass(frozen=True, slots=True)
class CorruptRange:
    """Bytes that are not a whole frame.

    Attributes:
        byte_range: Their place.
        reason: What is wrong with them.
        is_tail: They are the beginning of a frame, or zeros, at the end of the file: a write that was not finished.
    """

    byte_range: ByteRange
    reason: str
    is_tail: bool = False


class _Compressors(threading.local):
    """A compressor for each thread: it has memory of its own, and is used by one thread at a time."""

    def __init__(self) -> None:
        self.own = zstandard.ZstdCompressor(level=LEVEL, write_checksum=True)


_COMPRESSORS: Final = _Compressors()


def frame(line: bytes) -> bytes:
    """The bytes of one record."""
    return _COMPRESSORS.own.compress(line + b"\n")


def checksum_of(record: bytes) -> int:
    """The checksum of a frame's bytes, which the index chains over a segment's records."""
    return crc32(record)


def append(path: Path, line: bytes) -> ByteRange:
    """Add one record and return once it is on disk; see `append_frame`."""
    return append_frame(path, frame(line))


def append_frame(path: Path, record: bytes) -> ByteRange:
    """Add the frame of one record and return once it is on disk.

    Raises:
        ArchiveError: The directory or file cannot be written (permission, full disk); its earlier content is unchanged.
    """
    try:
        try:
            offset = durable.append(path, record)
        except FileNotFoundError:
            path.parent.mkdir(parents=True, exist_ok=True)
            offset = durable.append(path, record)
        if not offset:  # a new file
            durable.sync_directory(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    return ByteRange(offset, len(record))


def unwritable(path: Path, error: OSError) -> ArchiveError:
    """The error of a file of the archive that cannot be written."""
    return ArchiveError(str(path), f"cannot be written ({error.strerror}); {durable.advice(error)}")


def read(path: Path, byte_range: ByteRange) -> bytes:
    """The record in one frame.

    Raises:
        ArchiveError: The file does not exist or cannot be read.
        CorruptSegment: The bytes are not the frame that was written.
    """
    try:
        with path.open("rb") as file:
            file.seek(byte_range.offset)
            data = file.read(byte_range.length)
    except OSError as error:
        raise _unreadable(path, error) from error
    return _decoded(path, data, byte_range)


def read_file(path: Path) -> bytes:
    """All bytes of a segment, for `read_from`.

    Raises:
        ArchiveError: The file does not exist or cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error


def read_from(path: Path, content: bytes, byte_range: ByteRange) -> bytes:
    """The record in one frame of a segment whose bytes are at hand.

    Raises:
        CorruptSegment: The bytes are not the frame that was written.
    """
    return _decoded(path, content[byte_range.offset : byte_range.end], byte_range)


def _unreadable(path: Path, error: OSError) -> ArchiveError:
    return ArchiveError(str(path), f"cannot be read ({error.strerror}); restore it from a backup")


def _decoded(path: Path, data: bytes, byte_range: ByteRange) -> bytes:
    found = _decode(data, 0)
    if isinstance(found, str):
        raise CorruptSegment(str(path), byte_range.offset, found or "the frame is cut short")
    line, length = found
    if length != byte_range.length:
        raise CorruptSegment(str(path), byte_range.offset, "the frame has another length than the index says")
    return line


def scan(path: Path, start: int = 0) -> Iterator[Frame | CorruptRange]:
    """Everything from byte `start` on, in order: whole frames, and corrupt ranges between them."""
    data = path.read_bytes()
    offset = start
    while offset < len(data):
        found = _decode(data, offset)
        if isinstance(found, str):
            corrupt = _corrupt_range(data, offset, found)
            yield corrupt
            offset = corrupt.byte_range.end
        else:
            line, length = found
            yield Frame(ByteRange(offset, length), line, checksum_of(data[offset : offset + length]))
            offset += length


def _decode(data: bytes, offset: int) -> tuple[bytes, int] | str:
    """The record of the frame at `offset` and the frame's length, or what is wrong: an empty text if it is only incomplete."""
    decoder = zstandard.ZstdDecompressor().decompressobj()
    try:
        line = decoder.decompress(memoryview(data)[offset:])
    except zstandard.ZstdError as error:
        return str(error)
    if not decoder.eof:
        return ""
    if not data[offset + len(zstandard.FRAME_HEADER)] & _HAS_CHECKSUM:
        return "the frame has no checksum"
    return line, len(data) - offset - len(decoder.unused_data)


def _corrupt_range(data: bytes, start: int, reason: str) -> CorruptRange:
    """From `start` to the next whole frame, or to the end of the file."""
    at = data.find(zstandard.FRAME_HEADER, start + 1)
    while at >= 0:
        if not isinstance(_decode(data, at), str):
            return CorruptRange(ByteRange(start, at - start), reason or "a record is cut short")
        at = data.find(zstandard.FRAME_HEADER, at + 1)
    is_tail = not reason or not any(data[start:])
    return CorruptRange(ByteRange(start, len(data) - start), reason or "a record is cut short", is_tail)


def cut_corrupt_tail(path: Path, length: int) -> int:
    """Cut the segment back to `length` bytes, the end of its last whole record; returns how many bytes went.

    Called only for a corrupt tail without an index entry: the process ended while it wrote this response.
    They are first copied to the file with `TAIL_SUFFIX`.

    Raises:
        ArchiveError: The files cannot be written.
    """
    try:
        tail = path.read_bytes()[length:]
        if tail:
            durable.append(path.with_name(path.name + TAIL_SUFFIX), tail)
            durable.cut(path, length)
    except OSError as error:
        raise unwritable(path, error) from error
    return len(tail)
