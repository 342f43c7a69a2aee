"""Who wants to hear what happens in a home."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from contextlib import contextmanager
from threading import Event as Flag
from threading import Lock

from controller.clients.homeassistant.model import Happening

_MANY = 10_000


class Ear:
    """What one listener has not heard yet, each thing once; None = anything may have happened. With `kinds` it hears of nothing
    else. One that is `light` wakes up for whatever moved, also where there is no word for it."""

    def __init__(self, kinds: Collection[str] = (), light: bool = False) -> None:
        self.woken = Flag()
        self._kinds = frozenset(kinds)
        self._light = light
        self._lock = Lock()
        self._news: dict[Happening | None, None] = {}

    def tell(self, news: Iterable[Happening | None]) -> None:
        """Add news and wake the listener."""
        with self._lock:
            for each in news:
                if each is None or not self._kinds or each.kind in self._kinds:
                    self._news[each] = None
            if None in self._news or len(self._news) > _MANY:
                self._news = {None: None}
            if self._news or self._light:
                self.woken.set()

    def take(self) -> Sequence[Happening | None]:
        """What there is, and forget it."""
        with self._lock:
            self.woken.clear()
            news, self._news = self._news, {}
        return tuple(news)


class Ears:
    """Every listener of one home."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._all: set[Ear] = set()

    @contextmanager
    def listening(self, kinds: Collection[str] = (), light: bool = False) -> Iterator[Ear]:
        """An ear, while the block runs."""
        ear = Ear(kinds, light)
        with self._lock:
            self._all.add(ear)
        try:
            yield ear
        finally:
            with self._lock:
                self._all.discard(ear)

    def tell(self, news: Iterable[Happening | None]) -> None:
        """Tell everybody."""
        told = tuple(news)
        with self._lock:
            ears = tuple(self._all)
        for ear in ears:
            ear.tell(told)
