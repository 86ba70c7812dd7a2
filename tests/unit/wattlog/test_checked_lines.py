"""A flipped bit is found in the line that it is in."""

from pathlib import Path

import orjson
import pytest

from wattlog import checked_lines

TEXTS = [b'["a",1,null]', b'{"run_id":"x","requests":5}']


@pytest.mark.parametrize("text", TEXTS)
def test_a_line_is_json_and_gives_its_text_back(text: bytes) -> None:
    line = checked_lines.with_checksum(text).rstrip(b"\n")
    assert checked_lines.is_whole(line)
    assert checked_lines.without_checksum(line) == text
    assert len(orjson.loads(line)) == len(orjson.loads(text)) + 1


@pytest.mark.parametrize("text", TEXTS)
def test_every_flipped_bit_is_found(text: bytes) -> None:
    """That of the newline as well: two lines in one are no line."""
    content = checked_lines.with_checksum(text) * 2
    for bit in range(len(content) * 8):
        flipped = bytearray(content)
        flipped[bit // 8] ^= 1 << bit % 8
        found = checked_lines.split(bytes(flipped))
        assert len(found.checked) < 2 or found.torn, f"bit {bit} of {content!r}"
        assert all(checked_lines.without_checksum(line) == text for line in found.checked)


def test_a_line_that_was_cut_short_is_cut_off_before_the_next(tmp_path: Path) -> None:
    path = tmp_path / "list.ndjson"
    checked_lines.append(path, TEXTS)
    path.write_bytes(path.read_bytes()[:-7])
    checked_lines.append(path, TEXTS[:1])
    found = checked_lines.split(path.read_bytes())
    assert [checked_lines.without_checksum(line) for line in found.checked] == [TEXTS[0], TEXTS[0]]
    assert (found.unchecked, found.torn) == ([], b"")


def test_damaged_lines_are_reported_once_and_kept(tmp_path: Path) -> None:
    path = tmp_path / "site_id=1" / "list.ndjson"
    path.parent.mkdir()
    checked_lines.save_damaged(path, [b"one"])
    checked_lines.save_damaged(path, [b"two", b"three"])
    ((aside, lines),) = checked_lines.unreported(tmp_path)
    assert lines == 3
    checked_lines.mark_reported(aside)
    assert list(checked_lines.unreported(tmp_path)) == []
    assert path.with_name("list.ndjson.damaged.reported").read_bytes() == b"one\ntwo\nthree\n"
