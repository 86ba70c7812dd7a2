"""What a simulated energy site is: a personality declared as data.

Nothing here computes: `simulated_day` turns a `SiteSpec` into a day of energy, `account` into products and site_info.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from extract.simulator.contradiction import Contradiction

FIVE_MINUTE_SINCE = date(2024, 4, 8)
"""First local day that period=day answers with five-minute rows instead of one row stamped 01:00. Source: Q10."""


class ZoneMode(StrEnum):
    """How a site tells its time zone (Q7, Q8)."""

    NAMED = "named"
    MISSING = "missing"
    EMPTY = "empty"
    NOT_IANA = "not_iana"
    FIXED_OFFSET = "fixed_offset"


class SerialStyle(StrEnum):
    """How an answer gives the gateway's serial number (Q39)."""

    GIVEN = "given"
    EMPTY = "empty"
    MISSING = "missing"


class ChargeKey(StrEnum):
    """Under which key telemetry_history lists charge sessions; both have been seen (API.md §1.3)."""

    CHARGE_HISTORY = "charge_history"
    TIME_SERIES = "time_series"


class Mode(StrEnum):
    """Values of `default_real_mode`."""

    SELF_CONSUMPTION = "self_consumption"
    AUTONOMOUS = "autonomous"
    BACKUP = "backup"


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """What a control command set, as site_info shows it from an instant on.

    Attributes:
        since: First instant of the new values.
        values: Keys of site_info and what they become.
    """

    since: datetime
    values: tuple[tuple[str, object], ...]


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """One energy site. A battery, solar, a generator or wall connectors are there when their size is not zero.

    Attributes:
        site_id: `energy_site_id`; up to 16 digits.
        site_name: Name the owner gave it.
        time_zone: Real IANA zone: local days, and so the truth, are cut by it whatever `zone_mode` tells.
        installed_at: Aware instant; no slot that begins before it exists.
        latitude: Degrees north; with the longitude it gives the sun's course.
        longitude: Degrees east.
        solar_peak_w: Peak solar power; 0 for none.
        battery_energy_wh: Energy of the full battery; 0 for none.
        battery_power_w: Largest battery power, both ways. Three hours of it must fill the battery, so that every
            evening can reach the level that the next morning begins with.
        battery_count: Number of batteries that share the two.
        backup_reserve_pct: Level the battery is not discharged below.
        home_mean_w: About the mean power of the home, without cars.
        wall_connectors: Number of wall connectors; cars charge at night when there is one.
        generator_w: Power of the generator, which runs every Sunday at noon and during outages; 0 for none.
        has_grid_meter: Without one (solar only) the API knows solar and nothing else (Q16, Q43).
        outages_per_year: About how often the grid fails.
        vpp_events_per_year: About how often the battery exports for grid services in the evening (Q31).
        zone_mode: How the site tells its zone.
        serial_style: How the site tells its serial number.
        power_interval_s: Spacing of kind=power: 300, or 900 on older solar-only sites.
        omits_night_rows: kind=power leaves out rows that are all zero (Q15).
        five_minute_since: First day of the five-minute era (Q10).
        has_sub_daily_periods: week and month come as five-minute rows too (Q10).
        has_midnight_garbage: interval=15m asked exactly at midnight gives numbers that mean nothing (Q2).
        firmware_version: `version` of site_info.
        mode: What the battery is for; only `autonomous` sites know time_of_use_energy.
        has_tariff: There is a tariff: savings and tariff_rate answer.
        charge_key: Where telemetry_history lists charge sessions.
        backup_page_size: Events on a page of kind=backup.
        has_backup_loop: The last page of kind=backup points to itself instead of ending (a paging bug to guard against).
        state: State of the address; with the country it is all of it that is not invented.
        country: Country of the address.
        settings_changes: What control commands set, in order of time.
        contradictions: How the answers contradict what happened, applied in order.
        seed: Everything random about the site follows from it.
    """

    site_id: int = 1_000_000_001
    site_name: str = "Test Site"
    time_zone: str = "America/Los_Angeles"
    installed_at: datetime = datetime(2025, 6, 1, 19, 0, tzinfo=UTC)
    latitude: float = 36.9
    longitude: float = -121.3
    solar_peak_w: int = 8_200
    battery_energy_wh: int = 27_000
    battery_power_w: int = 10_000
    battery_count: int = 2
    backup_reserve_pct: int = 20
    home_mean_w: int = 1_000
    wall_connectors: int = 0
    generator_w: int = 0
    has_grid_meter: bool = True
    outages_per_year: float = 6.0
    vpp_events_per_year: float = 0.0
    zone_mode: ZoneMode = ZoneMode.NAMED
    serial_style: SerialStyle = SerialStyle.GIVEN
    power_interval_s: int = 300
    omits_night_rows: bool = False
    five_minute_since: date = FIVE_MINUTE_SINCE
    has_sub_daily_periods: bool = False
    has_midnight_garbage: bool = True
    firmware_version: str = "25.18.3 4d1c9f0a"
    mode: Mode = Mode.SELF_CONSUMPTION
    has_tariff: bool = False
    charge_key: ChargeKey = ChargeKey.CHARGE_HISTORY
    backup_page_size: int = 20
    has_backup_loop: bool = False
    state: str = "CA"
    country: str = "US"
    settings_changes: tuple[SettingsChange, ...] = ()
    contradictions: tuple[Contradiction, ...] = ()
    seed: int = 1

    def __post_init__(self) -> None:
        if self.installed_at.tzinfo is None:
            raise ValueError("installed_at has no offset; give an aware datetime")
        if self.battery_power_w * 3 < self.battery_energy_wh:
            raise ValueError("battery_power_w is too small to fill battery_energy_wh in three hours; raise it")
        if self.backup_page_size < 1:
            raise ValueError("backup_page_size must be at least 1")
        if self.power_interval_s not in {300, 900}:
            raise ValueError("power_interval_s must be 300 or 900")
        if not self.has_grid_meter and self.has_battery:
            raise ValueError("a battery site always has a grid meter; set has_grid_meter=True")

    @property
    def zone(self) -> ZoneInfo:
        """The real zone."""
        return ZoneInfo(self.time_zone)

    @property
    def has_battery(self) -> bool:
        """There is a battery."""
        return self.battery_energy_wh > 0

    @property
    def has_solar(self) -> bool:
        """There are solar panels."""
        return self.solar_peak_w > 0

    @property
    def reserve_wh(self) -> int:
        """Energy that stays in the battery for a backup."""
        return self.battery_energy_wh * self.backup_reserve_pct // 100
