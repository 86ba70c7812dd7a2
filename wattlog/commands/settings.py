"""The settings that can be changed: one `SettingSpec` holds every fact about a command (Q45).

`wattlog set NAME VALUE` takes the values as people write them. The API has other names for some of them, and one of its flags
is inverted. No other module has the names of endpoints, bodies, or fields of these settings.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

Json = Mapping[str, Any]

COMPONENTS: Final = "components"
USER_SETTINGS: Final = "user_settings"


class Setting(StrEnum):
    """The settings, as `wattlog set` and table `commands` name them."""

    RESERVE = "reserve"
    MODE = "mode"
    STORM_WATCH = "storm-watch"
    EXPORT = "export"
    GRID_CHARGING = "grid-charging"
    OFF_GRID_RESERVE = "off-grid-reserve"
    TARIFF = "tariff"


@dataclass(frozen=True, slots=True)
class Percent:
    """A whole percentage, 0 to 100."""

    form: str = "PCT"

    def parse(self, text: str) -> int:
        """The value of the API.

        Raises:
            ValueError: It is no whole number from 0 to 100.
        """
        digits = text.strip().removesuffix("%").strip()
        if not (digits.isascii() and digits.isdigit() and int(digits) <= 100):
            raise ValueError(f"{text!r} is not a whole number from 0 to 100")
        return int(digits)

    def text(self, value: object) -> str | None:
        """A value of the API as people write it; None where it is none."""
        is_number = isinstance(value, int | float) and not isinstance(value, bool)
        return f"{value:g}" if is_number and 0 <= float(str(value)) <= 100 else None


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few values.

    Attributes:
        values: As people write it → as the API has it.
    """

    values: Mapping[str, Any]

    @property
    def form(self) -> str:
        """The values, as help texts show them."""
        return "|".join(self.values)

    def parse(self, text: str) -> Any:
        """The value of the API.

        Raises:
            ValueError: It is none of the values.
        """
        if text not in self.values:
            raise ValueError(f"{text!r} is not one of {', '.join(self.values)}")
        return self.values[text]

    def text(self, value: object) -> str | None:
        """A value of the API as people write it; one that is not described stays as it is; None where it is none."""
        for text, known in self.values.items():
            if type(value) is type(known) and value == known:
                return text
        return value if isinstance(value, str) and value else None


@dataclass(frozen=True, slots=True)
class Document:
    """A JSON document, which is identified by its checksum: `tariffs.sha256`."""

    form: str = "FILE"

    def parse(self, text: str) -> Any:
        """Documents come from files, which are read elsewhere.

        Raises:
            ValueError: Always.
        """
        raise ValueError(f"{text!r} is not a document")

    def text(self, value: object) -> str | None:
        """The checksum of a document; None where it is none."""
        from wattlog.api_json import checksum  # orjson, which the help text of a command does not need

        return checksum(value) if isinstance(value, Mapping) and value else None


@dataclass(frozen=True, slots=True)
class SettingSpec:
    """Everything about one setting that can be changed.

    Attributes:
        name: The setting.
        endpoint: Last part of the path of the request.
        body_path: Keys of the request's body down to the value.
        info_path: Keys of site_info down to the value.
        values: The values that it can have.
        effect: What the change does, as a sentence for owners with `{value}`.
        needs: Equipment, by the key of `components`, without which the setting does not exist.
        capability: Key of `components` that says whether the site has the setting; None where there is none.
        permission: Keys of `components` that are false where the installation does not allow the change (Q56).
        absent_is: The value that an absent field stands for, once the field has been there (Q54).
        absent_after: Values after whose acceptance the field may be absent, which proves nothing (Q55).
        older_path: Keys of site_info down to the value of sites that have it in an older form (Q123); none where there is none.
        is_in_other_field: Another field of site_info that has the value where the first one is absent.
    """

    name: Setting
    endpoint: str
    body_path: tuple[str, ...]
    info_path: tuple[str, ...]
    values: Percent | Choice | Document
    effect: str
    needs: tuple[str, ...] = ()
    capability: str | None = None
    permission: tuple[str, ...] = ()
    absent_is: str | None = None
    absent_after: frozenset[str] = frozenset()
    older_path: tuple[str, ...] = ()
    is_in_other_field: Callable[[Json], str | None] = field(default=lambda _: None)

    def path(self, site_id: int) -> str:
        """The path of the request, below the provider's address."""
        return f"/api/1/energy_sites/{site_id}/{self.endpoint}"

    def body(self, value: Any) -> dict[str, Any]:
        """The body of the request. Only this setting is in it: another one would be overwritten (Q57).

        Args:
            value: The value of the API.
        """
        for key in reversed(self.body_path):
            value = {key: value}
        return dict(value)

    def value_in_body(self, body: object) -> Any:
        """The value in the body of a request; None where there is none."""
        return _at(body, self.body_path)

    def value_in_info(self, info: object) -> Any:
        """The value of the API in a site_info, of the newer form if there are two; None where there is none."""
        found = _at(info, self.info_path)
        return found or _at(info, self.older_path) if self.older_path else found

    def has_place(self, info: Json) -> bool:
        """Whether a site_info has the object that holds the setting: without it, an absent field means nothing."""
        return isinstance(_at(info, self.info_path[:-1]), Mapping)

    def shown(self, info: Json, *, is_reported: bool = False) -> str | None:
        """The value that a site_info shows, as people write it; None where it shows none.

        Args:
            info: The site_info.
            is_reported: Whether the site has shown the setting before: then an absent field stands for its absent value (Q54).
        """
        found = self.values.text(self.value_in_info(info)) or self.is_in_other_field(info)
        return self.absent_is if found is None and is_reported and self.has_place(info) else found

    def sentence(self, text: str) -> str:
        """What the change does, for a value as people write it."""
        return self.effect.format(value=text)


def _at(value: object, path: tuple[str, ...]) -> Any:
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value


def _never_exports(info: Json) -> str | None:
    """`never` where the rule is absent and the installation exports nothing (Q55)."""
    return "never" if _at(info, (COMPONENTS, "non_export_configured")) is True else None


_SWITCH: Final = Choice({"on": True, "off": False})

_SPECS: Final = (
    SettingSpec(
        Setting.RESERVE,
        "backup",
        ("backup_reserve_percent",),
        ("backup_reserve_percent",),
        Percent(),
        "the battery keeps {value} % for outages; raised above its level, it charges slowly, and later at times of high "
        "prices",  # Q60
        needs=("battery",),
    ),
    SettingSpec(
        Setting.MODE,
        "operation",
        ("default_real_mode",),
        ("default_real_mode",),
        Choice({"self-powered": "self_consumption", "time-based": "autonomous", "backup": "backup"}),  # Q46
        "the battery works in mode {value}: self-powered uses solar first, time-based follows the tariff, backup stays full",
        needs=("battery",),
    ),
    SettingSpec(
        Setting.STORM_WATCH,
        "storm_mode",
        ("enabled",),
        (USER_SETTINGS, "storm_mode_enabled"),
        _SWITCH,
        "storm watch is {value}: while it is on, the battery charges fully before severe weather, from the grid as well",
        needs=("battery",),
        capability="storm_mode_capable",
    ),
    SettingSpec(
        Setting.EXPORT,
        "grid_import_export",
        ("customer_preferred_export_rule",),
        (COMPONENTS, "customer_preferred_export_rule"),
        Choice({"solar": "pv_only", "everything": "battery_ok", "never": "never"}),
        "the site exports: {value}; the permission of the installation limits it",  # Q56
        needs=("battery",),
        permission=("edit_setting_permission_to_export", "edit_setting_energy_exports"),
        absent_after=frozenset({"everything"}),
        is_in_other_field=_never_exports,
    ),
    SettingSpec(
        Setting.GRID_CHARGING,
        "grid_import_export",
        ("disallow_charge_from_grid_with_solar_installed",),
        (COMPONENTS, "disallow_charge_from_grid_with_solar_installed"),
        Choice({"on": False, "off": True}),  # the flag is inverted (Q54)
        "charging the battery from the grid is {value}",
        needs=("battery",),
        permission=("edit_setting_grid_charging",),
        absent_is="on",
    ),
    SettingSpec(
        Setting.OFF_GRID_RESERVE,
        "off_grid_vehicle_charging_reserve",
        ("off_grid_vehicle_charging_reserve_percent",),
        ("off_grid_vehicle_charging_reserve_percent",),
        Percent(),
        "during an outage, cars charge only while the battery has more than {value} %",
        needs=("battery",),
        capability="off_grid_vehicle_charging_reserve_supported",
    ),
    SettingSpec(
        Setting.TARIFF,
        "time_of_use_settings",
        ("tou_settings", "tariff_content_v2"),  # nothing beside it: a strategy would be dropped (Q59)
        ("tariff_content_v2",),
        Document(),
        "the tariff {value:.12} replaces the plan in the app, and steers the battery in mode time-based",
        capability="tou_capable",
        older_path=("tariff_content",),
    ),
)

SETTINGS: Final[dict[str, SettingSpec]] = {spec.name: spec for spec in _SPECS}
"""Every setting by its name, in the order of the help text."""
