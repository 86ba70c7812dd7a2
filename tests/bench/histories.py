"""The history of one battery site, of several lengths: asked for once a run, then shared by the measures."""

import json
import shutil
from dataclasses import dataclass, field
from pathlib import Path

from tests.bench.account import FIRST_SITE, LAST_DAY, NOW, environment, first_day, served
from tests.bench.child import Child, module, run, wattlog
from tests.bench.sizes import Sizes
from wattlog.names import DataDirectory


@dataclass(frozen=True, slots=True)
class Asked:
    """A history that was asked for.

    Attributes:
        root: Its data directory, with nothing but the raw archive.
        requests: How many requests that took.
        cpu_s: Time of the processor of the process that asked, without imports.
    """

    root: Path
    requests: int
    cpu_s: float


@dataclass(slots=True)
class Histories:
    """The data directories of one run of the benchmarks.

    Attributes:
        directory: Where they are.
        sizes: How long they are.
        rebuilds: Every rebuild so far, by length.
    """

    directory: Path
    sizes: Sizes
    rebuilds: dict[int, list[Child]] = field(default_factory=dict)
    _asked: dict[int, Asked] = field(default_factory=dict)

    def archive(self, months: int) -> Path:
        """The data directory of the last so many months, with at least the raw archive."""
        return self.asked(months).root

    def asked(self, months: int) -> Asked:
        """The history of the last so many months.

        The longest is asked for whole. Of a shorter one, the segments are copied from it, and only what is about the
        site's whole life is asked for again.
        """
        if months not in self._asked:
            root, longest = self.directory / f"{months}-months", max(self.sizes.histories)
            if months < longest:
                self._copy_segments(self.archive(longest), root, months)
            self._asked[months] = ask(root, months)
        return self._asked[months]

    def rebuilt(self, months: int) -> Path:
        """The same with lake and warehouse."""
        if not self.rebuilds.get(months):
            self.rebuild(months)
        return self.archive(months)

    def rebuild(self, months: int) -> Child:
        """`wattlog rebuild`, from the raw archive to the published warehouse."""
        root = self.archive(months)
        child = run(wattlog("rebuild"), environment=environment(root), cwd=root)
        self.rebuilds.setdefault(months, []).append(child)
        return child

    @staticmethod
    def _copy_segments(source: Path, target: Path, months: int) -> None:
        """Without an index, which is made again from the segments when the archive is opened."""
        first, site = f"{first_day(months):%Y-%m}", f"site_id={FIRST_SITE}"
        for path in (DataDirectory(source).raw / site).rglob("month=*"):
            if first <= path.name.removeprefix("month=")[:7] <= f"{LAST_DAY:%Y-%m}":
                copy = DataDirectory(target).raw / path.relative_to(DataDirectory(source).raw)
                copy.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(path, copy)


def ask(root: Path, months: int, *, sites: int = 1) -> Asked:
    """Ask for what a data directory does not have of the last so many months."""
    root.mkdir(parents=True, exist_ok=True)
    with served(first_day(months), sites=sites) as base_url:
        command = module("ask", root, LAST_DAY.isoformat(), NOW.isoformat())
        found = json.loads(run(command, environment=environment(root, base_url)).output.splitlines()[-1])
    assert found["exit_code"] == 0, found
    return Asked(root, found["requests"], found["cpu_s"])
