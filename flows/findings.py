"""What reconciliation found, for people: checks and verdicts of each site, and the largest differences in words."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import pandas as pd

from flows.workspace import Workspace
from transform.reconciliation import in_words
from transform.sites import Site

AGREE = "agree"
UNEXPLAINED = "unexplained"

LARGEST = 10
"""Differences that are told in words unless all are asked for."""

_PERIOD = ["check_name", "granularity", "period_start"]


@dataclass(frozen=True, slots=True)
class CheckCount:
    """How often a check came to which verdict.

    Attributes:
        check_name: The check.
        granularity: What it compares: days, months, years or the lifetime.
        periods: Periods compared.
        verdicts: Periods by verdict; a period differs if any of its measures does.
        causes: Periods that do not agree, by cause.
    """

    check_name: str
    granularity: str
    periods: int
    verdicts: dict[str, int]
    causes: dict[str, int]


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
        """One sentence a period, about the measure that differs most; the largest first."""
        told = self.differences.drop_duplicates(_PERIOD)
        return in_words(told if most is None else told.head(most))


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
            found.append(Findings(site, tuple(_checks(rows)), _by_size(rows[rows["verdict"] != AGREE])))
    return found


def _checks(rows: pd.DataFrame) -> Iterator[CheckCount]:
    for (name, granularity), each in rows.groupby(["check_name", "granularity"], sort=True):
        differing = each[each["verdict"] != AGREE].drop_duplicates("period_start")
        periods = each["period_start"].nunique()
        verdicts = {AGREE: periods - len(differing), **_counts(differing["verdict"])}
        yield CheckCount(str(name), str(granularity), periods, verdicts, _counts(differing["cause"]))


def _counts(values: pd.Series) -> dict[str, int]:
    return {str(name): int(count) for name, count in values.value_counts().sort_index().items()}


def _by_size(rows: pd.DataFrame) -> pd.DataFrame:
    """Largest first; where one side has no value, the other is how much is at stake."""
    size = rows["difference_wh"].abs().fillna(rows["left_wh"].fillna(rows["right_wh"]).abs()).fillna(0.0)
    order = rows.assign(size=size, is_explained=rows["cause"] != UNEXPLAINED)
    keys = ["is_explained", "size", *_PERIOD, "measure"]
    ascending = [True, False, *(True for _ in keys[2:])]
    return order.sort_values(keys, ascending=ascending, ignore_index=True)[list(rows.columns)]


def as_dict(each: Findings) -> dict[str, Any]:
    """A site's findings as plain values: what `--json` prints."""
    told = in_words(each.differences)
    rows = each.differences.astype(object).where(each.differences.notna(), None).to_dict("records")
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
            }
            for check in each.checks
        ],
        "differences": [{**row, "in_words": words} for row, words in zip(rows, told, strict=True)],
    }


def as_markdown(found: Sequence[Findings]) -> str:
    """Every site's checks and largest differences as Markdown; names are shown as they are, without their markup."""
    parts = [] if found else ["Nothing to compare: no day is told by two sources yet."]
    for each in found:
        parts.append(f"## {_plain(each.site.site_name or str(each.site.site_id))} ({each.site.site_id})")
        parts.append("| check | of | agree | differ | causes |\n|---|---|---:|---:|---|")
        for check in each.checks:
            agree = check.verdicts[AGREE]
            causes = ", ".join(f"{name} {count}" for name, count in check.causes.items())
            parts[-1] += (
                f"\n| {check.check_name} | {check.granularity} | {agree} | {check.periods - agree} | {causes} |"
            )
        parts.append("\n".join(f"- {_plain(sentence)}" for sentence in each.sentences()) or "Everything agrees.")
    return "\n\n".join(parts)


def _plain(text: str) -> str:
    """Text that Markdown shows letter by letter."""
    return "".join(f"\\{letter}" if letter in r"\`*_{}[]()<>#|!" else letter for letter in text.replace("\n", " "))
