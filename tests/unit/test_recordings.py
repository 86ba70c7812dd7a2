"""What one test does to its copy of a recording no other test sees, and what is done to the recording itself is noticed."""

import pickle
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from extract.simulator import World
from flows.pipeline import BackfillRequest, Summary
from tests import recordings as recording_module
from tests.recordings import Recording, Recordings, Visit, checksum

RECORDING = Recording(World(sites=()), (Visit(BackfillRequest()),))
SEGMENT = "raw/site_id=1/series=power/2025-03.zst"


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Recording]:
    """What was recorded, and how often; without a server."""
    made: list[Recording] = []

    def record(recording: Recording, path: Path) -> None:
        made.append(recording)
        (path / "data" / SEGMENT).parent.mkdir(parents=True)
        (path / "data" / SEGMENT).write_bytes(b"monday")
        (path / "facts").write_bytes(pickle.dumps((Summary("run"), ())))
        (path / "checksum").write_text(checksum(path / "data"))

    monkeypatch.setattr(recording_module, "_record", record)
    return made


def test_what_is_appended_to_a_copy_is_in_no_other(asked: list[Recording], tmp_path: Path) -> None:
    """Raw files grow in place, so that a hard link would let one test write into the archive of another."""
    recordings = Recordings(tmp_path)
    first = recordings.copy(RECORDING, tmp_path / "first")
    with (first.data_dir / SEGMENT).open("ab") as segment:
        segment.write(b" and tuesday")
    (first.data_dir / "raw/new").touch()
    second = Recordings(tmp_path).copy(RECORDING, tmp_path / "second")
    assert (second.data_dir / SEGMENT).read_bytes() == b"monday"
    assert not (second.data_dir / "raw/new").exists()
    assert recordings.changed() == []
    assert len(asked) == 1, "another process finds it recorded"


@pytest.mark.parametrize("path", [SEGMENT, "raw/new"])
def test_a_test_that_works_on_the_recording_itself_is_noticed(
    asked: list[Recording], tmp_path: Path, path: str
) -> None:
    """By every process that has used it, at its end; also when another process did it."""
    recordings = Recordings(tmp_path)
    recordings.copy(RECORDING, tmp_path / "copy")
    with (tmp_path / RECORDING.key / "data" / path).open("ab") as file:
        file.write(b"!")
    assert recordings.changed() == [tmp_path / RECORDING.key]


def test_those_who_want_it_at_once_have_it_recorded_once(asked: list[Recording], tmp_path: Path) -> None:
    def copy(number: int) -> bytes:
        return (Recordings(tmp_path).copy(RECORDING, tmp_path / f"{number}").data_dir / SEGMENT).read_bytes()

    with ThreadPoolExecutor(4) as pool:
        assert set(pool.map(copy, range(4))) == {b"monday"}
    assert asked == [RECORDING]


def test_another_world_or_another_question_is_another_recording() -> None:
    others = [
        Recording(World(sites=(), has_legacy_history=True), RECORDING.visits),
        Recording(RECORDING.world, (Visit(BackfillRequest(sites=(1,))),)),
        Recording(RECORDING.world, (Visit(BackfillRequest(), is_whole=False), *RECORDING.visits)),
    ]
    assert len({recording.key for recording in (RECORDING, *others)}) == 4
    assert Recording(World(sites=()), (Visit(BackfillRequest()),)).key == RECORDING.key
