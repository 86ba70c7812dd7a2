"""Results of reconciliation for people: checks and verdicts of each site, and sentences for the largest differences."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from transform.reconciliation import PASSING, difference_text
from transform.sites import Site
from warehouse.lake.lake import Lake
from wattlog.causes import SENTENCES, Cause, Verdict

AGREE = Verdict.AGREE.value
SKIPPED = "skipped"
"""Counts periods without a verdict, for which the check cannot be made."""
UNEXPLAINED = Cause.UNEXPLAINED.value

FORMER_NAME = "parts_at"
"""`diverges_at` under the name that it had until schema version 3; `--json` prints both until version 5."""

LARGEST = 10
"""How many differences have a sentence unless all are wanted."""

MOST_ALIKE = 5
"""Up to this many periods with one check, verdict and cause have a sentence each; more of them share one."""

_ALIKE = ["check_name", "granularity", "verdict", "cause"]
_PERIOD = ["check_name", "granularity", "period_start"]


@dataclass(frozen=True, slots=True)
class CheckCount:
    """How many periods of a check have which verdict.

    Attributes:
        check_name: The check.
        granularity: The kind of period: day, week, month, year or lifetime.
        periods: Periods compared.
        verdicts: Periods by verdict; a period differs if any of its measures does, and agrees if any does and none differs.
        causes: Periods that do not agree, by cause.
        reasons: Periods that could not be checked, by cause.
    """

    check_name: str
    granularity: str
    periods: int
    verdicts: dict[str, int]
    causes: dict[str, int]
    reasons: dict[str, int]


@dataclass(frozen=True, slots=True)
class SiteDifferences:
    """One site's reconciliation.

    Attributes:
        site: The site.
        checks: Every check that had something to compare.
        differences: The rows that do not agree, the largest first.
    """

    site: Site
    checks: tuple[CheckCount, ...]
    differences: pd.DataFrame

    @property
    def unexplained(self) -> int:
        """How many rows differ without a known cause."""
        return int((self.differences["cause"] == UNEXPLAINED).sum())

    def sentences(self, most: int | None = LARGEST) -> list[str]:
        """One sentence for each period, about the measure that differs most; the largest first.

        Args:
            most: How many sentences at most. Periods with one check, verdict and cause then share a sentence if there are
                many: a month in another unit is a single difference. None for a sentence for every period.
        """
        periods = self.differences.drop_duplicates(_PERIOD)
        if most is None:
            return difference_text(periods, self.site.zone)
        alike = periods.groupby(_ALIKE, sort=False)["period_start"].agg(["size", "min", "max"])
        groups = periods[_ALIKE].merge(alike[alike["size"] > MOST_ALIKE], how="left", left_on=_ALIKE, right_index=True)
        is_shown = (groups["size"].isna() | ~groups.duplicated(_ALIKE)).to_numpy(dtype=bool)
        shown, of_groups = periods[is_shown].head(most), groups[is_shown].head(most).to_dict("records")
        return [
            sentence if pd.isna(group["size"]) else f"{sentence}; {_others(group)}"
            for sentence, group in zip(difference_text(shown, self.site.zone), of_groups, strict=True)
        ]

    def not_checked(self) -> list[str]:
        """One sentence for each check and cause for which some periods are not checked."""
        return [
            f"{check.check_name} is not checked for {_counted(count, check.granularity)}: {SENTENCES[Cause(cause)]}"
            for check in self.checks
            for cause, count in check.reasons.items()
        ]


def differences(lake: Lake, sites: Iterable[Site], since: date | None) -> list[SiteDifferences]:
    """The reconciliation of each site, from the lake.

    Args:
        lake: The lake.
        sites: Which sites; those without a row are left out.
        since: First local day; periods that begin before it are left out.
    """
    found = []
    for site in sites:
        rows = lake.read("reconciliation", site_id=site.site_id)
        if since is not None:
            rows = rows[rows["period_start"].map(lambda day: day >= since).astype(bool)]
        if len(rows):
            found.append(differences_of(site, rows))
    return found


def differences_of(site: Site, rows: pd.DataFrame) -> SiteDifferences:
    """A site's differences, from its rows of table `reconciliation`."""
    return SiteDifferences(
        site, tuple(_checks(rows)), _by_size(rows[rows["verdict"].notna() & (rows["verdict"] != AGREE)])
    )


def _checks(rows: pd.DataFrame) -> Iterator[CheckCount]:
    for (name, granularity), of_check in rows.groupby(["check_name", "granularity"], sort=True):
        # A period counts once: by what differs, else by what agrees, else as skipped.
        results = of_check.assign(verdict=of_check["verdict"].fillna(SKIPPED))
        weight = results["verdict"].map({AGREE: 1, SKIPPED: 2}).fillna(0)
        counted = results.iloc[np.argsort(weight.to_numpy(), kind="stable")].drop_duplicates("period_start")
        verdict, cause = counted["verdict"], counted["cause"]
        is_off = ~verdict.isin([AGREE, SKIPPED])
        verdicts = {AGREE: 0, **_counts(verdict)}
        reasons = _counts(cause[verdict == SKIPPED])
        yield CheckCount(str(name), str(granularity), len(counted), verdicts, _counts(cause[is_off]), reasons)


def _counts(values: pd.Series) -> dict[str, int]:
    return {str(name): int(count) for name, count in values.value_counts().sort_index().items()}


def _counted(count: int, granularity: str) -> str:
    return f"{count:,} {granularity}{'s' if count > 1 else ''}"


def _others(group: dict[Hashable, Any]) -> str:
    """The other periods of a group that shares a sentence."""
    others = _counted(int(group["size"]) - 1, f"more {group['granularity']}")
    return f"the same for {others} between {group['min']} and {group['max']}"


def _by_size(rows: pd.DataFrame) -> pd.DataFrame:
    """Unexplained differences first, those that later requests resolve last, and the largest first among equals.

    Where one side has no value, the value of the other is the size.
    """
    size = rows["difference_wh"].abs().fillna(rows["left_wh"].fillna(rows["right_wh"]).abs()).fillna(0.0)
    rank = np.select([rows["cause"] == UNEXPLAINED, rows["cause"].isin(PASSING)], [0, 2], 1)
    order = rows.assign(size=size, rank=rank)
    keys = ["rank", "size", *_PERIOD, "measure"]
    ascending = [True, False, *(True for _ in keys[2:])]
    return order.sort_values(keys, ascending=ascending, ignore_index=True)[list(rows.columns)]


def as_dict(found: SiteDifferences) -> dict[str, Any]:
    """A site's differences as plain values: what `--json` prints."""
    return {
        "site_id": found.site.site_id,
        "site_name": found.site.site_name,
        "unexplained": found.unexplained,
        "checks": [
            {
                "check_name": check.check_name,
                "granularity": check.granularity,
                "periods": check.periods,
                "verdicts": check.verdicts,
                "causes": check.causes,
                "reasons": check.reasons,
            }
            for check in found.checks
        ],
        "differences": _as_dicts(found.differences, found.site),
        "not_checked": found.not_checked(),
    }


def _as_dicts(rows: pd.DataFrame, site: Site) -> list[dict[Hashable, Any]]:
    """Rows as plain values, each with its sentence."""
    plain = rows.astype(object).where(rows.notna(), None).to_dict("records")
    sentences = difference_text(rows, site.zone)
    return [
        {**row, FORMER_NAME: row["diverges_at"], "in_words": sentence}
        for row, sentence in zip(plain, sentences, strict=True)
    ]


def as_markdown(found: Sequence[SiteDifferences]) -> str:
    """Every site's checks and largest differences as Markdown; markup in names is escaped."""
    parts = [] if found else ["Nothing to compare: no day has values from two sources yet."]
    for of_site in found:
        site, not_checked = of_site.site, of_site.not_checked()
        parts.append(f"## {_plain(site.site_name or str(site.site_id))} ({site.site_id})")
        parts.append(_as_table(of_site.checks))
        parts.append(_as_list(of_site.sentences()) or "Everything agrees.")
        parts += [_as_list(not_checked)] if not_checked else []
    return "\n\n".join(parts)


def _as_table(checks: Sequence[CheckCount]) -> str:
    lines = ["| check | of | agree | differ | skipped | causes |", "|---|---|---:|---:|---:|---|"]
    for check in checks:
        agree, skipped = check.verdicts[AGREE], check.verdicts.get(SKIPPED, 0)
        causes = ", ".join(f"{name} {count}" for name, count in check.causes.items())
        counts = f"{agree} | {check.periods - agree - skipped} | {skipped}"
        lines.append(f"| {check.check_name} | {check.granularity} | {counts} | {causes} |")
    return "\n".join(lines)


def _as_list(sentences: Sequence[str]) -> str:
    return "\n".join(f"- {_plain(sentence)}" for sentence in sentences)


def _plain(text: str) -> str:
    """The text with every character of Markdown escaped."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]()<>#|!" else letter for letter in text.replace("\n", " "))
