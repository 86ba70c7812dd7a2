"""The stages of a run after fetching: from the raw archive to the published warehouse.

shape → estimate days → reconcile days → reconcile periods → price → publish
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from flows import ledger
from flows.account import write_runs, write_sites
from flows.account_tables import write_account_tables
from flows.executors.executor import Executor, Item, Step
from flows.memory import release_unused_memory
from flows.progress import Progress
from flows.run_context import RunContext
from flows.tasks.estimate import estimate_days
from flows.tasks.partition import MARKER, SitePartition, by_year, partitions_of
from flows.tasks.price import price_site
from flows.tasks.reconcile import reconcile_site, reconcile_year
from flows.tasks.session import TransformSession
from flows.tasks.shape import drop_repeated_keys, shape_partition
from transform.sites import Site
from warehouse.build.build import Built, build
from warehouse.errors import LakeDamaged
from warehouse.lake.lake import Lake
from wattlog.lake_periods import is_year, superseded_by

Stage = Callable[[], None]


@dataclass(frozen=True, slots=True)
class Stages:
    """The stages of one run, over the sites of the account.

    Attributes:
        executor: Runs the steps.
        session: Archive and lake.
        progress: Is informed of each stage.
        sites: Every site of the account.
        add_rows: Called with the number of rows that were written to the lake.
    """

    executor: Executor
    session: TransformSession
    progress: Progress
    sites: Sequence[Site]
    add_rows: Callable[[int], None]

    def transform(self) -> None:
        """Shape responses, estimate days, reconcile days, and write the tables of the whole account."""
        lake = self.session.lake
        lake.sweep()
        lake.discard_stale("reconciliation")  # several steps write these files, and some periods have no step
        partitions = self.partitions()
        self._discard_others(partitions)
        self.shape(partitions)
        self.add_rows(write_sites(self.session.archive, lake, list(self.sites)))
        self.add_rows(write_account_tables(self.session.archive, lake))

    def partitions(self) -> list[SitePartition]:
        """Every partition of every site that has rows."""
        archive, settle_hours = self.session.archive, self.session.settle_hours
        return [partition for site in self.sites for partition in partitions_of(archive, site, settle_hours)]

    def _discard_others(self, partitions: Sequence[SitePartition]) -> None:
        """Remove the files of periods of which no response is left, such as months that had nothing but those of a lifetime.

        The files of months whose year has closed are not among them, and the other way round: they are superseded.
        """
        lake, sites = self.session.lake, {site.site_id for site in self.sites}
        made = {(item.site.site_id, item.period) for item in partitions}
        made |= {(item.site.site_id, period) for item in partitions for period in _superseded_by(item.period)}
        made |= {(item.site.site_id, item.year) for item in partitions}
        for part in lake.partitions(MARKER):
            if part.site_id in sites and part.period and (part.site_id, part.period) not in made:
                lake.discard_period(part.site_id, part.period)

    def shape(self, items: Sequence[SitePartition]) -> None:
        """Everything that is done by partition; files made from the same responses are left as they are."""
        self._each("periods shaped", shape_partition, items)
        sites = list({item.site.site_id: item.site for item in items}.values())
        self._each("keys checked", drop_repeated_keys, sites)
        self._each("days estimated", estimate_days, items)
        self._each("years reconciled", reconcile_year, by_year(items))

    def reconcile_periods(self) -> None:
        """Compare months, years and lifetimes with the sums of their days, site by site."""
        self._each("sites reconciled", reconcile_site, self.sites)

    def price(self) -> None:
        """Price the energy of each site, and bill it."""
        self._each("sites priced", price_site, self.sites)

    def _each(self, stage: str, step: Step[Item], items: Sequence[Item]) -> None:
        """Do one step for each item."""
        self.progress.begin(stage, len(items))
        results = self.executor.transform(step, self.session, items, on_done=lambda _: self.progress.advance())
        for result in results:
            self.session.note_lost(result.lost)
            self.add_rows(result.rows_written)
        release_unused_memory()

    def repairing(self, stage: Stage, *before: Stage) -> None:
        """Do a stage. A damaged lake file is removed and made again by the stages before, then the stage is repeated.

        It ends, since every repetition finds one damaged file less.
        """
        while True:
            try:
                stage()
                return
            except LakeDamaged as error:
                if not self.session.lake.discard_damaged(error.path):
                    raise
            for position, earlier in enumerate(before):
                self.repairing(earlier, *before[:position])


def _superseded_by(period: str) -> list[str]:
    return superseded_by(period) if is_year(period) else []


def publish(context: RunContext, lake: Lake, *, anew: bool = False) -> Built:
    """Write the ledger into the lake and build the warehouse from it beside the live one, then replace the live one.

    Args:
        context: The run.
        lake: The lake.
        anew: Load every row, whatever the live warehouse holds.
    """
    write_runs(lake, ledger.runs(context.directory.raw))
    return build(lake, context.directory.warehouse, in_place_views=context.settings.in_place_views, anew=anew)
