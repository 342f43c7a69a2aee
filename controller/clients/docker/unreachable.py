"""Why an engine cannot be reached, and what a person can do about it, in one sentence."""

from __future__ import annotations

import socket
import ssl
from collections.abc import Iterator

_START = "start it with `sudo systemctl start docker`"
_LIMIT = 256


def unreachable(url: str, error: BaseException) -> str:
    """What an error of the way to an engine means for a person."""
    found = tuple(_causes(error))
    where = url.removeprefix("unix://")
    for cause in found:
        if isinstance(cause, FileNotFoundError) and cause.filename == "ssh":
            return "OpenSSH is not installed here: install the package openssh-client"
        if isinstance(cause, FileNotFoundError):
            return f"there is no socket {where}: install Docker or {_START}, or set DOCKER_HOST when it listens elsewhere"
        if isinstance(cause, PermissionError):
            return f"this user may not use {where}: run `sudo usermod -aG docker $USER` and sign in again"
        if isinstance(cause, ConnectionRefusedError):
            return f"nothing answers at {where}: {_START} on that machine"
        if isinstance(cause, socket.gaierror):
            return f"the name of the machine in {url} is not known: correct the connection in homelab.yaml"
        if isinstance(cause, ssl.SSLError):
            return f"{url} is not trusted: {_cut(cause)}; check the certificates of the connection in homelab.yaml"
    if any(isinstance(cause, TimeoutError) or "timed out" in str(cause) for cause in found):
        return f"{url} does not answer in time: is the machine on, and does its firewall let this one in?"
    return f"{url}: {_cut(error)}"


def _causes(error: BaseException) -> Iterator[BaseException]:
    """An error and everything inside it: SDKs wrap what went wrong in arguments as well as in causes."""
    waiting, seen = [error], set()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        inside = (each.__cause__, each.__context__, *each.args, getattr(each, "reason", None))
        waiting += [one for one in inside if isinstance(one, BaseException)]


def _cut(error: BaseException) -> str:
    text = str(error) or type(error).__name__
    return text if len(text) <= _LIMIT else text[: _LIMIT - 1] + "…"
