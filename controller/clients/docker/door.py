"""The one place where requests leave for an engine: version negotiation, errors in our words, a limit on parallel writes."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from threading import BoundedSemaphore, Lock
from typing import Any, cast
from urllib.parse import urlencode

import docker
import docker.errors
import requests
from docker.tls import TLSConfig
from docker.utils.json_stream import json_stream
from urllib3 import Timeout

from controller.clients.docker.socket import SocketAdapter
from controller.clients.docker.tunnel import Tunnel
from controller.clients.docker.unreachable import unreachable
from controller.clients.tally import asking
from controller.core.errors import Conflict, Permanent, ProviderError, Transient
from controller.settings import surroundings

LOWEST, HIGHEST = (1, 41), (1, 51)
QUICK = 60.0
"""Seconds to wait for an answer to an ordinary call."""
_LOST = ("context deadline", "context canceled", "connection refused", "connection error", "timed out", "timeout")
_CONNECT = 10.0
_LIMIT = 256
_PARALLEL_WRITES = 8
"""Starts wait much for the kernel: eight at once fill two cores, and more gain nothing."""
_SERVER_FAULT = 500

Version = tuple[int, int]


class EngineFailed(Transient):
    """The engine answered with a failure of its own (5xx): `said` is what it says."""

    def __init__(self, name: str, said: str) -> None:
        self.said = said
        super().__init__(f"{name}: the engine failed: {said}")


class Door:
    """The wire to one engine, on the session of the SDK's low-level client. Thread-safe; connects on first use.

    Every method raises Transient (no connection, timeout, 5xx), Conflict (409) or Permanent (other 4xx), each with at most 256
    characters of what the engine said."""

    def __init__(self, name: str, url: str, tls: TLSConfig | None = None, tunnel: Tunnel | None = None) -> None:
        self.name = name
        self._url = url
        self._tls = tls
        self._tunnel = tunnel
        self._lock = Lock()
        self._writes = BoundedSemaphore(_PARALLEL_WRITES)
        self._client: docker.APIClient | None = None
        self._version: Version | None = None
        self._socket: SocketAdapter | None = None

    @property
    def version(self) -> Version:
        """The API version spoken: the lower of the engine's and ours. Raises Transient, or Permanent for an engine too old or
        new."""
        return self._version or self._connect()[1]

    @property
    def client(self) -> docker.APIClient:
        """The SDK's low-level client, for what the SDK itself knows (registry credentials)."""
        return self._connect()[0]

    @contextmanager
    def writing(self) -> Iterator[None]:
        """One of the few places for work that loads the engine (create, start, remove)."""
        with self._writes:
            yield

    @contextmanager
    def making(self) -> Iterator[None]:
        """One of the few places, for calls in which engines report what a person wrote wrongly as a failure of their own (port
        taken, no such command, bad subnet): that is Permanent."""
        try:
            with self._writes:
                yield
        except EngineFailed as error:
            if any(word in error.said for word in _LOST):
                raise
            raise Permanent(error.said) from error

    def get(self, path: str, params: Mapping[str, Any] | None = None, headers: Mapping[str, str] | None = None) -> Any:
        """GET as plain data."""
        return self._send("GET", path, params, headers=headers).json()

    def find(self, path: str, params: Mapping[str, Any] | None = None) -> Any:
        """GET as plain data, or None for 404."""
        reply = self._send("GET", path, params, allowed=(404,))
        return None if reply.status_code == requests.codes.not_found else reply.json()

    def read(self, path: str, params: Mapping[str, Any] | None = None) -> bytes:
        """GET as it came."""
        return self._send("GET", path, params).content

    def head(self, path: str, params: Mapping[str, Any]) -> Mapping[str, str] | None:
        """The headers of a reply, or None for 404."""
        reply = self._send("HEAD", path, params, allowed=(404,))
        return None if reply.status_code == requests.codes.not_found else reply.headers

    def post(
        self,
        path: str,
        body: Any = None,
        params: Mapping[str, Any] | None = None,
        timeout: float = QUICK,
        allowed: tuple[int, ...] = (),
        headers: Mapping[str, str] | None = None,
    ) -> requests.Response:
        """POST of plain data; `allowed` are statuses that are no error here."""
        return self._send("POST", path, params, body, timeout, allowed, headers)

    def put(self, path: str, content: bytes, params: Mapping[str, Any]) -> None:
        """PUT of bytes (an archive)."""
        self._send("PUT", path, params, content, QUICK)

    def delete(self, path: str, params: Mapping[str, Any] | None = None, timeout: float = QUICK) -> bool:
        """DELETE; False when there was nothing to delete."""
        reply = self._send("DELETE", path, params, timeout=timeout, allowed=(404,))
        return bool(reply.status_code != requests.codes.not_found)

    def stream(
        self, method: str, path: str, params: Mapping[str, Any], headers: Mapping[str, str] | None = None, timeout: float = QUICK
    ) -> tuple[requests.Response, Iterator[Any]]:
        """A reply that goes on: the response (close it to stop) and its JSON values as they come. `timeout` is for each of
        them."""
        reply = self._send(method, path, params, timeout=timeout, headers=headers, stream=True)

        def values() -> Iterator[Any]:
            with self._translated():
                yield from json_stream(reply.iter_content(chunk_size=None))

        return reply, values()

    def flow(self, path: str, params: Mapping[str, Any]) -> tuple[requests.Response, Iterator[bytes]]:
        """A reply that goes on for as long as there is something to tell: the response (close it to stop) and its bytes as they
        come."""
        reply = self._send("GET", path, params, timeout=None, stream=True)

        def content() -> Iterator[bytes]:
            with self._translated():
                yield from reply.iter_content(chunk_size=None)

        return reply, content()

    def close(self) -> None:
        """Drop connections and the tunnel; the next call connects again."""
        with self._lock:
            if self._client is not None:
                self._client.close()
            self._client = self._version = self._socket = None
            if self._tunnel is not None:
                self._tunnel.close()

    def _send(
        self,
        method: str,
        path: str,
        params: Mapping[str, Any] | None,
        body: Any = None,
        timeout: float | None = QUICK,
        allowed: tuple[int, ...] = (),
        headers: Mapping[str, str] | None = None,
        stream: bool = False,
    ) -> requests.Response:
        client, version = self._connect()
        data = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        kind = "application/x-tar" if isinstance(body, bytes) else "application/json"
        sent = {**(headers or {}), **({"Content-Type": kind} if data is not None else {})}
        with self._translated(), asking("docker") as ended:
            if self._socket is not None and not stream:
                path = f"/v{version[0]}.{version[1]}{path}" + (f"?{urlencode(params)}" if params else "")
                reply = self._socket.ask(
                    method, path, data, {**cast(dict[str, str], client.headers), **sent}, Timeout(connect=_CONNECT, read=timeout)
                )
            else:
                reply = client.request(
                    method,
                    f"{client.base_url}/v{version[0]}.{version[1]}{path}",
                    params=params,
                    data=data,
                    headers=sent,
                    timeout=(_CONNECT, timeout),
                    stream=stream,
                    allow_redirects=False,
                )
            ended(reply.status_code)
            if reply.ok or reply.status_code in (*allowed, requests.codes.not_modified):
                return reply
            text = _said(reply)
        raise self._refusal(reply.status_code, text)

    def _connect(self) -> tuple[docker.APIClient, Version]:
        if self._client is not None and self._version is not None and (self._tunnel is None or self._tunnel.alive):
            return self._client, self._version
        with self._lock:
            with self._translated():
                if self._tunnel is not None:
                    self._tunnel.open()
                if self._client is None:
                    self._client = docker.APIClient(
                        self._url,
                        version=_text(LOWEST),
                        tls=self._tls or False,
                        timeout=int(QUICK),
                        credstore_env=helpers(),
                    )
                    # Proxies and netrc of the controller's own environment have no say in how an engine is reached.
                    self._client.trust_env = False
                    if self._url.startswith("unix://"):
                        self._socket = SocketAdapter(self._url, int(QUICK))
                        self._client.mount("http+docker://", self._socket)
                with asking("docker") as ended:
                    reply = self._client.get(f"{self._client.base_url}/_ping", timeout=(_CONNECT, _CONNECT))
                    ended(reply.status_code)
            if not reply.ok:
                raise self._refusal(reply.status_code, _said(reply))
            self._version = self._negotiate(reply.headers.get("Api-Version", ""))
            return self._client, self._version

    def _negotiate(self, offered: str) -> Version:
        try:
            major, minor = (int(part) for part in offered.split("."))
        except ValueError:
            raise Permanent(
                f"{self.name}: what answers at {self._url} is not a Docker engine (it names no API version)"
            ) from None
        if (major, minor) < LOWEST:
            raise Permanent(
                f"{self.name}: the engine speaks API {offered}; {_text(LOWEST)} (Docker 20.10) is the oldest supported"
            )
        return min((major, minor), HIGHEST)

    def _refusal(self, status: int, text: str) -> ProviderError:
        if status == requests.codes.bad_request and "client version" in text:
            self._version = None
            if "too old" in text:
                return Permanent(f"{self.name}: the engine is too new for API {_text(HIGHEST)}: {text}")
            return Transient(f"{self.name}: the engine has changed its API version: {text}")
        if status >= _SERVER_FAULT:
            return EngineFailed(self.name, text)
        return (Conflict if status == requests.codes.conflict else Permanent)(text)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except requests.exceptions.ReadTimeout as error:
            raise Transient(f"{self.name}: the engine did not answer in time") from error
        except (requests.exceptions.RequestException, docker.errors.DockerException, OSError) as error:
            raise Transient(f"{self.name}: Docker does not answer: {unreachable(self._url, error)}") from error


def _said(reply: requests.Response) -> str:
    try:
        said = reply.json()
    except ValueError:
        said = reply.text
    if isinstance(said, dict):
        said = said.get("message", "")
    return _cut(str(said).strip()) or f"HTTP {reply.status_code}"


def _cut(text: str) -> str:
    return text if len(text) <= _LIMIT else text[: _LIMIT - 1] + "…"


def _text(version: Version) -> str:
    return f"{version[0]}.{version[1]}"


def helpers() -> dict[str, str]:
    """What Docker's SDK puts over the environment of a credential helper: it is a program, and no secret of ours is for it."""
    return {name: "" for name in surroundings() if name.startswith("HOMELAB_")}
