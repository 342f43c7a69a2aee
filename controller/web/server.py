"""Server: uvicorn on its own thread, at a network address for people and at a unix socket for the operator."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import pwd
import socket
import struct
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from typing import Any

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.h11_impl import H11Protocol

from controller.core.errors import LeaseHeld, SettingsError

_log = logging.getLogger(__name__)

CONNECTIONS = 700
"""As many connections from the network at once; more are cut. The socket is never counted."""
HEAD_SECONDS = 10.0
_GRACE = 1
_LONGEST_PATH = 107


def serve(
    app: Starlette,
    listen: tuple[str, int] | None,
    socket_path: Path | None,
    stop: Event,
    started: Callable[[str], None],
) -> Thread:
    """Listen (port 0 = any free one) and answer on a thread of its own until `stop` is set; the thread then ends within two
    seconds, open streams included. `started` is called on that thread with the page's address ("" without one).

    Raises SettingsError when an address cannot be had, LeaseHeld when another controller answers at the socket."""
    sockets: list[socket.socket] = []
    address = ""
    try:
        if listen is not None:
            network = _network_socket(*listen)
            sockets.append(network)
            address = _address(listen[0], network.getsockname()[1])
        if socket_path is not None:
            sockets.append(_unix_socket(socket_path))
    except BaseException:
        for each in sockets:
            each.close()
        raise
    app.state.face.address = address
    config = uvicorn.Config(
        app,
        http=Line,
        ws="none",
        loop="asyncio",
        lifespan="on",
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=_GRACE,
    )
    server = _Server(config, stop, lambda: started(address))
    thread = Thread(target=_run, args=(server, sockets, socket_path), name="web", daemon=True)
    thread.start()
    return thread


class _Server(uvicorn.Server):
    """uvicorn that leaves when it is told by a flag, and sleeps until then (uvicorn itself looks ten times a second)."""

    def __init__(self, config: uvicorn.Config, stop: Event, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._stop, self._tell = stop, started
        self._told = asyncio.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell()

    async def main_loop(self) -> None:
        Thread(target=self._listen, args=(asyncio.get_running_loop(),), name="web-stop", daemon=True).start()
        # Every tick that ends in 0 renews the Date header.
        while not await self.on_tick(0) and not self._told.is_set():
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._told.wait(), 1.0)

    def _listen(self, loop: asyncio.AbstractEventLoop) -> None:
        self._stop.wait()
        with contextlib.suppress(RuntimeError):  # the loop has ended by itself
            loop.call_soon_threadsafe(self._told.set)

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self.config.loaded_app.state.feed.close()
        await super().shutdown(sockets)


def _run(server: _Server, sockets: list[socket.socket], path: Path | None) -> None:
    try:
        server.run(sockets)
    except BaseException as error:
        _log.critical("the web endpoint ended unexpectedly", exc_info=error)
        raise
    finally:
        if path is not None:
            path.unlink(missing_ok=True)


class Line(H11Protocol):
    """One connection. At the unix socket only the same user and root are let in; from the network there is a limit on how many
    there are and on how long a request head may take (uvicorn has neither for connections that send nothing)."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        self.app_state = {**self.app_state, "abort": transport.abort}
        link = transport.get_extra_info("socket")
        if link.family == socket.AF_UNIX:
            user = _peer(link)
            if user not in (0, os.geteuid()):
                transport.abort()
            self.client = (_user_name(user), 0)
        elif len(self.connections) > CONNECTIONS:
            transport.abort()
        self._watch()

    def data_received(self, data: bytes) -> None:
        super().data_received(data)
        self._watch()

    def on_response_complete(self) -> None:
        super().on_response_complete()
        self._watch()

    def connection_lost(self, exc: Exception | None) -> None:
        self._rest()
        super().connection_lost(exc)

    def _watch(self) -> None:
        """Run the deadline exactly while we wait for a request head (or for the rest of a body that nobody reads)."""
        # uvicorn sets `cycle` with the first request.
        if not getattr(self.cycle, "response_complete", True):
            self._rest()
        elif self._deadline is None:
            self._deadline = self.loop.call_later(HEAD_SECONDS, self.transport.abort)

    def _rest(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _peer(link: Any) -> int:
    """User id of the process at the other end, from the kernel."""
    _, user, _ = struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i")))
    return int(user)


def _user_name(user: int) -> str:
    try:
        return pwd.getpwuid(user).pw_name
    except KeyError:
        return f"uid {user}"


def _address(host: str, port: int) -> str:
    shown = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    return f"http://{shown}:{port}"


def _network_socket(host: str, port: int) -> socket.socket:
    try:
        family, *_, place = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0]
        link = socket.create_server(place[:2], family=socket.AddressFamily(family), backlog=512)
    except OSError as error:
        raise SettingsError(
            f"listen: {host}:{port} cannot be had ({error.strerror or error}); choose another address with --listen HOST:PORT"
        ) from error
    # asyncio does this only for sockets that name the protocol; without it each answer waits 40 ms for an acknowledgement.
    link.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return link


def _unix_socket(path: Path) -> socket.socket:
    """Bound under another name, closed to others, then renamed: nobody ever sees it open to more than its owner."""
    if len(os.fsencode(path)) > _LONGEST_PATH - 4:
        raise SettingsError(f"state: {path} is too long a path for a socket; name a shorter folder with --state")
    _free(path)
    fresh = path.with_name(f"{path.name}.new")
    link = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        fresh.unlink(missing_ok=True)
        link.bind(str(fresh))
        fresh.chmod(0o600)
        fresh.rename(path)
        link.listen(64)
    except OSError as error:
        link.close()
        raise SettingsError(f"state: the socket {path} cannot be made: {error}") from error
    return link


def _free(path: Path) -> None:
    """Raises LeaseHeld when somebody answers there; the socket that a killed controller left behind is nobody's."""
    if path.exists() and not path.is_socket():
        raise SettingsError(f"state: {path} is not a socket; move it away")
    with contextlib.closing(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)) as probe:
        try:
            probe.connect(str(path))
        except (FileNotFoundError, ConnectionRefusedError):
            return
        except OSError as error:
            raise SettingsError(f"state: {path} is not a socket of ours: {error}") from error
    raise LeaseHeld(f"a controller already runs with this state folder (it answers at {path})")
