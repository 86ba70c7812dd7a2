"""A local server of the energy-site history API that knows what really happened.

Tests and the demo compare what came out of the pipeline with `World.truth(site_id)`; `README.md` says which behaviour of
the real API is shown by which test.
"""

from extract.simulator.authority import DEMO_REFRESH_TOKEN, OAuthSetup
from extract.simulator.conditions import Conditions
from extract.simulator.contradiction import Cause, Contradiction, Injection
from extract.simulator.faults import Fault, FaultPlan, Rule, Where
from extract.simulator.limits import RateLimit
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
from extract.simulator.scenarios import SCENARIOS, Scenario, scenario
from extract.simulator.server import Asked, SimulatorServer, serve
from extract.simulator.shape_contradictions import KilowattHours, MissingColumns, UnknownColumn
from extract.simulator.simulated_day import DayTruth
from extract.simulator.site import ChargeKey, Mode, SerialStyle, SettingsChange, SiteSpec, ZoneMode
from extract.simulator.table import Series
from extract.simulator.truth import Truth
from extract.simulator.world import DEMO_TOKEN, StaleAnswer, StaleSite, Vehicle, World, demo_world

__all__ = [
    "DEMO_REFRESH_TOKEN",
    "DEMO_TOKEN",
    "FLOWS",
    "POWERS",
    "SCENARIOS",
    "AllocationShift",
    "Asked",
    "Cause",
    "ChargeKey",
    "ChargeSession",
    "CloudGap",
    "Conditions",
    "Contradiction",
    "DayTruth",
    "DuplicateInstants",
    "Fault",
    "FaultPlan",
    "GapStyle",
    "Injection",
    "InvertedCt",
    "KilowattHours",
    "MidnightZero",
    "MissingColumns",
    "Mode",
    "MonthDropsDay",
    "OAuthSetup",
    "Outage",
    "ProvisionalHours",
    "RateLimit",
    "RollupDrift",
    "Rule",
    "Scenario",
    "SerialStyle",
    "Series",
    "SettingsChange",
    "SimulatorServer",
    "SiteSpec",
    "StaleAnswer",
    "StaleSite",
    "Truth",
    "UnknownColumn",
    "Vehicle",
    "Where",
    "World",
    "WrongWindow",
    "ZoneMode",
    "demo_world",
    "inverted_ct",
    "personality_world",
    "quirky_world",
    "scenario",
    "serve",
]
