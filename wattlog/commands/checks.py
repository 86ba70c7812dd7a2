"""What is known about a change before it is sent: what makes it impossible, what speaks against it, what is worth knowing."""

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, NamedTuple

from wattlog.commands.settings import COMPONENTS, SETTINGS, USER_SETTINGS, Json, Setting, SettingSpec


class Weight(StrEnum):
    """How much a remark counts."""

    IMPOSSIBLE = "impossible"
    """The change is not sent."""
    ADVICE = "advice"
    """The change is sent only if the person insists (`--force`)."""
    NOTE = "note"


class Remark(NamedTuple):
    """One sentence about a change."""

    weight: Weight
    sentence: str


NOT_HONOURED = range(81, 100)
"""Reserves that gateways replace by 80 or 100 since firmware 25.18.4, except in mode backup (Q48)."""


def remarks(spec: SettingSpec, text: str, info: Json) -> list[Remark]:
    """Everything to say about a change before it is sent; empty where there is nothing.

    Args:
        spec: The setting.
        text: The value asked, as people write it.
        info: The site_info of the site.
    """
    components = info.get(COMPONENTS)
    found = components if isinstance(components, Mapping) else {}
    return [*_equipment(spec, found), *_permission(spec, text, found), *_value(spec, text, info)]


def _equipment(spec: SettingSpec, components: Json) -> Iterator[Remark]:
    for name in spec.needs:
        if not components.get(name):  # a missing key means no (Q142)
            yield Remark(Weight.IMPOSSIBLE, f"the site has no {name}, so it has no setting {spec.name}")
    if spec.capability is None:
        return
    if components.get(spec.capability) is False:
        yield Remark(Weight.IMPOSSIBLE, f"the site does not offer {spec.name} ({spec.capability} is false)")
    elif not components.get(spec.capability):
        yield Remark(Weight.ADVICE, f"site_info does not say that the site offers {spec.name} ({spec.capability})")


def _permission(spec: SettingSpec, text: str, components: Json) -> Iterator[Remark]:
    """The installation decides without an error: the change is accepted, and nothing happens (Q56)."""
    for name in spec.permission:
        if components.get(name) is False:
            yield Remark(
                Weight.ADVICE, f"the installation does not allow this change ({name} is false): it may have no effect"
            )
    # With the rule `never` both are there (Q55); without a rule, the flag is the installation's.
    has_no_rule = components.get(spec.info_path[-1]) is None
    is_without_export = components.get("non_export_configured") is True and has_no_rule
    if spec.name is Setting.EXPORT and text != "never" and is_without_export:
        yield Remark(Weight.ADVICE, "the site is configured without export: the change may have no effect")


def _value(spec: SettingSpec, text: str, info: Json) -> Iterator[Remark]:
    mode = SETTINGS[Setting.MODE].shown(info)
    if spec.name is Setting.RESERVE:
        if int(text) in NOT_HONOURED and mode != "backup":
            yield Remark(
                Weight.ADVICE, "reserves of 81 to 99 % become 80 or 100 on present gateways: choose one of them"
            )
        if int(text) == 0:
            yield Remark(Weight.NOTE, "some gateways ignored a reserve of 0 and kept the old one; 1 worked")  # Q49
        if mode == "backup":
            yield Remark(Weight.NOTE, "in mode backup the battery stays full, whatever the reserve is")  # Q51
    if spec.name is Setting.STORM_WATCH and _has_null(info, USER_SETTINGS, "storm_mode_enabled"):
        yield Remark(Weight.IMPOSSIBLE, "storm watch is not available at the site")  # Q52
    if spec.name in (Setting.RESERVE, Setting.MODE) and info.get("vpp_backup_reserve_percent") is not None:
        yield Remark(Weight.NOTE, "the site is in a programme of the utility, which may change it again")  # Q74


def _has_null(info: Json, *path: str) -> bool:
    value: Any = info
    for key in path[:-1]:
        value = value.get(key) if isinstance(value, Mapping) else None
    return isinstance(value, Mapping) and path[-1] in value and value[path[-1]] is None
