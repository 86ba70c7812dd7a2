"""Files as other tools write them, made from what really happened at a simulated site, and how to shape them."""

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np

from extract.archive.record import ArchiveRecord
from extract.simulator import FLOWS, SiteSpec, Truth
from extract.simulator.local_day import days_between
from transform.imports.shape import shape_history
from transform.responses import Tables
from transform.site_equipment import ALWAYS
from transform.sites import Site
from wattlog.imported_paths import ImportedPath
from wattlog.series_spec import Series

IMPORTED_AT = datetime(2026, 6, 1, 12, tzinfo=UTC)
POWER_COLUMNS = ("solar_power", "battery_power", "grid_power", "load_power")
APP = "Date time,Home (kWh),From Powerwall (kWh),Solar Energy (kWh),From Grid (kWh),To Grid (kWh)"
APP_DAY = "Date time,Home (kW),Solar (kW),Powerwall (kW),Grid (kW),Energy Remaining (%)"

Stamp = Callable[[datetime], str]
"""How a tool writes an instant on the site's clock."""


def naive(local: datetime) -> str:
    """On the clock, without an offset."""
    return f"{local:%Y-%m-%d %H:%M:%S}"


def with_offset(local: datetime) -> str:
    """With the offset."""
    return local.isoformat()


@dataclass(frozen=True)
class House:
    """A simulated site, and the same as `transform` sees it.

    Attributes:
        truth: What really happened.
        site: The site.
    """

    truth: Truth
    site: Site

    def locals(self, day: date) -> list[datetime]:
        """The beginnings of the day's slots on the site's clock."""
        seconds = self.truth.day(day).interval_start.astype(np.int64).tolist()
        return [datetime.fromtimestamp(second, UTC).astimezone(self.site.zone) for second in seconds]

    def totals(self, day: date) -> dict[str, float]:
        """The energy of a day in Wh: the totals that wattlog compares."""
        flows = self.truth.daily_wh(day)

        def total(prefix: str) -> float:
            return float(sum(wh for name, wh in flows.items() if name.startswith(prefix)))

        return {
            "home_wh": total("consumer_energy_imported_from_"),
            "grid_export_wh": total("grid_energy_exported_from_"),
            "battery_charge_wh": total("battery_energy_imported_from_"),
            **{f"{name}_wh": float(flows[name]) for name in TOTAL_FLOWS},
        }


TOTAL_FLOWS = ("solar_energy_exported", "grid_energy_imported", "battery_energy_exported")


def house(zone: str = "America/Los_Angeles") -> House:
    """A site in a zone, with solar and a battery."""
    spec = SiteSpec(site_id=77, time_zone=zone, installed_at=datetime(2010, 1, 1, tzinfo=UTC), seed=7)
    return House(Truth(spec), site_in(zone))


def site_in(zone: str, *, has_battery: bool = True) -> Site:
    """A site as `transform` sees it."""
    return Site(
        77, "Ridge", "battery", zone, "setting", datetime(2010, 1, 1, tzinfo=UTC), True, has_battery, True, 0,
        None, None, None, "ok", battery=ALWAYS,
    )  # fmt: skip


# --- writers ----------------------------------------------------------------------------------------------------------


def solar_download_power(house: House, day: date, stamp: Stamp = naive) -> str:
    """`power/YYYY-MM-DD.csv` of tesla-solar-download."""
    found = house.truth.day(day).power
    watts = [found[name] for name in ("solar_power", "battery_power", "grid_power")]
    load = sum(watts) + found["generator_power"]
    rows = zip(house.locals(day), *watts, load, strict=True)
    lines = [",".join((stamp(local), *(repr(float(value)) for value in values))) for local, *values in rows]
    return "\n".join([",".join(("timestamp", *POWER_COLUMNS)), *lines, ""])


def solar_download_soe(house: House, day: date, stamp: Stamp = naive) -> str:
    """`soe/YYYY-MM-DD.csv` of tesla-solar-download."""
    found = house.truth.day(day)
    locals_ = [
        datetime.fromtimestamp(at, UTC).astimezone(house.site.zone) for at in found.soe_start.astype(np.int64).tolist()
    ]
    lines = [f"{stamp(local)},{pct}" for local, pct in zip(locals_, found.soe_pct.tolist(), strict=True)]
    return "\n".join(["timestamp,soe", *lines, ""])


def solar_download_energy(
    house: House, first: date, last: date, stamp: Callable[[date], str], names: Sequence[str] = FLOWS
) -> str:
    """`energy/YYYY-MM.csv` of tesla-solar-download."""
    lines = [",".join(("timestamp", *names))]
    for day in days_between(first, last):
        flows = house.truth.daily_wh(day)
        lines.append(",".join((stamp(day), *(str(flows[name]) for name in names))))
    return "\n".join([*lines, ""])


def tesla_app_period(house: House, first: date, last: date, *, vehicle: bool = False) -> str:
    """The app's export of a month or a week: kWh in tenths, 01:00 until November 2023 and 00:00 since."""
    header = APP.replace("(kWh),From P", "(kWh),Vehicle (kWh),From P") if vehicle else APP
    lines = [header]
    for day in days_between(first, last):
        totals = house.totals(day)
        hour = 1 if day < date(2023, 12, 1) else 0
        local = datetime(day.year, day.month, day.day, hour, tzinfo=house.site.zone)
        names = ["home_wh", *(f"{name}_wh" for name in ("battery_energy_exported", "solar_energy_exported"))]
        values = [totals[name] for name in (*names, "grid_energy_imported_wh", "grid_export_wh")]
        values = [values[0], 3200.0, *values[1:]] if vehicle else values
        lines.append(",".join((local.isoformat(), *(f"{value / 1000:.1f}" for value in values))))
    return "\n".join([*lines, ""])


def tesla_app_day(house: House, day: date) -> str:
    """The app's export of a day: kW."""
    found = house.truth.day(day).power
    load = found["solar_power"] + found["battery_power"] + found["grid_power"] + found["generator_power"]
    columns = (load, found["solar_power"], found["battery_power"], found["grid_power"])
    rows = zip(house.locals(day), *columns, strict=True)
    lines = [
        f"{local.isoformat()},{','.join(repr(float(value) / 1000) for value in values)},50" for local, *values in rows
    ]
    return "\n".join([APP_DAY, *lines, ""])


def tesla_app_solar_only(house: House, first: date, last: date) -> bytes:
    """The app's export of a month of a site without a battery and a meter."""
    lines = ["Date time,Solar Energy (kWh)"]
    for day in days_between(first, last):
        wh = house.truth.daily_wh(day)["solar_energy_exported"]
        local = datetime(day.year, day.month, day.day, 1, tzinfo=house.site.zone)
        lines.append(f"{local.isoformat()},{wh / 1000:.1f}")
    return b"\xef\xbb\xbf" + "\r\n".join([*lines, ""]).encode()


def dashboard_export(house: House, days: Iterable[date]) -> str:
    """`export.csv` of Powerwall-Dashboard, in UTC."""
    lines = ["TimeStamp,Solar,Powerwall,Home,Grid,Charge"]
    for day in days:
        truth = house.truth.day(day)
        found = truth.power
        load = found["solar_power"] + found["battery_power"] + found["grid_power"] + found["generator_power"]
        columns = (found["solar_power"], found["battery_power"], load, found["grid_power"])
        for at, *values in zip(truth.interval_start.astype(np.int64).tolist(), *columns, strict=True):
            stamp = f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"
            lines.append(",".join((stamp, *(repr(float(value)) for value in values), "52.5")))
    return "\n".join([*lines, ""])


# --- shaping ----------------------------------------------------------------------------------------------------------


def records(
    series: Series,
    files: Mapping[str, str | bytes],
    *,
    import_id: str = "20260601T120000.000000Z",
    at: datetime = IMPORTED_AT,
    part_bytes: int | None = None,
) -> list[ArchiveRecord]:
    """Files as the raw archive has them, in one part each or in several."""
    found = []
    for name, text in sorted(files.items()):
        content = text.encode() if isinstance(text, str) else text
        parts = list(_parts(content, part_bytes or len(content) + 1))
        for number, part in enumerate(parts, start=1):
            path = str(ImportedPath(series, "download", name, number, len(parts)))
            raw_id = f"{import_id}-{name}-{number}"
            found.append(ArchiveRecord(raw_id, import_id, 77, series, path, at.date(), at.date(), at, 200, part))
    return found


def _parts(content: bytes, size: int) -> Iterator[bytes]:
    while content:
        end = content.find(b"\n", size) + 1
        cut = end or len(content)
        yield content[:cut]
        content = content[cut:]


def shaped(series: Series, files: Mapping[str, str | bytes], site: Site, *, part_bytes: int | None = None) -> Tables:
    """The tables of some files."""
    return shape_history(records(series, files, part_bytes=part_bytes), site)


def app_exports() -> dict[str, str | bytes]:
    """The real exports of the Tesla app."""
    folder = Path(__file__).parent / "golden" / "tesla_app_exports"
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.csv"))}


# --- databases --------------------------------------------------------------------------------------------------------


def pypowerwall_database(house: House, path: Path, first: date, last: date, *, wal: bool = False) -> None:
    """The database of pypowerwall-server: a sample every five minutes, energy of days, and a temperature."""
    with closing(sqlite3.connect(path)) as connection:
        if wal:
            connection.execute("pragma journal_mode=wal")
        connection.executescript("""
            create table samples (gateway_id text not null, ts real not null, solar_w real, home_w real,
                battery_charge_w real, battery_discharge_w real, grid_import_w real, grid_export_w real, soe real,
                primary key (gateway_id, ts));
            create table daily_energy (gateway_id text not null, day text not null, solar_kwh real, home_kwh real,
                battery_charge_kwh real, battery_discharge_kwh real, grid_import_kwh real, grid_export_kwh real,
                last_sample_ts real, updated_at real, primary key (gateway_id, day));
            create table device_series (series_id integer primary key, gateway_id text, device text, metric text, unit text);
            create table device_samples (series_id integer, ts integer, value real, primary key (series_id, ts));
            insert into device_series values (1, 'default', 'TEPOD--1', 'pack_temp_max', '°C');
        """)
        for day in days_between(first, last):
            truth, totals = house.truth.day(day), house.totals(day)
            found = truth.power
            home = found["solar_power"] + found["battery_power"] + found["grid_power"] + found["generator_power"]
            columns = (
                truth.interval_start.astype(np.float64),
                found["solar_power"],
                home,
                np.maximum(-found["battery_power"], 0),
                np.maximum(found["battery_power"], 0),
                np.maximum(found["grid_power"], 0),
                np.maximum(-found["grid_power"], 0),
            )
            rows = [("default", *(float(value) for value in row), 50.0) for row in zip(*columns, strict=True)]
            connection.executemany("insert into samples values (?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)
            names = ("solar_energy_exported_wh", "home_wh", "battery_charge_wh", "battery_energy_exported_wh")
            kwh = [totals[name] / 1000 for name in (*names, "grid_energy_imported_wh", "grid_export_wh")]
            values = ("default", day.isoformat(), *kwh, 0.0, 0.0)
            connection.execute("insert into daily_energy values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", values)
            ticks = [(1, int(at), 25.5) for at in truth.interval_start.astype(np.int64)[::12].tolist()]
            connection.executemany("insert into device_samples values (?, ?, ?)", ticks)
        connection.commit()
        if wal:
            connection.execute("pragma wal_checkpoint(truncate)")


STATISTICS = {
    "sensor.my_home_solar_energy_exported": "solar_energy_exported_wh",
    "sensor.my_home_grid_energy_imported": "grid_energy_imported_wh",
    "sensor.my_home_grid_exported": "grid_export_wh",
    "sensor.my_home_battery_discharged": "battery_energy_exported_wh",
    "sensor.my_home_battery_charged": "battery_charge_wh",
    "sensor.my_home_home_usage": "home_wh",
}


def home_assistant_database(
    house: House, path: Path, first: date, last: date, names: dict[str, str] | None = None
) -> None:
    """Home Assistant's statistics: counters in kWh by the hour, with the hour before the first day."""
    chosen = STATISTICS if names is None else names
    prefixes = {
        "home_wh": "consumer_energy_imported_from_",
        "grid_export_wh": "grid_energy_exported_from_",
        "battery_charge_wh": "battery_energy_imported_from_",
    }
    with closing(sqlite3.connect(path)) as connection:
        connection.executescript("""
            create table statistics_meta (id integer primary key, statistic_id text, source text,
                unit_of_measurement text, has_mean integer, has_sum integer, name text);
            create table statistics (id integer primary key, metadata_id integer, start_ts float, mean float,
                state float, sum float);
            insert into statistics_meta values (99, 'sensor.outside_temperature', 'recorder', '°C', 1, 0, null);
        """)
        for number, (name, target) in enumerate(chosen.items(), start=1):
            meta = (number, name, "recorder", "kWh", 0, 1, None)
            connection.execute("insert into statistics_meta values (?, ?, ?, ?, ?, ?, ?)", meta)
            total, rows = 5_000_000.0, list[tuple[int, float, float]]()
            for day in days_between(first, last):
                truth = house.truth.day(day)
                starts = truth.interval_start.astype(np.int64)
                prefix = prefixes.get(target, target.removesuffix("_wh"))
                wh = np.sum([truth.flows[flow] for flow in FLOWS if flow.startswith(prefix)], axis=0)
                if not rows:
                    rows.append((number, float(starts[0] - 3600), total / 1000))
                for hour in range(0, len(starts), 12):
                    total += float(wh[hour : hour + 12].sum())
                    rows.append((number, float(starts[hour]), total / 1000))
            connection.executemany("insert into statistics (metadata_id, start_ts, sum) values (?, ?, ?)", rows)
        connection.commit()


def influx_export(house: House, days: Iterable[date]) -> str:
    """`influx_inspect export` of Powerwall-Dashboard: field by field, the points of each month by themselves."""
    points: dict[tuple[str, str], list[str]] = {}
    for day in days:
        truth = house.truth.day(day)
        found = truth.power
        load = found["solar_power"] + found["battery_power"] + found["grid_power"] + found["generator_power"]
        fields = {
            "home": load,
            "solar": found["solar_power"],
            "from_pw": np.maximum(found["battery_power"], 0),
            "to_pw": np.maximum(-found["battery_power"], 0),
            "from_grid": np.maximum(found["grid_power"], 0),
            "to_grid": np.maximum(-found["grid_power"], 0),
            "percentage": np.full(len(load), 52.5),
        }
        for at, second in enumerate(truth.interval_start.astype(np.int64).tolist()):
            month = f"{datetime.fromtimestamp(second, UTC):%b}"
            for name, values in fields.items():
                line = f"http,month={month},year=2024 {name}={float(values[at])!r} {second}000000000"
                points.setdefault((month, name), []).append(line)
    head = ["# INFLUXDB EXPORT: 1677-09-21", "# DDL", "CREATE DATABASE powerwall WITH NAME autogen", "# DML"]
    raw = [
        "# CONTEXT-DATABASE:powerwall",
        "# CONTEXT-RETENTION-POLICY:raw",
        "http,month=Nov load_instant_power=1.5 1730419200000000000",
    ]
    minutes = ["# CONTEXT-DATABASE:powerwall", "# CONTEXT-RETENTION-POLICY:autogen", "# writing tsm data"]
    lines = [line for key in sorted(points) for line in points[key]]
    return "\n".join([*head, *raw, *minutes, *lines, ""])
