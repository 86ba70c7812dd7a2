"""A local server of the energy-site history API that knows what really happened.

Tests and the demo compare what came out of the pipeline with `World.truth(site_id)`.
"""

from extract.simulator.server import Asked, SimulatorServer, serve
from extract.simulator.simulated_day import ChargeSession, DayTruth, Outage
from extract.simulator.site import FLOWS, POWERS, SiteSpec, ZoneMode
from extract.simulator.truth import Truth
from extract.simulator.world import DEMO_TOKEN, Vehicle, World, demo_world

__all__ = [
    "DEMO_TOKEN",
    "FLOWS",
    "POWERS",
    "Asked",
    "ChargeSession",
    "DayTruth",
    "Outage",
    "SimulatorServer",
    "SiteSpec",
    "Truth",
    "Vehicle",
    "World",
    "ZoneMode",
    "demo_world",
    "serve",
]
