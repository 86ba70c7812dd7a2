"""Fixtures of builds: where the file goes, files that are believed although young, and no models where none are looked at."""

from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import Any

import duckdb
import pytest

from warehouse.build import build as building
from warehouse.build import stale_models
from warehouse.models import MODELS, Model


@pytest.fixture
def destination(tmp_path: Path) -> Path:
    return tmp_path / "data" / "warehouse.duckdb"


@pytest.fixture
def old_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of a test are seconds old; what they are known by is believed all the same."""
    monkeypatch.setattr("warehouse.build.manifest.RACE_NS", 0)


def _no_models(connection: duckdb.DuckDBPyConnection, _: object) -> None:
    connection.execute("create schema if not exists analytics")


@pytest.fixture
def without_models(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Models take most of a small build's time; some tests look at them."""
    if "real_models" not in request.fixturenames:
        monkeypatch.setattr(building, "create_models", _no_models)
        monkeypatch.setattr(building, "updated_models", lambda *_: nullcontext())


@pytest.fixture
def real_models() -> tuple[str, ...]:
    """The models' names, for a test that looks at them."""
    return tuple(MODELS)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> set[str]:
    """The models of which an update computed any row again."""
    found: set[str] = set()

    def noted(compute: Callable[..., Any]) -> Callable[..., Any]:
        def noting(connection: duckdb.DuckDBPyConnection, model: Model, *rest: Any) -> Any:
            found.add(model.name)
            return compute(connection, model, *rest)

        return noting

    for name in ("recreate", "_update"):
        monkeypatch.setattr(stale_models, name, noted(getattr(stale_models, name)))
    return found
