"""Tokens: credentials of programs and assistants. Only digests of their texts are kept."""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass

from controller.core.errors import JournalError, Refused
from controller.core.ports import Clock, Store
from controller.core.proposal import AuthorKind
from controller.usecases.access_kept import DAY, MINUTE, Item, Items, Kept, checked, digest
from controller.usecases.actors import ASSISTANTS, Actor, Scope

_MOST = 200
_USED = "access.used"
_SEEN_EVERY = 10 * MINUTE


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token as people see it. Times in seconds since the epoch; `expires` and `used` 0 = never. `by` made it."""

    id: str
    name: str
    scopes: tuple[str, ...]
    created: float
    expires: float
    used: float
    by: str = ""
    assistant: bool = False


class Tokens:
    """Tokens by id."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self._kept = Kept(store, clock, "access.tokens")

    def issue(
        self, name: str, scopes: Collection[Scope], days: float | None, by: str, *, assistant: bool = False
    ) -> tuple[str, TokenView]:
        """A new token (shown only now) that ends after `days` (None = never), when it is revoked, or when `by` is removed. Raises
        Refused."""
        checked(name, scopes)
        if assistant and not ASSISTANTS.issuperset(scopes):
            raise Refused(f"an assistant may be given {', '.join(sorted(ASSISTANTS))} and no more: people decide")
        id_, now = secrets.token_hex(4), self._clock.now()
        token = f"hlc_{id_}_{secrets.token_urlsafe(32)}"
        until = now + days * DAY if days is not None else 0.0
        item: Item = {"hash": digest(token), "name": name, "scopes": sorted(scopes), "created": now, "until": until, "by": by}
        item |= {"assistant": True} if assistant else {}

        def with_it(known: Items) -> Items:
            if len(known) >= _MOST:
                raise Refused(f"there are {_MOST} tokens already; revoke some")
            return {**known, id_: item}

        self._kept.revise(with_it)
        return token, _view(id_, item, {})

    def list(self) -> tuple[TokenView, ...]:
        """Every token that works, oldest first."""
        used = self._store.fact(_USED) or {}
        views = [_view(id_, item, used) for id_, item in self._kept.alive().items()]
        return tuple(sorted(views, key=lambda view: (view.created, view.id)))

    def revoke(self, id_: str) -> None:
        """End a token at once. Raises Refused when there is none of that id."""

        def without_it(known: Items) -> Items:
            if known.pop(id_, None) is None:
                raise Refused(f"there is no token {id_!r}; `homelab token list` shows them")
            return known

        self._kept.revise(without_it)

    def end_of(self, by: str, keeping: Collection[str] = ()) -> None:
        """End the tokens that a person made, but for those that may only what is in `keeping`."""
        self._kept.drop(lambda _, item: item.get("by") == by and not set(item["scopes"]) <= set(keeping))

    def actor(self, token: str) -> Actor | None:
        """Who holds a token; None when it is unknown, expired or revoked."""
        parts = token.split("_", 2)
        id_ = parts[1] if len(parts) == 3 and parts[0] == "hlc" else ""
        found = self._kept.alive().get(id_)
        if found is None or not hmac.compare_digest(found["hash"], digest(token)):
            return None
        self._seen(id_)
        kind = AuthorKind.ASSISTANT if found.get("assistant") else AuthorKind.TOKEN
        return Actor(found["name"], frozenset(map(Scope, found["scopes"])), "token", id_, kind)

    def _seen(self, id_: str) -> None:
        now = self._clock.now()
        if now - (self._store.fact(_USED) or {}).get(id_, 0.0) < _SEEN_EVERY:
            return
        alive = self._kept.alive()
        # Another controller may lead now: it is a hint for people, and looking must go on working.
        with suppress(JournalError):
            self._store.revise(_USED, lambda used: {key: (used or {}).get(key, 0.0) for key in alive} | {id_: now})


def _view(id_: str, item: Item, used: Mapping[str, float]) -> TokenView:
    scopes, about = tuple(item["scopes"]), (item.get("by", ""), item.get("assistant", False))
    return TokenView(id_, item["name"], scopes, item["created"], item["until"], used.get(id_, 0.0), *about)
