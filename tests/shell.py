"""A command in this process, as a shell would run it: its directory, its environment, what it printed."""

import os
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import chdir, redirect_stderr, redirect_stdout
from io import BytesIO, StringIO, TextIOWrapper
from pathlib import Path
from unittest.mock import patch

from flows.cli import run


def run_here(
    arguments: Sequence[str], directory: Path, environment: Mapping[str, str], *, typed: str = ""
) -> subprocess.CompletedProcess[str]:
    """Spares the second that a process takes to begin, where nothing depends on having one of its own."""
    out, err = (TextIOWrapper(BytesIO(), encoding="utf-8", write_through=True) for _ in range(2))
    with (
        patch.dict(os.environ, environment, clear=True),
        patch("sys.stdin", StringIO(typed)),
        chdir(directory),
        redirect_stdout(out),
        redirect_stderr(err),
    ):
        code = run(arguments)
    return subprocess.CompletedProcess(arguments, code, _printed(out), _printed(err))


def _printed(stream: TextIOWrapper) -> str:
    stream.seek(0)
    return stream.read()
