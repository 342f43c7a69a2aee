"""How well a container does its work, from what an engine shows of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from controller.core.state import Health
from controller.kinds.service import names
from controller.kinds.service.secrets import is_sensitive
from controller.kinds.service.spot import labels_of

_OUTPUT = 200
_HIDDEN = "•••"
Conceal = Callable[[str], str]
"""Takes the values that the vault keeps out of a text."""


def judge(details: Mapping[str, Any], conceal: Conceal) -> tuple[Health, str]:
    """Health and, when not Healthy, why."""
    state = details["State"]
    word = str(state.get("Status", ""))
    if word == "running":
        return _check(details, conceal)
    if word == "exited" and state.get("ExitCode") == 0 and one_shot(details):
        return Health.HEALTHY, ""
    if word == "created":
        return (Health.DEGRADED, str(state["Error"])[:_OUTPUT]) if state.get("Error") else (Health.PROGRESSING, "not started yet")
    if word in ("exited", "restarting", "dead"):
        tried = details.get("RestartCount") or 0
        again = f", restarted {tried} times" if tried else ""
        killed = " (out of memory)" if state.get("OOMKilled") else ""
        code = state.get("ExitCode", 0)
        hint = "" if code or word != "exited" else '; if it is meant to end, write `restart: "no"`'
        return Health.DEGRADED, f"{word} with code {code}{killed}{again}{hint}"
    return Health.DEGRADED, f"it is {word}"


def one_shot(details: Mapping[str, Any]) -> bool:
    """True for a container that is meant to end: its declared policy is `no` or `on-failure`."""
    declared = labels_of(details).get(names.RESTART)
    policy = (details["HostConfig"].get("RestartPolicy") or {}).get("Name", "")
    return (declared if declared is not None else policy if policy == "on-failure" else "").startswith(("no", "on-failure"))


def redacted(text: str, details: Mapping[str, Any], conceal: Conceal) -> str:
    """A text of a container (log, output of a check) without the secret values that it was given, as variables or as files."""
    hidden = names.secret_names(labels_of(details))
    for line in details["Config"].get("Env") or ():
        name, _, value = str(line).partition("=")
        if value and (name in hidden or is_sensitive(name, value)):
            text = text.replace(value, _HIDDEN)
    return conceal(text)


def _check(details: Mapping[str, Any], conceal: Conceal) -> tuple[Health, str]:
    check = details["State"].get("Health") or {}
    word = check.get("Status", "none")
    if word == "starting":
        return Health.PROGRESSING, "its health check has not passed yet" + _last(check, details, conceal)
    if word == "unhealthy":
        return Health.DEGRADED, "unhealthy" + _last(check, details, conceal)
    if names.COMPLETES in labels_of(details):
        return Health.PROGRESSING, "it has not ended yet"
    return Health.HEALTHY, ""


def _last(check: Mapping[str, Any], details: Mapping[str, Any], conceal: Conceal) -> str:
    log = check.get("Log") or ()
    if not log or not log[-1].get("ExitCode"):
        return ""
    said = redacted(str(log[-1].get("Output", "")).strip(), details, conceal)[:_OUTPUT]
    return f": the check ended with {log[-1]['ExitCode']}" + (f": {said}" if said else "")
