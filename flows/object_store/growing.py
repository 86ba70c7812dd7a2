"""Files that only grow: segments of the raw archive and the ledger of runs.

Two machines may have added to the same file, one of them without having told the store. Nothing of either is lost: what
one has more than the other goes behind it, since frames and lines stand for themselves.
"""

from pathlib import Path

from extract import segment

_LINES = ".ndjson"


def whole(path: Path, since: int = 0) -> bytes:
    """A file without its torn tail, which is the trace of a killed write or of one under way.

    Args:
        path: The file; it may grow meanwhile.
        since: Bytes that are known to be whole.
    """
    length = _whole_length(path, since)
    return path.read_bytes()[:length]


def _whole_length(path: Path, since: int) -> int:
    if path.suffix == _LINES:
        return path.read_bytes().rfind(b"\n") + 1
    if path.suffix == segment.TORN:
        return path.stat().st_size
    end = since
    for each in segment.scan(path, since):
        if isinstance(each, segment.Hole) and each.is_torn:
            return each.extent.offset
        end = each.extent.end
    return end


def joined(path: Path, local: bytes, remote: bytes) -> bytes:
    """What the store has, and behind it what only this machine has.

    Args:
        path: The file on this machine, which begins with `local`.
        local: Its whole records.
        remote: The store's object.
    """
    if local.startswith(remote):
        return local
    if remote.startswith(local):
        return remote
    return remote + local[_boundary(path, _common(local, remote)) :]


def _common(left: bytes, right: bytes) -> int:
    """How many bytes from the beginning are the same."""
    return next(
        (at for at, (one, other) in enumerate(zip(left, right, strict=False)) if one != other),
        min(len(left), len(right)),
    )


def _boundary(path: Path, length: int) -> int:
    """The end of the last record that lies within the first `length` bytes."""
    if path.suffix == _LINES:
        return path.read_bytes()[:length].rfind(b"\n") + 1
    if path.suffix == segment.TORN:
        return length
    ends = (each.extent.end for each in segment.scan(path))
    return max((end for end in ends if end <= length), default=0)
