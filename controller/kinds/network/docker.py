"""Networks on a Docker host."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from contextlib import suppress
from threading import Event as Flag
from threading import Lock
from typing import Any

from controller.clients.docker import DockerHost, Happening, Kept
from controller.core.change import Change
from controller.core.discovery import Discovery
from controller.core.errors import Conflict, Permanent, ProviderError, Unhealthy
from controller.core.key import Key
from controller.core.state import ABSENT, Health, Observed, Owner, Present, Receipt, Snapshot, State, Target, fingerprint
from controller.kinds.network.discover import discover
from controller.kinds.network.resolve import differences

OWNER, KEY, SPEC, PREFIX = "homelab.owner", "homelab.key", "homelab.spec", "homelab."
_EVENTS = {"network": ["create", "destroy", "remove"]}
_RETRY = 1.0
_POOL = {"subnet": "Subnet", "ip_range": "IPRange", "gateway": "Gateway", "aux_addresses": "AuxiliaryAddresses"}
_IPV4_OPTIONAL = (1, 48)
Details = Mapping[str, Any]


class NetworkProvider:
    """Networks of one host. A deleted network goes only at `release`: until then its containers can be put back as they were.
    `instance` is the owner mark."""

    visible_within = 3.0
    """An engine answers when it is done; but a request that a killed controller had sent is carried out all the same."""

    def __init__(self, host: DockerHost, instance: str = "home") -> None:
        self._host = host
        self._instance = instance
        self._listed = Kept(host.networks.all)
        self._lock = Lock()
        self._going: set[str] = set()
        self._known: dict[Key, tuple[Details, Present]] = {}
        self._keys: dict[str, Key] = {}

    def observe(self, targets: Collection[Target]) -> Snapshot:
        """Every network of ours and the targets."""
        try:
            listed = self._listed.get()
        except ProviderError as error:
            return Snapshot({}, complete=False, reason=str(error))
        with self._lock:
            by_name: dict[str, list[Details]] = {}
            for details in listed:
                by_name.setdefault(details["Name"], []).append(details)
            items: dict[Key, Observed] = {}
            for details in listed:
                key = self._marked(details)
                if key is not None and details["Id"] not in self._going:
                    items[key] = self._present(key, by_name[details["Name"]], details)
            for target in targets:
                self._keys[target.address] = target.key
                found = self._chosen(by_name.get(target.address, []), target)
                items[target.key] = self._present(target.key, by_name[target.address], found) if found is not None else ABSENT
            return Snapshot(items)

    def adapt(self, state: State, applied: State | None) -> State:  # noqa: ARG002 (the port hands both)
        """The same state, or a refusal of what this engine cannot do."""
        if state.get("enable_ipv4") is False and self._host.api < _IPV4_OPTIONAL:
            raise Permanent(f"enable_ipv4: false needs Docker 28.0 or newer on {self._host.name}")
        return state

    def apply(self, change: Change, interrupt: Flag) -> Receipt:  # noqa: ARG002 (nothing here waits)
        """Make the change; see the laws of the port."""
        with self._listed.moving():
            return self._make(change)

    def _make(self, change: Change) -> Receipt:
        live = self._live(change)
        if live is not None and change.after is not None and not differences(change.after, shown(live)):
            with self._lock:
                self._going.discard(live["Id"])
            return Receipt(live["Id"], shown(live))
        if change.after is None:
            return self._delete(change, live)
        self._expect(change, live)
        made = self._create(change, change.after) if live is None else self._replace(change, change.after, live)
        details = self._host.networks.inspect(made)
        if details is None:
            raise Conflict(f"{change.key} was removed by somebody")
        return Receipt(made, shown(details))

    def release(self, change: Change, receipt: Receipt) -> Receipt:
        """A deleted network goes for good."""
        with self._listed.moving():
            return self._release(change, receipt)

    def _release(self, change: Change, receipt: Receipt) -> Receipt:
        if change.after is None:
            for network in receipt.retained:
                self._host.networks.remove(network)
            with self._lock:
                self._going.difference_update(receipt.retained)
            return Receipt(receipt.handle, None)
        return Receipt(receipt.handle, receipt.state)

    def audit(self) -> None:
        """Read the list anew next time."""
        self._listed.doubt()

    def discover(self) -> list[Discovery]:
        """Networks that exist without being ours. Raises Transient."""
        return discover(self._host, self._instance)

    def watch(self, moved: Callable[[Key | None], None], stop: Flag) -> None:
        """Tell which network moved."""

        def opened() -> None:
            self._listed.attach(True)
            moved(None)

        def told(happening: Happening) -> None:
            self._listed.doubt()
            key = self._keys.get(happening.attributes.get("name", ""))
            if key is not None:
                moved(key)

        while not stop.is_set():
            with suppress(ProviderError):
                self._host.events.follow(_EVENTS, opened, told, stop)
            self._listed.attach(False)
            stop.wait(_RETRY)

    def _delete(self, change: Change, live: Details | None) -> Receipt:
        if live is None:
            return Receipt(change.handle, None)
        if live["Id"] not in self._going:
            self._expect(change, live)
            users = self._users(live["Id"])
            if users:
                raise Permanent(f"{change.key} is still used by {', '.join(users)}")
            with self._lock:
                self._going.add(live["Id"])
        return Receipt(live["Id"], None, (live["Id"],))

    def _create(self, change: Change, after: State) -> str:
        marks = {OWNER: self._instance, KEY: str(change.key), SPEC: fingerprint(after)}
        made = self._host.networks.create(payload(after, marks))
        details = self._host.networks.inspect(made)
        # Engine 20.10 takes a subnet that is none and makes another network.
        wrong = differences(after, shown(details)) if details is not None else ()
        if wrong:
            self._host.networks.remove(made)
            raise Permanent(f"the engine does not take {', '.join(f'{each.path}: {each.new}' for each in wrong)}")
        return made

    def _replace(self, change: Change, after: State, live: Details) -> str:
        """Take every container off, make the network anew, and put them on again; when that fails, as it was."""
        details = self._host.networks.inspect(live["Id"]) or live
        members = self._members(live["Id"])
        for member in members:
            self._host.containers.disconnect(member, live["Id"])
        self._host.networks.remove(live["Id"])
        try:
            made = self._create(change, after)
        except (Permanent, Conflict) as error:
            self._join(self._host.networks.create(payload(shown(details), details.get("Labels") or {})), members, keep=True)
            raise Unhealthy(f"{change.key} cannot be made: {error}; it is as before") from error
        self._join(made, members, keep=False)
        return made

    def _join(self, network: str, members: Mapping[str, Details], *, keep: bool) -> None:
        for container, settings in members.items():
            aliases = [alias for alias in settings.get("Aliases") or () if alias != container[:12]]
            endpoint = {"Aliases": aliases or None, "DriverOpts": settings.get("DriverOpts")}
            if keep:
                endpoint["IPAMConfig"] = settings.get("IPAMConfig")
            self._host.containers.connect(container, network, {name: each for name, each in endpoint.items() if each})

    def _members(self, network: str) -> dict[str, Details]:
        """Attachments of every container on a network, running or not, by container."""
        found = {}
        for row in self._host.containers.on_network(network):
            details = self._host.containers.inspect(row["Id"])
            attached = (details or {}).get("NetworkSettings", {}).get("Networks") or {}
            here = [each for each in attached.values() if each and each.get("NetworkID") == network]
            found.update({str(row["Id"]): here[0]} if here else {})
        return found

    def _users(self, network: str) -> list[str]:
        rows = self._host.containers.on_network(network)
        return sorted(row["Names"][0].lstrip("/") for row in rows if row["State"] in ("running", "paused", "restarting"))

    def _expect(self, change: Change, live: Details | None) -> None:
        if (change.before is None) != (live is None):
            raise Conflict(f"{change.key}: a network called {change.address} {'exists' if live is not None else 'is gone'}")
        if change.before is not None and live is not None:
            strange = differences(change.before, shown(live))
            if strange:
                raise Conflict(f"{change.key} is not what the change expects: {', '.join(each.path for each in strange)}")

    def _live(self, change: Change) -> Details | None:
        named = [each for each in self._host.networks.all() if each["Name"] == change.address]
        target = Target(change.key, change.address, change.handle)
        going = next((each for each in named if each["Id"] in self._going), None)
        return self._chosen(named, target) or (going if change.after is not None or change.before is not None else None)

    def _chosen(self, named: Sequence[Details], target: Target) -> Details | None:
        """One of the networks of a name: the one of the ledger, then ours, then the first."""
        here = [each for each in named if each["Id"] not in self._going]
        for each in here:
            if each["Id"] == target.handle or self._marked(each) == target.key:
                return each
        return here[0] if here else None

    def _marked(self, details: Details) -> Key | None:
        labels = details.get("Labels") or {}
        if labels.get(OWNER) != self._instance:
            return None
        with suppress(ValueError):
            return Key.parse(labels.get(KEY, ""))
        return None

    def _present(self, key: Key, named: Sequence[Details], details: Details) -> Present:
        known = self._known.get(key)
        owner = Owner.OURS if self._marked(details) == key else Owner.FOREIGN
        twins = f"{len(named)} networks are called {details['Name']}" if len(named) > 1 else ""
        if known is not None and known[0] == details and (known[1].owner, known[1].why) == (owner, twins):
            return known[1]
        present = Present(shown(details), details["Id"], owner, Health.DEGRADED if twins else Health.HEALTHY, twins)
        self._known[key] = details, present
        return present


def payload(state: State, labels: Mapping[str, str]) -> dict[str, Any]:
    """The body of a create call."""
    ipam: Mapping[str, Any] = state.get("ipam") or {}
    pools = [{key: pool[name] for name, key in _POOL.items() if pool.get(name)} for pool in (ipam.get("config") or {}).values()]
    body = {
        "Name": state["name"],
        "Driver": state.get("driver", "bridge"),
        "Options": state.get("driver_opts") or {},
        "Attachable": state.get("attachable", False),
        "Internal": state.get("internal", False),
        "EnableIPv4": state.get("enable_ipv4"),
        "EnableIPv6": state.get("enable_ipv6"),
        "Labels": {**(state.get("labels") or {}), **labels},
        "IPAM": {
            "Driver": ipam.get("driver", "default"),
            "Config": pools,
            "Options": ipam.get("options") or {},
        },
    }
    return {name: value for name, value in body.items() if value is not None}


def shown(details: Details) -> dict[str, Any]:
    """The normal form that an engine shows."""
    ipam = details.get("IPAM") or {}
    pools = {
        pool.get("Subnet") or "auto": {name: pool[key] for name, key in _POOL.items() if pool.get(key)}
        for pool in ipam.get("Config") or ()
    }
    return {
        "name": details["Name"],
        "driver": details["Driver"],
        "driver_opts": dict(details.get("Options") or {}),
        "attachable": bool(details.get("Attachable")),
        "internal": bool(details.get("Internal")),
        "enable_ipv4": bool(details.get("EnableIPv4", True)),
        "enable_ipv6": bool(details.get("EnableIPv6")),
        "ipam": {"driver": ipam.get("Driver") or "default", "options": ipam.get("Options") or {}, "config": pools},
        "labels": {name: value for name, value in (details.get("Labels") or {}).items() if not name.startswith(PREFIX)},
    }
