"""Access: who may call the controller over the network. Tokens, one-time invitations, sessions, the webhook secret."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
from threading import RLock
from typing import Any

from controller.core.errors import HomelabError, JournalError, Refused, Severity
from controller.core.event import Event
from controller.core.ports import Clock, Store, Vault

WEBHOOK_REF = "controller/webhook"
"""The vault's name for the secret that git servers sign with."""

TRIES = 10
WINDOW = 15 * 60.0
"""So many wrong credentials from one address within so many seconds; then that address waits until the window ends."""

_MINUTE, _DAY = 60.0, 86_400.0
_INVITATION = 15 * _MINUTE
_SESSION = 30 * _DAY
_SESSIONS, _TOKENS, _ADDRESSES = 100, 200, 256
_SEEN_EVERY = 10 * _MINUTE
_INVITATIONS_FACT, _SESSIONS_FACT, _TOKENS_FACT = "access.invitations", "access.sessions", "access.tokens"
_USED_FACT, _FAILURES_FACT, _ENTERED_FACT = "access.used", "access.failures", "access.entered"


class Scope(StrEnum):
    """What a caller may do: look, ask for a plan, approve, make changes, or everything (tokens, secrets, detach)."""

    READ = "read"
    PLAN = "plan"
    APPROVE = "approve"
    APPLY = "apply"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Actor:
    """Who asks. `door` is how they came in: socket, session or token; `id` names that session or token."""

    name: str
    scopes: frozenset[Scope]
    door: str
    id: str = ""

    def may(self, scope: Scope) -> bool:
        """True when allowed: admin may everything, and everyone who is let in may look."""
        return scope is Scope.READ or scope in self.scopes or Scope.ADMIN in self.scopes


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token as people see it. Times in seconds since the epoch; `expires` and `used` 0 = never."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created: float
    expires: float
    used: float


class Denied(HomelabError):
    """The credential is unknown, used up, expired or revoked."""


class Throttled(HomelabError):
    """Too many wrong credentials from this address; `retry_after` in seconds."""

    def __init__(self, retry_after: float) -> None:
        self.retry_after = retry_after
        super().__init__(f"too many wrong credentials from this address; wait {retry_after:.0f} seconds")


def local(user: str) -> Actor:
    """The operator at the controller's own socket: everything is allowed."""
    return Actor(user, frozenset(Scope), "socket")


class Access:
    """Credentials, kept as facts of the store and only as SHA-256 (all of them are random, 256 bits). Usable from many threads.

    `peer` is the network address a credential came from ("" = the socket, never throttled). Wrong ones are counted per door and
    address, durably. A right token or signature always passes; a throttled address cannot trade an invitation for a while."""

    def __init__(self, store: Store, clock: Clock, vault: Vault) -> None:
        self._store, self._clock, self._vault = store, clock, vault
        self._lock = RLock()

    # Invitations and sessions

    def first_invitation(self) -> str | None:
        """An invitation to print at start while nobody has ever entered; else None."""
        return None if self._store.fact(_ENTERED_FACT) else self.invite(seconds=_DAY)

    def invite(self, name: str = "owner", scopes: Collection[Scope] = tuple(Scope), seconds: float = _INVITATION) -> str:
        """A fresh one-time token that a browser trades for a session."""
        _check(name, scopes)
        token = f"hlo_{secrets.token_urlsafe(32)}"
        with self._lock:
            known = self._alive(_INVITATIONS_FACT)
            known[_hash(token)] = {"name": name, "scopes": sorted(scopes), "until": self._clock.now() + seconds}
            self._store.remember(_INVITATIONS_FACT, _newest(known, _TOKENS))
        return token

    def enter(self, invitation: str, peer: str) -> tuple[str, Actor]:
        """Trade an invitation for a session's secret. Raises Denied, Throttled."""
        with self._lock:
            self._unthrottled(_bucket("link", peer))
            invitations = self._alive(_INVITATIONS_FACT)
            found = invitations.pop(_hash(invitation), None)
            if found is None:
                raise self._failed("link", peer, "this link was used before or has expired; `homelab token url` makes a new one")
            self._store.remember(_INVITATIONS_FACT, invitations)
            secret = secrets.token_urlsafe(32)
            sessions = self._alive(_SESSIONS_FACT)
            sessions[_hash(secret)] = {**found, "until": self._clock.now() + _SESSION}
            self._store.remember(_SESSIONS_FACT, _newest(sessions, _SESSIONS))
            self._store.remember(_ENTERED_FACT, True)
        actor = _actor(found, "session", _hash(secret)[:12])
        self._tell("SignedIn", f"{actor.name} signed in from {peer or 'the socket'}")
        return secret, actor

    def session(self, secret: str) -> Actor | None:
        """Who holds a session; None when it has ended (not counted as wrong: every browser comes back with an old cookie)."""
        found = self._alive(_SESSIONS_FACT).get(_hash(secret))
        return _actor(found, "session", _hash(secret)[:12]) if found is not None else None

    def leave(self, id_: str) -> None:
        """End a session, by the actor's id."""
        with self._lock:
            sessions = self._alive(_SESSIONS_FACT)
            kept = {key: item for key, item in sessions.items() if not key.startswith(id_)}
            if len(kept) < len(sessions):
                self._store.remember(_SESSIONS_FACT, kept)

    # Tokens

    def issue(self, name: str, scopes: Collection[Scope], days: float | None, by: str) -> tuple[str, TokenView]:
        """A new token (shown only now) that ends after `days` (None = never) or when revoked. Raises Refused."""
        _check(name, scopes)
        with self._lock:
            known = self._alive(_TOKENS_FACT)
            if len(known) >= _TOKENS:
                raise Refused(f"there are {_TOKENS} tokens already; revoke some")
            id_, now = secrets.token_hex(4), self._clock.now()
            token = f"hlc_{id_}_{secrets.token_urlsafe(32)}"
            until = now + days * _DAY if days is not None else 0.0
            known[id_] = {"hash": _hash(token), "name": name, "scopes": sorted(scopes), "created": now, "until": until}
            self._store.remember(_TOKENS_FACT, known)
        self._tell("TokenIssued", f"{by} issues token {id_} ({name}) for {', '.join(sorted(scopes))}")
        return token, self._view(id_, known[id_], {})

    def tokens(self) -> tuple[TokenView, ...]:
        """Every token that works, oldest first."""
        used = self._store.fact(_USED_FACT) or {}
        views = [self._view(id_, item, used) for id_, item in self._alive(_TOKENS_FACT).items()]
        return tuple(sorted(views, key=lambda view: (view.created, view.id)))

    def revoke(self, id_: str, by: str) -> None:
        """End a token at once. Raises Refused when there is none of that id."""
        with self._lock:
            known = self._alive(_TOKENS_FACT)
            if known.pop(id_, None) is None:
                raise Refused(f"there is no token {id_!r}; `homelab token list` shows them")
            self._store.remember(_TOKENS_FACT, known)
        self._tell("TokenRevoked", f"{by} revokes token {id_}")

    def bearer(self, token: str, peer: str) -> Actor:
        """Who holds a token. Raises Denied, Throttled."""
        parts = token.split("_", 2)
        id_ = parts[1] if len(parts) == 3 and parts[0] == "hlc" else ""
        found = self._alive(_TOKENS_FACT).get(id_)
        if found is None or not hmac.compare_digest(found["hash"], _hash(token)):
            raise self._failed("token", peer, "the token is unknown, expired or revoked")
        self._seen(id_)
        return _actor(found, "token", id_)

    # The webhook's secret

    def webhook_secret(self, *, make: bool = False) -> str | None:
        """What git servers sign with; None while there is none and `make` is not asked for."""
        try:
            version = self._vault.current(WEBHOOK_REF, 48 if make else None)
        except KeyError:
            return None
        self._vault.keep([version])
        return self._vault.reveal(version)

    def wrong_signature(self, peer: str, why: str) -> HomelabError:
        """Count a webhook that is not signed with our secret; the error to raise."""
        return self._failed("hook", peer, why)

    # Inside

    def _alive(self, fact: str) -> dict[str, dict[str, Any]]:
        now = self._clock.now()
        return {key: item for key, item in (self._store.fact(fact) or {}).items() if not item["until"] or item["until"] > now}

    def _view(self, id_: str, item: Mapping[str, Any], used: Mapping[str, float]) -> TokenView:
        return TokenView(id_, item["name"], tuple(item["scopes"]), item["created"], item["until"], used.get(id_, 0.0))

    def _seen(self, id_: str) -> None:
        # A fact of its own: a stale writer must not be able to bring a revoked token back.
        now = self._clock.now()
        with self._lock:
            used = self._store.fact(_USED_FACT) or {}
            if now - used.get(id_, 0.0) < _SEEN_EVERY:
                return
            alive = self._alive(_TOKENS_FACT)
            try:
                self._store.remember(_USED_FACT, {**{key: at for key, at in used.items() if key in alive}, id_: now})
            except JournalError:
                # Another controller leads now: it is a hint for people, and looking must go on working.
                return

    def _failures(self) -> dict[str, list[float]]:
        begin = self._clock.now() - WINDOW
        return {peer: item for peer, item in (self._store.fact(_FAILURES_FACT) or {}).items() if item[1] > begin}

    def _unthrottled(self, bucket: str) -> None:
        count, since = self._failures().get(bucket, (0, 0.0))
        if count >= TRIES:
            raise Throttled(max(1.0, since + WINDOW - self._clock.now()))

    def _failed(self, door: str, peer: str, why: str) -> HomelabError:
        """Count a wrong credential, durably, so that a restart does not give new tries; the error to raise."""
        if not peer:
            return Denied(why)
        bucket = _bucket(door, peer)
        with self._lock:
            try:
                self._unthrottled(bucket)
            except Throttled as error:
                return error
            failures = self._failures()
            count, since = failures.get(bucket, (0, self._clock.now()))
            failures[bucket] = [count + 1, since]
            oldest_first = sorted(failures.items(), key=lambda item: item[1][1])
            self._store.remember(_FAILURES_FACT, dict(oldest_first[-_ADDRESSES:]))
        if count + 1 >= TRIES:
            self._tell("SignInThrottled", f"{TRIES} wrong credentials ({bucket})", Severity.WARNING)
        return Denied(why)

    def _tell(self, reason: str, message: str, severity: Severity = Severity.INFO) -> None:
        self._store.append([Event(self._clock.now(), reason, message, severity)])


def _hash(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _actor(item: Mapping[str, Any], door: str, id_: str) -> Actor:
    return Actor(item["name"], frozenset(map(Scope, item["scopes"])), door, id_)


def _newest(items: dict[str, dict[str, Any]], count: int) -> dict[str, dict[str, Any]]:
    return dict(sorted(items.items(), key=lambda item: item[1]["until"])[-count:])


def _check(name: str, scopes: Collection[Scope]) -> None:
    if not name or len(name) > 64 or not name.isprintable():
        raise Refused("a name has 1 to 64 printable characters")
    if not scopes:
        raise Refused(f"name at least one scope of: {', '.join(Scope)}")


def _bucket(door: str, peer: str) -> str:
    """What is counted together: a door, and an address or the /64 that one IPv6 customer has."""
    try:
        address = ip_address(peer)
    except ValueError:
        return f"{door} {peer[:64]}"
    if isinstance(address, IPv6Address):
        return f"{door} {address.ipv4_mapped or ip_network((address, 64), strict=False)}"
    return f"{door} {address}"
