"""A local server of the energy-site history API, with a known truth to compare with.

Tests and the demo compare the results of the pipeline with `World.truth(site_id)`. `README.md` lists the behaviours of the
real API that are simulated, each with its test.
"""

from extract.simulator.anomalies.anomaly import Anomaly, Injection
from extract.simulator.anomalies.events import OutageInParts
from extract.simulator.anomalies.readings import MeterOffset, OddReadings, OddStyle
from extract.simulator.anomalies.rollups import (
    AllocationShift,
    InvertedCt,
    MidnightZero,
    MonthDropsDay,
    RollupDrift,
    WeeklySundays,
    inverted_ct,
)
from extract.simulator.anomalies.rows import CloudGap, DuplicateInstants, GapStyle, LateData, ProvisionalHours
from extract.simulator.anomalies.shapes import KilowattHours, MissingColumns, OmittedMeasures, UnknownColumn
from extract.simulator.anomalies.windows import EarlierDays, LaggingWindow, Stamps, WrongWindow
from extract.simulator.conditions import Conditions
from extract.simulator.endpoints.cars import CarBehaviour
from extract.simulator.endpoints.commands import AnswerForm, CommandBehaviour, Refusal
from extract.simulator.endpoints.tariff import dated_tariffs
from extract.simulator.faults.plan import Fault, FaultPlan, Rule, Where
from extract.simulator.faults.rate_limit import RateLimit
from extract.simulator.login.authority import DEMO_REFRESH_TOKEN, OAuthSetup
from extract.simulator.measures import FLOWS, POWERS
from extract.simulator.scenarios import SCENARIOS, Scenario, scenario
from extract.simulator.server import ReceivedRequest, SimulatorServer, serve
from extract.simulator.site import ChargeKey, EarlierZone, Mode, SerialStyle, SettingsChange, SiteSpec, ZoneMode
from extract.simulator.table import Series
from extract.simulator.truth.outage import Outage
from extract.simulator.truth.outages_and_charging import ChargeSession
from extract.simulator.truth.simulated_day import DayTruth
from extract.simulator.truth.site_truth import Truth
from extract.simulator.worlds.personalities import personality_world
from extract.simulator.worlds.quirks import quirky_world
from extract.simulator.worlds.vehicle import CarState, Envelope, Fee, Plug, PublicSession, Signing, Vehicle
from extract.simulator.worlds.world import DEMO_TOKEN, StaleResponse, StaleSite, World, demo_world

__all__ = [
    "DEMO_REFRESH_TOKEN",
    "DEMO_TOKEN",
    "FLOWS",
    "POWERS",
    "SCENARIOS",
    "AllocationShift",
    "Anomaly",
    "AnswerForm",
    "CarBehaviour",
    "CarState",
    "ChargeKey",
    "ChargeSession",
    "CloudGap",
    "CommandBehaviour",
    "Conditions",
    "DayTruth",
    "DuplicateInstants",
    "EarlierDays",
    "EarlierZone",
    "Envelope",
    "Fault",
    "FaultPlan",
    "Fee",
    "GapStyle",
    "Injection",
    "InvertedCt",
    "KilowattHours",
    "LaggingWindow",
    "LateData",
    "MeterOffset",
    "MidnightZero",
    "MissingColumns",
    "Mode",
    "MonthDropsDay",
    "OAuthSetup",
    "OddReadings",
    "OddStyle",
    "OmittedMeasures",
    "Outage",
    "OutageInParts",
    "Plug",
    "ProvisionalHours",
    "PublicSession",
    "RateLimit",
    "ReceivedRequest",
    "Refusal",
    "RollupDrift",
    "Rule",
    "Scenario",
    "SerialStyle",
    "Series",
    "SettingsChange",
    "Signing",
    "SimulatorServer",
    "SiteSpec",
    "StaleResponse",
    "StaleSite",
    "Stamps",
    "Truth",
    "UnknownColumn",
    "Vehicle",
    "WeeklySundays",
    "Where",
    "World",
    "WrongWindow",
    "ZoneMode",
    "dated_tariffs",
    "demo_world",
    "inverted_ct",
    "personality_world",
    "quirky_world",
    "scenario",
    "serve",
]
