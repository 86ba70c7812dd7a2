"""Prefect's test server, once for all tests that need it: it takes ten seconds to start."""

import os
from collections.abc import Iterator

import pytest


@pytest.fixture(scope="session")
def prefect_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A private, silent Prefect server for this session."""
    quiet = {
        "PREFECT_HOME": str(tmp_path_factory.mktemp("prefect")),
        "DO_NOT_TRACK": "1",
        "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
        "PREFECT_LOGGING_LEVEL": "WARNING",
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in quiet.items():
            patch.setenv(name, value)
        from prefect.testing.utilities import prefect_test_harness  # Prefect reads its settings when it is imported

        with prefect_test_harness(server_startup_timeout=120):
            yield
        assert os.environ["PREFECT_HOME"] == quiet["PREFECT_HOME"]
