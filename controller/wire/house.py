"""The house: everything that one process works with, opened for the settings and closed again."""

from __future__ import annotations

import gc
import secrets
import socket
import stat
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from threading import Event as Flag

from controller.clients.blobs import BlobStore
from controller.clients.clock import SystemClock
from controller.clients.memory import MemoryWorld
from controller.clients.passwords import Argon2
from controller.clients.vault import AgeVault
from controller.clients.yaml import read_yaml, write_yaml
from controller.core.document import Files, Revision
from controller.core.errors import ProviderError, SettingsError, SourceError
from controller.core.estate import Estate
from controller.core.event import Event, Report
from controller.core.ports import Clock, Tidies
from controller.core.secret import SecretVersion
from controller.engine.bench import Bench
from controller.engine.link import Linker
from controller.engine.reconcile import Reconciler
from controller.loop.chronicle import Chronicle
from controller.loop.lease import FileLock, Seat
from controller.loop.queue import Queue
from controller.loop.triggers import Backends
from controller.settings import Settings, is_url
from controller.source import FolderSource, GitSource, Signers, find_repository
from controller.store.sql import SqlStore
from controller.usecases.access import Access
from controller.usecases.desk import Desk
from controller.usecases.importing import Importing
from controller.usecases.look import Look
from controller.usecases.notices import Notices
from controller.usecases.rollback import Rollback
from controller.usecases.secrets import Secrets
from controller.usecases.sync import RunNow, Sync
from controller.wire.backends import Connections, connection_problems, engine_answers, memory_connections, real_connections
from controller.wire.kinds import Tools, load_kinds
from controller.wire.notices import open_notices
from controller.wire.proposing import Proposals, proposals
from controller.wire.sensors import Board
from controller.wire.vaults import first, open_vault, shown

SIMULATED = "memory (simulated)"
HISTORY_SECONDS, EVENT_SECONDS = 400 * 86_400.0, 30 * 86_400.0
_COLLECT = 50_000
"""New objects between two searches for garbage: a house is many small objects that stay, and looking through them again and again
took a third of a plan."""
_SIMULATED_START = 0.5
"""Seconds that a simulated service takes to get healthy."""


@dataclass
class House:
    """Everything one process works with. `world` is "docker" or "memory (simulated)"; `instance` marks what is ours; `sync` of
    the desk is None when it was opened for reading."""

    settings: Settings
    world: str
    instance: str
    clock: Clock
    store: SqlStore
    source: GitSource | FolderSource
    vault: AgeVault
    connections: Connections
    chronicle: Chronicle
    reconciler: Reconciler
    seat: Seat
    desk: Desk = field(init=False)
    proposals: Proposals = field(init=False)
    notices: Notices = field(init=False)
    board: Board = field(default_factory=Board)
    _unnamed: frozenset[SecretVersion] = field(default=frozenset(), init=False)

    def __post_init__(self) -> None:
        simulated, tell = self.world == SIMULATED, self.chronicle.tell
        self.notices = open_notices(self.reconciler, self.store, self.clock, self.vault, tell, simulated=simulated)
        self.proposals = proposals(self.reconciler, self.source, self.store, self.clock, self._must_lead)
        self.desk = self._reading_desk()

    def keep_up(self) -> None:
        """Forget old history and events, and what backends kept for undos that nobody needs any more."""
        now = self.clock.now()
        self.store.prune(now - HISTORY_SECONDS, now - EVENT_SECONDS)
        for provider in self.connections.providers().values():
            if isinstance(provider, Tidies):
                with suppress(ProviderError):  # an hour later is soon enough
                    provider.tidy(now)
        self._forget_secrets()

    def _forget_secrets(self) -> None:
        """Drop values that nothing names any more. What is kept is named a moment later, so only what nothing named at the last
        upkeep either goes, and nothing while something is under way."""
        if self.reconciler.flights.runs():
            return
        unnamed = self.vault.unnamed(self.store.secrets_named)
        if self.vault.forget(unnamed & self._unnamed):
            self.reconciler.forget()
        self._unnamed = unnamed

    def access(self) -> Access:
        """Who may call, and what they did."""
        return Access(self.store, self.clock, self.vault, Argon2())

    def desk_with(self, run_now: RunNow, kick: Callable[[str], None]) -> Desk:
        """The desk whose passes are made by somebody else (the loop)."""
        sync = Sync(self.reconciler, self.source, self.store, self.clock, run_now)
        return replace(self.desk, sync=sync, kick=kick)

    def _reading_desk(self) -> Desk:
        """What needs no lease: looking, and what people may do to the repository and the vault."""
        reconciler, source, store = self.reconciler, self.source, self.store
        return Desk(
            look=Look(reconciler, source, store),
            sync=None,
            world=self.world,
            instance=self.instance,
            wait_event=self.chronicle.wait,
            kick=lambda _cause: None,
            rollback=Rollback(reconciler, source, store),
            importing=Importing(reconciler, source, store, self.vault, self.clock, write_yaml),
            secrets=Secrets(self.vault.beside(self._committed), store, self.clock, reconciler.forget, self._must_lead),
            propose=self.proposals.propose,
            review=self.proposals.review,
            notices=self.notices,
        )

    def _must_lead(self) -> None:
        if not self.seat.held:
            raise self.seat.refusal()

    def _committed(self, path: str) -> bytes | None:
        """A file of the newest revision, as far as it can be read."""
        with suppress(SourceError):
            return self.source.read(self.source.head().id).read(path)
        return None


@dataclass(frozen=True)
class AgeFileLinker(Linker):
    """A linker whose secrets may stand as age files beside the specs of the same revision."""

    age_vault: AgeVault | None = None

    def estate(self, revision: Revision, files: Files) -> Estate:
        """The desired graph of a revision; raises SpecError."""
        vault = self.age_vault.beside(files.read) if self.age_vault is not None else self.vault
        return Linker(self.reader, self.kinds, vault, self.blobs, self.check).estate(revision, files)


@contextmanager
def open_house(settings: Settings, *, write: bool, clock: Clock | None = None) -> Iterator[House]:
    """The house of one command while no controller runs. With `write` the lease is held from here on until it closes.

    Raises LeaseHeld when somebody else writes, SettingsError, SourceError, JournalError."""
    with built(settings, clock or SystemClock()) as house:
        if not write:
            yield house
            return
        watching = Backends(house.reconciler, Queue(house.clock))
        house.connections.changed = watching.follow
        try:
            house.seat.require()
            house.seat.keep(lambda _leading: None)
            house.desk = house.desk_with(_run_here(house), lambda _cause: None)
            yield house
        finally:
            watching.stop()
            house.reconciler.flights.close()


def _run_here(house: House) -> RunNow:
    def run_now(cause: str, by: str) -> Report:
        if not house.seat.held:
            raise house.seat.refusal()
        report = house.reconciler.reconcile(cause, by, Flag())
        return house.reconciler.reconcile("proposal", by, Flag()) if house.proposals.tend() else report

    return run_now


@contextmanager
def built(settings: Settings, clock: Clock) -> Iterator[House]:
    """The house without a lease: nothing writes yet."""
    gc.set_threshold(_COLLECT)
    with ExitStack() as closing:
        world = chosen_world(settings)
        folder = settings.state / "memory" if world == SIMULATED else settings.state
        for private in (settings.state, folder, folder / "backends"):
            _make_private(private)
        source = open_source(settings)
        store = SqlStore(settings.database or f"sqlite:///{folder / 'state.db'}", clock)
        closing.callback(store.close)
        chronicle = Chronicle(store, clock)
        closing.callback(chronicle.close)
        _refuse_another_world(store, world, settings)
        instance = _instance(store)
        vault = open_vault(settings, store, folder)
        blobs = BlobStore(folder / "blobs")
        kinds, board = load_kinds(), Board()
        if world == SIMULATED:
            simulated = MemoryWorld(clock, folder / "world.json", _SIMULATED_START)
            connections = memory_connections(simulated, kinds, instance)
        else:
            pulls = _pulls(chronicle, clock)
            tools = Tools(vault, blobs, clock, instance, folder / "data", folder / "backends", pulls, sensors=board)
            connections = real_connections(settings, tools)
        closing.callback(connections.close)
        bench = Bench(connections.providers, kinds, store, vault, clock, chronicle.tell)
        linker = AgeFileLinker(read_yaml, kinds, vault, blobs, connection_problems, vault)
        reconciler = Reconciler(source, linker, bench, connections.connect, lambda: _run_name(clock), world, connections.beside)
        seat = Seat(store, clock, holder_name(settings.state), FileLock(settings.state / "writer.lock"))
        closing.callback(seat.leave)
        yield House(settings, world, instance, clock, store, source, vault, connections, chronicle, reconciler, seat, board)


def _make_private(folder: Path) -> None:
    """A folder that nobody else may write to: who could, could put another identity or another socket there."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    mode = stat.S_IMODE(folder.stat().st_mode)
    if mode & 0o022:
        raise SettingsError(f"others can write to the state folder {folder} (mode {mode:o}); fix: chmod 700 {folder}")


def chosen_world(settings: Settings) -> str:
    """`docker`, or `memory (simulated)` when asked for. `auto` takes the simulated world only where no engine answers and the
    state folder has not been used with real Docker."""
    if settings.world == "memory":
        return SIMULATED
    if settings.world == "auto" and not (settings.state / "state.db").exists() and not engine_answers(settings):
        return SIMULATED
    return "docker"


def open_source(settings: Settings) -> GitSource | FolderSource:
    """The spec repository: git by path or address, or a plain folder. Raises SettingsError, SourceError."""
    if not settings.repo:
        raise SettingsError("no spec repository: name one with --repo PATH-OR-URL (HOMELAB_REPO)")
    folder = Path(settings.repo)
    signers = Signers(settings.allowed_signers, settings.allowed_keys)
    signed = signers != Signers()
    if not is_url(settings.repo) and find_repository(folder) is None and folder.is_dir():
        if signed:
            raise SettingsError(f"{folder} is a plain folder, which nobody can sign: use a git repository")
        return FolderSource(folder / settings.path)
    return GitSource(
        settings.repo,
        branch=settings.branch,
        path=settings.path,
        cache_dir=settings.state / "repository",
        trusted_hosts=settings.trusted_hosts,
        signers=signers if signed else None,
        environment=settings.environment,
    )


def holder_name(state: Path) -> str:
    """The name under which this state folder holds the lease: the same after a restart, another on every machine and folder."""
    path = state / "holder"
    state.mkdir(mode=0o700, parents=True, exist_ok=True)
    try:
        with path.open("x") as file:
            file.write(secrets.token_hex(4))
    except FileExistsError:
        pass
    mark = path.read_text().strip()
    return f"{socket.gethostname()} ({mark or 'unnamed'})"


def _instance(store: SqlStore) -> str:
    return first(store, "instance", lambda: secrets.token_hex(6))


def _refuse_another_world(store: SqlStore, world: str, settings: Settings) -> None:
    """A ledger of simulated things must never be held against real ones."""
    known = first(store, "world", lambda: world)
    if known != world:
        raise SettingsError(
            f"{shown(settings)} belongs to the world {known!r}, not {world!r}: "
            "use another --database or --state, or the same --world"
        )


def _pulls(chronicle: Chronicle, clock: Clock) -> Callable[[object, str], None]:
    return lambda key, words: chronicle.tell(Event(clock.now(), "Pulling", words, key=str(key)))


def _run_name(clock: Clock) -> str:
    return f"{datetime.fromtimestamp(clock.now(), UTC):%Y%m%d-%H%M%S}-{secrets.token_hex(2)}"
