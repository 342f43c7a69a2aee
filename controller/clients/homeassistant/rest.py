"""The stored configuration of automations, scripts and scenes: what Home Assistant's own editor reads and writes."""

from __future__ import annotations

import ssl
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from controller.clients.homeassistant.connection import Connection
from controller.clients.homeassistant.errors import Refused, Unsure, cut, words
from controller.clients.tally import asking
from controller.core.errors import Transient

if TYPE_CHECKING:
    import requests

_TIMEOUT = (10.0, 60.0)


class Rest:
    """One instance over HTTP. `token` gives the token each time it is needed, `trust` whom its https is checked against. For many
    threads."""

    def __init__(self, connection: Connection, token: Callable[[], str], trust: Callable[[], ssl.SSLContext | None]) -> None:
        self._connection = connection
        self._token = token
        self._trust = trust

    def read(self, kind: str, name: str) -> dict[str, Any] | None:
        """A configuration without its id, None when there is none. Raises Refused, Transient."""
        reply = self._send("GET", kind, name, None)
        body = _body(reply)
        if reply.status_code == 404 and "message" in body:
            return None
        self._judge(reply, body, kind)
        return {word: value for word, value in body.items() if word != "id"}

    def write(self, kind: str, name: str, body: Mapping[str, Any]) -> None:
        """Create or replace one; it is loaded a moment later. Raises Refused, Unsure, Transient."""
        # An id in the body would win over the one in the address.
        reply = self._send("POST", kind, name, {word: value for word, value in body.items() if word != "id"})
        self._judge(reply, _body(reply), kind)

    def remove(self, kind: str, name: str) -> None:
        """Remove one; done when there is none. Raises Refused, Unsure, Transient."""
        reply = self._send("DELETE", kind, name, None)
        if reply.status_code == 400 and self.read(kind, name) is None:
            return
        self._judge(reply, _body(reply), kind)

    def show(self, entity_id: str, state: str, attributes: Mapping[str, Any]) -> None:
        """Set a state that nothing stands behind; it is gone after a restart. Raises Refused, Unsure, Transient."""
        reply = self._call("POST", f"states/{quote(entity_id, safe='')}", {"state": state, "attributes": dict(attributes)})
        self._judge(reply, _body(reply), "sensor")

    def _send(self, method: str, kind: str, name: str, body: Mapping[str, Any] | None) -> requests.Response:
        return self._call(method, f"config/{kind}/config/{quote(name, safe='')}", body)

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None) -> requests.Response:
        import requests

        url = f"{self._connection.url}/api/{path}"
        headers = {"Authorization": f"Bearer {self._token()}", "Accept": "application/json"}
        try:
            # A connection of its own: on one that was kept, a write that fails may or may not have been sent.
            with asking("homeassistant") as ended, self._session() as session:
                reply = session.request(method, url, json=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False)
                ended(reply.status_code)
                return reply
        except requests.ConnectTimeout as error:
            raise self._silent("no answer in time") from error
        except requests.RequestException as error:
            if method == "GET" or _never_sent(error):
                raise self._silent(_reason(error)) from error
            raise Unsure(cut(f"Home Assistant at {self._connection.url} did not answer a write: {_reason(error)}")) from error

    def _session(self) -> requests.Session:
        import requests

        session = requests.Session()
        session.trust_env = False  # a proxy of the environment must not see the token
        trust = self._trust()
        if trust is not None:
            session.mount("https://", _trusting(trust))
        return session

    def _silent(self, why: str) -> Transient:
        return Transient(cut(f"Home Assistant at {self._connection.url} does not answer: {why}"))

    def _judge(self, reply: requests.Response, body: Mapping[str, Any], kind: str) -> None:
        status, url = reply.status_code, self._connection.url
        if status in (200, 201):
            return
        said = str(body.get("message") or f"HTTP {status}")
        if status == 401:
            raise Transient(cut(f"Home Assistant at {url} does not take the token for any {kind} (HTTP 401)"))
        if status == 404:
            hint = f"add `config:` and `{kind}: !include {kind}s.yaml` to its configuration.yaml"
            raise Refused("not_found", f"its editor for each {kind} is not there; {hint}")
        if status >= 500 and reply.request.method != "GET":
            raise Unsure(cut(f"Home Assistant at {url} answers a write with HTTP {status}"))
        if status >= 500 or reply.is_redirect:
            raise Transient(f"Home Assistant at {url} answers with HTTP {status}")
        raise Refused("invalid_format", said)


def _trusting(trust: ssl.SSLContext) -> requests.adapters.HTTPAdapter:
    from requests.adapters import HTTPAdapter

    class Trusting(HTTPAdapter):
        """The same authorities as for the WebSocket."""

        def init_poolmanager(self, *rest: Any, **more: Any) -> None:
            super().init_poolmanager(*rest, ssl_context=trust, **more)

        def cert_verify(self, *_: Any) -> None:
            """The context does it."""

    return Trusting()


def _body(reply: requests.Response) -> Mapping[str, Any]:
    try:
        found = reply.json()
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def _never_sent(error: Exception) -> bool:
    """True when no connection was made."""
    cause: Any = error.args[0] if error.args else None
    return type(getattr(cause, "reason", cause)).__name__ in ("NewConnectionError", "NameResolutionError", "ConnectTimeoutError")


def _reason(error: Exception) -> str:
    """Why a request failed, without the address that the library repeats."""
    seen: BaseException | None = error
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror and type(seen).__module__ == "builtins":
            return words(seen)
        seen = seen.__cause__ or seen.__context__
    return type(error).__name__
