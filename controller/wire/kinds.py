"""Every kind that can be declared: the built-in ones, listed, and those that other packages bring as entry points."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any, Protocol

from controller.clients.blobs import BlobStore
from controller.clients.docker import DockerHost
from controller.clients.homeassistant.sensors import Sensor
from controller.core.errors import Problem, Rejected, SettingsError
from controller.core.key import Key
from controller.core.kind import Kind
from controller.core.ports import Clock, Provider, Providers, Vault
from controller.core.secret import secret_in
from controller.kinds import (
    area,
    automation,
    certificate,
    device,
    domain,
    entity,
    floor,
    helper,
    label,
    network,
    record,
    route,
    scene,
    script,
    service,
    stack,
    volume,
)

GROUP = "homelab.kinds"
"""Entry points of this group name an object with `KIND` and, for a kind that stands for objects, `provider`."""


@dataclass(frozen=True)
class Tools:
    """What a provider may be given. `instance` is the owner mark, `data` a folder of this machine for what services write below
    relative paths, `state` one for what a provider must know after a restart (private; each connection uses files of its own
    name), `told` hears of what takes long (key, words), `others` are the providers of every connection, `sensors` what homes show
    that asked for it."""

    vault: Vault
    blobs: BlobStore
    clock: Clock
    instance: str
    data: Path
    state: Path
    told: Callable[[Key, str], None]
    others: Callable[[], Providers] = dict
    sensors: Callable[[], Sequence[Sensor]] = tuple

    def secret(self, declared: Mapping[str, Any], field: str) -> Callable[[], str]:
        """The value of a connection's field that is written as `{ref: …}`, revealed each time it is asked for: it must be kept
        nowhere. Raises Rejected when the field is missing or holds the value itself."""
        version = secret_in(declared.get(field))
        if version is None:
            hint = f"write `{field}: {{ref: name-of-the-secret}}` and set it with `homelab secret set name-of-the-secret`"
            raise Rejected([Problem((field,), f"{field} must be a reference to a secret", hint)])

        def reveal() -> str:
            self.vault.keep([version])  # a value from outside the vault may have been swept up since
            return self.vault.reveal(version)

        return reveal


class ForeignKind(Protocol):
    """A kind from another package. It may also name `TYPES`: types of connections that it opens and the controller does not
    know."""

    KIND: Kind

    def provider(self, connection: str, declared: Mapping[str, Any], tools: Tools) -> Provider | None:
        """Its provider behind a connection as homelab.yaml declares it, None when that connection holds no such objects."""


@cache
def foreign_kinds() -> Mapping[str, ForeignKind]:
    """Kinds of other packages, by name. Raises SettingsError for one that cannot be loaded or takes a known name."""
    found: dict[str, ForeignKind] = {}
    for point in sorted(entry_points(group=GROUP), key=lambda item: item.name):
        where = f"the kind {point.name!r} ({point.value})"
        try:
            loaded = point.load()
            kind = loaded.KIND
        except (ImportError, AttributeError) as error:
            raise SettingsError(f"{where} cannot be loaded: {error}; fix or remove its package") from error
        if kind.name in found or kind.name in _BUILT_IN:
            raise SettingsError(f"{where} calls itself {kind.name!r}, which is taken; remove its package")
        found[kind.name] = loaded
    return found


_BUILT_IN: Mapping[str, Kind] = {
    module.KIND.name: module.KIND
    for module in (
        service,
        stack,
        network,
        volume,
        domain,
        record,
        route,
        certificate,
        floor,
        label,
        area,
        entity,
        helper,
        device,
        scene,
        script,
        automation,
    )
}


def load_kinds() -> Mapping[str, Kind]:
    """Every kind by name."""
    return {**_BUILT_IN, **{name: item.KIND for name, item in foreign_kinds().items()}}


def docker_providers(host: DockerHost, tools: Tools) -> Mapping[str, Provider]:
    """The providers of a Docker host, by kind."""
    return {
        "service": service.ServiceProvider(
            host, tools.vault, tools.blobs, tools.clock, tools.instance, str(tools.data), tools.told
        ),
        "network": network.NetworkProvider(host, tools.instance),
        "volume": volume.VolumeProvider(host, tools.instance),
    }
