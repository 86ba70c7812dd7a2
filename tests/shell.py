"""A wattlog command run in this process, with a directory, an environment, and captured output."""

import os
import re
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from unittest.mock import patch

from flows.cli import run

STYLE = re.compile(r"\x1b\[[0-9;]*m")
"""Escape sequences of bold and colours, which Rich writes to a terminal."""

NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
"""keyring looks for a backend once in a process, and takes any backend class that a test module defines."""


class Terminal(TextIOWrapper):
    """Standard output that is reported to be a terminal."""

    def isatty(self) -> bool:
        return True


def run_here(
    arguments: Sequence[str],
    directory: Path,
    environment: Mapping[str, str],
    *,
    typed: str = "",
    columns: int | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run a command without the second that a new process would need.

    With `columns`, standard output is a terminal of that width; the returned output has no styles.
    """
    kind = TextIOWrapper if columns is None else Terminal
    out = kind(BytesIO(), encoding="utf-8", write_through=True)
    err = TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True)
    size = {} if columns is None else {"COLUMNS": str(columns), "TERM": "xterm"}
    with (
        patch.dict(os.environ, {**NO_KEYRING, **environment, **size}, clear=True),
        patch("sys.stdin", StringIO(typed)),
        chdir(directory),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = run(arguments)
    return subprocess.CompletedProcess(arguments, code, STYLE.sub("", _printed(out)), _printed(err))


def _printed(stream: TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
