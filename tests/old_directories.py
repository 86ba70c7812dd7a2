"""Data directories made by an older version; see tests/golden/old_directories."""

import tarfile
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

from extract.simulator import World, demo_world

DIRECTORIES = Path(__file__).parent / "golden" / "old_directories"
NOW = datetime(2026, 1, 3, 20, 7, 30, tzinfo=UTC)
"""The instant at which they were made."""

INSTALLED_AT = datetime(2025, 12, 30, 18, tzinfo=UTC)


def world() -> World:
    """The account whose data they contain."""
    site = demo_world(NOW.date()).sites[0]
    return World(sites=(replace(site, installed_at=INSTALLED_AT),))


SITE = world().sites[0].site_id


def unpacked(target: Path, name: str = "healthy") -> Path:
    """A copy of one of them: the files of the healthy one, replaced by those of `name`."""
    for directory in dict.fromkeys(("healthy", name)):
        with tarfile.open(DIRECTORIES / f"{directory}.tar.xz") as packed:
            packed.extractall(target, filter="data")
    return target
