"""Settings: the only reader of the environment.

Strongest first: command-line options, `WATTLOG_*` environment variables, `.env`, `wattlog.toml`, the defaults here.
"""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from zoneinfo import ZoneInfo

from platformdirs import user_cache_path, user_config_path
from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, ValidationError, field_serializer
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from extract.providers import PROVIDERS, Provider, ProviderName
from extract.token_store import StoreKind
from flows.errors import UsageError
from flows.object_store.address import store_address

LogLevel = Annotated[str, Field(pattern="(?i)^(debug|info|warning|error)$"), AfterValidator(str.upper)]


def _zone_names(value: Any) -> dict[int, str]:
    """A JSON object of site id → IANA name, or the mapping itself."""
    raw = json.loads(value) if isinstance(value, str) else value
    if not isinstance(raw, Mapping):
        raise ValueError('expected a JSON object such as {"1234567": "Europe/London"}')
    for name in raw.values():
        try:
            ZoneInfo(str(name))
        except (KeyError, ValueError, OSError) as error:
            raise ValueError(f"{name!r} is not an IANA time zone") from error
    return {int(site): str(name) for site, name in raw.items()}


def _usable(data_dir: Path) -> Path:
    """A directory, or the address of a store."""
    try:
        store_address(data_dir)
    except UsageError as error:
        raise ValueError(str(error)) from None
    return data_dir


class Settings(BaseSettings):
    """Everything a run can be told.

    Attributes:
        data_dir: Where raw archive, lake and warehouse live: a directory, or `s3://bucket/prefix`.
        cache_dir: Where stores are mirrored.
        provider: Who answers.
        api_base_url: Replaces the provider's own address.
        access_token: Bearer token; wins over a login.
        refresh_token: Seed of a login: once renewed, its stored descendants are used for as long as it stays the same.
        client_id: Application that logs in; registered at developer.tesla.com for the Fleet API.
        client_secret: The application's secret, where it has one.
        redirect_uri: Where the browser is sent after a login, as registered; a free loopback port when not given.
        scopes: What a login asks for.
        authorize_url: Replaces the address at which a person logs in.
        token_url: Replaces the address at which tokens are given out.
        token_store: Where logins are kept: keyring, file, or auto for the keyring where there is one.
        config_dir: Where token files and their locks are.
        requests_per_minute: Replaces the provider's pace.
        concurrency: Requests in flight; replaces the provider's.
        settle_hours: How long after its end a window's answer counts as final.
        site_timezones: Site id → IANA name, stronger than what the API says.
        healthcheck_url: Told when `sync` begins and how it ends.
        shared_rate_limit: Prefect limit that every request also waits for, where several workers share one allowance.
        in_place_views: Make a warehouse of views over the lake instead of a copy of it.
        log_level: debug, info, warning or error.
    """

    model_config = SettingsConfigDict(
        env_prefix="WATTLOG_",
        env_ignore_empty=True,
        env_file=".env",
        toml_file="wattlog.toml",
        extra="ignore",
        frozen=True,
    )

    data_dir: Annotated[Path, AfterValidator(_usable)] = Path("data")
    cache_dir: Path = Field(default_factory=lambda: user_cache_path("wattlog"))
    provider: ProviderName = ProviderName.FLEET_NA
    api_base_url: str | None = Field(default=None, pattern=r"^https?://[^/\s]+")
    access_token: SecretStr | None = None
    refresh_token: SecretStr | None = None
    client_id: str | None = None
    client_secret: SecretStr | None = None
    redirect_uri: str | None = Field(default=None, pattern=r"^https?://[^/\s]+")
    scopes: str = "openid offline_access energy_device_data"
    authorize_url: str | None = Field(default=None, pattern=r"^https?://[^/\s]+")
    token_url: str | None = Field(default=None, pattern=r"^https?://[^/\s]+")
    token_store: StoreKind = StoreKind.AUTO
    config_dir: Path = Field(default_factory=lambda: user_config_path("wattlog"))
    requests_per_minute: int | None = Field(default=None, ge=1, le=100_000)
    concurrency: int | None = Field(default=None, ge=1, le=64)
    settle_hours: float = Field(default=48, ge=0, le=24 * 60)
    site_timezones: Annotated[dict[int, str], NoDecode, AfterValidator(_zone_names)] = Field(default_factory=dict)
    healthcheck_url: SecretStr | None = None
    shared_rate_limit: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")
    in_place_views: bool = False
    log_level: LogLevel = "WARNING"
    _store: str | None = PrivateAttr(None)

    @property
    def shown_data_dir(self) -> str:
        """The data directory as people gave it: a path, or the address of the store that `data_dir` mirrors."""
        return self._store or str(store_address(self.data_dir) or self.data_dir)

    def mirrored(self, directory: Path, store: str) -> "Settings":
        """The same settings with the store's mirror for a data directory."""
        copy = self.model_copy(update={"data_dir": directory})
        copy._store = store
        return copy

    @field_serializer("data_dir", when_used="json")
    def _as_given(self, _: Path) -> str:
        return self.shown_data_dir

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Order of strength, strongest first."""
        return init_settings, env_settings, dotenv_settings, TomlConfigSettingsSource(settings_cls)

    @property
    def resolved_provider(self) -> Provider:
        """The provider with the address, pace and concurrency that the other settings replace."""
        known = PROVIDERS[self.provider]
        return Provider(
            name=known.name,
            base_url=self.api_base_url or known.base_url,
            requests_per_minute=self.requests_per_minute or known.requests_per_minute,
            concurrency=self.concurrency or known.concurrency,
        )


def load_settings(**overrides: Any) -> Settings:
    """Settings from all sources; `overrides` that are None count as not given.

    Raises:
        UsageError: A value is not legal; the sentence names the variable.
    """
    given = {key: value for key, value in overrides.items() if value is not None}
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name = "_".join(str(part) for part in first["loc"][:1]).upper()
        raise UsageError(f"WATTLOG_{name}: {first['msg']}") from None
    except SettingsError as error:
        raise UsageError(f"settings: {error}") from None
    except OSError as error:
        raise UsageError(f"settings file: {error}") from None
    except ValueError as error:
        raise UsageError(f"wattlog.toml is not valid TOML: {error}") from None


def prefect_is_configured() -> bool:
    """Whether this shell points at a Prefect API; found out without importing Prefect."""
    return bool(os.environ.get("PREFECT_API_URL"))
