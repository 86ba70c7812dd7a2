"""A disk that is full after some more bytes."""

import errno
import os
from collections.abc import Callable

FULL = OSError(errno.ENOSPC, "No space left on device")


def full_after(left: int) -> Callable[[int, bytes], int]:
    """`os.write` of a disk with so many bytes left."""
    real, room = os.write, [left]

    def write(descriptor: int, data: bytes) -> int:
        if not room[0]:
            raise FULL
        written = real(descriptor, bytes(data[: room[0]]))
        room[0] -= written
        return written

    return write
