"""Secrets in the raw archive are found and not shown, and masked without any other change."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import orjson
import pytest

from extract.archive import segment
from extract.archive.raw_archive import RawArchive, Response
from extract.archive.segment import Frame
from extract.archive.stored_secrets import find_secrets, mask_secrets
from extract.errors import ArchiveError
from extract.requests import live_status
from wattlog.secret_text import protect

CORE = "planted-core-5f2b9c71d04e"
JWT = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJwbGFudGVkIn0.c2lnbmF0dXJl"
NOW = datetime(2025, 7, 1, tzinfo=UTC)
GOOD = Response(live_status(1001), NOW, 5.0, 1, 200, {"x-txid": "1"}, b'{"response": {"solar_power": 1}}', "data")


@pytest.fixture(autouse=True)
def in_force() -> None:
    protect(f"{CORE}\r")


def kept(root: Path, *responses: Response) -> list[str]:
    archive = RawArchive(root)
    return [
        archive.keep(
            replace(response, requested_at=NOW + timedelta(seconds=number)), run_id="r", provider="simulator"
        ).raw_id
        for number, response in enumerate(responses)
    ]


def broken(text: str | bytes) -> Response:
    body = text.encode() if isinstance(text, str) else text
    return replace(GOOD, status=None, body=body, outcome="transport", headers={})


LEAKS = {
    "repr of a header": broken(f"LocalProtocolError: Illegal header value b'Bearer {CORE}\\r'"),
    "unknown bearer": broken("LocalProtocolError: Illegal header value b'Bearer 0123456789abcdef'"),
    "JWT": replace(GOOD, status=401, outcome="error", body=f'{{"error": "token {JWT} has expired"}}'.encode()),
    "percent-encoded": replace(GOOD, status=400, outcome="error", body=f"no use for Bearer%20{CORE}%0D".encode()),
    "not UTF-8": broken(b"\xff " + CORE.encode()),
    "an answer": replace(GOOD, body=orjson.dumps({"response": {"echo": CORE}})),
    "a header": replace(GOOD, headers={"x-txid": CORE}, body=b'{"response": {"solar_power": 2}}'),
    "cut off": broken(f"b'{CORE[:18]}"),
}


def everything(root: Path) -> bytes:
    """Everything on the disk, segments unpacked."""
    files = [path for path in root.rglob("*") if path.is_file()]
    lines = [
        part.line for path in files if path.suffix == ".zst" for part in segment.scan(path) if isinstance(part, Frame)
    ]
    return b"\n".join([path.read_bytes() for path in files] + lines)


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS)
def test_a_secret_is_reported_and_masked(leak: Response, tmp_path: Path) -> None:
    before, planted, after = kept(tmp_path, GOOD, leak, replace(GOOD, body=b'{"response": {"solar_power": 3}}'))
    (found,) = find_secrets(tmp_path)
    assert (found.raw_id, found.segment) == (planted, "site_id=1001/series=snapshot/month=2025-07.ndjson.zst")
    assert CORE not in str(found)
    path = tmp_path / found.segment
    frames = [path.read_bytes()[part.byte_range.offset : part.byte_range.end] for part in segment.scan(path)]
    assert [secret.raw_id for secret in mask_secrets(RawArchive(tmp_path))] == [planted]
    assert not list(find_secrets(tmp_path))
    for secret in (CORE[:16], "0123456789abcdef", JWT):
        assert secret.encode() not in everything(tmp_path)
    now = [path.read_bytes()[part.byte_range.offset : part.byte_range.end] for part in segment.scan(path)]
    assert (now[0], now[2]) == (frames[0], frames[2]), "every other record stays to the byte"
    archive = RawArchive(tmp_path)
    assert not list(archive.verify())
    assert [entry.raw_id for entry in archive.entries(1001)] == [before, planted, after]
    assert [archive.load(entry).body for entry in archive.entries(1001)][::2] == [
        GOOD.body,
        b'{"response": {"solar_power": 3}}',
    ]


def test_a_duplicate_of_a_changed_body_stays_readable(tmp_path: Path) -> None:
    kept(tmp_path, LEAKS["an answer"], GOOD, LEAKS["an answer"])
    assert len(mask_secrets(RawArchive(tmp_path))) == 1
    archive = RawArchive(tmp_path)
    assert not list(archive.verify())
    first, _, third = (archive.load(entry).body for entry in archive.entries(1001))
    assert first == third == b'{"response":{"echo":"***"}}'


def test_without_secrets_nothing_is_written(tmp_path: Path) -> None:
    kept(tmp_path, GOOD)
    before = {path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("*") if path.is_file()}
    assert mask_secrets(RawArchive(tmp_path)) == []
    assert before == {
        path: (path.read_bytes(), path.stat().st_mtime_ns) for path in tmp_path.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("call", ["os.write", "os.fsync", "pathlib.Path.replace"])
def test_a_failure_leaves_the_segment_unchanged(call: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ids = kept(tmp_path, GOOD, LEAKS["JWT"])

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(call, full)
        with pytest.raises(ArchiveError, match="No space left"):
            mask_secrets(RawArchive(tmp_path))
    archive = RawArchive(tmp_path)
    assert [entry.raw_id for entry in archive.entries(1001)] == ids
    assert not list(archive.verify())
    assert len(mask_secrets(RawArchive(tmp_path))) == 1
    assert not list(RawArchive(tmp_path).verify())


def test_a_damaged_segment_is_not_changed(tmp_path: Path) -> None:
    kept(tmp_path, GOOD, LEAKS["JWT"], GOOD)
    path = next(tmp_path.rglob("month=*"))
    damaged = bytearray(path.read_bytes())
    damaged[len(damaged) - 8] ^= 1
    path.write_bytes(damaged)
    with pytest.raises(ArchiveError, match="damaged records"):
        mask_secrets(RawArchive(tmp_path))
    assert path.read_bytes() == damaged
