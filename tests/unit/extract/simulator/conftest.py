"""Requests to the simulator's endpoints, without HTTP."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

import pytest

from extract.simulator import SiteSpec, World
from extract.simulator.endpoints.calendar_history import calendar_history
from extract.simulator.endpoints.query import Query

Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def ask() -> Ask:
    """`ask(spec, now, kind=…, end_date=…)` returns the `response` of calendar_history."""
    worlds: dict[SiteSpec, World] = {}

    def ask_site(spec: SiteSpec, now: datetime, **params: str) -> dict[str, Any]:
        world = worlds.setdefault(spec, World((spec,)))
        response = calendar_history(Query(world, world.truth(spec.site_id), params, now))
        assert isinstance(response, dict)
        return response

    return ask_site
