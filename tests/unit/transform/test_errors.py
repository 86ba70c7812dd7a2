"""Errors cross process boundaries and say what to do."""

import pickle

import pytest

from transform.errors import ResponseNotUnderstood, TransformError, UnknownTimeZone

ERRORS = [ResponseNotUnderstood("products", "a list", "a number"), UnknownTimeZone("Mars/Olympus", 101)]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_every_error_survives_pickle(error: TransformError) -> None:
    again = pickle.loads(pickle.dumps(error))  # noqa: S301 - made one line above
    assert type(again) is type(error)
    assert (str(again), vars(again)) == (str(error), vars(error))


def test_each_error_says_what_is_wrong_in_one_line() -> None:
    assert str(ERRORS[0]) == "the products response should be a list but is a number; the API may have changed"
    assert "'Mars/Olympus' set for site 101" in str(ERRORS[1])
    assert "Europe/Berlin" in str(ERRORS[1])
