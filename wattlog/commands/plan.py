"""A plan of settings: rules with the days on which they apply, as `wattlog.toml` has them.

    [[plan]]
    setting = "reserve"
    value = 20

    [[plan]]
    setting = "reserve"
    value = 100
    from = 2026-12-20
    until = 2026-12-27

A rule without days applies always. Days are the site's own, both included; `MM-DD` stands for each year. Of several rules for
one setting of a site, the last one that applies counts.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

from wattlog.commands.settings import SETTINGS, Document, SettingSpec

Bound = date | tuple[int, int]
"""A day, or month and day of each year."""

_OF_EACH_YEAR: Final = re.compile(r"(\d\d)-(\d\d)")
_LEAP_YEAR: Final = 2024
_KEYS: Final = frozenset({"setting", "value", "site", "from", "until"})


@dataclass(frozen=True, slots=True)
class PlanRule:
    """One rule.

    Attributes:
        setting: The setting.
        value: The value, as people write it.
        site: The site; None for every site of the account.
        first: First day; None for no beginning.
        last: Last day, included; None for no end.
    """

    setting: str
    value: str
    site: int | None = None
    first: Bound | None = None
    last: Bound | None = None

    @property
    def spec(self) -> SettingSpec:
        """The setting."""
        return SETTINGS[self.setting]

    def applies(self, site_id: int, day: date) -> bool:
        """Whether the rule applies at a site on one of its local days."""
        if self.site not in (None, site_id):
            return False
        if isinstance(self.first, tuple) and isinstance(self.last, tuple):
            return _is_within(self.first, (day.month, day.day), self.last)
        is_begun = not isinstance(self.first, date) or self.first <= day
        return is_begun and (not isinstance(self.last, date) or day <= self.last)


def _is_within(first: tuple[int, int], day: tuple[int, int], last: tuple[int, int]) -> bool:
    if first <= last:
        return first <= day <= last
    return day >= first or day <= last


def wanted(rules: Iterable[PlanRule], site_id: int, day: date) -> dict[str, PlanRule]:
    """The rule that counts for each setting of a site on a local day."""
    return {rule.setting: rule for rule in rules if rule.applies(site_id, day)}


def rule_of(given: object) -> PlanRule:
    """A rule as a settings file has it.

    Raises:
        ValueError: It is not one; the text says why.
    """
    if not isinstance(given, Mapping):
        raise ValueError("a rule of the plan has setting and value")
    unknown = sorted(str(name) for name in given.keys() - _KEYS)
    if unknown:
        raise ValueError(f"a rule of the plan has no {unknown[0]!r}; it has {', '.join(sorted(_KEYS))}")
    name, site = str(given.get("setting", "")), given.get("site")
    spec = SETTINGS.get(name)
    if spec is None or isinstance(spec.values, Document):
        known = (other.name for other in SETTINGS.values() if not isinstance(other.values, Document))
        raise ValueError(f"setting {name!r} cannot be planned; those that can are {', '.join(known)}")
    value = spec.values.text(spec.values.parse(str(given.get("value", "")))) or ""
    if site is not None and (isinstance(site, bool) or not isinstance(site, int)):
        raise ValueError(f"site {site!r} of the plan is not a number")
    first, last = (_bound(given.get(key)) for key in ("from", "until"))
    is_mixed = isinstance(first, tuple) != isinstance(last, tuple)
    if is_mixed:
        raise ValueError("from and until of a rule are both days, or both months and days (MM-DD)")
    if isinstance(first, date) and isinstance(last, date) and first > last:
        raise ValueError(f"a rule of the plan begins on {first} and ends before, on {last}")
    return PlanRule(name, value, site, first, last)


def _bound(given: Any) -> Bound | None:
    if given is None or type(given) is date:
        return given
    match = _OF_EACH_YEAR.fullmatch(str(given))
    try:
        if match is None:
            return date.fromisoformat(str(given))
        of_leap_year = date(_LEAP_YEAR, int(match[1]), int(match[2]))
    except ValueError:
        raise ValueError(f"{given!r} is not a day; write it like 2026-12-20, or 12-20 for each year") from None
    return of_leap_year.month, of_leap_year.day
