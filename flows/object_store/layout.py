"""Which files belong to a store, and what each command needs of them.

The list names what is uploaded, not what is left out: tokens, locks, temporary files and whatever else lies in a data
directory never leave the machine.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from wattlog.names import DELIVERIES, LAKE, RAW, WAREHOUSE


class Part(StrEnum):
    """A part of the data directory.

    Raw files only grow and are never deleted; all others can be made again from them, and are replaced whole.
    """

    RAW = "raw"
    LAKE = "lake"
    WAREHOUSE = "warehouse"


_FILES = {
    Part.RAW: re.compile(
        rf"{RAW}/(runs\.ndjson|{re.escape(DELIVERIES)}|site_id=-?\d+/series=[a-z0-9_:]+/month=\d{{4}}-\d{{2}}\.ndjson\.zst(\.torn)?)",
        re.ASCII,
    ),
    Part.LAKE: re.compile(rf"{LAKE}/table=[a-z0-9_]+/([a-z_]+=[a-z0-9-]+/)*[a-z0-9-]+\.parquet", re.ASCII),
    Part.WAREHOUSE: re.compile(re.escape(WAREHOUSE)),
}
_PLACES = {Part.RAW: RAW, Part.LAKE: LAKE, Part.WAREHOUSE: WAREHOUSE}


def part_of(path: str) -> Part | None:
    """The part that a file belongs to, by its path below the data directory; None for what is none of the store's."""
    return next((part for part, pattern in _FILES.items() if pattern.fullmatch(path)), None)


def files_of(data_dir: Path, part: Part) -> Iterator[str]:
    """The paths, below the data directory, of the files of a part that are there; links are followed nowhere."""
    place = data_dir / _PLACES[part]
    found = [place] if place.is_file() else place.rglob("*.*")
    for file in found:
        path = file.relative_to(data_dir).as_posix()
        if part_of(path) is part and file.is_file() and not file.is_symlink():
            yield path


# --- commands ---------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Need:
    """What a command needs of the store.

    Attributes:
        pulls: Parts that must be on this machine before it begins.
        pushes: Parts that it may have changed.
        is_reader: It reads the published warehouse and nothing else, so it takes no lease.
    """

    pulls: frozenset[Part] = frozenset()
    pushes: frozenset[Part] = frozenset()
    is_reader: bool = False


_ALL = frozenset(Part)
_RAW = frozenset({Part.RAW})
NOTHING = Need()
_READS = Need(pulls=frozenset({Part.WAREHOUSE}), is_reader=True)
_REQUESTS = Need(pulls=_RAW, pushes=_RAW)
_RUNS = Need(pulls=frozenset({Part.RAW, Part.LAKE}), pushes=_ALL)
_DELIVERS = Need(pulls=frozenset({Part.RAW, Part.WAREHOUSE}), pushes=_RAW)
_REBUILDS = Need(pulls=_RAW, pushes=_ALL)
_VERIFIES = Need(pulls=_ALL, pushes=_RAW)
_ANYTHING = Need(pulls=_ALL, pushes=_ALL)

REBUILD = "rebuild"

NEEDS = {
    "login": NOTHING,
    "logout": NOTHING,
    "whoami": NOTHING,
    "config": NOTHING,
    "simulate": NOTHING,
    "sql": _READS,
    "export": _READS,
    "gaps": _READS,
    "report": _READS,
    "dashboard": NOTHING,
    "mcp": NOTHING,
    "plan": _REQUESTS,
    "sites": _REQUESTS,
    "deploy": _REQUESTS,
    "demo": _RUNS,
    "backfill": _RUNS,
    "sync": _RUNS,
    "reconcile": _RUNS,
    REBUILD: _REBUILDS,
    "publish": _DELIVERS,
    "verify": _VERIFIES,
}


def need_of(command: str) -> Need:
    """What a command needs; one that is not listed gets everything, under a lease."""
    return NEEDS.get(command, _ANYTHING)
