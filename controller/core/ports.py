"""Ports: what the engine and the use cases are handed. Implementations live in kinds, clients, source and store."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from threading import Event as Flag
from typing import Any, Protocol, runtime_checkable

from controller.core.change import Change
from controller.core.decision import Approval, Quarantine, Suspension
from controller.core.document import Files, Revision
from controller.core.errors import ProviderError
from controller.core.event import Event
from controller.core.key import Key
from controller.core.limit import Limit
from controller.core.registers import Registers
from controller.core.run import Entry, Row, Run, RunTimes
from controller.core.secret import SecretVersion
from controller.core.state import Health, Receipt, Snapshot, State, Target

Place = tuple[Key, str]


class Provider(Protocol):
    """The small translator for one kind on one backend.

    Laws of `apply`: (1) live ≠ before → Conflict; (2) live = after → success without work; (3) on return the backend has
    accepted `after` and shows it within `visible_within` seconds; (4) swapped changes are legal; (5) it never decides;
    (6) it raises only Transient, Permanent, Conflict, Deferred, Unhealthy (the world equals before again). Equality is over
    declared fields with the kind's tolerance. It must stop waiting when `interrupt` is set and raise Interrupted."""

    visible_within: float

    def observe(self, targets: Collection[Target]) -> Snapshot:
        """Everything of ours it can see plus the targets. Read-only. Never raises: unanswered it is incomplete, with a reason."""

    def apply(self, change: Change, interrupt: Flag) -> Receipt:
        """Make the change; see the laws above."""


@runtime_checkable
class Adapts(Protocol):
    """A provider that knows what its backend will really store (an image tag becomes a digest)."""

    def adapt(self, state: State, applied: State | None) -> State:
        """As it will be stored, with what `applied` pinned while the declaration stays. Raises Transient (for now), Permanent."""


@runtime_checkable
class Follows(Protocol):
    """A provider whose `adapt` also depends on something outside of the declaration (the public IP address)."""

    def token(self) -> str:
        """Stands for what `adapt` depends on now: another token = every state is adapted anew. Answers at once from what is
        known; the provider finds out on its own time. Never raises."""


@runtime_checkable
class Limits(Protocol):
    """A provider whose backend cannot do every change, or not at any time."""

    def limit(self, change: Change) -> Limit:
        """Whether this change can be made now. Asked for every planned change that writes; answers from what is known without
        a call where it can. Never raises: what it cannot tell is Yes, and `apply` says the rest."""


@runtime_checkable
class Batches(Protocol):
    """A provider that makes many changes with one write of its backend."""

    gather: float
    """How many seconds the engine collects changes that are ready before it hands them over."""

    def apply_many(self, changes: Sequence[Change], interrupt: Flag) -> Sequence[Receipt | ProviderError]:
        """`apply` for each change, in order: what it would return or raise. A change that cannot be made must not hold up the
        others; the write is all or nothing, so that after a crash each object is as before or as after. A ProviderError that
        is raised counts for every change. Changes of one call are of different objects."""


@runtime_checkable
class Gates(Protocol):
    """A provider that can say how well an object does its work."""

    def health(self, target: Target) -> tuple[Health, str]:
        """Health and, when not Healthy, why."""


@runtime_checkable
class Retains(Protocol):
    """A provider that keeps what it replaced until the rollout commits."""

    def release(self, change: Change, receipt: Receipt) -> Receipt:
        """End undo protection after the whole rollout passed. Idempotent; returns how the object now stands."""


@runtime_checkable
class Watches(Protocol):
    """A provider whose backend tells about changes."""

    def watch(self, moved: Callable[[Key | None], None], stop: Flag) -> None:
        """Call `moved` for each key that changed (None = any may have) until `stop` is set. Blocks; called anew if it ends."""


@runtime_checkable
class Speaks(Protocol):
    """A provider whose objects write logs."""

    def log(self, target: Target, lines: int, since: float = 0.0) -> str:
        """The last lines, not older than `since` (0 = however old), secrets concealed. Raises Transient, Permanent."""

    def follow(self, target: Target, lines: int, since: float, stop: Flag) -> Iterator[str]:
        """The same, then what it and its successors write until `stop`; a secret stays hidden however it is cut."""


@runtime_checkable
class Audits(Protocol):
    """A provider that answers from what it has seen before while its backend tells about every change."""

    def audit(self) -> None:
        """Trust nothing seen before: the next look reads everything anew."""


@runtime_checkable
class Tidies(Protocol):
    """A provider that leaves things behind for a while in case they are needed for an undo."""

    def tidy(self, now: float) -> None:
        """Remove what is no longer needed at `now` (seconds since the epoch). Raises what `apply` raises."""


Providers = Mapping[tuple[str, str], Provider]
"""Providers by kind and connection: `("service", "local")`."""


class Source(Protocol):
    """The spec repository."""

    def head(self) -> Revision:
        """Newest revision of the followed branch. Raises SourceError."""

    def read(self, revision: str) -> Files:
        """Files of a revision below the spec folder. Raises SourceError (unknown revision, missing folder)."""

    def revision(self, name: str) -> Revision:
        """Resolve a commit id, prefix, tag or branch. Raises SourceError."""

    def descends(self, revision: str, ancestor: str) -> bool:
        """True when ancestor is in the history of revision."""

    def fetch(self) -> None:
        """Bring a remote branch up to date; nothing to do for a local repository. Raises SourceError."""

    def revert(self, revision: str, message: str, author: str) -> Revision:
        """Commit, on top of the branch, the spec folder as it was at a revision. Raises SourceError when it cannot write."""

    def commit(self, edits: Mapping[str, bytes | None], message: str, author: str) -> Revision:
        """Commit file contents (None = remove) on top of the branch. Raises SourceError when it cannot write."""

    def log(self, limit: int = 50) -> Sequence[Revision]:
        """Newest revisions of the branch first."""

    def worktree(self) -> Files:
        """Uncommitted files of a local work tree. Raises SourceError when there is none."""


@runtime_checkable
class Vouches(Protocol):
    """A source that can tell whether a revision comes from somebody who is allowed to say what is wanted."""

    def doubt(self, revision: str) -> str:
        """Why a revision may not be followed, "" when it may. Never raises."""


class Store(Registers, RunTimes, Protocol):
    """Durable state. Writes are committed on return and refused with JournalError when the lease is lost."""

    def claim(self, holder: str, seconds: float) -> bool:
        """Take or renew the writing lease; False while another holder's has not ended."""

    def leave(self) -> None:
        """Give the lease back."""

    def leader(self) -> tuple[str, float]:
        """Holder ("" = none) and end of the lease in seconds since the epoch."""

    def rows(self) -> Mapping[Place, Row]:
        """The whole ledger."""

    def put(self, rows: Iterable[Row]) -> None:
        """Write ledger rows."""

    def drop(self, places: Iterable[Place]) -> None:
        """Remove ledger rows."""

    def record(self, entry: Entry, row: Row | None = None, drop: bool = False) -> None:
        """Write a journal entry and, in the same transaction, put `row` or (`drop`) remove the row of the entry's change. An
        entry that passed uses up what a person said about its rollout: the same change at another time is asked for again."""

    def open_entries(self) -> Sequence[Entry]:
        """Entries a crash left behind, oldest first."""

    def entries(self, run: str) -> Sequence[Entry]:
        """Entries of a run in order."""

    def save(self, run: Run) -> None:
        """Write or update a run."""

    def run(self, name: str) -> Run | None:
        """One run, by id or unique prefix."""

    def runs(self, limit: int = 50, before: float | None = None) -> Sequence[Run]:
        """Newest first."""

    def quarantined(self) -> Sequence[Quarantine]:
        """Rollouts that are not to be tried again."""

    def quarantine(self, item: Quarantine) -> None:
        """Remember a failed rollout."""

    def absolve(self, digest: str) -> None:
        """Forget a failed rollout (retry)."""

    def approvals(self) -> Mapping[str, Approval]:
        """Latest word per rollout digest."""

    def approve(self, approval: Approval) -> None:
        """Record a person's word."""

    def suspensions(self) -> Mapping[str, Suspension]:
        """Keys to leave alone, by key text."""

    def suspend(self, item: Suspension) -> None:
        """Leave a key alone until resumed."""

    def resume(self, key: str) -> None:
        """Take it up again."""

    def append(self, events: Iterable[Event]) -> None:
        """Add events; the store numbers them."""

    def events(self, after: int = 0, limit: int = 200, key: str = "") -> Sequence[Event]:
        """Events with a number above `after`, oldest first."""

    def last_event(self) -> int:
        """Number of the newest event (0 = none)."""

    def fact(self, name: str) -> Any:
        """A small JSON value by name, or None."""

    def remember(self, name: str, value: Any) -> None:
        """Store a small JSON value; None removes it."""

    def revise(self, name: str, change: Callable[[Any], Any]) -> None:
        """Store what `change` makes of a value (None = none), no writer in between, nothing when it raises. It may not use us."""


class Vault(Protocol):
    """Holder of secret values."""

    def current(self, ref: str, generate: int | None = None) -> SecretVersion:
        """Newest version of a reference. With `generate`, a new secret of that many characters is proposed when there is
        none: it is durable only after `keep`. Raises KeyError for an unknown reference without `generate`."""

    def literal(self, value: str) -> SecretVersion:
        """A version that stands for a plain value found in a specification; durable after `keep`."""

    def keep(self, versions: Iterable[SecretVersion]) -> None:
        """Make proposed versions durable; called before the journal names them."""

    def reveal(self, version: SecretVersion) -> str:
        """The value. Raises KeyError when no such version is kept."""

    def fingerprint(self, value: str) -> str:
        """Keyed fingerprint of a value (useless without the identity)."""

    def conceal(self, text: str) -> str:
        """A text from outside (a log) without any value that is kept."""


class Blobs(Protocol):
    """Content-addressed keeper of file contents that containers need."""

    def put(self, content: bytes) -> str:
        """Keep content; returns its SHA-256 digest in hex. Idempotent."""


class Clock(Protocol):
    """The only teller of time."""

    def now(self) -> float:
        """Seconds since the epoch."""

    def monotonic(self) -> float:
        """Seconds that never jump."""

    def wait(self, flag: Flag, seconds: float) -> bool:
        """Wait until the flag is set or the time is over; True when set."""

    def until(self, done: Flag, at: float) -> bool:
        """Wait for work of other threads until it is done or a time (monotonic seconds) has come; True when done."""
