"""Other processes, and what each of them took of processor and memory."""

import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final, TypeVar

LOOK_S: Final = 0.01
"""How often the memory of a process is looked at: what it takes in its last hundredth of a second may be missed."""

_WITH_BYTE_CODE: Final = {"PYTHONDONTWRITEBYTECODE": ""}
"""Otherwise each process would compile everything anew."""

_PEAK: Final = re.compile(r"VmHWM:\s+(\d+) kB")

Name = TypeVar("Name")


@dataclass(frozen=True, slots=True)
class Child:
    """A process that ended.

    Attributes:
        cpu_s: Its time of the processor, user and system.
        elapsed_s: From its start to its end.
        peak_mb: Its highest memory.
        output: What it printed on standard output.
    """

    cpu_s: float
    elapsed_s: float
    peak_mb: float
    output: str


def run(
    command: Sequence[str | Path], *, environment: Mapping[str, str] | None = None, cwd: Path | None = None
) -> Child:
    """Run a command to its end.

    Linux counts in a child's own figure for memory what its parent had, so memory is read from the process while it runs.

    Raises:
        RuntimeError: It failed; the message has the end of what it printed.
    """
    with tempfile.TemporaryFile() as printed, tempfile.TemporaryFile() as complained:
        began = time.perf_counter()
        process = subprocess.Popen(
            [str(part) for part in command],
            env={**(os.environ if environment is None else environment), **_WITH_BYTE_CODE},
            cwd=cwd,
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=complained,
        )
        peak_kb = 0
        while True:
            peak_kb = max(peak_kb, _peak_kb(process.pid))
            ended, status, used = os.wait4(process.pid, os.WNOHANG)
            if ended:
                break
            time.sleep(LOOK_S)
        elapsed_s = time.perf_counter() - began
        process.returncode = os.waitstatus_to_exitcode(status)
        output, errors = _text(printed), _text(complained)
    if process.returncode != 0:
        raise RuntimeError(
            f"exit code {process.returncode} of {' '.join(map(str, command))}:\n{output[-500:]}{errors[-2000:]}"
        )
    return Child(used.ru_utime + used.ru_stime, elapsed_s, (peak_kb or used.ru_maxrss) / 1024, output)


def _text(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _peak_kb(pid: int) -> int:
    """Highest memory of a process that runs; 0 where the system does not say."""
    try:
        found = _PEAK.search(Path(f"/proc/{pid}/status").read_text())
    except OSError:
        return 0
    return 0 if found is None else int(found[1])


def python(*arguments: str | Path) -> list[str | Path]:
    """The command that runs this project's Python."""
    return [sys.executable, *arguments]


def module(name: str, *arguments: str | Path) -> list[str | Path]:
    """The command that runs one of the programs in `tests.bench.children`."""
    return python("-m", f"tests.bench.children.{name}", *arguments)


def wattlog(*arguments: str | Path) -> list[str | Path]:
    """The command line as it was installed."""
    return [Path(sys.executable).with_name("wattlog"), *arguments]


def least_cpu(rounds: int, sides: Mapping[Name, Callable[[], Child]]) -> dict[Name, Child]:
    """Every side in turn, several times over; of each the run with the least time of the processor."""
    runs: dict[Name, list[Child]] = {name: [] for name in sides}
    for _ in range(rounds):
        for name, side in sides.items():
            runs[name].append(side())
    return {name: quickest(found) for name, found in runs.items()}


def quickest(children: Iterable[Child]) -> Child:
    """The run with the least time of the processor."""
    return min(children, key=lambda child: child.cpu_s)
