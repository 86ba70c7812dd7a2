"""Secrets in the raw archive: how they are found and masked.

Earlier versions kept the text of an error that repeats the request's `Authorization` header. `find_secrets` names such records
without their content; `mask_secrets` replaces the secrets by a mask. A segment is written to a new file that replaces the old
one in one step, and every other record is unchanged to the byte (see `RawArchive.replace_segments`).
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from extract.archive import segment
from extract.archive.raw_archive import RawArchive
from extract.archive.record import DUPLICATE_KEY, SUFFIX, body_in
from extract.archive.segment import Frame
from wattlog.secret_text import could_hold_secret, holds_secret, masked, masked_bytes


@dataclass(frozen=True, slots=True)
class SecretFound:
    """A record that holds a secret.

    Attributes:
        segment: The segment, below the archive's root.
        raw_id: The record; empty if it has no id.
        is_transformed: Whether `transform` reads the body, so that lake and warehouse may hold the secret too.
    """

    segment: str
    raw_id: str
    is_transformed: bool

    def __str__(self) -> str:
        return f"record {self.raw_id or 'without an id'} holds a token or another secret; run `wattlog verify --redact`"


def find_secrets(root: Path) -> Iterator[SecretFound]:
    """Every record of the archive that holds a secret in force, or whose error text has something shaped like a token."""
    for path in _segments(root):
        name = str(path.relative_to(root))
        for part in segment.scan(path):
            record = _record_with_secret(part) if isinstance(part, Frame) else None
            if record is not None:
                yield _found(name, record)


def mask_secrets(archive: RawArchive) -> list[SecretFound]:
    """Mask every secret that `find_secrets` finds; returns what was found. The data directory must be locked.

    Raises:
        ArchiveError: A segment has damaged records, or cannot be written. It is then as it was.
    """
    found: list[SecretFound] = []
    for path in _segments(archive.root):
        name = str(path.relative_to(archive.root))
        if any(isinstance(part, Frame) and _record_with_secret(part) is not None for part in segment.scan(path)):
            records, of_segment = _cleaned(archive.records(name), name)
            archive.replace_segments({name: records})
            found += of_segment
    return found


def _segments(root: Path) -> list[Path]:
    return sorted(root.glob(f"site_id=*/series=*/month=*{SUFFIX}"))


def _cleaned(records: Iterable[dict[str, Any]], name: str) -> tuple[list[dict[str, Any]], list[SecretFound]]:
    """The records of a segment without secrets, and which of them had one."""
    cleaned, found, checksums = list[dict[str, Any]](), list[SecretFound](), dict[str, str]()
    for record in records:
        if _holds_secret(record):
            found.append(_found(name, record))
            cleaned.append(_without_secrets(record))
            checksums[str(record.get("raw_id"))] = str(cleaned[-1].get("sha256"))
        elif str(record.get(DUPLICATE_KEY)) in checksums:  # a duplicate of a body that was changed
            cleaned.append({**record, "sha256": checksums[str(record[DUPLICATE_KEY])]})
        else:
            cleaned.append(record)
    return cleaned, found


def _found(name: str, record: Mapping[str, Any]) -> SecretFound:
    return SecretFound(name, str(record.get("raw_id") or ""), record.get("status") == 200)


def _record(part: Frame) -> dict[str, Any] | None:
    try:
        record = orjson.loads(part.line)
    except orjson.JSONDecodeError:
        return None
    return record if isinstance(record, dict) else None


def _record_with_secret(part: Frame) -> dict[str, Any] | None:
    """The record of a frame, if it holds a secret. Most lines are excluded without being parsed."""
    if not could_hold_secret(part.line):
        return None
    record = _record(part)
    return record if record is not None and _holds_secret(record) else None


def _holds_secret(record: Mapping[str, Any]) -> bool:
    or_shape = record.get("status") != 200
    return any(holds_secret(text, or_shape=or_shape) for text in _texts(record))


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        if isinstance(value.get("body_hex"), str):
            yield (body_in(value) or b"").decode("latin-1")
        for item in value.values():
            yield from _texts(item)


def _without_secrets(record: Mapping[str, Any]) -> dict[str, Any]:
    """A record with masks for its secrets. In the body of a response with status 200 only secrets in force are masked."""
    changed: dict[str, Any] = {
        key: value if key in {"body", "body_hex"} else _masked(value) for key, value in record.items()
    }
    body = body_in(record)
    if body is None:
        return changed
    is_transformed = record.get("status") == 200
    clean = masked_bytes(body) if is_transformed else masked(body.decode("latin-1")).encode("latin-1")
    changed |= {"sha256": hashlib.sha256(clean).hexdigest(), "size": len(clean)}
    if record.get("body_hex") is not None:
        return changed | {"body_hex": clean.hex()}
    return changed | {"body": clean.decode(errors="replace")}


def _masked(value: Any) -> Any:
    if isinstance(value, str):
        return masked(value)
    return {key: _masked(item) for key, item in value.items()} if isinstance(value, dict) else value
