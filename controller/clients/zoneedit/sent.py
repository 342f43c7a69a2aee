"""What was sent to ZoneEdit and when it may be sent again: a file, because ZoneEdit can be asked neither."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from threading import Lock

from pydantic import BaseModel, ConfigDict, ValidationError

from controller.clients import durable
from controller.core.errors import Permanent, Transient


class Verb(StrEnum):
    """What a request does with a value: it becomes the only one, or it comes or goes beside others."""

    SET = "set"
    ADD = "add"
    REMOVE = "remove"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", validate_assignment=True)


class Window(_Part):
    """A span of time. A clock that was put back before its start ends it: a wrong clock must not close a name for years."""

    start: float = 0.0
    end: float = 0.0

    def holds(self, now: float) -> bool:
        """True while it lasts."""
        return self.start <= now < self.end


class Sent(_Part):
    """One request that ZoneEdit has, or may have, carried out. `shows` = how long another answer of the authoritative servers
    does not count against it; `blind` = what it takes back had not shown yet, so its absence proves nothing."""

    verb: Verb
    value: str
    shows: Window
    blind: bool = False


class Asked(_Part):
    """A host that cannot be updated (no DYN record), with what it showed when that was found out: once that has changed, somebody
    was there, and it is tried again."""

    before: list[str]
    why: str


class NameBook(_Part):
    """What is known of one name and type. `failures` = refusals without a known cause, in a row."""

    closed: Window = Window()
    sent: list[Sent] = []
    failures: int = 0
    asked: Asked | None = None


class ZoneBook(_Part):
    """What is known of a zone. `shared` = the limit of dynamic hosts has shown itself to be the zone's, `closed` until when;
    `refused` marks the token that was refused, `barred` how long it is not sent again, `said` is the answer."""

    shared: bool = False
    closed: Window = Window()
    refused: str = ""
    barred: Window = Window()
    said: str = ""


class Contents(_Part):
    """The whole file: names as `plex.example.net A`."""

    names: dict[str, NameBook] = {}
    zones: dict[str, ZoneBook] = {}

    def name(self, address: str) -> NameBook:
        """The book of a name and type, made on first use."""
        return self.names.setdefault(address, NameBook())

    def zone(self, zone: str) -> ZoneBook:
        """The book of a zone, made on first use."""
        return self.zones.setdefault(zone, ZoneBook())


class SentFile:
    """The books of one connection, on disk (0600) before a request leaves. For many threads and processes.

    Raises Transient when the file cannot be written (then nothing may be sent), Permanent when it is damaged."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = Lock()
        self._known: tuple[tuple[int, int, int], Contents] | None = None

    def read(self) -> Contents:
        """The books as they stand; not to be changed."""
        try:
            status = self._path.stat()
        except FileNotFoundError:
            return Contents()
        except OSError as error:
            raise self._unusable(error) from error
        mark = status.st_ino, status.st_mtime_ns, status.st_size
        with self._lock:
            if self._known is None or self._known[0] != mark:
                self._known = mark, self._load()
            return self._known[1]

    @contextmanager
    def writing(self) -> Iterator[Contents]:
        """Change the books: on disk when the block ends, unless it raises."""
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with durable.locked(self._path.with_name(self._path.name + ".lock")):
                contents = self._load()
                before = contents.model_dump_json()
                yield contents
                _forget_empty(contents)
                after = contents.model_dump_json()
                if after != before:
                    durable.replace(self._path, after.encode())
        except OSError as error:
            raise self._unusable(error) from error

    def _load(self) -> Contents:
        try:
            return Contents.model_validate(json.loads(self._path.read_bytes()))
        except FileNotFoundError:
            return Contents()
        except OSError as error:
            raise self._unusable(error) from error
        except (ValueError, ValidationError) as error:
            # Never started anew by itself: that would send again what may be sent only once in ten minutes.
            raise Permanent(f"{self._path} is damaged: wait ten minutes, then remove it") from error

    def _unusable(self, error: OSError) -> Transient:
        return Transient(f"{self._path}: {error.strerror or error}; what is sent to ZoneEdit must be written down first")


def _forget_empty(contents: Contents) -> None:
    for address in [address for address, book in contents.names.items() if book == NameBook()]:
        del contents.names[address]
    for zone in [zone for zone, book in contents.zones.items() if book == ZoneBook()]:
        del contents.zones[zone]
