"""A simulated energy site, declared as data.

`truth.simulated_day` computes a day of energy from a `SiteSpec`; the endpoints compute their responses from it.
"""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from enum import StrEnum
from typing import Any, Final

from extract.simulator.anomalies.anomaly import Anomaly
from wattlog.zones import Zone

FIVE_MINUTE_SINCE = date(2024, 4, 8)
"""First local day for which period=day returns five-minute rows instead of one row at 01:00. Source: Q10."""


class ZoneMode(StrEnum):
    """How responses give the time zone of a site (Q7, Q8)."""

    NAMED = "named"
    MISSING = "missing"
    EMPTY = "empty"
    NOT_IANA = "not_iana"
    FIXED_OFFSET = "fixed_offset"


class SerialStyle(StrEnum):
    """How responses give the serial number of the gateway (Q39)."""

    GIVEN = "given"
    EMPTY = "empty"
    MISSING = "missing"


class ChargeKey(StrEnum):
    """Key of the charge sessions in telemetry_history; the API has used both (API.md#charge-sessions)."""

    CHARGE_HISTORY = "charge_history"
    TIME_SERIES = "time_series"


class Mode(StrEnum):
    """Values of `default_real_mode`."""

    SELF_CONSUMPTION = "self_consumption"
    AUTONOMOUS = "autonomous"
    BACKUP = "backup"


ABSENT: Final = "absent"
"""The value of a key that is missing from then on."""

RESERVE_KEY: Final = "backup_reserve_percent"
MODE_KEY: Final = "default_real_mode"
NO_GRID_CHARGING_KEY: Final = "components.disallow_charge_from_grid_with_solar_installed"
EXPORT_RULE_KEY: Final = "components.customer_preferred_export_rule"


class ExportRule(StrEnum):
    """Values of `customer_preferred_export_rule`; a site without one exports everything (Q55)."""

    EVERYTHING = "battery_ok"
    SOLAR = "pv_only"
    NEVER = "never"


@dataclass(frozen=True, slots=True)
class SettingsChange:
    """Values that a control command set, as site_info shows them from an instant on.

    Attributes:
        since: First instant of the new values.
        values: Keys of site_info, `components.` and `user_settings.` before those that are inside of these, and their new
            values; `ABSENT` for a key that is then missing.
        is_followed: Whether the battery follows a reserve, a mode, the rule of export, or the flag of grid charging, from the
            next local day on; site_info alone does not show it (Q64).
    """

    since: datetime
    values: tuple[tuple[str, object], ...]
    is_followed: bool = False


@dataclass(frozen=True, slots=True)
class CarCharge:
    """A charge at a wall connector that a command began.

    Attributes:
        connector: The wall connector.
        pieces: First and last second, the latter not included, and power in W of each part with one current, in order.
    """

    connector: int
    pieces: tuple[tuple[int, int, int], ...]

    @property
    def start_s(self) -> int:
        """When it began, epoch seconds."""
        return self.pieces[0][0]

    @property
    def end_s(self) -> int:
        """When it ends, epoch seconds."""
        return self.pieces[-1][1]


@dataclass(frozen=True, slots=True)
class EarlierZone:
    """A zone by which the server divided time into days before it was corrected.

    Attributes:
        until: First instant of the next zone.
        time_zone: IANA name.
    """

    until: datetime
    time_zone: str


@dataclass(frozen=True, slots=True)
class SiteSpec:
    """One energy site. It has a battery, solar, a generator, or wall connectors if their size is not zero.

    Attributes:
        site_id: `energy_site_id`; up to 16 digits.
        site_name: Name given by the owner.
        time_zone: Real IANA zone. Local days, and so the truth, are of this zone, whatever `zone_mode` is.
        installed_at: Aware instant of the installation; no slot begins before it.
        latitude: Degrees north; with the longitude it determines the elevation of the sun.
        longitude: Degrees east.
        solar_peak_w: Peak solar power; 0 for none.
        battery_energy_wh: Energy of the full battery; 0 for none.
        battery_power_w: Largest power of charge and discharge. Three hours of it must fill the battery, so that every
            evening can reach the level at which the next day begins.
        battery_count: Number of batteries; energy and power are those of all together.
        battery_fade_pct_per_year: How much of its energy the full battery loses each year, evenly, from the installation on.
        battery_rated_wh: Rated energy where the full battery has less by now; None: it is `battery_energy_wh`.
        battery_since: First local day of the battery and the grid meter that comes with it: before it the site is solar only,
            and reports only solar. None: the site was installed with them.
        backup_reserve_pct: Lowest level to which the battery is discharged.
        export_rule: What the site exports.
        has_grid_charging: Whether the battery may be charged from the grid.
        home_mean_w: Approximate mean power of the home, without charging of vehicles.
        wall_connectors: Number of wall connectors; with at least one, a vehicle charges on some nights.
        generator_w: Power of the generator, which runs every Sunday at noon and during outages; 0 for none.
        has_grid_meter: Without one (solar only) the API reports only solar (Q16, Q43).
        outages_per_year: Approximate number of outages in a year.
        vpp_events_per_year: Approximate number of evenings in a year on which the battery exports for grid services (Q31).
        zone_mode: How responses give the zone.
        info_zone_mode: How site_info gives it, where that differs from the history.
        fixed_offset_minutes: Offset of a site with `ZoneMode.FIXED_OFFSET` that never changes; None: the offset in force at the
            request.
        earlier_zones: Zones of the server that were wrong, in order of time; the truth's days are of `time_zone` throughout.
        serial_style: How responses give the serial number.
        power_interval_s: Interval length of kind=power: 300, or 900 on older solar-only sites.
        omits_night_rows: kind=power leaves out rows in which all values are zero (Q15).
        five_minute_since: First day of the five-minute era (Q10).
        has_sub_daily_periods: Weeks and months have five-minute rows, too (Q10).
        has_midnight_garbage: interval=15m with an `end_date` of exactly midnight returns meaningless numbers (Q2).
        firmware_version: `version` of site_info.
        mode: Operating mode; only `autonomous` sites have time_of_use_energy.
        follows_tariff: Whether the battery charges and gives by the bands of the tariff: in mode `autonomous`, once a command
            has set it. A site that was declared in that mode keeps days that do not depend on each other.
        has_tariff: The site has a tariff, and so savings and tariff_rate.
        tariff_changes_on: Local day from which a second tariff is valid; None if the first one stays.
        charge_key: Key of the charge sessions in telemetry_history.
        backup_page_size: Events on a page of kind=backup.
        has_backup_loop: The last page of kind=backup names itself as the next one (a paging bug that clients must handle).
        state: State of the address; the address is invented except for state and country.
        country: Country of the address.
        offline_since: From this instant on the gateway is offline: live_status keeps the values and the timestamp of that
            instant. None: the gateway is never offline.
        settings_changes: Values that control commands set, in order of time.
        car_charges: Charges that commands to cars began, in order of time.
        anomalies: Deviations of the responses from what happened, applied in order.
        seed: Seed of all random numbers of the site.
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
    battery_fade_pct_per_year: float = 0.0
    battery_rated_wh: int | None = None
    battery_since: date | None = None
    backup_reserve_pct: int = 20
    export_rule: ExportRule = ExportRule.EVERYTHING
    has_grid_charging: bool = True
    home_mean_w: int = 1_000
    wall_connectors: int = 0
    generator_w: int = 0
    has_grid_meter: bool = True
    outages_per_year: float = 6.0
    vpp_events_per_year: float = 0.0
    zone_mode: ZoneMode = ZoneMode.NAMED
    info_zone_mode: ZoneMode | None = None
    fixed_offset_minutes: int | None = None
    earlier_zones: tuple[EarlierZone, ...] = ()
    serial_style: SerialStyle = SerialStyle.GIVEN
    power_interval_s: int = 300
    omits_night_rows: bool = False
    five_minute_since: date = FIVE_MINUTE_SINCE
    has_sub_daily_periods: bool = False
    has_midnight_garbage: bool = True
    firmware_version: str = "25.18.3 4d1c9f0a"
    mode: Mode = Mode.SELF_CONSUMPTION
    has_tariff: bool = False
    tariff_changes_on: date | None = None
    charge_key: ChargeKey = ChargeKey.CHARGE_HISTORY
    backup_page_size: int = 20
    has_backup_loop: bool = False
    state: str = "CA"
    country: str = "US"
    offline_since: datetime | None = None
    follows_tariff: bool = False
    settings_changes: tuple[SettingsChange, ...] = ()
    car_charges: tuple[CarCharge, ...] = ()
    anomalies: tuple[Anomaly, ...] = ()
    seed: int = 1

    def __post_init__(self) -> None:
        if self.installed_at.tzinfo is None:
            raise ValueError("installed_at has no offset; give an aware datetime")
        if self.offline_since is not None and self.offline_since.tzinfo is None:
            raise ValueError("offline_since has no offset; give an aware datetime")
        if self.battery_power_w * 3 < self.battery_energy_wh:
            raise ValueError("battery_power_w is too small to fill battery_energy_wh in three hours; raise it")
        if self.backup_page_size < 1:
            raise ValueError("backup_page_size must be at least 1")
        if self.power_interval_s not in {300, 900}:
            raise ValueError("power_interval_s must be 300 or 900")
        if not self.has_grid_meter and self.has_battery:
            raise ValueError("a battery site always has a grid meter; set has_grid_meter=True")

    @property
    def zone(self) -> Zone:
        """The real zone."""
        return Zone(self.time_zone)

    def on(self, day: date) -> "SiteSpec":
        """The site with the equipment that it has on a local day."""
        if self.battery_since is None or day >= self.battery_since:
            return self._faded(day)
        return replace(
            self, battery_energy_wh=0, battery_power_w=0, battery_count=0, battery_since=None, has_grid_meter=False
        )

    def _faded(self, day: date) -> "SiteSpec":
        """The site with what its battery can hold on a day. The rated energy is that of the site itself."""
        if not self.battery_fade_pct_per_year:
            return self
        years = (day - (self.battery_since or self.installed_at.astimezone(self.zone).date())).days / 365.25
        share = max(0.0, 1 - max(0.0, years) * self.battery_fade_pct_per_year / 100)
        return replace(
            self,
            battery_energy_wh=round(self.battery_energy_wh * share),
            battery_rated_wh=self.rated_energy_wh,
            battery_fade_pct_per_year=0.0,
        )

    @property
    def rated_energy_wh(self) -> int:
        """Rated energy of the batteries, which does not fade."""
        return self.battery_energy_wh if self.battery_rated_wh is None else self.battery_rated_wh

    @property
    def has_battery(self) -> bool:
        """Whether the site has a battery."""
        return self.battery_energy_wh > 0

    @property
    def has_solar(self) -> bool:
        """Whether the site has solar panels."""
        return self.solar_peak_w > 0

    @property
    def reserve_wh(self) -> int:
        """Energy that stays in the battery for an outage: all of it in mode backup (Q51)."""
        percent = 100 if self.mode is Mode.BACKUP else self.backup_reserve_pct
        return self.battery_energy_wh * percent // 100

    def as_of(self, instant_s: int) -> "SiteSpec":
        """The site with the settings of the battery in force at an instant, in epoch seconds."""
        found: dict[str, Any] = {}
        for change in self.battery_changes:
            if change.since.timestamp() <= instant_s:
                found |= dict(change.values)
        if not found:
            return self
        rule = found.get(EXPORT_RULE_KEY, self.export_rule)
        return replace(
            self,
            mode=Mode(found.get(MODE_KEY, self.mode)),
            backup_reserve_pct=int(found.get(RESERVE_KEY, self.backup_reserve_pct)),
            export_rule=ExportRule.EVERYTHING if rule == ABSENT else ExportRule(rule),
            has_grid_charging=found.get(NO_GRID_CHARGING_KEY, not self.has_grid_charging) is not True,
            follows_tariff=self.has_tariff and found.get(MODE_KEY) == Mode.AUTONOMOUS,
        )

    @property
    def battery_changes(self) -> tuple[SettingsChange, ...]:
        """The changes of settings that the battery follows."""
        return tuple(
            change
            for change in self.settings_changes
            if change.is_followed and _FOLLOWED & {name for name, _ in change.values}
        )

    @property
    def carries_since(self) -> datetime | None:
        """The first instant at which export or grid charging is limited, or the battery follows the tariff; None where it never
        is. From then on a battery cannot always reach the level of the next day."""
        if self.export_rule is not ExportRule.EVERYTHING or not self.has_grid_charging:
            return self.installed_at
        limits = (
            change.since
            for change in self.battery_changes
            for name, value in change.values
            if (name in _LIMITS and value not in (ABSENT, ExportRule.EVERYTHING))
            or (name == MODE_KEY and value == Mode.AUTONOMOUS and self.has_tariff)
        )
        return min(limits, default=None)


_LIMITS: Final = frozenset({EXPORT_RULE_KEY, NO_GRID_CHARGING_KEY})
_FOLLOWED: Final = _LIMITS | {RESERVE_KEY, MODE_KEY}
