"""A local server of the energy-site history API that knows what really happened.

Tests and the demo compare what came out of the pipeline with `World.truth(site_id)`; `README.md` says which behaviour of
the real API is shown by which test.
"""

from extract.simulator.contradiction import Cause, Contradiction, Injection
from extract.simulator.measures import FLOWS, POWERS
from extract.simulator.outages_and_charging import ChargeSession, Outage
from extract.simulator.personalities import personality_world
from extract.simulator.quirks import quirky_world
from extract.simulator.rollup_contradictions import (
    AllocationShift,
    InvertedCt,
    MidnightZero,
    MonthDropsDay,
    RollupDrift,
    inverted_ct,
)
from extract.simulator.row_contradictions import CloudGap, DuplicateInstants, GapStyle, ProvisionalHours, WrongWindow
from extract.simulator.server import Asked, SimulatorServer, serve
from extract.simulator.shape_contradictions import KilowattHours, MissingColumns, UnknownColumn
from extract.simulator.simulated_day import DayTruth
from extract.simulator.site import ChargeKey, Mode, SettingsChange, SiteSpec, ZoneMode
from extract.simulator.table import Series
from extract.simulator.truth import Truth
from extract.simulator.world import DEMO_TOKEN, StaleAnswer, StaleSite, Vehicle, World, demo_world

__all__ = [
    "DEMO_TOKEN",
    "FLOWS",
    "POWERS",
    "AllocationShift",
    "Asked",
    "Cause",
    "ChargeKey",
    "ChargeSession",
    "CloudGap",
    "Contradiction",
    "DayTruth",
    "DuplicateInstants",
    "GapStyle",
    "Injection",
    "InvertedCt",
    "KilowattHours",
    "MidnightZero",
    "MissingColumns",
    "Mode",
    "MonthDropsDay",
    "Outage",
    "ProvisionalHours",
    "RollupDrift",
    "Series",
    "SettingsChange",
    "SimulatorServer",
    "SiteSpec",
    "StaleAnswer",
    "StaleSite",
    "Truth",
    "UnknownColumn",
    "Vehicle",
    "World",
    "WrongWindow",
    "ZoneMode",
    "demo_world",
    "inverted_ct",
    "personality_world",
    "quirky_world",
    "serve",
]
