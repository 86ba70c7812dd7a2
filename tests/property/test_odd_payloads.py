"""Some thousand responses that no proper server sends: each is shaped without an error, and no row is lost."""

import logging
import random
from collections.abc import Iterator

import pytest

from tests.examples import share
from tests.torture.payloads import check, mutated, proper


@pytest.fixture(autouse=True)
def silent() -> Iterator[None]:
    """Most payloads have unknown columns, which are logged."""
    logging.disable(logging.WARNING)
    yield
    logging.disable(logging.NOTSET)


def test_proper_responses_are_in_order() -> None:
    check(proper())


@pytest.mark.parametrize("seed", range(3))
def test_no_payload_raises_an_error_or_loses_a_row(seed: int) -> None:
    chance = random.Random(seed)  # noqa: S311
    check([mutated(chance) for _ in range(share(500))])
