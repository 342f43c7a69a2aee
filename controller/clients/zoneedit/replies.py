"""What ZoneEdit answers: tags that are not XML, words without a tag, pages meant for people. Read with two expressions, never
searched for words: `ERROR 702 "Update failed."` holds "Update" and is no success."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from controller.core.errors import Deferred, Permanent, ProviderError, Transient

SHOWN = 256
"""Most characters of an answer that are ever repeated."""
LOCKED_SECONDS, DYNAMIC_SECONDS = 10.0, 600.0
_TAG = re.compile(r"<\s*(SUCCESS|ERROR)((?:\s+[A-Za-z_-]+\s*=\s*\"[^\"]*\")*)\s*/?\s*>", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"([A-Za-z_-]+)\s*=\s*\"([^\"]*)\"")
_MINIMUM = re.compile(r"minimum\s+(\d{1,6})\s+seconds?\b", re.IGNORECASE)
_MARKUP = re.compile(r"<[^>]*>")


@dataclass(frozen=True, slots=True)
class Reply:
    """One tag. `code` 0 = it names none; `seconds` is its PARAM, None when there is none."""

    good: bool
    code: int
    text: str
    zone: str = ""
    host: str = ""
    seconds: float | None = None


class Uncertain(Transient):
    """It may have been carried out or not: only the authoritative servers can tell."""


class NotSent(Transient):
    """Nothing reached ZoneEdit: no limit has begun."""


class BadToken(Permanent):
    """The user or the zone's token is refused."""


class NotDynamic(Permanent):
    """The host is not one that can be updated: unknown, malformed, or not a DYN record."""


class TooSoon(Deferred):
    """Refused because of a limit; `zone` = the answer names the zone and no host, so the limit is the zone's."""

    def __init__(self, message: str, not_before: float, zone: bool = False) -> None:
        self.zone = zone
        super().__init__(message, not_before)


class UnknownCause(Transient):
    """Refused without a reason that is known: worth a few more tries, not endless ones."""


def parse(body: str) -> tuple[Reply, ...]:
    """Every tag in an answer, in order."""
    found = []
    for word, rest in _TAG.findall(body):
        said = {name.upper(): value for name, value in _ATTRIBUTE.findall(rest)}
        code = said.get("CODE", "").strip()
        param = said.get("PARAM", "").strip()
        found.append(
            Reply(
                good=word.upper() == "SUCCESS",
                code=int(code) if code.isascii() and code.isdigit() and len(code) < 6 else 0,
                text=" ".join(said.get("TEXT", "").split())[:SHOWN],
                zone=said.get("ZONE", "").strip().lower().rstrip("."),
                host=said.get("HOST", "").strip().lower().rstrip("."),
                seconds=float(param) if re.fullmatch(r"[0-9]{1,6}", param) else None,
            )
        )
    return tuple(found)


def judge(reply: Reply, zone: str, now: float) -> ProviderError | None:
    """The error that a tag stands for; None = done, or already so."""
    if reply.good:
        return None if 200 <= reply.code < 300 else Uncertain(f"ZoneEdit answered success with code {reply.code}: {reply.text}")
    said = f"ZoneEdit: {reply.text or 'no reason given'} (code {reply.code})"
    if reply.code == 702:
        return _limited(reply, zone, said, now)
    if reply.code == 707:
        # The same answer code for "already so" and for "too often": clients in the field tell them apart by the text.
        if reply.text.lower().startswith("duplicate update"):
            return None
        return TooSoon(said, now + (reply.seconds or DYNAMIC_SECONDS), _names_zone(reply, zone))
    if reply.code == 708:
        return BadToken(f"{said}: the user or the token of {zone} is wrong")
    if reply.code == 709:
        return NotDynamic(said)
    if reply.code in (701, 703, 704, 705):
        return Permanent(said)
    return UnknownCause(said)


def wordless(body: str, zone: str, now: float) -> ProviderError:
    """The error that an answer without any tag stands for. The words are those of the easyDNS-style interface."""
    text = " ".join(_MARKUP.sub(" ", body).split())
    word = text.upper().strip(".!")
    if word in ("NOACCESS", "NO_AUTH", "NOAUTH", "AUTHENTICATION FAILED"):
        return BadToken(f"ZoneEdit: {text}: the user or the token of {zone} is wrong")
    if word == "NOSERVICE":
        return Permanent(f"ZoneEdit: {text}: dynamic authentication is not switched on for {zone}")
    if word in ("ILLEGAL INPUT", "ILLEGAL_INPUT"):
        return Permanent(f"ZoneEdit: {text}")
    if word in ("TOOSOON", "TOO_SOON"):
        return TooSoon(f"ZoneEdit: {text}", now + DYNAMIC_SECONDS)
    return Uncertain(f"ZoneEdit answered {text[:SHOWN]!r}" if text else "ZoneEdit answered nothing")


def shared_out(replies: Sequence[Reply], hosts: Sequence[str]) -> dict[str, tuple[Reply, ...]]:
    """The tags of an answer by host: by their names, else in order, else a single one for all. A host may get none."""
    if len(hosts) == 1:
        return {hosts[0]: tuple(replies)}
    if replies and all(reply.host in hosts for reply in replies):
        return {host: tuple(reply for reply in replies if reply.host == host) for host in hosts}
    if len(replies) == len(hosts):
        return {host: (reply,) for host, reply in zip(hosts, replies, strict=True)}
    return {host: tuple(replies) if len(replies) == 1 and not replies[0].good else () for host in hosts}


def _limited(reply: Reply, zone: str, said: str, now: float) -> ProviderError:
    minimum = _MINIMUM.search(reply.text)
    if minimum is not None:
        # The longer of the two when the text and PARAM differ.
        return TooSoon(said, now + max(float(minimum[1]), reply.seconds or 0.0), _names_zone(reply, zone))
    if re.search(r"\bLOCKED\b", reply.text):
        return Transient(said, retry_after=reply.seconds or LOCKED_SECONDS)
    if reply.seconds is not None:
        return TooSoon(said, now + reply.seconds, _names_zone(reply, zone))
    return UnknownCause(said)


def _names_zone(reply: Reply, zone: str) -> bool:
    return reply.zone == zone and not reply.host
