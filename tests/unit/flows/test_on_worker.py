"""What a worker process does with a batch: it owns its site-years, obeys a halt and tells what it found out."""

import pickle
from pathlib import Path

import pytest
from filelock import FileLock, Timeout

from extract.allowance import Allowance, Halt
from extract.errors import RunStopped
from extract.planner import Chunk
from extract.providers import ProviderName
from extract.series import Series
from flows.engines.on_worker import OWNERS, do_batch
from flows.engines.site_years import SiteYear, site_years
from flows.errors import UsageError
from flows.failing_sites import FAILURES_IN_A_ROW
from flows.settings import Settings
from flows.workspace import Workspace
from warehouse.lake import Lake


@pytest.fixture
def sent(tmp_path: Path) -> Workspace:
    """A workspace as it comes out of a task."""
    allowance = Allowance(tmp_path / "allowance")
    allowance.begin()
    settings = Settings(
        data_dir=tmp_path,
        config_dir=tmp_path / "config",
        provider=ProviderName.SIMULATOR,
        api_base_url="http://127.0.0.1:9",
    )
    found: Workspace = pickle.loads(pickle.dumps(Workspace(settings, "run", allowance=allowance)))  # noqa: S301 - our own
    return found


def years(*sites: int) -> list[SiteYear]:
    return site_years([Chunk(site, Series.POWER, "2026-01", ()) for site in sites])


def test_every_chunk_has_its_result_and_its_site_alone(sent: Workspace) -> None:
    def step(workspace: Workspace, item: Chunk) -> tuple[int, bool]:
        assert workspace.archive is not sent.__dict__.get("archive")
        with pytest.raises(Timeout):
            FileLock(workspace.root / OWNERS / f"{item.site_id}-2026.lock", timeout=0).acquire()
        return item.site_id, workspace.stop.is_set()

    done = do_batch(step, sent, years(5, 3))
    assert done.results == {0: (5, False), 1: (3, False)}
    assert not done.is_stopped


@pytest.mark.parametrize(("halt", "is_interrupted"), [(Halt.ASKING, False), (Halt.EVERYTHING, True)])
def test_a_halt_reaches_the_next_chunk(sent: Workspace, halt: Halt, is_interrupted: bool) -> None:
    allowance = sent.allowance
    assert allowance is not None

    def step(workspace: Workspace, item: Chunk) -> tuple[bool, bool]:
        seen = workspace.stop.is_set(), workspace.interrupted_by is not None
        allowance.halt = halt
        return seen

    done = do_batch(step, sent, years(1, 2))
    assert done.results == {0: (False, False), 1: (True, is_interrupted)}
    assert done.is_stopped


def test_what_it_found_out_is_told(sent: Workspace) -> None:
    """Sites that keep failing and series that nobody offers: those who come after need not find out again."""

    def step(workspace: Workspace, item: Chunk) -> int:
        for _ in range(FAILURES_IN_A_ROW):
            workspace.set_aside.note(item.site_id, is_failure=True)
        workspace.not_offered.add(Series.SOE)
        return 0

    done = do_batch(step, sent, years(1))
    assert (set(done.set_aside), set(done.not_offered)) == ({1}, {Series.SOE})
    sent.set_aside.add(done.set_aside)
    sent.not_offered |= done.not_offered
    after: Workspace = pickle.loads(pickle.dumps(sent))  # noqa: S301 - our own
    assert (1 in after.set_aside, 2 in after.set_aside, after.not_offered) == (True, False, {Series.SOE})


def test_a_worker_without_the_data_directory_says_so(sent: Workspace, tmp_path: Path) -> None:
    """On another machine the same path may be another disk: nothing is begun there."""
    assert sent.allowance is not None
    sent.allowance.end()
    with pytest.raises(UsageError, match="all workers must share it"):
        do_batch(lambda *_: 0, sent, years(1))


def test_requests_stop_where_the_run_was_halted(sent: Workspace) -> None:
    assert sent.allowance is not None
    sent.allowance.halt = Halt.ASKING
    with pytest.raises(RunStopped):
        sent.fetcher.budget.spend()


def test_a_workspace_travels_with_where_it_works(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker has another current directory; a rebuild has another lake."""
    monkeypatch.chdir(tmp_path)
    mine = Workspace(Settings(data_dir=Path("data"), config_dir=Path("config")), "run")
    mine.lake = Lake(mine.root / ".lake.rebuilding")
    monkeypatch.chdir(tmp_path)
    packed = pickle.dumps(mine)
    monkeypatch.chdir("/")
    theirs: Workspace = pickle.loads(packed)  # noqa: S301 - our own
    assert theirs.root == tmp_path / "data"
    assert theirs.lake.root == tmp_path / "data/.lake.rebuilding"
    assert theirs.settings.config_dir == tmp_path / "config"
