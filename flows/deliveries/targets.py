"""The targets of the settings, opened: with their secrets, ready to be delivered to."""

from collections.abc import Sequence

from extract.services.pvoutput import PVOutput
from flows.deliveries.home_assistant import HomeAssistantTarget
from flows.deliveries.influxdb import InfluxTarget, writer_of
from flows.deliveries.parquet import ParquetTarget, place_of
from flows.deliveries.pvoutput import OutputsTarget, StatusesTarget
from flows.deliveries.target import Target
from flows.errors import UsageError
from flows.publish_settings import TargetKind, TargetSettings
from flows.service_secrets import LONG_LIVED, check_address, needed_secret, secret_of
from flows.settings import Settings


def chosen_targets(settings: Settings, name: str | None, place: str | None) -> tuple[TargetSettings, ...]:
    """The targets that are meant: all of the settings, the one of a name, or one that the command line gives with its place.

    Raises:
        UsageError: There is none.
    """
    configured = {target.shown_name: target for target in settings.publish}
    if name is None:
        if not configured:
            raise UsageError(
                "there is no target: add a table [[publish]] to wattlog.toml, or give one, such as "
                "`wattlog publish home-assistant http://homeassistant.local:8123`"
            )
        return tuple(configured.values())
    if place is not None:
        return (_given(name, place, configured.get(name)),)
    if name not in configured:
        there = f"there are {', '.join(configured)}" if configured else "wattlog.toml has none"
        raise UsageError(f"{name} is no target of wattlog.toml ({there}); add it as [[publish]], or give its address")
    return (configured[name],)


def _given(name: str, place: str, configured: TargetSettings | None) -> TargetSettings:
    if configured is not None:
        return configured.model_copy(update={"to": place})
    kinds = [str(kind) for kind in TargetKind if kind is not TargetKind.PVOUTPUT]
    if name not in kinds:
        raise UsageError(f"{name} is neither a target of wattlog.toml nor one of {', '.join(kinds)}")
    return TargetSettings(target=TargetKind(name), to=place)


def open_targets(settings: Settings, target: TargetSettings) -> Sequence[Target]:
    """A target as deliveries need it; of Parquet one for each relation.

    Raises:
        UsageError: A secret is missing, or must not be sent to the address.
    """
    name, address = target.shown_name, target.address
    match target.target:
        case TargetKind.PARQUET:
            place = place_of(address)
            return [ParquetTarget(place, address, relation, name) for relation in target.relations]
        case TargetKind.HOME_ASSISTANT:
            return [home_assistant_of(settings, target)]
        case TargetKind.INFLUXDB:
            secret = secret_of(settings, name)
            check_address(settings, address, secret)
            return [InfluxTarget(writer_of(target, secret), target, name)]
        case TargetKind.PVOUTPUT:
            key = needed_secret(settings, name, "the API key of the account")
            check_address(settings, address, key)
            account = PVOutput.at(address, key, has_donated=target.donation)
            return [OutputsTarget(account, target), StatusesTarget(account, target)]


def home_assistant_of(settings: Settings, target: TargetSettings) -> HomeAssistantTarget:
    """A target that is a Home Assistant.

    Raises:
        UsageError: Its token is missing, or must not be sent to the address; or the target is another one.
    """
    if target.target is not TargetKind.HOME_ASSISTANT:
        raise UsageError(f"{target.shown_name} is no Home Assistant, and has no Energy dashboard")
    token = needed_secret(settings, target.shown_name, LONG_LIVED)
    return HomeAssistantTarget(check_address(settings, target.address, token), token, target.shown_name)
