"""A data directory and an account to which things happen, night by night: a state machine of Hypothesis.

Time passes in nights only. What happens in between changes the account, the login, the clock, or a file; after every step that
changes the data directory, it must hold what the responses had, and nothing else.
"""

import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pandas as pd
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from extract.archive.losses import losses
from extract.archive.raw_archive import IndexEntry, RawArchive
from extract.errors import ExtractError
from extract.simulator import LateData, ProvisionalHours, SiteSpec
from flows import pipeline
from flows.errors import ExitCode, exit_code_for
from flows.pipeline import BackfillRequest, Summary, backfill, rebuild
from flows.run_context import RunContext, new_run_id
from flows.settings import Settings
from tests.simulated import ask
from tests.torture.damages import Damage, damaged
from tests.torture.history import TABLES, History, differences, requested_too_often
from tests.torture.homes import NOT_YET, Home, Homes
from tests.torture.kills import killed_at
from tests.torture.local_api import LocalApi
from tests.torture.one_by_one import OneByOne
from warehouse.checks.consistency import verify_lake
from warehouse.lake.lake import Lake

ADDRESS = "https://api.simulator.test"
NIGHT = timedelta(days=1)
QUARTER = timedelta(minutes=15)
STARTS = (
    datetime(2026, 2, 9, 11, 31, tzinfo=UTC),
    datetime(2026, 3, 6, 11, 31, tzinfo=UTC),
    datetime(2026, 10, 29, 10, 31, tzinfo=UTC),
    datetime(2026, 12, 29, 11, 31, tzinfo=UTC),
)
"""03:31 in California, in the middle of a month, and before the clocks change, a month ends, and a year ends. No row begins at
this instant: the row of the present instant may be measured or not."""

MOST_EVENTS = 3
"""So many things happen between two nights."""

AGE = timedelta(days=2, hours=-9)


def event(function: Callable[..., None]) -> Callable[..., None]:
    """A rule of what happens between two nights."""

    def counted(self: "HistoryMachine", **drawn: object) -> None:
        self.events += 1
        function(self, **drawn)

    counted.__name__, counted.__doc__ = function.__name__, function.__doc__
    return precondition(lambda self: self.events < MOST_EVENTS)(counted)


def spec(site_id: int, installed_at: datetime, *, battery_since: date | None = None) -> SiteSpec:
    """A site of the account."""
    return SiteSpec(
        site_id=site_id,
        installed_at=installed_at,
        battery_since=battery_since,
        outages_per_year=0,
        has_midnight_garbage=False,
        seed=7,
    )


class HistoryMachine(RuleBasedStateMachine):
    """See the module."""

    def __init__(self) -> None:
        super().__init__()
        self._directory = tempfile.TemporaryDirectory()
        self.data_dir = Path(self._directory.name) / "data"
        self.token, self.offset, self.runs, self.events = "token-0", timedelta(), 0, 0
        self.login_in, self.clock_in = 0, 0
        self.history, self.is_current, self.is_broken = History(), False, False

    @initialize(now=st.sampled_from(STARTS))
    def begin(self, now: datetime) -> None:
        """The first night."""
        self.homes = Homes([Home(spec(71, now - AGE, battery_since=NOT_YET))])
        self.api = LocalApi(self.homes.world(now), now)
        self.run()

    def teardown(self) -> None:
        """A last night in order, and a rebuild."""
        try:
            if hasattr(self, "api") and not self.is_broken:
                if not self.is_current:
                    self.put_in_order()
                    self.nights(1, is_published=False)
                self.rebuilt()
                assert list(verify_lake(self.lake)) == []
        finally:
            self._directory.cleanup()

    # --- runs ---------------------------------------------------------------------------------------------------------

    @property
    def lake(self) -> Lake:
        """The lake."""
        return Lake(self.data_dir / "lake")

    @property
    def archive(self) -> RawArchive:
        """The raw archive, opened anew."""
        return RawArchive(self.data_dir / "raw")

    def context(self) -> RunContext:
        """The next run."""
        self.runs += 1
        settings = Settings.model_validate(
            {
                "data_dir": self.data_dir,
                "provider": "simulator",
                "api_base_url": ADDRESS,
                "access_token": self.token,
            }
        )
        now = self.api.now + self.offset
        run_id = new_run_id(now + timedelta(microseconds=self.runs))
        return RunContext(settings, run_id, clock=lambda: self.api.now + self.offset, transport=self.api)

    @property
    def is_logged_in(self) -> bool:
        """Whether the token that is used is the accepted one."""
        return self.token == self.api.token

    def run(self, *, is_published: bool = False, is_transformed: bool = True) -> None:
        """A run at the present instant; the data directory must hold what its responses had."""
        before = self.kept()
        had_data = {home.spec.site_id for home in self.homes.homes if self.history.slots[home.spec.site_id, "power"]}
        context = self.context()
        with nullcontext() if is_published else without_publishing():
            try:
                code = (backfill if is_transformed else requests_of)(context, OneByOne(), BackfillRequest()).exit_code
            except ExtractError as error:
                code = exit_code_for(error)
        sent = self.api.take()
        entries = [entry for entry in self.kept().values() if entry == context.run_id]
        assert before.items() <= self.kept().items(), "responses are gone"
        assert len(entries) == len(sent), f"{len(sent)} responses, {len(entries)} of them are stored"
        self.history.add(sent, self.homes, min(self.offset, timedelta()), has_current_gaps=self.is_current)
        if not self.is_logged_in:
            assert code == ExitCode.LOG_IN
        elif self.homes.empty_since is not None and had_data:
            assert code == ExitCode.INCOMPLETE
        else:
            assert code == ExitCode.OK
        if self.is_logged_in:
            self.is_current = is_transformed
        self.check()

    def kept(self) -> dict[str, str]:
        """Every stored response and its run."""
        archive = self.archive
        return {entry.raw_id: entry.run_id for number in (0, *archive.site_ids()) for entry in archive.entries(number)}

    def check(self) -> None:
        """What must always hold."""
        wrong = list(requested_too_often(self.history, self.archive, self.homes))
        if self.is_current:
            wrong += differences(self.history, self.lake, self.homes, self.api.now)
        self.is_broken = self.is_broken or bool(wrong)
        assert not wrong, "\n".join(wrong)

    @rule(count=st.integers(1, 3), is_published=st.sampled_from([False] * 9 + [True]))
    def nights(self, count: int, *, is_published: bool) -> None:
        """Some nights pass, each with a run; the tables are made in the last one."""
        for number in range(1, count + 1):
            self.night_begins()
            self.run(is_published=is_published and number == count, is_transformed=number == count)

    @rule(change=st.integers(1, 400))
    def run_is_killed(self, change: int) -> None:
        """A run is killed at a change of the disk."""
        self.night_begins()
        before, context = self.kept(), self.context()
        with killed_at(change), without_publishing():
            try:
                backfill(context, OneByOne(), BackfillRequest())
            except ExtractError:
                assert not self.is_logged_in
        sent, after = self.api.take(), self.kept()
        assert before.items() <= after.items(), "responses are gone"
        stored = sum(run_id == context.run_id for run_id in after.values())
        assert len(sent) - 1 <= stored <= len(sent)
        present = min(self.offset, timedelta())
        self.history.add(sent[:stored], self.homes, present)
        self.history.add(sent[stored:], self.homes, present, is_stored=False)
        self.is_current = False
        self.check()

    @rule()
    def rebuilt(self) -> None:
        """A rebuild makes the same tables."""
        before = self.tables() if self.is_current else {}
        with without_publishing():
            assert rebuild(self.context(), OneByOne()).exit_code == ExitCode.OK
        after = self.tables()
        for name, rows in before.items():
            assert rows.equals(after[name]), f"a rebuild changes {name}"
        self.is_current = True
        self.check()

    @rule(number=st.integers(0, 2**32), damage=st.sampled_from(Damage), is_restored=st.booleans())
    @event
    def segment_is_damaged(self, number: int, damage: Damage, *, is_restored: bool) -> None:
        """A segment of the raw archive is damaged; it is restored from a backup, or its loss is accepted."""
        path, before = self.damage(self.data_dir.glob("raw/site_id=*/**/*.zst"), damage, number)
        entries = self.kept()
        archive = self.archive
        named = {loss.segment for loss in losses(archive.verify())}
        assert str(path.relative_to(archive.root)) in named, f"{path} is {damage}, and verify names {named}"
        if is_restored:
            path.write_bytes(before)
        else:
            stored = {entry.raw_id: entry for site_id in archive.site_ids() for entry in archive.entries(site_id)}
            archive.accept_losses(self.api.now)
            for raw_id in entries.keys() - self.kept().keys():
                if raw_id in stored:
                    self.give_up(stored[raw_id])
            self.is_current = False
        assert list(self.archive.verify()) == []
        assert self.kept().items() <= entries.items()
        self.check()

    def give_up(self, entry: IndexEntry) -> None:
        """The loss of a record was accepted."""
        (home,) = (home for home in self.homes.homes if home.spec.site_id == entry.site_id)
        if entry.window_start is not None:
            self.history.give_up((entry.site_id, entry.series, entry.window_start), home.spec.zone)

    @rule(number=st.integers(0, 2**32), damage=st.sampled_from(Damage))
    @event
    def index_is_damaged(self, number: int, damage: Damage) -> None:
        """The index is made again from the segments."""
        before = self.kept()
        self.damage(self.data_dir.glob("raw/site_id=*/index-*"), damage, number)
        assert self.kept() == before
        assert list(self.archive.verify()) == []
        self.check()

    @rule(number=st.integers(0, 2**32), damage=st.sampled_from(Damage))
    @event
    def lake_is_damaged(self, number: int, damage: Damage) -> None:
        """The next run makes the file again."""
        path, _ = self.damage(self.data_dir.glob("lake/table=*/site_id=*/**/*.parquet"), damage, number)
        if damage is not Damage.DELETED:
            assert str(path.relative_to(self.lake.root)) in {mismatch.where for mismatch in verify_lake(self.lake)}
        self.is_current = False

    def damage(self, paths: Iterable[Path], damage: Damage, number: int) -> tuple[Path, bytes]:
        """Damage one of some files; returns it, and its bytes before."""
        found = sorted(paths)
        path = found[number % len(found)]
        before = path.read_bytes()
        after = damaged(before, damage, number // len(found))
        if after is None:
            path.unlink()
        else:
            path.write_bytes(after)
        return path, before

    def tables(self) -> dict[str, pd.DataFrame]:
        """The tables of the lake that are made from responses."""
        names = (*TABLES.values(), "energy_periods", "daily", "gaps", "revisions", "quarantine", "reconciliation")
        return {name: self.lake.read(name) for name in names}

    # --- what happens to the account ----------------------------------------------------------------------------------

    def home(self, number: int) -> Home:
        """One of the sites."""
        return self.homes.homes[number % len(self.homes.homes)]

    def ahead(self, quarters: int) -> datetime:
        """A whole quarter hour between the last run and the next one."""
        whole = self.api.now.replace(minute=self.api.now.minute // 15 * 15, second=0, microsecond=0)
        return whole + quarters * QUARTER

    @rule(number=st.integers(0, 1), days=st.integers(1, 3), hours=st.integers(1, 40))
    @event
    def values_change(self, number: int, days: int, hours: int) -> None:
        """For some days the newest intervals are provisional (Q12)."""
        home = self.home(number)
        today = home.local_day(self.api.now)
        home.provisional.append(ProvisionalHours(today, today + timedelta(days=days), hours))

    @rule(number=st.integers(0, 1), quarters=st.integers(1, 96))
    @event
    def gateway_goes_offline(self, number: int, quarters: int) -> None:
        """Nothing arrives from some instant before the next night on."""
        home = self.home(number)
        since = self.ahead(quarters)
        ends = [late.end for late in home.late]
        if home.offline_since is None and since > max([home.spec.installed_at, *ends]):
            home.offline_since = since

    @rule(number=st.integers(0, 1), quarters=st.integers(1, 96), days=st.sampled_from([0, 1, 2, 5, 9, None]))
    @event
    def gateway_returns(self, number: int, quarters: int, days: int | None) -> None:
        """The gateway is online again; what it measured meanwhile arrives later, or never."""
        home = self.home(number)
        end = self.ahead(quarters)
        if home.offline_since is not None and end > home.offline_since:
            arrives_at = None if days is None else end + days * NIGHT
            home.late.append(LateData(home.offline_since, end, arrives_at))
            home.offline_since = None

    @rule(number=st.integers(0, 1))
    @event
    def battery_is_added(self, number: int) -> None:
        """From tomorrow on the site has a battery, and the meter that comes with it."""
        home = self.home(number)
        if home.spec.battery_since == NOT_YET:
            home.spec = replace(home.spec, battery_since=home.local_day(self.api.now) + timedelta(days=1))

    @precondition(lambda self: len(self.homes.homes) == 1)
    @rule(days=st.integers(0, 3))
    @event
    def site_is_added(self, days: int) -> None:
        """The account has a second site, installed some days ago, with a battery."""
        self.homes.homes.append(Home(spec(72, self.api.now - days * NIGHT - timedelta(hours=5))))

    @precondition(lambda self: len(self.homes.homes) > 1)
    @rule()
    @event
    def site_leaves_or_returns(self) -> None:
        """The second site leaves the account, or is in it again."""
        home = self.homes.homes[1]
        home.left_at = self.api.now if home.left_at is None else None

    # --- login and clock ----------------------------------------------------------------------------------------------

    @rule(nights=st.integers(1, 3))
    @event
    def token_expires(self, nights: int) -> None:
        """The server does not accept the token any more, until the owner logs in again."""
        self.homes.token = self.api.token = f"token-{self.runs}-of-the-server"
        self.login_in = nights

    @rule(nights=st.integers(1, 3))
    @event
    def token_gives_nothing(self, nights: int) -> None:
        """The token is accepted, and every history response is empty, until the owner logs in again (Q23)."""
        if self.homes.empty_since is None:
            self.homes.empty_since = self.api.now
            self.login_in = nights

    @rule(hours=st.sampled_from([240, 72, 2, -2, -30, -72]), nights=st.integers(1, 3))
    @event
    def clock_jumps(self, hours: int, nights: int) -> None:
        """The clock of the machine is wrong until it is set."""
        self.offset = timedelta(hours=hours)
        self.clock_in = nights

    def night_begins(self) -> None:
        """The owner has noticed the failures of some nights before."""
        self.api.now += NIGHT
        self.events = 0
        if self.login_in == 0:
            self.token, self.homes.empty_since = self.api.token, None
        if self.clock_in == 0:
            self.offset = timedelta()
        self.login_in, self.clock_in = max(self.login_in - 1, 0), max(self.clock_in - 1, 0)
        self.api.serve(self.homes.world(self.api.now))

    def put_in_order(self) -> None:
        """The owner logs in again and sets the clock before the next night."""
        self.login_in = self.clock_in = 0


def requests_of(context: RunContext, executor: OneByOne, backfill_request: BackfillRequest) -> Summary:
    """The requests of a run alone."""
    return ask(context, backfill_request, executor)


@contextmanager
def without_publishing() -> Iterator[None]:
    """Leave out the warehouse: it takes half the time of a run, and has tests of its own."""
    nothing: Any = lambda *_arguments, **_options: None  # noqa: E731
    with patch.object(pipeline, "_publish", nothing):
        yield
