"""Sign-in at an OpenID provider: authorization code with PKCE, bound to one browser."""

from __future__ import annotations

import hmac
import secrets
from collections import OrderedDict
from collections.abc import Callable, Mapping
from hashlib import sha256
from threading import Lock
from typing import Any

from controller.core.errors import Refused
from controller.core.ports import Clock, Vault
from controller.core.sign_in import Answer, Client, OpenId, OpenIdProvider, Unproven
from controller.usecases.access import Access, Actor, Denied, Scope

FLOW_SECONDS = 600.0
"""So long a person may take at the provider."""
_REMEMBERED = 1000


class SignIn:
    """Sign-in at the provider that the specification names; `declared` is None while there is none.

    A flow is a random text in a cookie of one browser: what the provider is told (state, nonce, verifier) is made from it with a
    key of this process, so nothing is kept meanwhile, and nobody else's answer fits. It is good once, within ten minutes."""

    def __init__(
        self, access: Access, declared: Callable[[], OpenIdProvider | None], openid: OpenId, vault: Vault, clock: Clock
    ) -> None:
        self._access, self._declared, self._openid, self._vault, self._clock = access, declared, openid, vault, clock
        self._key = secrets.token_bytes(32)
        self._lock = Lock()
        self._used: OrderedDict[str, None] = OrderedDict()

    @property
    def offered(self) -> str:
        """The provider's address, "" while there is none."""
        declared = self._declared()
        return declared.issuer if declared is not None else ""

    def begin(self, back: str) -> tuple[str, str]:
        """Where a browser goes, and the flow that it keeps. Raises Refused, Transient, Unproven."""
        flow = f"{self._clock.now():.0f}.{secrets.token_urlsafe(32)}"
        client = self._client(self._provider())
        return self._openid.address(client, back, *(self._made(flow, what) for what in ("state", "nonce", "verifier"))), flow

    def finish(self, flow: str, answer: Answer, back: str, peer: str) -> tuple[str, Actor]:
        """A session for who comes back with an answer to their flow; what they hold here ends when the provider gives them no
        rights any more. Raises Denied, Throttled, Transient, Refused."""
        provider = self._provider()
        self._access.may_try_provider(peer)
        try:
            self._belongs(flow, answer.state)
            if answer.error:
                raise Denied(f"the provider refuses: {answer.error}")
            client = self._client(provider)
            claims = self._openid.claims(client, back, answer, self._made(flow, "nonce"), self._made(flow, "verifier"))
            subject, scopes = f"{provider.issuer} {claims['sub']}", _scopes(provider, claims)
            if not scopes:
                self._access.withdrawn(subject)
                raise Denied("none of your groups may do anything here")
            name = _name(provider, claims)
        except (Denied, Unproven) as error:
            raise self._access.not_vouched(peer, str(error)) from error
        return self._access.vouched(name, subject, scopes, peer)

    def _provider(self) -> OpenIdProvider:
        declared = self._declared()
        if declared is None:
            raise Refused("homelab.yaml names no OpenID provider (signIn.oidc)")
        return declared

    def _client(self, provider: OpenIdProvider) -> Client:
        secret, named = "", provider.clientSecret
        if named is not None:
            try:
                secret = self._vault.reveal(self._vault.current(named.ref))
            except KeyError:
                raise Refused(f"there is no secret {named.ref}; `homelab secret set {named.ref}` keeps one") from None
        return Client(provider.issuer, provider.clientId, secret, provider.ask)

    def _made(self, flow: str, what: str) -> str:
        return hmac.new(self._key, f"{what} {flow}".encode("utf-8", "surrogatepass"), sha256).hexdigest()

    def _belongs(self, flow: str, state: str) -> None:
        began = flow.partition(".")[0]
        right = self._made(flow, "state").encode()
        if not hmac.compare_digest(right, state.encode("utf-8", "surrogatepass")):
            raise Denied("this answer does not belong to a sign-in that this browser began")
        if self._clock.now() - float(began) > FLOW_SECONDS:
            raise Denied("this took too long; sign in again")
        with self._lock:
            if state in self._used:
                raise Denied("this answer was used before; sign in again")
            self._used[state] = None
            if len(self._used) > _REMEMBERED:
                self._used.popitem(last=False)


def _name(provider: OpenIdProvider, claims: Mapping[str, Any]) -> str:
    name = claims.get(provider.name)
    if not isinstance(name, str) or not name:
        raise Denied(f"the provider does not say who you are (claim {provider.name})")
    if provider.name == "email" and claims.get("email_verified") is not True:
        raise Denied("the provider has not verified your address")
    return name.lower()


def _scopes(provider: OpenIdProvider, claims: Mapping[str, Any]) -> list[Scope]:
    """What the groups stand for; nothing for who is in none that stands for anything."""
    found: Any = claims
    for part in [provider.groups] if provider.groups in claims else provider.groups.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    groups = {found} if isinstance(found, str) else {each for each in found or () if isinstance(each, str)}
    groups |= {each.removeprefix("/") for each in groups}  # Keycloak writes whole paths
    return sorted({Scope(right) for group, rights in provider.scopes.items() if group in groups for right in rights})
