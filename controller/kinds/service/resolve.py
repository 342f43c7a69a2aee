"""What a Service means: its normal form, where it lives, what it needs and claims, how its health is judged, and its risks."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from controller.clients.compose import parse_duration
from controller.clients.docker import CONTAINER_NAME, parse_image
from controller.core.document import Draft
from controller.core.errors import Rejected
from controller.core.key import Claim
from controller.core.kind import Desired, Surroundings
from controller.core.resource import Gate, Risk
from controller.core.secret import SecretVersion
from controller.core.suggest import did_you_mean
from controller.kinds.service import endpoints, exposure, names, payload, risks
from controller.kinds.service.edge import FIRST
from controller.kinds.service.entry import Entry, read
from controller.kinds.service.model import ServiceSpec
from controller.kinds.service.mounts import Roots
from controller.kinds.service.normal import DISABLED, normal
from controller.kinds.service.places import Places
from controller.kinds.service.projection import NANO
from controller.kinds.service.secrets import is_sensitive
from controller.kinds.service.wiring import Wiring

SETTLE = 1.0
"""Seconds that a container without a health check must run on."""
_IMAGE_CHECK = 240.0
_TO_THE_END = 3600.0
_MARGIN = 15.0
_DEFAULT_CHECK = {"interval": "30s", "timeout": "30s", "start_period": "0s"}
_RESTARTS = ("no", "always", "unless-stopped", "on-failure")
_ONE_SHOT = ("no", "on-failure")
_OURS = "/.homelab"
_LOCAL = "local"


def resolve(name: str, spec: ServiceSpec, around: Surroundings) -> Desired:
    """The desired container of a Service. Raises Rejected with everything that is wrong, and with what it claims and needs."""
    entry = read(name, spec, around)
    compose = entry.compose
    address = str(compose.get("container_name") or name)
    _check(entry, spec, address, around)
    places = Places(entry, spec.project or name, around, canonical=spec.canonical)
    wiring = Wiring(name, address, entry, canonical=spec.canonical)
    state = {
        **normal(compose),
        **places.state(),
        **wiring.state(),
        "container_name": address,
        "environment": _environment(entry, around),
    }
    state = _settled(state, compose, spec)
    _check_order(entry, state)
    state.update(_edge(name, entry, spec, state, around))
    references = tuple(dict.fromkeys([*wiring.references, *places.references]))
    claims = _claims(state, address, spec.host)
    if entry.problems:
        raise Rejected(entry.problems, Desired({}, spec.host, address, references, claims))
    state = {key: value for key, value in state.items() if value != {} or key == "networks"}
    return Desired(
        state=state,
        provider=spec.host,
        address=address,
        references=references,
        claims=claims,
        gate=_gate(state, completes=spec.completes),
        rollback=spec.rollback,
        stateful=places.stateful,
        risks=_risks(state, address),
    )


def _settled(state: dict[str, Any], compose: Mapping[str, Any], spec: ServiceSpec) -> dict[str, Any]:
    """The state with what follows from several fields: whether it is meant to end."""
    declared = "restart" in compose or "restart" in state
    if spec.completes or (declared and str(state.get("restart", "")).startswith(_ONE_SHOT)):
        state["status"] = "completed"
    if spec.completes:
        state["completes"] = True
    return state


def _environment(entry: Entry, around: Surroundings) -> dict[str, Any]:
    """Variables; those that must not be seen stand there by reference."""
    found: dict[str, Any] = {}
    for name, value in sorted((entry.compose.get("environment") or {}).items()):
        text = str(value) if value is not None else None
        found[name] = dict(around.literal(text).state()) if text is not None and is_sensitive(name, text) else text
    for name, secret in entry.environment.items():
        try:
            found[name] = dict(around.secret(secret.ref, secret.generate).state())
        except Rejected as error:
            for problem in error.problems:
                entry.reject("environment", name, message=problem.message, hint=problem.hint)
    return found


def _check(entry: Entry, spec: ServiceSpec, address: str, around: Surroundings) -> None:
    compose = entry.compose
    image = compose.get("image")
    if not image and spec.canonical and "build" not in compose and "image" not in entry.refused:
        entry.reject(message="`image` is missing", hint="write the image to run, such as `image: nginx:1.29`")
    elif image:
        try:
            parse_image(str(image))
        except ValueError as error:
            entry.reject("image", message=str(error))
    restart = str(compose.get("restart") or "no")
    if restart.partition(":")[0] not in _RESTARTS:
        hint = did_you_mean(restart, _RESTARTS) or f"write one of {', '.join(_RESTARTS)}"
        entry.reject("restart", message=f"{restart!r} is not a restart policy", hint=hint)
    if not CONTAINER_NAME.fullmatch(address) or address.endswith((names.NEXT, names.PREV)):
        hint = "use at least two of a-z, A-Z, 0-9, `_`, `.` and `-`, not ending in .next or .prev"
        entry.reject("container_name", message=f"{address!r} cannot be the name of a container", hint=hint)
    if spec.host != "local" and spec.host not in around.connections:
        known = ", ".join(sorted({"local", *around.connections}))
        entry.reject("host", message=f"there is no connection {spec.host!r} in homelab.yaml", hint=f"known: {known}")
    replicas = (compose.get("deploy") or {}).get("replicas", compose.get("scale", 1))
    if replicas != 1:
        place = ("deploy", "replicas") if "replicas" in (compose.get("deploy") or {}) else ("scale",)
        entry.reject(*place, message="a Service is one container", hint="write several Services; `suspend: true` is for none")
    if compose.get("profiles") and not spec.canonical:
        entry.reject("profiles", message="profiles choose among the services of a Stack", hint="remove it")
    for label in compose.get("labels") or {}:
        if str(label).startswith(names.PREFIX):
            entry.reject("labels", label, message=f"labels that begin with {names.PREFIX} are ours", hint="use another name")


def _check_order(entry: Entry, state: Mapping[str, Any]) -> None:
    """Two containers cannot hold one port or one address at a time."""
    if state.get("order") != "start-first":
        return
    place = ("deploy", "update_config", "order")
    hint = "use stop-first, or let a proxy reach it over a network instead"
    if any(port for several in (state.get("ports") or {}).values() for port in several):
        entry.reject(*place, message="start-first needs two containers at a time, which cannot both publish its ports", hint=hint)
    if any({"ipv4_address", "ipv6_address", "mac_address"} & each.keys() for each in endpoints.attachments(state).values()):
        entry.reject(*place, message="start-first needs two containers at a time, which cannot both have its address", hint=hint)


def expand(name: str, spec: ServiceSpec, around: Surroundings) -> Sequence[Draft]:
    """The Route of an exposed service. What is wrong with `expose` is said by `resolve`."""
    try:
        said = _exposed(spec, around)
    except Rejected:
        return []
    return [exposure.route(name, said, str(spec.network_mode or ""))] if said is not None else []


def _exposed(spec: ServiceSpec, around: Surroundings) -> dict[str, Any] | None:
    return exposure.exposed(spec.expose, None if spec.canonical else around.variables())


def _edge(
    name: str, entry: Entry, spec: ServiceSpec, state: Mapping[str, Any], around: Surroundings
) -> dict[str, Mapping[str, Any]]:
    """`edge`, and `networks` with it, for a service that a route leads to."""
    try:
        said = _exposed(spec, around)
    except Rejected as error:
        entry.problems += error.problems
        return {}
    mode = str(state.get("network_mode") or "")
    if said is not None and mode == exposure.HOST_NETWORK:
        return {}
    places = exposure.places(name, said, around)
    if not places:
        return {}
    for path, message, hint in _unreachable(spec, state, mode):
        entry.reject(*path, message=message, hint=hint)
    edge = {network: subnet for each in places for network, subnet in each.subnets.items()}
    slots = {network: {"ipv4_address": address} for each in places for network, address in each.addresses.items()}
    for network in slots.keys() & endpoints.attachments(state).keys():
        entry.reject("networks", network, message=f"{network} is joined by itself, because a route leads here", hint="remove it")
    return {"edge": edge, "networks": {**endpoints.attachments(state), **slots}}


def _unreachable(spec: ServiceSpec, state: Mapping[str, Any], mode: str) -> Iterable[tuple[tuple[str, ...], str, str]]:
    hint = "write a Route with `to:` and an address that Caddy can reach"
    if mode:
        yield ("network_mode",), f"a route leads here, and with network_mode {mode} it has no address of its own", hint
    if spec.host != _LOCAL:
        yield ("host",), f"a route leads here, and Caddy cannot reach a container of {spec.host}", f"publish a port and {hint}"
    if state.get("completes"):
        yield ("completes",), "a route leads here, and it is meant to end", "remove `completes`, or the route"


def _claims(state: Mapping[str, Any], address: str, host: str) -> tuple[Claim, ...]:
    found = [f"container:{address}@{host}"]
    found += [f"slot:{each['ipv4_address']}" for name, each in endpoints.late(state).items() if name.startswith(FIRST)]
    if "network_mode" not in state:
        for port, several in (state.get("ports") or {}).items():
            protocol = port.partition("/")[2]
            found += [f"port:{each}/{protocol}@{host}" for each in several if each and "-" not in each]
    return tuple(found)


def _gate(state: Mapping[str, Any], *, completes: bool) -> Gate:
    if completes:
        return Gate(_TO_THE_END)
    check: Mapping[str, Any] = state.get("healthcheck") or {}
    if not check.get("test") or check["test"] == DISABLED:
        return Gate(_IMAGE_CHECK if not check.get("test") else _MARGIN, SETTLE)
    start, interval, timeout = (
        parse_duration(check.get(name, _DEFAULT_CHECK[name])) / NANO for name in ("start_period", "interval", "timeout")
    )
    return Gate(start + (interval + timeout) * check.get("retries", 3) + _MARGIN)


def _risks(state: Mapping[str, Any], address: str) -> tuple[Risk, ...]:
    def nothing(_version: SecretVersion) -> str:
        return ""

    around = payload.Circumstances((1, 51), "", Roots(_OURS, _OURS), {}, nothing, str, {})
    return risks.risks(payload.create(state, address, around), _OURS)
