"""The few words for what can go wrong; clients translate SDK errors into these at their door."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """Weight of a diagnostic or an event."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True, order=True)
class Origin:
    """Where a document or a part of it is written. Line and column count from 1; 0 = unknown."""

    file: str
    line: int = 0
    column: int = 0
    revision: str = ""

    def __str__(self) -> str:
        return ":".join(str(part) for part in (self.file, self.line, self.column) if part)


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding about what a person wrote: what, where, why and how to fix it."""

    message: str
    origin: Origin
    hint: str = ""
    snippet: str = ""
    severity: Severity = Severity.ERROR
    code: str = "spec"

    def __str__(self) -> str:
        lines = [f"{self.origin}: {self.severity}: {self.message}"]
        lines += [f"    {line}" for line in self.snippet.splitlines()]
        if self.hint:
            lines.append(f"  fix: {self.hint}")
        return "\n".join(lines)


class HomelabError(Exception):
    """Base of every error that is meant for a person to read."""


class SpecError(HomelabError):
    """What is written cannot be desired; carries every diagnostic at once."""

    def __init__(self, diagnostics: Sequence[Diagnostic]) -> None:
        self.diagnostics = tuple(diagnostics)
        super().__init__("\n".join(str(diagnostic) for diagnostic in self.diagnostics))


class SourceError(HomelabError):
    """The spec repository could not be read (missing path, unknown branch, refused content, transport)."""


class SettingsError(HomelabError):
    """A flag, variable or settings file is wrong; the message names it and the fix."""


class ProviderError(HomelabError):
    """Base of what a provider may raise."""


class Transient(ProviderError):
    """Try again later; `retry_after` in seconds when the backend said when."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        self.retry_after = retry_after
        super().__init__(message)


class Deferred(ProviderError):
    """Allowed only from `not_before` on (seconds since the epoch); persisted, survives restarts."""

    def __init__(self, message: str, not_before: float) -> None:
        self.not_before = not_before
        super().__init__(message)


class Permanent(ProviderError):
    """No retry helps until something changes."""


class Conflict(ProviderError):
    """The live object is not what the change expects to find."""


class Unhealthy(ProviderError):
    """The new state did not get healthy; the provider has put the world back to what was before."""

    def __init__(self, message: str, logs: str = "") -> None:
        self.logs = logs
        super().__init__(message)


class Interrupted(Unhealthy):
    """A wait for health was called off (newer revision, shutdown); the world equals before again."""


class GateFailed(HomelabError):
    """A change was applied but did not pass its gate."""


class Stuck(HomelabError):
    """A person is needed: neither forward nor back is safe."""


class JournalError(HomelabError):
    """The store cannot record an intent: all writes stop."""


class LeaseHeld(HomelabError):
    """Another controller holds the writing lease."""

    def __init__(self, message: str, holder: str = "") -> None:
        self.holder = holder
        super().__init__(message)


class Refused(HomelabError):
    """What was asked is not allowed (policy, stale approval, unknown digest); the message says why."""


@dataclass(frozen=True, slots=True)
class Problem:
    """A finding of a kind about its own spec, before it has a position.

    `path` starts below the document's `spec`; with `file` set it starts at the top of that other file of the repository."""

    path: tuple[str | int, ...]
    message: str
    hint: str = ""
    file: str = ""
    severity: Severity = Severity.ERROR


class Rejected(HomelabError):
    """A kind refuses its spec; carries every problem at once. The loader turns them into diagnostics with positions.

    `partial` is what could be understood all the same (`Desired` from `resolve`, drafts from `expand`): it is judged in the same
    go, and never applied."""

    def __init__(self, problems: Sequence[Problem], partial: object = None) -> None:
        self.problems = tuple(problems)
        self.partial = partial
        super().__init__("; ".join(problem.message for problem in self.problems))
