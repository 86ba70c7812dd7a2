"""The order of the tests: what is quick and pure first, servers last."""

import os

import pytest

os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
"""No test sees the keyring of whoever runs it."""

ORDER = ("unit", "golden", "contract", "property", "integration")

LONGEST = ("test_prefect", "test_dask", "test_reconcile", "test_personalities", "test_command_line", "test_backfill")
"""Files that take minutes, the longest first: begun last, one process would work on them while the others are idle."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A wrong line should fail in seconds. Prefect's threads, once started, draw random numbers, which Hypothesis minds."""
    folders = {name: number for number, name in enumerate(ORDER)}
    files = {name: number for number, name in enumerate(LONGEST)}
    items.sort(
        key=lambda item: (folders.get(item.nodeid.split("/")[1], len(ORDER)), files.get(item.path.stem, len(LONGEST)))
    )
