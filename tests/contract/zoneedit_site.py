"""An account at the fake ZoneEdit, the provider on it, and a clock whose time passes only when something waits."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event as Flag
from typing import Any

from controller.clients.dns.public_address import PublicAddress
from controller.clients.dns.servers import Servers
from controller.clients.zoneedit import Account, Connection, SentFile
from controller.core.change import Action, Change
from controller.core.dns import RecordPlace, record_key
from controller.core.errors import ProviderError
from controller.core.limit import Limit
from controller.core.secret import SecretVersion
from controller.core.state import Health, Observed, Present, Receipt, State, Target
from controller.kinds.record.zoneedit import ZoneEditRecords
from tests.support.clock import HandClock
from tests.support.zoneedit import FakeZoneEdit

TOKEN = "token-of-the-zone-7f3a9c"
NO = Flag()
Values = Iterable[str] | None


@dataclass
class Site:
    """One zone with its account, and the provider as one process sees it."""

    fake: FakeZoneEdit
    folder: Path
    servers: Sequence[tuple[str, int]]
    clock: HandClock
    zone: str
    url: str = ""
    settings: dict[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.restart()

    def restart(self, version: int = 1, token: str = TOKEN) -> None:
        """Another process on the same files; `version` and `token` of the secret."""
        settings = {"timeout": 60.0, **self.settings}
        known = {self.zone: SecretVersion(f"zoneedit/{self.zone}", version, f"mark-{version}")}
        connection = Connection("edge", "homelab", known, self.url or self.fake.url, **settings)
        file = SentFile(self.file)
        self.account = Account(connection, {self.zone: lambda: token}, file, self.clock)
        addresses = {4: PublicAddress(4, self.folder / "public.json", self.clock, ["http://127.0.0.1:9/"])}
        self.provider = ZoneEditRecords(self.account, Servers(self.clock, self.servers), addresses, self.clock)

    @property
    def file(self) -> Path:
        return self.folder / "edge-zoneedit.json"

    def name(self, label: str) -> str:
        """A full name; "" is the zone's own."""
        return f"{label}.{self.zone}" if label else self.zone

    def target(self, label: str, record_type: str = "A") -> Target:
        name = self.name(label)
        return Target(record_key(name, record_type), str(RecordPlace(name, record_type, self.zone)))

    def state(self, label: str, record_type: str, values: Iterable[str]) -> State:
        return {"zone": self.zone, "name": self.name(label), "type": record_type, "values": sorted(values)}

    def look(self, label: str, record_type: str = "A") -> Observed:
        target = self.target(label, record_type)
        return self.provider.observe([target]).of(target.key)

    def values(self, label: str, record_type: str = "A") -> list[str]:
        """What is there; fails when it is not known."""
        found = self.look(label, record_type)
        assert isinstance(found, Present), found
        return list(found.state["values"])

    def health(self, label: str, record_type: str = "A") -> tuple[Health, str]:
        return self.provider.health(self.target(label, record_type))

    def change(
        self,
        label: str,
        before: Iterable[str] | None,
        after: Iterable[str] | None,
        record_type: str = "A",
        *,
        drift: bool = False,
    ) -> Change:
        """The change between two sets of values (None = no record)."""
        target = self.target(label, record_type)
        old = self.state(label, record_type, before) if before is not None else None
        new = self.state(label, record_type, after) if after is not None else None
        action = Action.CREATE if old is None else Action.DELETE if new is None else Action.UPDATE
        return Change(target.key, "edge", target.address, action, old, new, "test", drift=drift)

    def update(self, label: str, before: str, after: str) -> Change:
        """The address of a host moves."""
        return self.change(label, [before], [after])

    def text(self, label: str, before: Values, after: Values, *, drift: bool = False) -> Change:
        """TXT values, written without quotes."""
        quoted = [None if each is None else [f'"{value}"' for value in each] for each in (before, after)]
        return self.change(label, quoted[0], quoted[1], "TXT", drift=drift)

    def apply(self, change: Change, interrupt: Flag = NO) -> Receipt:
        return self.provider.apply(change, interrupt)

    def refused(self, change: Change) -> ProviderError:
        """The error that a change ends in."""
        try:
            self.provider.apply(change, NO)
        except ProviderError as error:
            return error
        raise AssertionError("it was done")

    def limit(self, change: Change) -> Limit:
        return self.provider.limit(change)
