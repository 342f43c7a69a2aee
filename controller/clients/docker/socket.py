"""The SDK's transport over a unix socket, mended in two places, with a short way for ordinary calls."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from typing import Any

import requests
from docker.transport.unixconn import UnixHTTPAdapter, UnixHTTPConnection, UnixHTTPConnectionPool
from urllib3 import Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

_POOL = 64


class SocketAdapter(UnixHTTPAdapter):
    """One pool for one engine: the SDK makes a new one, and so a new connection, for every path that is asked for."""

    def __init__(self, url: str, timeout: int) -> None:
        super().__init__(url.replace("unix://", "http+unix://"), timeout, max_pool_size=_POOL)
        self._pool = _Pool("http+docker://localhost", self.socket_path, timeout, _POOL)

    def get_connection(self, url: Any, proxies: Any = None) -> Any:  # noqa: ARG002 (the signature is the SDK's)
        """The pool."""
        return self._pool

    def ask(self, method: str, path: str, body: bytes | None, headers: Mapping[str, str], timeout: Timeout) -> requests.Response:
        """One call whose answer is read at once; half the work of a way through a session. Raises what a session raises."""
        try:
            reply = self._pool.urlopen(method, path, body, headers, retries=False, timeout=timeout)
        except ReadTimeoutError as error:
            raise requests.exceptions.ReadTimeout(error) from error
        except HTTPError as error:
            raise requests.exceptions.ConnectionError(error) from error
        made = requests.Response()
        made.status_code = reply.status
        made.headers.update(reply.headers)
        made._content = reply.data
        return made

    def close(self) -> None:
        """Close idle connections."""
        self._pool.close()
        super().close()


class _Pool(UnixHTTPConnectionPool):
    timeout: Any

    def _new_conn(self) -> Any:
        return _Connection(self.base_url, self.socket_path, self.timeout)


class _Connection(UnixHTTPConnection):
    def connect(self) -> None:
        """Connect; a socket that cannot is closed, which the SDK leaves to chance."""
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            made.settimeout(self.timeout)
            made.connect(self.unix_socket)
        except OSError:
            made.close()
            raise
        self.sock = made
