"""Exit codes, as published, and how every error is told."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from controller.cli.show_findings import finding_lines
from controller.cli.text import Paint, visible, visible_lines
from controller.core import errors

OK, ERROR, CHANGES, INVALID, NOT_ALLOWED, ROLLED_BACK, STUCK, LEASE_HELD, UNREACHABLE, INTERRUPTED = (
    0,
    1,
    2,
    3,
    4,
    5,
    6,
    7,
    8,
    130,
)

MEANING: Mapping[int, str] = {
    OK: "ok",
    ERROR: "error",
    CHANGES: "changes present (only with --detailed-exitcode)",
    INVALID: "invalid spec",
    NOT_ALLOWED: "not allowed",
    ROLLED_BACK: "apply failed and was rolled back",
    STUCK: "apply failed and needs a person",
    LEASE_HELD: "the lease is held and its holder does not answer",
    UNREACHABLE: "a backend is unreachable",
    INTERRUPTED: "interrupted",
}


class Answered(errors.HomelabError):
    """An error with its exit code, mostly one that the running controller told us about. `by_hand` is what a person can do
    instead."""

    def __init__(
        self, code: int, message: str, diagnostics: Sequence[Mapping[str, Any]] = (), by_hand: Sequence[str] = ()
    ) -> None:
        self.code = code
        self.diagnostics = tuple(diagnostics)
        self.by_hand = tuple(by_hand)
        super().__init__(message)


_CODES: tuple[tuple[type[BaseException], int], ...] = (
    (errors.SpecError, INVALID),
    (errors.Rejected, INVALID),
    (errors.Refused, NOT_ALLOWED),
    (errors.LeaseHeld, LEASE_HELD),
    (errors.Transient, UNREACHABLE),
    (errors.Stuck, STUCK),
    (KeyboardInterrupt, INTERRUPTED),
)


def code_of(error: BaseException) -> int:
    """The published exit code of an error."""
    if isinstance(error, Answered):
        return error.code
    return next((code for kind, code in _CODES if isinstance(error, kind)), ERROR)


def findings_of(error: BaseException) -> tuple[Mapping[str, Any], ...]:
    """The findings about the specification that an error carries, as `views.DiagnosticView` has them."""
    if isinstance(error, Answered):
        return error.diagnostics
    if isinstance(error, errors.SpecError):
        return tuple(finding(item) for item in error.diagnostics)
    return ()


def finding(item: errors.Diagnostic) -> Mapping[str, Any]:
    """A diagnostic in the JSON form of `views.DiagnosticView`."""
    where = item.origin
    return {
        "severity": str(item.severity),
        "message": item.message,
        "file": where.file,
        "line": where.line,
        "column": where.column,
        "hint": item.hint,
        "snippet": item.snippet,
    }


def error_lines(error: BaseException, paint: Paint) -> list[str]:
    """What went wrong, for a person."""
    findings = findings_of(error)
    if findings:
        return finding_lines(findings, paint)
    if isinstance(error, errors.Rejected):
        return [line for problem in error.problems for line in _told(problem.message, paint, problem.hint)]
    lines = _told(str(error) or type(error).__name__, paint)
    return [*lines, *(f"  {visible(line)}" for line in error.by_hand)] if isinstance(error, Answered) else lines


def _told(message: str, paint: Paint, hint: str = "") -> list[str]:
    first, *rest = visible_lines(message) or [""]
    lines = [f"{paint('error', 'red bold')}: {first}", *(f"  {line}" for line in rest)]
    return [*lines, f"  fix: {hint}"] if hint else lines


def error_json(error: BaseException) -> str:
    """The same for programs, on standard error, when `-o json` was asked for."""
    return json.dumps(
        {
            "error": {
                "code": code_of(error),
                "meaning": MEANING[code_of(error)],
                "message": str(error),
                "diagnostics": findings_of(error),
            }
        }
    )
