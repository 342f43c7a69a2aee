"""People, the audit trail and proposals in memory. What each is handed is shared by stores beside each other; `led` raises for a
holder that lost its lease."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from threading import RLock

from controller.core.audit import Deed, Proof, link, prove
from controller.core.registers import Person
from controller.store.records import Proposal, decode, encode, encode_anyway


class MemoryPeople:
    """`core.registers.People` in memory."""

    def __init__(self, texts: dict[str, str], lock: RLock, led: Callable[[], None]) -> None:
        self._texts, self._lock, self._led = texts, lock, led

    def get(self, name: str) -> Person | None:
        with self._lock:
            return decode(Person, self._texts[name]) if name in self._texts else None

    def list(self) -> Sequence[Person]:
        with self._lock:
            return tuple(decode(Person, self._texts[name]) for name in sorted(self._texts))

    def revise(self, name: str, change: Callable[[Person | None], Person | None]) -> None:
        with self._lock:
            self._led()
            person = change(self.get(name))
            if person is None:
                self._texts.pop(name, None)
            else:
                self._texts[person.name] = encode(person)


class MemoryTrail:
    """`core.registers.Trail` in memory."""

    def __init__(self, texts: list[str], lock: RLock) -> None:
        self._texts, self._lock = texts, lock

    def add(self, deed: Deed) -> Deed:
        with self._lock:
            before = link(self._texts[-1]) if self._texts else ""
            text = encode_anyway(replace(deed, number=len(self._texts) + 1, before=before))
            self._texts.append(text)
            return decode(Deed, text)

    def list(self, limit: int, before: int | None = None) -> Sequence[Deed]:
        with self._lock:
            end = len(self._texts) if before is None else max(0, before - 1)
            return tuple(decode(Deed, text) for text in reversed(self._texts[:end][-limit:]))

    def prove(self, noted: str = "") -> Proof:
        with self._lock:
            rows = [(number, decode(Deed, text).at, text) for number, text in enumerate(self._texts, 1)]
            return prove(rows, len(rows), noted)


class MemoryProposals:
    """`core.registers.Proposals` in memory."""

    def __init__(self, items: dict[str, Proposal], lock: RLock, led: Callable[[], None]) -> None:
        self._items, self._lock, self._led = items, lock, led

    def put(self, id_: str, at: float, standing: str, data: str) -> None:
        with self._lock:
            self._led()
            self._items[id_] = Proposal(id_, at, standing, data)

    def get(self, id_: str) -> str | None:
        with self._lock:
            return self._items[id_].data if id_ in self._items else None

    def list(self, standings: Collection[str]) -> Sequence[str]:
        with self._lock:
            found = [item for item in self._items.values() if item.standing in standings]
        return tuple(item.data for item in sorted(found, key=lambda item: (item.at, item.id), reverse=True))
