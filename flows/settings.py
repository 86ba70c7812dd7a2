"""Every setting, checked. `flows.settings_sources` reads where they come from: nothing else reads the environment.

Strongest first: command-line options, `WATTLOG_*` environment variables, `.env`, `wattlog.toml`, the defaults here.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

from platformdirs import user_cache_path, user_config_path
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_serializer,
)

from extract.auth.token_store import StoreKind
from flows.billing_settings import Billing
from flows.errors import UsageError
from flows.publish_settings import TargetSettings, targets_of
from flows.settings_sources import DATA_DIR, LOG_LEVEL, LOG_LEVELS, given_secrets, given_values
from flows.store_address import store_address
from wattlog.addresses import is_private
from wattlog.commands.plan import PlanRule, rule_of
from wattlog.providers import FLEET_NA, PROVIDERS, READ_SCOPE, Provider
from wattlog.secret_text import NotSendable, protect, sendable
from wattlog.series import SETTLE_HOURS
from wattlog.zones import iana_zone

LogLevel = Annotated[str, Field(pattern=f"(?i)^({'|'.join(LOG_LEVELS).lower()})$"), AfterValidator(str.upper)]


def _zone_names(value: Any) -> dict[Any, str]:
    """A JSON object of site id → IANA name, or the mapping itself, as a mapping of names that there are."""
    try:
        raw = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        raw = None
    if not isinstance(raw, Mapping):
        raise ValueError('expected a JSON object such as {"1234567": "Europe/London"}')
    for name in raw.values():
        if iana_zone(str(name)) is None:
            raise ValueError(f"{name!r} is not the time zone of a place; write an IANA name such as Europe/London")
    return {site: str(name) for site, name in raw.items()}


def _table(value: Any) -> Any:
    """A table of `wattlog.toml`, which a variable has as a JSON object."""
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError:
        raise ValueError('expected a JSON object such as {"cycle_day": 14}') from None


def _usable(data_dir: Path) -> Path:
    """A directory, or the address of a store."""
    try:
        store_address(data_dir)
    except UsageError as error:
        raise ValueError(str(error)) from None
    return data_dir


def _provider_name(name: str) -> str:
    """The name of a provider that there is."""
    if name not in PROVIDERS:
        *others, last = (repr(known) for known in PROVIDERS)
        raise ValueError(f"Input should be {', '.join(others)} or {last}")
    return name


def checked_secret(value: Any) -> SecretStr | None:
    """A secret of the environment without the blanks and line ends around it, masked from now on; None where none is left.

    Raises:
        NotSendable: It holds something that neither a header nor a form can carry.
    """
    text = value.get_secret_value() if isinstance(value, SecretStr) else value
    if not isinstance(text, str):
        raise NotSendable("it is not a text")
    if not text.strip():
        return None
    protect(text)
    return SecretStr(sendable(text, strip=True))


def _address(url: str, info: ValidationInfo) -> str:
    """An address for tokens and codes, which third parties must not read on the way."""
    if not info.data.get("allow_http") and not is_private(url):
        raise ValueError(
            "plain http to another machine would show the token to everyone on the way; write an https:// address, "
            "or set WATTLOG_ALLOW_HTTP=true if that network is yours"
        )
    return url


Address = Annotated[str, Field(pattern=r"^https?://[^/\s]+"), AfterValidator(_address)]
"""An address that tokens or login codes are sent to."""

Secret = Annotated[SecretStr | None, BeforeValidator(lambda value: None if value is None else checked_secret(value))]
"""A token or a client secret. A file with CRLF line ends adds a CR to each."""


def _plan(value: Any) -> tuple[PlanRule, ...]:
    """The rules of a plan: a list of tables, or the same as JSON."""
    try:
        given = json.loads(value) if isinstance(value, str) else value
    except ValueError:
        given = None
    if not isinstance(given, list | tuple):
        raise ValueError("expected a list of rules, each with setting and value")
    return tuple(rule if isinstance(rule, PlanRule) else rule_of(rule) for rule in given)


def _targets(value: Any) -> tuple[TargetSettings, ...]:
    """The targets of deliveries: a list of tables, or the same as JSON."""
    try:
        return targets_of(json.loads(value) if isinstance(value, str) else value)
    except json.JSONDecodeError:
        raise ValueError("expected a list of targets, each with target and to") from None


class Settings(BaseModel):
    """Every setting of a run.

    Attributes:
        data_dir: Where raw archive, lake and warehouse live: a directory, or `s3://bucket/prefix`.
        cache_dir: Where stores are mirrored.
        provider: Who answers.
        allow_http: Send tokens by plain http to other machines, too.
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
        plan: Settings of the sites by day, for `apply-plan`.
        healthcheck_url: Told when `sync` begins and how it ends.
        shared_rate_limit: Prefect limit that every request also waits for, where several workers share one allowance.
        vehicles: Fetch what is about cars in every run: public charging, and one reading of each car that is awake.
        vehicle_command_url: Address of a signing proxy; used for commands to cars alone.
        vehicle_command_ca: File of the certificate authority that the proxy's certificate is from.
        in_place_views: Make a warehouse of views over the lake instead of a copy of it.
        billing: How sites are billed, for `wattlog costs`; a table of `wattlog.toml`, or JSON.
        publish: The targets of `wattlog publish`: tables `[[publish]]` of `wattlog.toml`, or JSON.
        secrets: Secrets of services beside the API, by their names.
        log_level: debug, info, warning or error.
    """

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    data_dir: Annotated[Path, AfterValidator(_usable)] = DATA_DIR
    cache_dir: Path = Field(default_factory=lambda: user_cache_path("wattlog"))
    provider: Annotated[str, AfterValidator(_provider_name)] = FLEET_NA.name
    allow_http: bool = False
    api_base_url: Address | None = None
    access_token: Secret = None
    refresh_token: Secret = None
    client_id: str | None = None
    client_secret: Secret = None
    redirect_uri: Address | None = None
    scopes: str = f"openid offline_access {READ_SCOPE}"
    authorize_url: Address | None = None
    token_url: Address | None = None
    token_store: StoreKind = StoreKind.AUTO
    config_dir: Path = Field(default_factory=lambda: user_config_path("wattlog"))
    requests_per_minute: int | None = Field(default=None, ge=1, le=100_000)
    concurrency: int | None = Field(default=None, ge=1, le=64)
    settle_hours: float = Field(default=SETTLE_HOURS, ge=0, le=24 * 60)
    site_timezones: Annotated[dict[int, str], BeforeValidator(_zone_names)] = Field(default_factory=dict)
    plan: Annotated[tuple[PlanRule, ...], BeforeValidator(_plan)] = ()
    healthcheck_url: SecretStr | None = None
    shared_rate_limit: str | None = Field(default=None, pattern=r"^[A-Za-z0-9][A-Za-z0-9 ._-]*$")
    vehicles: bool = False
    vehicle_command_url: Address | None = None
    vehicle_command_ca: Path | None = None
    in_place_views: bool = False
    billing: Annotated[Billing, BeforeValidator(_table)] = Field(default_factory=Billing)
    publish: Annotated[tuple[TargetSettings, ...], BeforeValidator(_targets)] = ()
    secrets: dict[str, Secret] = Field(default_factory=dict)
    log_level: LogLevel = LOG_LEVEL
    _store: str | None = PrivateAttr(None)

    @property
    def is_store(self) -> bool:
        """Whether the data directory is the mirror of a store."""
        return self._store is not None

    @property
    def shown_data_dir(self) -> str:
        """The data directory as people gave it: a path, or the address of the store that `data_dir` mirrors."""
        return self._store or str(store_address(self.data_dir) or self.data_dir)

    def mirrored(self, directory: Path, store: str) -> "Settings":
        """The same settings with the store's mirror for a data directory."""
        copy = self.model_copy(update={"data_dir": directory})
        copy._store = store
        return copy

    def with_scopes(self, *more: str) -> "Settings":
        """The same settings, with a login that asks for more permissions, such as to change settings."""
        return self.model_copy(update={"scopes": " ".join(dict.fromkeys([*self.scopes.split(), *more]))})

    def with_in_place_views(self, in_place_views: bool) -> "Settings":
        """The same settings, with a warehouse of views if the command line asks for one."""
        return self.model_copy(update={"in_place_views": True}) if in_place_views else self

    @field_serializer("data_dir", when_used="json")
    def _as_given(self, _: Path) -> str:
        return self.shown_data_dir

    @property
    def resolved_provider(self) -> Provider:
        """The provider with the address, pace and concurrency that the other settings replace."""
        known = PROVIDERS[self.provider]
        return replace(
            known,
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
        return Settings.model_validate({**given_values(), "secrets": given_secrets(), **given})
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        name, *within = (str(part) for part in first["loc"] if part != "[key]")
        place = f"WATTLOG_{name.upper()}{': ' if within else ''}{'.'.join(within)}"
        raise UsageError(f"{place}: {first['msg'].removeprefix('Value error, ')}") from None


def prefect_is_configured() -> bool:
    """Whether this shell points at a Prefect API; found out without importing Prefect."""
    return bool(os.environ.get("PREFECT_API_URL"))
