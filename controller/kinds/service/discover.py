"""Containers that are not ours, as the Services that would declare them: what was asked for, without what the image and the
engine add by themselves."""

from __future__ import annotations

import json
import posixpath
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from typing import Any

from controller.clients.docker import DockerHost
from controller.core.discovery import Discovery
from controller.core.key import Key
from controller.kinds.service import names, signs
from controller.kinds.service.edge import NETWORK
from controller.kinds.service.endpoints import DEFAULT
from controller.kinds.service.projection import Details, Eyes, project
from controller.kinds.service.secrets import is_sensitive
from controller.kinds.service.spot import labels_of

_COMPOSE = "com.docker.compose."
_NOT_OURS_TO_SAY = (names.PREFIX, _COMPOSE, "com.docker.swarm.", "desktop.docker.io/")
_AS_IT_IS = (
    "user", "working_dir", "hostname", "domainname", "tty", "stdin_open", "stop_signal", "stop_grace_period", "mem_limit",
    "mem_reservation", "memswap_limit", "mem_swappiness", "cpus", "cpu_shares", "cpu_quota", "cpu_period", "cpu_rt_runtime",
    "cpu_rt_period", "cpuset", "pids_limit", "oom_score_adj", "oom_kill_disable", "privileged", "read_only", "init", "uts",
    "userns_mode", "cgroup", "cgroup_parent", "runtime", "shm_size", "dns", "dns_opt", "dns_search", "device_cgroup_rules",
    "group_add", "security_opt", "volumes_from", "storage_opt", "sysctls", "annotations", "cap_add", "cap_drop", "ulimits",
    "extra_hosts", "logging", "restart", "ipc", "pid", "healthcheck", "network_mode",
)  # fmt: skip
_BY_DEFAULT: Mapping[str, tuple[Any, ...]] = {
    "restart": ("no",),
    "shm_size": (64 << 20,),
    "ipc": ("private", "shareable"),
    "cgroup": ("private", "host"),
    "runtime": ("runc",),
    "logging": ({"driver": "json-file"},),
    "security_opt": (["label=disable"],),
}
"""What engines set where nothing is asked for."""
_OF_IMAGE = {"user": "User", "working_dir": "WorkingDir", "stop_signal": "StopSignal", "healthcheck": "Healthcheck"}
_FIXED = ("ipv4_address", "ipv6_address", "link_local_ips", "mac_address", "interface_name", "gw_priority", "driver_opts")
_CONTAINER = "container:"
_SHARED = ("network_mode", "pid", "ipc")
"""Namespaces that may be another container's."""
_PLAIN_TEXT = ("command", "entrypoint", "healthcheck", "labels")
_TELLING = 6
"""Characters from which on a secret that stands in another text is no coincidence."""
_HIDDEN = re.compile(r"[^a-z0-9]+")


def discover(host: DockerHost, instance: str, eyes: Eyes) -> list[Discovery]:
    """Every container but what our own replacements left, with what stands against taking it over. The caller knows which ones
    are ours. Raises Transient."""
    rows = sorted(json.loads(host.containers.listing()), key=lambda row: str(row["Names"]))
    seen = [details for row in rows if (details := host.containers.inspect(row["Id"])) is not None]
    debris = _debris(seen, instance)
    found: dict[Key, Discovery] = {}
    for details in (each for each in seen if each["Id"] not in debris):
        key = _key(details, instance)
        while key in found:
            key = Key(key.kind, f"{key.name}-x")
        found[key] = _described(details, key, host, eyes, instance)
    _hide(found)
    services = {name: each.key for each in found.values() if not each.obstacle for name in (each.handle, each.address)}
    return [_by_name(each, services) for each in found.values()]


def _hide(found: dict[Key, Discovery]) -> None:
    """Leave out what repeats a secret of any container where only plain text can stand. A value that is written openly elsewhere
    (a password that is the user's name) is none."""
    secrets = {value: ref for each in found.values() for ref, value in each.secrets.items() if len(value) >= _TELLING}
    for each in found.values():
        for value in (each.spec.get("environment") or {}).values():
            secrets.pop(str(value), None)
    for key, each in found.items():
        for field in _PLAIN_TEXT:
            text = json.dumps(each.spec.get(field, ""), ensure_ascii=False)
            ref = next((ref for value, ref in secrets.items() if _escaped(value) in text), "")
            if ref:
                why = f"its {field} repeats the secret {ref}, and git must not: let it read the variable, then import again"
                found[key] = replace(each, spec={}, secrets={}, obstacle=why)


def slug(text: str) -> str:
    """A name for a document out of a name on an engine."""
    return _HIDDEN.sub("-", text.lower()).strip("-")[:60].strip("-") or "unnamed"


def _by_name(found: Discovery, services: Mapping[str, Key]) -> Discovery:
    """With the containers that it shares something with as the Services that they become: an id does not outlive the next
    update."""
    spec, needs = dict(found.spec), list(found.needs)
    for field in _SHARED:
        key = services.get(str(spec.get(field, "")).removeprefix(_CONTAINER))
        if key is not None:
            spec[field] = f"service:{key.name}"
            needs.append(key)
    donors = list(spec.get("volumes_from") or ())
    for index, text in enumerate(donors):
        donor, colon, access = str(text).removeprefix(_CONTAINER).partition(":")
        if donor in services:
            donors[index] = f"{services[donor].name}{colon}{access}"
            needs.append(services[donor])
    return replace(found, spec={**spec, **({"volumes_from": donors} if donors else {})}, needs=tuple(dict.fromkeys(needs)))


def _debris(seen: Iterable[Details], instance: str) -> set[str]:
    """Ids of the containers that a replacement left, or is about to put in the place of another."""
    ours = [details for details in seen if labels_of(details).get(names.OWNER) == instance]
    waiting = {details["Id"] for details in ours if str(details["Name"]).endswith((names.NEXT, names.PREV))}
    return waiting | {labels_of(details).get(names.REPLACED, "") for details in ours}


def _key(details: Details, instance: str) -> Key:
    """One that was ours is called as it was, a container of Compose after its project and service, any other as it is."""
    labels, name = labels_of(details), str(details["Name"]).lstrip("/")
    if labels.get(names.OWNER) == instance and labels.get(names.KEY, "").startswith("service/"):
        return Key.parse(labels[names.KEY])
    project, service = labels.get(f"{_COMPOSE}project"), labels.get(f"{_COMPOSE}service")
    if project and service and re.fullmatch(rf"{re.escape(project)}[-_]{re.escape(service)}[-_]1", name):
        return Key("service", slug(f"{project}-{service}"))
    return Key("service", slug(name))


def _described(details: Details, key: Key, host: DockerHost, eyes: Eyes, instance: str) -> Discovery:
    address, labels = str(details["Name"]).lstrip("/"), labels_of(details)
    found = Discovery(
        key,
        {},
        address,
        str(details["Id"]),
        needs=tuple(Key("service", slug(f"{labels.get(f'{_COMPOSE}project', '')}-{name}")) for name in _depends_on(labels)),
        group=labels.get(f"{_COMPOSE}project", ""),
        files=tuple(_files(labels)),
        stopped=signs.stopped(details),
        obstacle=signs.obstacle(details),
        lost=tuple(signs.lost(details, instance)),
    )
    if found.obstacle:
        return found
    state = project(details, address, eyes)
    shown = eyes.image(str(details["Image"])) or {}
    reference = signs.reference(details, str(state.get("image", "")), shown)
    if not reference:
        return replace(found, obstacle="it was made from an image that has no name (any more); give the image a tag")
    image = shown.get("Config") or {}
    secrets: dict[str, str] = {}
    environment = dict(_environment(details, key, image, secrets))
    placed = {"image": reference, **({"host": host.name} if host.name != "local" else {})}
    named = {"container_name": address} if address != key.name else {}
    rest = _spec(details, state, image)
    spec = {**placed, **named, **rest, **({"environment": environment} if environment else {})}
    return replace(found, spec=spec, secrets=secrets)


def _spec(details: Details, state: dict[str, Any], image: Mapping[str, Any]) -> dict[str, Any]:
    if "network_mode" in state:
        # The name is then the host's, or the other container's.
        state.pop("hostname", None)
    state["volumes"] = _own_volumes(state.get("volumes", {}), details["HostConfig"])
    return dict([*_commands(state, image), *_plain_fields(state, details["Config"], image), *_lists(state, image)])


def _commands(state: Mapping[str, Any], image: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """Command and entrypoint where they are not the image's. An entrypoint of one's own drops the image's command."""
    entrypoint, command = state.get("entrypoint"), state.get("command")
    own_entrypoint = (entrypoint or None) != (image.get("Entrypoint") or None)
    if own_entrypoint:
        yield "entrypoint", _escaped(entrypoint) if entrypoint else [""]
    if (command or None) != (image.get("Cmd") or None) and not (own_entrypoint and not command):
        yield "command", _escaped(command or [])


def _plain_fields(state: Mapping[str, Any], config: Mapping[str, Any], image: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    for name in _AS_IT_IS:
        value = state.get(name)
        if value is None or value in _BY_DEFAULT.get(name, ()):
            continue
        if name in _OF_IMAGE and config.get(_OF_IMAGE[name]) == image.get(_OF_IMAGE[name]):
            continue
        if name == "memswap_limit" and value == 2 * state.get("mem_limit", 0):
            continue
        yield name, _escaped(value)


def _lists(state: Mapping[str, Any], image: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """What stands as a map in the normal form and as a list in a compose file."""
    made: dict[str, Any] = {
        "ports": [f"{each}:{port}" if each else port for port, several in state.get("ports", {}).items() for each in several],
        "expose": [
            port
            for port in state.get("expose", {})
            if port not in (image.get("ExposedPorts") or {}) and port not in state.get("ports", {})
        ],
        "devices": [f"{each['source']}:{target}:{each['permissions']}" for target, each in state.get("devices", {}).items()],
        "tmpfs": [f"{path}:{words}" if words else path for path, words in state.get("tmpfs", {}).items()],
        "labels": {
            name: _escaped(value)
            for name, value in state.get("labels", {}).items()
            if not name.startswith(_NOT_OURS_TO_SAY) and (image.get("Labels") or {}).get(name) != value
        },
        "volumes": list(_volumes(state.get("volumes", {}), image.get("Volumes") or {})),
        "networks": dict(_networks({name: e for name, e in state.get("networks", {}).items() if not name.startswith(NETWORK)})),
    }
    yield from ((name, value) for name, value in made.items() if value)
    requests = state.get("device_requests")
    if requests:
        yield "deploy", {"resources": {"reservations": {"devices": _escaped(requests)}}}
    weight = state.get("blkio_config", {}).get("weight")
    if weight:
        yield "blkio_config", {"weight": weight}


def _own_volumes(volumes: Mapping[str, Any], host: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without what comes from the containers of `volumes_from`."""
    if not host.get("VolumesFrom"):
        return volumes
    said = {str(each).split(":")[1] for each in host.get("Binds") or () if ":" in str(each)}
    said |= {each["Target"] for each in host.get("Mounts") or ()}
    return {target: entry for target, entry in volumes.items() if target in said}


def _volumes(volumes: Mapping[str, Mapping[str, Any]], of_image: Mapping[str, Any]) -> Iterator[Any]:
    for target, entry in volumes.items():
        source, read_only = str(entry.get("source", "")), bool(entry.get("read_only"))
        if entry["type"] == "bind":
            plain = entry.get("propagation", "rprivate") == "rprivate" and "selinux" not in entry and ":" not in source + target
            options = {name: entry[name] for name in ("propagation", "selinux") if entry.get(name)}
            short = _escaped(f"{source}:{target}{':ro' if read_only else ''}")
            yield short if plain else {**_long("bind", _escaped(source), target, read_only), "bind": options}
        elif entry["type"] == "volume" and source:
            more = {name: entry[name] for name in ("nocopy", "subpath") if entry.get(name)}
            yield {
                **_long("volume", source, target, read_only),
                **({"volume": more} if more else {}),
                "resource": f"volume/{slug(source)}",
            }
        elif entry["type"] == "volume" and target not in of_image:
            yield target
        elif entry["type"] == "tmpfs":
            more = {name: entry[name] for name in ("size", "mode") if entry.get(name)}
            yield {"type": "tmpfs", "target": target, **({"tmpfs": more} if more else {})}


def _long(kind: str, source: str, target: str, read_only: bool) -> dict[str, Any]:
    return {"type": kind, "source": source, "target": target, **({"read_only": True} if read_only else {})}


def _networks(networks: Mapping[str, Mapping[str, Any]]) -> Iterator[tuple[str, Any]]:
    for name, entry in networks.items():
        if name == DEFAULT:
            if len(networks) > 1:
                yield name, {}
            continue
        aliases = [alias for alias in entry.get("aliases", ()) if alias]
        fixed = {word: entry[word] for word in _FIXED if entry.get(word)}
        yield name, {**({"aliases": aliases} if aliases else {}), **fixed, "resource": f"network/{slug(name)}"}


def _environment(details: Details, key: Key, image: Mapping[str, Any], secrets: dict[str, str]) -> Iterator[tuple[str, Any]]:
    """Variables that the image does not set itself; a sensitive value goes into `secrets`."""
    of_image = set(image.get("Env") or ())
    for line in details["Config"].get("Env") or ():
        name, equals, value = str(line).partition("=")
        if line in of_image:
            continue
        if equals and is_sensitive(name, value):
            ref = f"{key.name}/{slug(name)}"
            secrets[ref] = value
            yield name, {"ref": ref}
        else:
            yield name, _escaped(value) if equals else None


def _files(labels: Mapping[str, str]) -> Iterator[str]:
    """The compose files that the container was made from. Old versions wrote paths that start in the project's folder."""
    folder = labels.get(f"{_COMPOSE}project.working_dir", "/")
    for path in labels.get(f"{_COMPOSE}project.config_files", "").split(","):
        if path:
            yield posixpath.normpath(posixpath.join(folder, path))


def _depends_on(labels: Mapping[str, str]) -> Iterable[str]:
    listed = labels.get(f"{_COMPOSE}depends_on", "")
    return [entry.partition(":")[0] for entry in listed.split(",") if entry]


def _escaped(value: Any) -> Any:
    """The same, so that nothing in it is taken for a variable."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {name: _escaped(each) for name, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [_escaped(each) for each in value]
    return value
