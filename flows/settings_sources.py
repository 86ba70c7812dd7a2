"""Where settings come from: environment variables, `.env`, and `wattlog.toml`. `flows.settings` checks the values.

A query of a local warehouse needs two settings. It takes them from here, since the model of all settings takes longer to import
than DuckDB.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.errors import UsageError
from flows.store_address import store_address

PREFIX = "wattlog_"
"""Variables of wattlog begin with it, in letters of either case."""

ENV_FILE = Path(".env")
TOML_FILE = Path("wattlog.toml")

DATA_DIR = Path("data")
LOG_LEVEL = "WARNING"
LOG_LEVELS = ("DEBUG", "INFO", "WARNING", "ERROR")


@dataclass(frozen=True, slots=True)
class QuerySettings:
    """The settings of a query of a local warehouse; see `flows.settings.Settings`."""

    data_dir: Path = DATA_DIR
    log_level: str = LOG_LEVEL


def query_settings(data_dir: Path | None) -> QuerySettings | None:
    """The settings of a query; None where `flows.settings` is needed: one of the two is not legal, or names a store.

    Args:
        data_dir: The data directory of the command line, which is stronger than the other sources.

    Raises:
        UsageError: A file cannot be read.
    """
    given = given_values()
    place, level = data_dir or given.get("data_dir", DATA_DIR), str(given.get("log_level", LOG_LEVEL)).upper()
    if isinstance(place, str | Path) and level in LOG_LEVELS and _is_local(place):
        return QuerySettings(Path(place), level)
    return None


def _is_local(place: str | Path) -> bool:
    try:
        return store_address(place) is None
    except UsageError:
        return False


def given_values() -> dict[str, Any]:
    """Values by the names of settings, each from its strongest source. Other names may be among them.

    Raises:
        UsageError: A file cannot be read.
    """
    return {**_of_toml_file(), **_of_env_file(), **_of_variables(os.environ)}


SECRET = "secret_"  # noqa: S105 - the beginning of a name
"""Variables `WATTLOG_SECRET_NAME` have the secrets of services beside the API."""


def given_secrets() -> dict[str, str | None]:
    """The secrets of services, by their names in lower case. They are not read from `wattlog.toml`.

    Raises:
        UsageError: A file cannot be read, or has a secret.
    """
    if any(name.startswith(SECRET) for name in _of_toml_file()):
        raise UsageError(
            f"{TOML_FILE} has a secret, which a file of settings must not; use WATTLOG_SECRET_… or a keyring"
        )
    given = {**_of_env_file(), **_of_variables(os.environ)}
    return {name.removeprefix(SECRET): value for name, value in given.items() if name.startswith(SECRET)}


def _of_variables(variables: Mapping[str, str | None]) -> dict[str, Any]:
    """The values of wattlog's variables; an empty one counts as not set."""
    return {
        name.lower().removeprefix(PREFIX): value
        for name, value in variables.items()
        if value and name.lower().startswith(PREFIX)
    }


def _of_env_file() -> dict[str, Any]:
    if not ENV_FILE.is_file():
        return {}
    from dotenv import dotenv_values

    try:
        return _of_variables(dotenv_values(ENV_FILE))
    except OSError as error:
        raise UsageError(f"settings file: {error}") from None
    except UnicodeDecodeError as error:
        raise UsageError(f"{ENV_FILE} is not UTF-8: {error}") from None


def _of_toml_file() -> dict[str, Any]:
    if not TOML_FILE.is_file():
        return {}
    import tomllib

    try:
        return tomllib.loads(TOML_FILE.read_text(encoding="utf-8"))
    except OSError as error:
        raise UsageError(f"settings file: {error}") from None
    except ValueError as error:
        raise UsageError(f"{TOML_FILE} is not valid TOML: {error}") from None
