"""The order of the tests, quick and pure ones first, and fixtures for all tests."""

import os
import signal
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

from tests.examples import register_profiles
from tests.shell import NO_KEYRING
from wattlog import secret_text

if TYPE_CHECKING:
    from tests.recordings import Recordings

os.environ |= NO_KEYRING
"""Tests have no access to the keyring of the user who runs them."""

# A program that is started in the background ignores Ctrl-C, and so do the processes that it starts.
signal.signal(signal.SIGINT, signal.default_int_handler)

register_profiles()

ORDER = ("unit", "golden", "contract", "property", "integration")

LONGEST = (
    "test_prefect",
    "test_dask",
    "test_reconcile",
    "test_history_machine",
    "test_closed_year",
    "test_old_directories",
    "test_personalities",
    "test_command_line",
    "test_terminal",
    "test_backfill",
    "test_backfill_under_faults",
    "test_misplaced",
    "test_bad_descriptions",
    "test_month_end",
    "test_late_data",
    "test_bad_responses",
    "test_publish_models",
    "test_random_publishes",
)
"""Files that take minutes, the longest first; started last, they would keep one process busy while the others are idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Quick tests first, so that an error shows in seconds; Hypothesis before Prefect, whose threads draw random numbers."""
    folders = {name: number for number, name in enumerate(ORDER)}
    files = {name: number for number, name in enumerate(LONGEST)}
    items.sort(
        key=lambda item: (folders.get(item.nodeid.split("/")[1], len(ORDER)), files.get(item.path.stem, len(LONGEST)))
    )


@pytest.fixture(scope="session", autouse=True)
def unflushed() -> Iterator[None]:
    """Nothing waits for the disk: a killed process loses no written page, only a power failure does."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


@pytest.fixture(autouse=True)
def own_secrets() -> Iterator[None]:
    """A test's secrets are masked in no other test: a date was a token of one, and is printed by another."""
    before = secret_text._REGISTRY.secrets
    yield
    secret_text._REGISTRY.secrets = before


@pytest.fixture(scope="session")
def recordings(tmp_path_factory: pytest.TempPathFactory) -> "Iterator[Recordings]":
    """Recordings of all processes of this run; at the end, those used by this process must be unchanged."""
    from tests.recordings import Recordings

    own = tmp_path_factory.getbasetemp()
    root = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "recordings"
    root.mkdir(exist_ok=True)
    made = Recordings(root)
    yield made
    assert made.changed() == [], "a test has changed a recording instead of its copy"
