"""What two machines added to one file of the raw archive: nothing is lost, whatever they added and whichever reads."""

from pathlib import Path
from tempfile import TemporaryDirectory

import orjson
from hypothesis import given
from hypothesis import strategies as st

from extract.archive import segment
from flows.object_store.mirror import join_records, whole_records
from tests.examples import examples

RECORDS = st.lists(st.text("ab", min_size=1, max_size=3), max_size=4)
"""Few letters, so that records begin alike and are often the same."""


def written(path: Path, records: list[str]) -> bytes:
    """A file of these records: frames of a segment, or lines of the ledger."""
    is_segment = path.name.endswith(".zst")
    return b"".join(
        segment.frame(orjson.dumps(record)) if is_segment else orjson.dumps(record) + b"\n" for record in records
    )


@examples(60)
@given(name=st.sampled_from(["month=2025-03.ndjson.zst", "runs.ndjson"]), common=RECORDS, here=RECORDS, there=RECORDS)
def test_the_stores_records_stay_and_this_machines_follow_each_once(
    name: str, common: list[str], here: list[str], there: list[str]
) -> None:
    """In order; and joining once more, on either side, changes nothing."""
    if name == "runs.ndjson":  # no two lines of the ledger are the same, so that each is looked for by itself
        common = list(dict.fromkeys(common))
        here, there = ([line for line in dict.fromkeys(lines) if line not in common] for lines in (here, there))
    with TemporaryDirectory() as directory:
        path = Path(directory) / name
        local, remote = written(path, common + here), written(path, common + there)
        path.write_bytes(local)
        joined = join_records(path, local, remote)

        mine, theirs = common + here, common + there
        if name == "runs.ndjson":
            lines = [orjson.loads(line) for line in joined.splitlines()]
            assert list(dict.fromkeys(lines)) == list(dict.fromkeys(theirs + mine))
            path.write_bytes(joined)
            assert join_records(path, joined, remote) == joined
            return
        shared = next(
            (at for at, (a, b) in enumerate(zip(mine, theirs, strict=False)) if a != b), min(len(mine), len(theirs))
        )
        assert joined == written(path, theirs + mine[shared:])

        path.write_bytes(joined)
        assert whole_records(path) == joined
        assert join_records(path, joined, remote) == joined


@examples(40)
@given(records=RECORDS, torn=st.text("ab", min_size=1, max_size=3), data=st.data())
def test_a_torn_tail_of_any_length_is_left_out(records: list[str], torn: str, data: st.DataObject) -> None:
    with TemporaryDirectory() as directory:
        path = Path(directory) / "month=2025-03.ndjson.zst"
        whole, frame = written(path, records), segment.frame(orjson.dumps(torn))
        path.write_bytes(whole + frame[: data.draw(st.integers(0, len(frame) - 1))])
        assert whole_records(path) == whole
