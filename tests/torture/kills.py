"""A process that is killed, without a process: from one change of the disk on, no change is made any more."""

import os
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from typing import Any
from unittest.mock import patch

CHANGES = ("write", "replace", "rename", "unlink", "remove", "rmdir", "mkdir", "ftruncate", "fsync", "link", "symlink")
"""The functions of `os` by which everything in a data directory is changed, but by libraries in C."""


class Killed(BaseException):
    """The process is dead; code that catches errors, or cleans up, changes nothing more."""


@contextmanager
def killed_at(change: int) -> Iterator[Callable[[], int]]:
    """Kill the block at its `change`-th change of the disk, from 1; a write is made to half of its bytes.

    Yields:
        How many changes there were.
    """
    count = 0

    def dying(name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def made(*arguments: Any, **options: Any) -> Any:
            nonlocal count
            count += 1
            if count == change and name == "write":
                descriptor, data = arguments
                real(descriptor, bytes(data)[: len(data) // 2])
            if count >= change:
                raise Killed
            return real(*arguments, **options)

        return made

    with suppress(Killed), ExitStack() as stack:
        for name in CHANGES:
            stack.enter_context(patch.object(os, name, dying(name, getattr(os, name))))
        yield lambda: count
