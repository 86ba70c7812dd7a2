"""What is written before a command is sent: the record that proves an intention, whatever happens afterwards.

All records of a command have its `run_id`, which is the id of the command. First comes the intent, then each answer, then each
site_info that was read back.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final

from wattlog.api_json import UnreadableJson, read, write
from wattlog.commands.settings import SETTINGS, SettingSpec

_FOLDER: Final = "/intent/"


class Origin(StrEnum):
    """Where a change comes from."""

    CLI = "cli"
    SCHEDULE = "schedule"
    API = "api"


@dataclass(frozen=True, slots=True)
class Intent:
    """The intention to send a command.

    Attributes:
        name: The setting.
        path: Path of the request.
        body: Body of the request.
        value_asked: The value, as people write it.
        value_before: The value that site_info showed; None where it had none.
        origin: Where the change comes from.
        document_before: The document that is replaced; None for settings that are no documents.
    """

    name: str
    path: str
    body: Mapping[str, Any]
    value_asked: str
    value_before: str | None
    origin: str
    document_before: Mapping[str, Any] | None = None

    @property
    def spec(self) -> SettingSpec:
        """The setting."""
        return SETTINGS[self.name]

    @property
    def value(self) -> Any:
        """The value of the API."""
        return self.spec.value_in_body(self.body)

    @property
    def record_path(self) -> str:
        """The path of its record, which is that of no request."""
        return f"{_FOLDER}{self.name}"

    def to_json(self) -> bytes:
        """The body of its record."""
        return write(asdict(self))


def is_intent(path: str) -> bool:
    """Whether a record is an intent, by its path."""
    return path.startswith(_FOLDER)


def intent_of(body: bytes) -> Intent:
    """The intent of a record.

    Raises:
        ValueError: It is not one that this version can read.
    """
    try:
        found = read(body)
        intent = Intent(**found)
        if intent.spec.value_in_body(intent.body) is None:
            raise ValueError("the body of the request has no value")
    except (UnreadableJson, TypeError, KeyError, AttributeError) as error:
        raise ValueError(f"no intent of a command: {error}") from None
    return intent
