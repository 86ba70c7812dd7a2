"""An account of a site that was installed days ago, so that a first run makes few requests."""

from dataclasses import replace
from datetime import timedelta

from extract.api.client import utc_now
from extract.simulator import World, demo_world


def new_site_world(days: int = 2) -> World:
    """The first site of the demo, installed some days ago."""
    site = demo_world(utc_now().date()).sites[0]
    return World(sites=(replace(site, installed_at=utc_now().replace(microsecond=0) - timedelta(days=days)),))
