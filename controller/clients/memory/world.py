"""The simulated world itself: things by kind, connection and address, optionally in a file that processes share."""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from threading import Event as Flag
from threading import RLock
from typing import Any

from controller.clients.memory.faults import Faults
from controller.core.change import Change
from controller.core.limit import YES, Limit
from controller.core.ports import Clock
from controller.core.state import State, fingerprint

PUBLIC_ADDRESS = "198.51.100.7"
"""Where the simulated house is on the Internet at first (an address for documentation)."""
Spot = tuple[str, str, str]
"""Kind, connection and address: where a thing is."""


@dataclass(frozen=True, slots=True)
class Thing:
    """One simulated object. `mark` is the owner mark of the instance that made it ("" = a stranger's), `since` when it started,
    in seconds since the epoch; `parked` is what it replaced and what an undo starts again; `transit` = stopped in the middle of a
    replacement, the new thing does not stand yet."""

    key: str
    state: State
    handle: str
    mark: str = ""
    since: float = 0.0
    parked: Thing | None = None
    transit: bool = False


@dataclass
class _Content:
    things: dict[Spot, Thing] = field(default_factory=dict)
    parked: dict[Spot, Thing] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)
    unreachable: set[str] = field(default_factory=set)
    next_handle: int = 1
    address: str = PUBLIC_ADDRESS


class MemoryWorld:
    """Everything the simulated backends hold. Thread-safe; with `path` every write is on disk (atomic rename) before it
    returns, and processes that share the file see each other's writes.

    `delay` is how many seconds a service takes to get healthy. An image with `:bad` in its reference is unhealthy after that
    time, one with `:never` stays starting, one with `:crash` exits at once. The methods below `things` are the hands of a
    person or a stranger in the world: they need no owner mark and tell the watchers. `limit` is what the simulated backends say
    to a change before it is tried."""

    def __init__(
        self,
        clock: Clock,
        path: Path | None = None,
        delay: float = 0.0,
        faults: Faults | None = None,
        limit: Callable[[Change], Limit] = lambda _change: YES,
    ) -> None:
        self.clock = clock
        self.delay = delay
        self.faults = faults or Faults()
        self.limit = limit
        self._path = path
        self._lock = RLock()
        self._content = _Content()
        self._stamp: tuple[int, int, int] | None = None
        self._version = 0
        self._watchers: list[Callable[[str, str, str], None]] = []
        self._together: list[Spot | None] | None = None

    @property
    def version(self) -> int:
        """A number that moves with every write of any process."""
        with self._lock:
            self._refresh()
            return self._version

    def things(self, kind: str, connection: str) -> Mapping[str, Thing]:
        """The things of one kind behind one connection, by address."""
        with self._lock:
            self._refresh()
            return {spot[2]: thing for spot, thing in self._content.things.items() if spot[:2] == (kind, connection)}

    def at(self, kind: str, connection: str, address: str) -> Thing | None:
        """The thing at a spot, or None."""
        with self._lock:
            self._refresh()
            return self._content.things.get((kind, connection, address))

    def parked(self, kind: str, connection: str, address: str) -> Thing | None:
        """What a delete at a spot has kept for an undo, or None."""
        with self._lock:
            self._refresh()
            return self._content.parked.get((kind, connection, address))

    def reachable(self, connection: str) -> bool:
        """False while the connection is cut."""
        with self._lock:
            self._refresh()
            return connection not in self._content.unreachable

    def digest(self, image: str) -> str:
        """The digest that a registry gives for an image reference now."""
        with self._lock:
            self._refresh()
            return self._content.tags.get(image) or f"sha256:{fingerprint(['image', image])}"

    def public_address(self) -> str:
        """Where the house is on the Internet now."""
        with self._lock:
            self._refresh()
            return self._content.address

    def move(self, address: str) -> None:
        """Give the house another public address."""
        with self.writing(None) as content:
            content.address = address

    def put(self, kind: str, connection: str, address: str, state: State, key: str = "", mark: str = "") -> Thing:
        """Place a thing: a stranger's by default."""
        with self.writing((kind, connection, address)) as content:
            return place(content, (kind, connection, address), Thing(key, dict(state), "", mark, self.clock.now()))

    def edit(self, kind: str, connection: str, address: str, **fields: Any) -> None:
        """Change fields of a thing by hand; None removes a field. Raises KeyError when there is no such thing."""
        with self.writing((kind, connection, address)) as content:
            thing = content.things[kind, connection, address]
            state = {name: value for name, value in {**thing.state, **fields}.items() if value is not None}
            content.things[kind, connection, address] = replace(thing, state=state)

    def remove(self, kind: str, connection: str, address: str) -> None:
        """Remove a thing by hand. Raises KeyError when there is no such thing."""
        with self.writing((kind, connection, address)) as content:
            del content.things[kind, connection, address]

    def publish(self, image: str, digest: str) -> None:
        """Let a tag point to a digest from now on."""
        with self.writing(None) as content:
            content.tags[image] = digest

    def cut(self, connection: str) -> None:
        """Make a connection unreachable."""
        with self.writing(None) as content:
            content.unreachable.add(connection)

    def mend(self, connection: str) -> None:
        """Make a connection reachable again."""
        with self.writing(None) as content:
            content.unreachable.discard(connection)

    @contextlib.contextmanager
    def writing(self, spot: Spot | None) -> Iterator[_Content]:
        """The content, exclusively; on leaving without an error it is durable and watchers are told."""
        with self._lock:
            if self._together is not None:  # this thread's: the lock is held until all of it is written
                yield self._content
                self._together.append(spot)
                return
            with self._exclusive():
                self._refresh()
                yield self._content
                self._version += 1
                self._write()
            watchers = list(self._watchers) if spot is not None else []
        for watcher in watchers:
            watcher(*(spot or ("", "", "")))

    @contextlib.contextmanager
    def together(self) -> Iterator[None]:
        """Everything that this thread writes inside is one write: all of it or, when it ends with an error, nothing."""
        with self._lock, self._exclusive():
            self._refresh()
            kept = replace(self._content, things=dict(self._content.things), parked=dict(self._content.parked))
            spots: list[Spot | None] = []
            self._together = spots
            try:
                yield
                self._version += 1
                self._write()
            except BaseException:
                self._content = kept
                raise
            finally:
                self._together = None
            watchers = list(self._watchers)
        for watcher in watchers:
            for spot in filter(None, spots):
                watcher(*spot)

    def watch(self, told: Callable[[str, str, str], None], stop: Flag) -> None:
        """Call `told` with the spot of each write of this process, and with three empty texts after another process wrote, until
        `stop` is set."""
        with self._lock:
            self._watchers.append(told)
        try:
            stamp = self._on_disk()
            while not self.clock.wait(stop, 0.2):
                now = self._on_disk()
                with self._lock:
                    foreign = now not in (stamp, self._stamp)
                stamp = now
                if foreign:
                    told("", "", "")
        finally:
            with self._lock:
                self._watchers.remove(told)

    @contextlib.contextmanager
    def _exclusive(self) -> Iterator[None]:
        if self._path is None:
            yield
            return
        self._path.parent.mkdir(parents=True, exist_ok=True)
        with self._path.with_suffix(".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _on_disk(self) -> tuple[int, int, int] | None:
        if self._path is None:
            return None
        try:
            found = self._path.stat()
        except FileNotFoundError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def _refresh(self) -> None:
        stamp = self._on_disk()
        if stamp == self._stamp or self._path is None:
            return
        text = self._path.read_text() if stamp else ""
        self._content = _decode(text, self._content) if text else _Content()
        self._stamp = stamp
        self._version += 1

    def _write(self) -> None:
        if self._path is None:
            return
        handle, name = tempfile.mkstemp(dir=self._path.parent, prefix=f".{self._path.name}.")
        with os.fdopen(handle, "w") as sink:
            sink.write(_encode(self._content))
            sink.flush()
            os.fsync(sink.fileno())
        Path(name).replace(self._path)
        self._stamp = self._on_disk()


def place(content: _Content, spot: Spot, thing: Thing) -> Thing:
    """Put a thing at a spot under a new handle."""
    made = replace(thing, handle=f"memory-{content.next_handle}")
    content.next_handle += 1
    content.things[spot] = made
    return made


def _encode(content: _Content) -> str:
    return json.dumps(
        {
            "things": [[*spot, asdict(thing)] for spot, thing in content.things.items()],
            "parked": [[*spot, asdict(thing)] for spot, thing in content.parked.items()],
            "tags": content.tags,
            "unreachable": sorted(content.unreachable),
            "next_handle": content.next_handle,
            "address": content.address,
        }
    )


def _decode(text: str, known: _Content) -> _Content:
    """Read a file; things that did not change stay the same objects."""
    data = json.loads(text)
    return _Content(
        {(kind, connection, address): _thing(each, known.things.get((kind, connection, address)))
         for kind, connection, address, each in data["things"]},
        {(kind, connection, address): _thing(each, known.parked.get((kind, connection, address)))
         for kind, connection, address, each in data["parked"]},
        data["tags"],
        set(data["unreachable"]),
        data["next_handle"],
        data.get("address", PUBLIC_ADDRESS),
    )  # fmt: skip


def _thing(data: dict[str, Any], known: Thing | None) -> Thing:
    parked = data.pop("parked")
    read = Thing(**data, parked=_thing(parked, known.parked if known else None) if parked else None)
    return known if known == read and known is not None else read
