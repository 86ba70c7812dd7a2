"""The order of the tests: what is quick and pure first, servers last."""

import os

import pytest

os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
"""No test sees the keyring of whoever runs it."""

ORDER = ("unit", "golden", "contract", "property", "integration")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """A wrong line should fail in seconds. Prefect's threads, once started, draw random numbers, which Hypothesis minds."""
    folders = {name: number for number, name in enumerate(ORDER)}
    items.sort(key=lambda item: folders.get(item.nodeid.split("/")[1], len(ORDER)))
