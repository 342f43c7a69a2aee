"""OpenID Connect, by authlib and joserfc: discovery, authorization code with PKCE, and the proof of ID tokens."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from controller.clients.tally import asking
from controller.core.errors import Transient
from controller.core.ports import Clock
from controller.core.sign_in import Answer, Client, Unproven

if TYPE_CHECKING:
    from authlib.integrations.requests_client import OAuth2Session

ALGORITHMS = ["RS256", "ES256"]
"""With these alone an ID token may be signed: never with a shared secret, never not at all."""
SECONDS = (5.0, 10.0)
LARGEST = 1 << 20
LEEWAY = 60
_DISCOVERY = "/.well-known/openid-configuration"
_CACHED = 300.0


class OpenIdClient:
    """Speaks with providers. Every address of theirs must be https, unless its host is this machine or among `trusted_hosts`;
    redirects are not followed. Usable from many threads. Raises Unproven, Transient."""

    def __init__(self, clock: Clock, trusted_hosts: Collection[str] = ()) -> None:
        self._clock, self._trusted = clock, frozenset(host.lower() for host in trusted_hosts)
        self._known: dict[str, tuple[float, Mapping[str, Any]]] = {}

    def address(self, client: Client, back: str, state: str, nonce: str, verifier: str) -> str:
        """Where the browser goes to sign in."""
        with self._session(client, back) as session:
            place = self._endpoint(self._about(client.issuer), "authorization_endpoint")
            found, _ = session.create_authorization_url(place, state=state, nonce=nonce, code_verifier=verifier)
        return str(found)

    def claims(self, client: Client, back: str, answer: Answer, nonce: str, verifier: str) -> Mapping[str, Any]:
        """What the proven ID token says."""
        about = self._about(client.issuer)
        named = answer.issuer or not about.get("authorization_response_iss_parameter_supported")
        if answer.issuer not in ("", client.issuer) or not named:
            raise Unproven("the answer comes from another provider")
        text = self._token(about, client, back, answer.code, verifier)
        return self._proven(text, self._fetched(self._endpoint(about, "jwks_uri")), client, nonce)

    def _token(self, about: Mapping[str, Any], client: Client, back: str, code: str, verifier: str) -> str:
        from authlib.common.errors import AuthlibBaseError
        from requests import RequestException

        place = self._endpoint(about, "token_endpoint")
        try:
            with asking("oidc"), self._session(client, back) as session:
                found = session.fetch_token(place, code=code, code_verifier=verifier, timeout=SECONDS, allow_redirects=False)
        except AuthlibBaseError as error:
            raise Unproven(f"the provider does not take the code: {error.error or 'no reason given'}") from error
        except RequestException as error:
            raise Transient(f"the OpenID provider does not answer: {type(error).__name__}") from error
        except ValueError as error:
            raise Unproven("the provider's answer to the code cannot be read") from error
        text = found.get("id_token") if isinstance(found, Mapping) else None
        if not isinstance(text, str):
            raise Unproven("the provider sends no ID token")
        return text

    def _proven(self, text: str, keys: Mapping[str, Any], client: Client, nonce: str) -> Mapping[str, Any]:
        from authlib.oidc.core import CodeIDToken
        from joserfc import jwt
        from joserfc.errors import JoseError
        from joserfc.jwk import KeySet

        try:
            token = jwt.decode(text, KeySet.import_key_set(dict(keys)), algorithms=ALGORITHMS)  # type: ignore[arg-type]
            wanted = {"iss": {"essential": True, "value": client.issuer}, "aud": {"essential": True, "value": client.id}}
            about = CodeIDToken(token.claims, token.header, wanted, {"nonce": nonce, "client_id": client.id})
            about.validate(now=int(self._clock.now()), leeway=LEEWAY)
        except JoseError as error:
            raise Unproven(f"the ID token proves nothing: {error.error}") from error
        except (ValueError, TypeError, KeyError) as error:
            raise Unproven("the ID token cannot be read") from error
        if not isinstance(token.claims.get("sub"), str) or not token.claims["sub"]:
            raise Unproven("the ID token names nobody")
        return token.claims

    def _about(self, issuer: str) -> Mapping[str, Any]:
        """The provider's description of itself, at most some minutes old."""
        at, known = self._known.get(issuer, (0.0, {}))
        if known and abs(self._clock.monotonic() - at) < _CACHED:
            return known
        self._checked(issuer)
        found = self._fetched(issuer.rstrip("/") + _DISCOVERY)
        if found.get("issuer") != issuer:
            raise Unproven("what stands at the issuer's address calls itself otherwise")
        self._known[issuer] = (self._clock.monotonic(), found)
        return found

    def _endpoint(self, about: Mapping[str, Any], name: str) -> str:
        place = about.get(name)
        if not isinstance(place, str):
            raise Unproven(f"the provider does not say its {name}")
        return self._checked(place)

    def _checked(self, place: str) -> str:
        parts = urlsplit(place)
        host = (parts.hostname or "").lower()
        if parts.scheme != "https" and not (parts.scheme == "http" and (_here(host) or host in self._trusted)):
            raise Unproven(f"{parts.scheme}://{host} is not https: its word could be anybody's")
        return place

    def _fetched(self, place: str) -> Mapping[str, Any]:
        import requests

        try:
            with requests.Session() as session:
                session.trust_env = False
                with asking("oidc") as ended, session.get(place, timeout=SECONDS, allow_redirects=False, stream=True) as answer:
                    ended(answer.status_code)
                    if answer.status_code != 200:
                        raise Transient(f"the OpenID provider answers with status {answer.status_code}")
                    content = answer.raw.read(LARGEST + 1, decode_content=True)
        except requests.RequestException as error:
            raise Transient(f"the OpenID provider does not answer: {type(error).__name__}") from error
        try:
            found = json.loads(content) if len(content) <= LARGEST else None
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            raise Unproven("what the provider says of itself cannot be read")
        return found

    def _session(self, client: Client, back: str) -> OAuth2Session:
        from authlib.integrations.requests_client import OAuth2Session

        session = OAuth2Session(
            client.id,
            client.secret or None,
            token_endpoint_auth_method="client_secret_basic" if client.secret else "none",
            scope=" ".join(("openid", *client.ask)),
            redirect_uri=back,
            code_challenge_method="S256",
        )
        session.trust_env = False
        return session


def _here(host: str) -> bool:
    try:
        return host == "localhost" or ip_address(host).is_loopback
    except ValueError:
        return False
