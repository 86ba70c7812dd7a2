"""What reconciliation found, for people: checks and verdicts of each site, and the largest differences in words."""

from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np
import pandas as pd

from flows.workspace import Workspace
from transform.reconciliation import PASSING, in_words, why
from transform.sites import Site

AGREE = "agree"
SKIPPED = "skipped"
"""What a check counts periods as that it says nothing of: they have no verdict, and a reason."""
UNEXPLAINED = "unexplained"

LARGEST = 10
"""Differences that are told in words unless all are asked for."""

MOST_ALIKE = 5
"""Periods that differ for one cause in one check and are told one by one."""

_ALIKE = ["check_name", "granularity", "verdict", "cause"]
_PERIOD = ["check_name", "granularity", "period_start"]


@dataclass(frozen=True, slots=True)
class CheckCount:
    """How often a check came to which verdict.

    Attributes:
        check_name: The check.
        granularity: What it compares: days, months, years or the lifetime.
        periods: Periods compared.
        verdicts: Periods by verdict; a period differs if any of its measures does, and agrees if any does and none differs.
        causes: Periods that do not agree, by cause.
        reasons: Periods of which nothing could be checked, by reason.
    """

    check_name: str
    granularity: str
    periods: int
    verdicts: dict[str, int]
    causes: dict[str, int]
    reasons: dict[str, int]


@dataclass(frozen=True, slots=True)
class Findings:
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
        """Rows that differ and no rule has evidence why."""
        return int((self.differences["cause"] == UNEXPLAINED).sum())

    def sentences(self, most: int | None = LARGEST) -> list[str]:
        """One sentence a period, about the measure that differs most; the largest first.

        Unless all are asked for, many periods that differ alike are one sentence: an era in another unit is a single finding.
        """
        told = self.differences.drop_duplicates(_PERIOD)
        if most is None:
            return in_words(told, self.site.zone)
        alike = told.groupby(_ALIKE, sort=False)["period_start"].agg(["size", "min", "max"])
        many = told[_ALIKE].merge(alike[alike["size"] > MOST_ALIKE], how="left", left_on=_ALIKE, right_index=True)
        is_shown = (many["size"].isna() | ~many.duplicated(_ALIKE)).to_numpy(dtype=bool)
        shown, of_many = told[is_shown].head(most), many[is_shown].head(most).to_dict("records")
        return [
            words if pd.isna(each["size"]) else f"{words}; {_likewise(each)}"
            for words, each in zip(in_words(shown, self.site.zone), of_many, strict=True)
        ]

    def not_checked(self) -> list[str]:
        """One sentence for each check that says nothing of some periods, with the reason."""
        return [
            f"{check.check_name} says nothing of {count:,} {check.granularity}{'s' if count > 1 else ''}: {why(reason)}"
            for check in self.checks
            for reason, count in check.reasons.items()
        ]


def findings(workspace: Workspace, sites: Iterable[Site], since: date | None) -> list[Findings]:
    """What the lake holds of each site's reconciliation.

    Args:
        workspace: Where the lake is.
        sites: Which sites; those without a row are left out.
        since: First local day; periods that end before it are left out as far as their beginning tells.
    """
    found = []
    for site in sites:
        rows = workspace.lake.read("reconciliation", site_id=site.site_id)
        if since is not None:
            rows = rows[rows["period_start"].map(lambda day: day >= since).astype(bool)]
        if len(rows):
            found.append(findings_of(site, rows))
    return found


def findings_of(site: Site, rows: pd.DataFrame) -> Findings:
    """What a site's rows of table `reconciliation` come to."""
    return Findings(site, tuple(_checks(rows)), _by_size(rows[rows["verdict"].notna() & (rows["verdict"] != AGREE)]))


def _checks(rows: pd.DataFrame) -> Iterator[CheckCount]:
    for (name, granularity), each in rows.groupby(["check_name", "granularity"], sort=True):
        # A period counts once: by what differs, else by what agrees, else as skipped.
        told = each.assign(verdict=each["verdict"].fillna(SKIPPED))
        weight = told["verdict"].map({AGREE: 1, SKIPPED: 2}).fillna(0)
        counted = told.iloc[np.argsort(weight.to_numpy(), kind="stable")].drop_duplicates("period_start")
        verdict, cause = counted["verdict"], counted["cause"]
        is_off = ~verdict.isin([AGREE, SKIPPED])
        verdicts = {AGREE: 0, **_counts(verdict)}
        reasons = _counts(cause[verdict == SKIPPED])
        yield CheckCount(str(name), str(granularity), len(counted), verdicts, _counts(cause[is_off]), reasons)


def _counts(values: pd.Series) -> dict[str, int]:
    return {str(name): int(count) for name, count in values.value_counts().sort_index().items()}


def _likewise(many: dict[Hashable, Any]) -> str:
    """The others of many periods that differ alike."""
    return f"likewise {int(many['size']) - 1:,} more {many['granularity']}s between {many['min']} and {many['max']}"


def _by_size(rows: pd.DataFrame) -> pd.DataFrame:
    """What is unexplained first, what passes by itself last, else the largest first.

    Where one side has no value, the other is how much is at stake.
    """
    size = rows["difference_wh"].abs().fillna(rows["left_wh"].fillna(rows["right_wh"]).abs()).fillna(0.0)
    rank = np.select([rows["cause"] == UNEXPLAINED, rows["cause"].isin(PASSING)], [0, 2], 1)
    order = rows.assign(size=size, rank=rank)
    keys = ["rank", "size", *_PERIOD, "measure"]
    ascending = [True, False, *(True for _ in keys[2:])]
    return order.sort_values(keys, ascending=ascending, ignore_index=True)[list(rows.columns)]


def as_dict(each: Findings) -> dict[str, Any]:
    """A site's findings as plain values: what `--json` prints."""
    return {
        "site_id": each.site.site_id,
        "site_name": each.site.site_name,
        "unexplained": each.unexplained,
        "checks": [
            {
                "check_name": check.check_name,
                "granularity": check.granularity,
                "periods": check.periods,
                "verdicts": check.verdicts,
                "causes": check.causes,
                "reasons": check.reasons,
            }
            for check in each.checks
        ],
        "differences": _told(each.differences, each.site),
        "not_checked": each.not_checked(),
    }


def _told(rows: pd.DataFrame, site: Site) -> list[dict[Hashable, Any]]:
    """Rows as plain values, each with its sentence."""
    plain = rows.astype(object).where(rows.notna(), None).to_dict("records")
    return [{**row, "in_words": words} for row, words in zip(plain, in_words(rows, site.zone), strict=True)]


def as_markdown(found: Sequence[Findings]) -> str:
    """Every site's checks and largest differences as Markdown; names are shown as they are, without their markup."""
    parts = [] if found else ["Nothing to compare: no day is told by two sources yet."]
    for each in found:
        parts.append(f"## {_plain(each.site.site_name or str(each.site.site_id))} ({each.site.site_id})")
        parts.append("| check | of | agree | differ | skipped | causes |\n|---|---|---:|---:|---:|---|")
        for check in each.checks:
            agree, skipped = check.verdicts[AGREE], check.verdicts.get(SKIPPED, 0)
            causes = ", ".join(f"{name} {count}" for name, count in check.causes.items())
            counts = f"{agree} | {check.periods - agree - skipped} | {skipped}"
            parts[-1] += f"\n| {check.check_name} | {check.granularity} | {counts} | {causes} |"
        parts.append("\n".join(f"- {_plain(sentence)}" for sentence in each.sentences()) or "Everything agrees.")
        parts += ["\n".join(f"- {_plain(sentence)}" for sentence in each.not_checked())] if each.not_checked() else []
    return "\n\n".join(parts)


def _plain(text: str) -> str:
    """Text that Markdown shows letter by letter."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]()<>#|!" else letter for letter in text.replace("\n", " "))
