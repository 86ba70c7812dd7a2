"""Errors of the warehouse reach a person as one line, also from another process."""

import pickle
from collections.abc import Iterator
from pathlib import Path

import pytest

from warehouse import errors
from warehouse.errors import WarehouseError

PLACE = Path("data/warehouse.duckdb")
SAMPLES: tuple[WarehouseError, ...] = (
    errors.WarehouseError("it broke"),
    errors.Nonconforming("power", "column solar_w is NULL"),
    errors.LakeFailed(PLACE, "No space left on device"),
    errors.LakeDamaged(PLACE),
    errors.BuildFailed(PLACE, "the lake is gone"),
    errors.DuplicateKey(PLACE, "power", "site_id 1"),
    errors.ModelMismatch("daily", ("a DOUBLE", "b DOUBLE"), ("a DOUBLE",)),
    errors.Unreadable(PLACE, "it is damaged"),
    errors.WarehouseMissing(PLACE),
    errors.VersionMismatch(PLACE, 2, 1),
    errors.QueryFailed("no such table"),
    errors.NotReadOnly("DELETE"),
    errors.FunctionRefused("read_text", True),
    errors.QueryTooLong(600.0),
    errors.ExportFailed(PLACE, "No space left on device"),
    errors.DestinationExists(PLACE),
    errors.UnknownRelation(PLACE, "pwer", ("power", "daily")),
)


def _tree(kind: type[WarehouseError]) -> Iterator[type[WarehouseError]]:
    yield kind
    for subclass in kind.__subclasses__():
        yield from _tree(subclass)


def test_every_class_has_a_sample_and_a_place_in_the_docstring() -> None:
    """A new error class cannot be forgotten by the tests below, nor by the tree that readers see."""
    assert {type(error) for error in SAMPLES} == set(_tree(WarehouseError))
    assert errors.__doc__ is not None
    for kind in _tree(WarehouseError):
        assert kind.__name__ in errors.__doc__


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_error_survives_pickle(error: WarehouseError) -> None:
    """Workers pickle errors: class, attributes and sentence come back."""
    back = pickle.loads(pickle.dumps(error))  # noqa: S301 (our own bytes)
    assert type(back) is type(error)
    assert vars(back) == vars(error)
    assert str(back) == str(error)


@pytest.mark.parametrize("error", SAMPLES, ids=lambda error: type(error).__name__)
def test_error_is_one_line(error: WarehouseError) -> None:
    """The command line prints exactly one line."""
    assert str(error)
    assert "\n" not in str(error)


def test_version_mismatch_says_which_way_to_go() -> None:
    """A newer warehouse wants a newer wattlog; an older one is rebuilt."""
    assert "upgrade wattlog" in str(errors.VersionMismatch(PLACE, 2, 1))
    assert "wattlog rebuild" in str(errors.VersionMismatch(PLACE, 1, 2))


def test_missing_warehouse_says_how_to_get_one() -> None:
    """The first thing a new user meets."""
    assert "run `wattlog backfill` first" in str(errors.WarehouseMissing(PLACE))
