"""What asks for passes by itself: commits to a local repository, a remote that moved, backends that tell about changes."""

from __future__ import annotations

import random
from collections.abc import Callable
from functools import partial
from pathlib import Path
from threading import Event as Flag
from threading import Lock, Thread
from typing import Protocol, runtime_checkable

from controller.core.errors import Severity, SourceError
from controller.core.event import Event
from controller.core.key import Key
from controller.core.ports import Clock, Providers, Source, Watches
from controller.engine.reconcile import Reconciler
from controller.loop.pace import Pace
from controller.loop.queue import Priority, Queue, Request
from controller.loop.watcher import Watcher

POLL = 60.0
"""Seconds between two looks at the repository (± 20 %)."""
BREATH = 1.0
"""Seconds between two fetches however many hooks come: whoever caught one may send it again and again."""
SETTLE = 0.03
"""Seconds in which the events of one happening (kill, die, disconnect) are gathered into one pass."""
AFTERWARDS = 0.5
"""Seconds after which what a rollout may have stirred up itself is looked at."""
_FAREWELL = 5.0
"""Seconds that a watching provider gets to end."""
_STEP_MS = 20
"""How long the file watcher sleeps between two looks at its flag."""
_ROUND_MS = 500
"""How long it waits for a change before it tells that there was none."""

WatchPaths = Callable[[], tuple[Path, ...]]
Spot = tuple[str, str]
"""Kind and connection."""


class Commits:
    """Notices new commits: at once in a local repository, within a poll or a webhook in a remote one.

    `paths` gives the folders to watch (none for a remote repository); `tell` hears once when the repository cannot be read or
    reached, and once when it can again. The moved head is all that counts: a hook or a changed file is only a reason to look."""

    def __init__(
        self,
        source: Source,
        queue: Queue,
        tell: Callable[[Event], None],
        clock: Clock,
        paths: WatchPaths = tuple,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._source = source
        self._queue = queue
        self._tell = tell
        self._clock = clock
        self._paths = paths
        self._jitter = jitter
        self._lock = Lock()
        self._seen = ""
        self._broken = ""
        self._now = Flag()
        self._stop = Flag()
        self._threads: list[Thread] = []

    def start(self) -> None:
        """Poll and watch on threads of their own from now on."""
        self._threads = [
            Thread(target=self._poll, name="git-poll", daemon=True),
            Thread(target=self._watch, name="git-watch", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """End; a fetch that is out is not waited for."""
        self._stop.set()
        self._now.set()
        for thread in self._threads[1:]:
            thread.join()

    def kick(self) -> None:
        """Look now (a webhook)."""
        self._now.set()

    def look(self, *, fetch: bool = False) -> None:
        """Ask for a pass when the branch has moved since the last look."""
        try:
            if fetch:
                self._source.fetch()
            head = self._source.head().id
        except SourceError as error:
            self._broke(str(error))
            return
        with self._lock:
            moved, self._seen = head != self._seen, head
            mended, self._broken = self._broken, ""
        if mended:
            self._tell(Event(self._clock.now(), "RepositoryWorks", "the spec repository can be read again"))
        if moved or mended:
            self._queue.add(Request(Priority.COMMIT, "commit", f"commit {head[:10]}"))

    def _broke(self, reason: str) -> None:
        with self._lock:
            known, self._broken = self._broken, reason
        if not known:
            self._tell(Event(self._clock.now(), "RepositoryFails", reason, Severity.ERROR))
            self._queue.add(Request(Priority.RETRY, "commit", "the repository cannot be read"))

    def _poll(self) -> None:
        while not self._stop.is_set():
            self._now.clear()
            self.look(fetch=True)
            self._clock.wait(self._stop, BREATH)
            self._clock.wait(self._now, POLL * (0.8 + 0.4 * self._jitter()))

    def _watch(self) -> None:
        from watchfiles import watch

        while not self._stop.is_set():
            paths = self._standing()
            if not paths:
                self._clock.wait(self._stop, POLL)
                continue
            changes = watch(
                *paths, watch_filter=None, recursive=False, step=_STEP_MS, debounce=2 * _STEP_MS, stop_event=self._stop,
                raise_interrupt=False, rust_timeout=_ROUND_MS, yield_on_timeout=True,
            )  # fmt: skip
            fresh = True
            try:
                for changed in changes:
                    if not (changed or fresh):
                        continue
                    fresh = False  # what moved before the watcher stood is seen in its first round
                    self.look()
                    if self._standing() != paths:
                        break
            except OSError as error:  # a watched folder went away in between
                self._broke(f"the repository cannot be watched: {error}")
                self._clock.wait(self._stop, 1.0)

    def _standing(self) -> tuple[Path, ...]:
        try:
            return tuple(path for path in self._paths() if path.is_dir())
        except SourceError:
            return ()


@runtime_checkable
class Settles(Protocol):
    """A provider that knows how soon the events of one happening follow each other."""

    settle: float
    """Seconds in which they are gathered, in place of `SETTLE`."""


class Backends:
    """Follows every provider that watches its backend. An event ends the wait of every gate at once, and asks for a pass that
    looks at its connection: soon, or less and less soon when the same thing tells again and again (see `Pace`). What our own
    rollouts stir up asks for one only after them, so that they do not disturb themselves."""

    def __init__(self, reconciler: Reconciler, queue: Queue) -> None:
        self._reconciler = reconciler
        self._queue = queue
        self._lock = Lock()
        self._watchers: dict[Spot, Watcher] = {}
        self._pace = Pace(reconciler.bench.clock)
        self._down: frozenset[str] = frozenset()
        self._silent: frozenset[str] = frozenset()

    def follow(self, providers: Providers) -> None:
        """Watch exactly these providers from now on."""
        wanted = {spot: provider for spot, provider in providers.items() if isinstance(provider, Watches)}
        with self._lock:  # a thread that is being started cannot be joined
            for spot, watcher in list(self._watchers.items()):
                if wanted.get(spot) is not watcher.provider:
                    watcher.stop()
                    del self._watchers[spot]
            for spot, provider in wanted.items():
                if spot not in self._watchers:
                    settle = provider.settle if isinstance(provider, Settles) else SETTLE
                    told = partial(self.moved, spot=spot, settle=settle)
                    name = f"watch-{spot[0]}-{spot[1]}"
                    self._watchers[spot] = Watcher(name, provider, self._reconciler.bench.clock, told)
                    self._watchers[spot].start()

    def served(self, providers: Providers) -> None:
        """After a pass: follow its providers. Of a connection that answers while its changes are not heard of it is told once,
        and once when they are again; of one that does not answer the pass itself has told."""
        self.follow(providers)
        report = self._reconciler.last
        down = frozenset(name for name, reason in (report.backends if report else {}).items() if reason)
        silence: dict[str, str] = {}
        with self._lock:
            for (_, connection), watcher in self._watchers.items():
                if connection in down:
                    watcher.excuse()
                elif connection in self._down:
                    watcher.hurry()
                elif why := watcher.silence():
                    silence[connection] = why
        for name in sorted(silence.keys() - self._silent):
            self._say("EventsLost", f"{name} answers, but its changes are not heard of: {silence[name]}", Severity.WARNING)
        for name in sorted(self._silent - silence.keys() - down):
            self._say("EventsHeard", f"the changes of {name} are heard of again", Severity.INFO)
        self._silent = frozenset(silence) | (self._silent & down)
        self._down = down

    def stop(self) -> None:
        """Watch nothing: streams are closed before the connections that they run on."""
        with self._lock:
            watchers = list(self._watchers.values())
            self._watchers.clear()
        for watcher in watchers:
            watcher.stop()
        for watcher in watchers:
            watcher.join(_FAREWELL)

    def moved(self, key: Key | None, spot: Spot | None = None, settle: float = SETTLE) -> None:
        """A backend tells that a key (None = anything) changed; `spot` is where (None = anywhere)."""
        self._reconciler.bench.pulse.beat(key)
        connection = spot[1] if spot else ""
        thing = key or spot
        if key is not None and self._reconciler.flights.touch(key):
            self._pace.forgive(thing)
            self._ask(Priority.RETRY, "own", "what a rollout stirred up", connection, AFTERWARDS)
            return
        settle = AFTERWARDS if key is None and self._reconciler.flights.runs() else settle
        cause = f"{key} changed" if key else f"{connection or 'a backend'} changed"
        self._ask(Priority.EVENT, "event", cause, connection, self._pace.delay(thing, settle))

    def _ask(self, priority: Priority, scope: str, cause: str, connection: str, delay: float) -> None:
        scope = f"{scope}:{connection}" if connection else scope
        self._queue.add(Request(priority, scope, cause, connection=connection), delay)

    def _say(self, reason: str, message: str, severity: Severity) -> None:
        self._reconciler.bench.tell(Event(self._reconciler.bench.clock.now(), reason, message, severity))
