"""Access: who may call the controller over the network. Tokens, one-time invitations, sessions, the webhook secret."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256
from ipaddress import IPv6Address, ip_address, ip_network
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
_Items = dict[str, dict[str, Any]]
_Failures = dict[str, list[float]]


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
    """Credentials, kept as facts of the store and only as SHA-256 (all of them are random, 256 bits). Usable from many threads,
    and by several controllers on one store: each change of a fact is one transaction.

    `peer` is the network address a credential came from ("" = the socket, never throttled). Wrong ones are counted per door and
    address, durably. A right token or signature always passes; a throttled address cannot trade an invitation for a while."""

    def __init__(self, store: Store, clock: Clock, vault: Vault) -> None:
        self._store, self._clock, self._vault = store, clock, vault

    # Invitations and sessions

    def first_invitation(self) -> str | None:
        """An invitation to print at start while nobody has ever entered; else None."""
        return None if self._store.fact(_ENTERED_FACT) else self.invite(seconds=_DAY)

    def invite(self, name: str = "owner", scopes: Collection[Scope] = tuple(Scope), seconds: float = _INVITATION) -> str:
        """A fresh one-time token that a browser trades for a session."""
        _check(name, scopes)
        token = f"hlo_{secrets.token_urlsafe(32)}"
        self._add(_INVITATIONS_FACT, token, {"name": name, "scopes": sorted(scopes)}, seconds, _TOKENS)
        return token

    def enter(self, invitation: str, peer: str) -> tuple[str, Actor]:
        """Trade an invitation for a session's secret. Raises Denied, Throttled."""
        self._unthrottled(_bucket("link", peer))
        found = self._spend(invitation)
        if found is None:
            raise self._failed("link", peer, "this link was used before or has expired; `homelab token url` makes a new one")
        secret = secrets.token_urlsafe(32)
        self._add(_SESSIONS_FACT, secret, found, _SESSION, _SESSIONS)
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
        self._revise(_SESSIONS_FACT, lambda known: {key: item for key, item in known.items() if not key.startswith(id_)})

    # Tokens

    def issue(self, name: str, scopes: Collection[Scope], days: float | None, by: str) -> tuple[str, TokenView]:
        """A new token (shown only now) that ends after `days` (None = never) or when revoked. Raises Refused."""
        _check(name, scopes)
        id_, now = secrets.token_hex(4), self._clock.now()
        token = f"hlc_{id_}_{secrets.token_urlsafe(32)}"
        until = now + days * _DAY if days is not None else 0.0
        item = {"hash": _hash(token), "name": name, "scopes": sorted(scopes), "created": now, "until": until}

        def with_it(known: _Items) -> _Items:
            if len(known) >= _TOKENS:
                raise Refused(f"there are {_TOKENS} tokens already; revoke some")
            return {**known, id_: item}

        self._revise(_TOKENS_FACT, with_it)
        self._tell("TokenIssued", f"{by} issues token {id_} ({name}) for {', '.join(sorted(scopes))}")
        return token, self._view(id_, item, {})

    def tokens(self) -> tuple[TokenView, ...]:
        """Every token that works, oldest first."""
        used = self._store.fact(_USED_FACT) or {}
        views = [self._view(id_, item, used) for id_, item in self._alive(_TOKENS_FACT).items()]
        return tuple(sorted(views, key=lambda view: (view.created, view.id)))

    def revoke(self, id_: str, by: str) -> None:
        """End a token at once. Raises Refused when there is none of that id."""

        def without_it(known: _Items) -> _Items:
            if known.pop(id_, None) is None:
                raise Refused(f"there is no token {id_!r}; `homelab token list` shows them")
            return known

        self._revise(_TOKENS_FACT, without_it)
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

    def _alive(self, fact: str) -> _Items:
        return self._living(self._store.fact(fact))

    def _living(self, found: _Items | None) -> _Items:
        now = self._clock.now()
        return {key: item for key, item in (found or {}).items() if not item["until"] or item["until"] > now}

    def _revise(self, fact: str, change: Callable[[_Items], _Items]) -> None:
        self._store.revise(fact, lambda found: change(self._living(found)))

    def _add(self, fact: str, secret: str, item: Mapping[str, Any], seconds: float, most: int) -> None:
        new = {_hash(secret): {**item, "until": self._clock.now() + seconds}}
        self._revise(fact, lambda known: _newest({**known, **new}, most))

    def _spend(self, invitation: str) -> dict[str, Any] | None:
        """Who was invited; nobody else gets in by the same invitation."""
        key, found = _hash(invitation), list[dict[str, Any]]()
        if key not in self._alive(_INVITATIONS_FACT):
            return None

        def without_it(known: _Items) -> _Items:
            found.extend([known.pop(key)] if key in known else [])
            return known

        self._revise(_INVITATIONS_FACT, without_it)
        return found[0] if found else None

    def _view(self, id_: str, item: Mapping[str, Any], used: Mapping[str, float]) -> TokenView:
        return TokenView(id_, item["name"], tuple(item["scopes"]), item["created"], item["until"], used.get(id_, 0.0))

    def _seen(self, id_: str) -> None:
        now = self._clock.now()
        if now - (self._store.fact(_USED_FACT) or {}).get(id_, 0.0) < _SEEN_EVERY:
            return
        alive = self._alive(_TOKENS_FACT)
        # Another controller may lead now: it is a hint for people, and looking must go on working.
        with suppress(JournalError):
            self._store.revise(_USED_FACT, lambda used: {key: (used or {}).get(key, 0.0) for key in alive} | {id_: now})

    def _unthrottled(self, bucket: str, found: _Failures | None = None) -> _Failures:
        """What failed within the window (of `found`, else of what is stored). Raises Throttled when this one did too often."""
        now, known = self._clock.now(), self._store.fact(_FAILURES_FACT) or {} if found is None else found
        failures = {each: item for each, item in known.items() if item[1] > now - WINDOW}
        count, since = failures.get(bucket, (0, 0.0))
        if count >= TRIES:
            raise Throttled(max(1.0, since + WINDOW - now))
        return failures

    def _failed(self, door: str, peer: str, why: str) -> HomelabError:
        """Count a wrong credential, durably, so that a restart does not give new tries; the error to raise."""
        if not peer:
            return Denied(why)
        bucket, counts = _bucket(door, peer), list[float]()

        def with_one_more(found: _Failures | None) -> _Failures:
            failures = self._unthrottled(bucket, found or {})
            count, since = failures.get(bucket, (0, self._clock.now()))
            counts.append(count + 1)
            failures[bucket] = [count + 1, since]
            return dict(sorted(failures.items(), key=lambda item: item[1][1])[-_ADDRESSES:])

        try:
            self._unthrottled(bucket)  # a flood of tries writes nothing
            self._store.revise(_FAILURES_FACT, with_one_more)
        except Throttled as error:
            return error
        if counts[0] >= TRIES:
            self._tell("SignInThrottled", f"{TRIES} wrong credentials ({bucket})", Severity.WARNING)
        return Denied(why)

    def _tell(self, reason: str, message: str, severity: Severity = Severity.INFO) -> None:
        self._store.append([Event(self._clock.now(), reason, message, severity)])


def _hash(secret: str) -> str:
    return sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def _actor(item: Mapping[str, Any], door: str, id_: str) -> Actor:
    return Actor(item["name"], frozenset(map(Scope, item["scopes"])), door, id_)


def _newest(items: _Items, count: int) -> _Items:
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
