"""Sign-in: the OpenID provider that homelab.yaml names, and which of its groups stand for which rights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Protocol

from pydantic import BaseModel, ConfigDict, Field

from controller.core.errors import HomelabError

Right = Literal["read", "plan", "propose", "approve", "apply", "admin"]


class _Frozen(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SecretName(_Frozen):
    """A secret of the vault."""

    ref: str = Field(min_length=1, description="Its reference, such as oidc/homelab.")


class OpenIdProvider(_Frozen):
    """An OpenID Connect provider (Authentik, Authelia, Keycloak, …) that people sign in at."""

    issuer: str = Field(
        pattern=r"^https?://[^\s?#]+$",
        description="Its address exactly as it calls itself; https, unless it is on this machine or a trusted host.",
    )
    clientId: str = Field(min_length=1, description="Our name at the provider.")  # noqa: N815 (as people write it)
    clientSecret: SecretName | None = Field(  # noqa: N815 (as people write it)
        default=None, description="Our secret at the provider: {ref: NAME}. None = a public client."
    )
    scopes: dict[str, Annotated[tuple[Right, ...], Field(min_length=1)]] = Field(
        min_length=1, description="Rights by group: {admins: [admin], family: [read, approve]}. Who is in none gets in nowhere."
    )
    ask: tuple[str, ...] = Field(default=("profile",), description="Scopes to ask the provider for, besides openid.")
    name: str = Field(default="preferred_username", min_length=1, description="Claim that names the person here.")
    groups: str = Field(default="groups", min_length=1, description="Claim that lists groups; a.b looks inside of a.")


class SignInSpec(_Frozen):
    """How people may sign in, besides links and passwords."""

    oidc: OpenIdProvider | None = Field(default=None, description="An OpenID Connect provider.")


class Unproven(HomelabError):
    """What a provider sent proves nothing; the message says why."""


@dataclass(frozen=True, slots=True)
class Client:
    """Us, as a provider knows us; `secret` "" = a public client."""

    issuer: str
    id: str
    secret: str
    ask: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What a browser brought back from a provider. `issuer` is the one that it names (RFC 9207), "" = none."""

    code: str
    state: str
    issuer: str = ""
    error: str = ""


class OpenId(Protocol):
    """What speaks OpenID Connect. Raises Unproven, and Transient for a provider that does not answer."""

    def address(self, client: Client, back: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes to sign in; it comes `back` with `state`."""

    def claims(self, client: Client, back: str, answer: Answer, nonce: str, verifier: str) -> Mapping[str, Any]:
        """What the provider says in its proven ID token about who came back; `sub` is always there."""
