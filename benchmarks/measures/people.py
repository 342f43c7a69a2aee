"""Many people at once: 200 who listen and 32 who read, while passes run."""

from __future__ import annotations

import re
import selectors
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2

from benchmarks.home import Home
from benchmarks.stage import Stage
from benchmarks.timing import Row, Sample, stopwatch

LISTENERS, READERS, SERVICES = 200, 32, 300
LATE, GROWTH, SLOWER = 0.025, 100.0, 1.05
_PAUSE = 0.15
"""Seconds between two passes: what one told is heard before the next begins."""
_PACE = 'function delay() return 200 end\nrequest = function() return wrk.format("GET", "/livez") end\n'
"""A reader looks five times a second; without this each asks again at once."""
_UNITS = {"us": 1e-6, "ms": 1e-3, "s": 1.0}


def measure(stage: Stage) -> Iterator[Row]:
    """The answer of `/livez`, the memory of the controller, and what its passes take."""
    files = {f"services/{number:03}.yaml": _service(number) for number in range(SERVICES)}
    home = Home("unix:///nowhere", files)
    home.environment["HOMELAB_WORLD"] = "memory"
    passes, seconds = stage.rounds(40, 15), stage.rounds(15, 5)
    try:
        home.homelab("apply")
        with home.controller() as process, _operator(home) as operator:
            address = home.homelab("token", "url").strip().partition("/#")[0]
            token = home.homelab("token", "create", "bench").strip()
            _passes(operator, passes)
            before = _resident(process.pid)
            calm = _passes(operator, passes)
            with _listening(address, token):
                heard = _passes(operator, passes)
                with _reading(address, seconds, paced=True) as paced:
                    looked = _passes(operator, passes)
                with _reading(address, seconds, paced=False) as flat_out:
                    flooded = _passes(operator, passes)
                grown = max(0.0, _resident(process.pid) - before)
            calm = Sample((*calm.values, *_passes(operator, passes).values))
    finally:
        home.close()
    world, who = "memory", f"{LISTENERS} listeners"
    late = Sample(tuple(paced))
    name = f"`/livez` for {READERS} readers and {who}, passes running: 99 of 100 within"
    yield Row(name, world, late, "≤ 25 ms", late.median <= LATE, note="each reader looks five times a second")
    yield Row(f"{name}, readers flat out", world, Sample(tuple(flat_out)), "reported", None)
    memory = Sample((grown,), "MB")
    yield Row(f"memory that {who} and {READERS} readers take", world, memory, "≤ 100 MB", memory.median <= GROWTH)
    for what, sample, goal in (
        (f"a pass over {SERVICES} services while {who} hear of it", heard, True),
        (f"a pass over {SERVICES} services, {READERS} readers too", looked, True),
        (f"a pass over {SERVICES} services, readers flat out", flooded, False),
    ):
        met = sample.median <= SLOWER * calm.median if goal else None
        yield Row(what, world, sample, "≤ 1.05 × with nobody there (floor)" if goal else "reported", met, calm)


def _service(number: int) -> str:
    return f"kind: Service\nname: s{number:03}\nspec: {{image: 'app:{number}'}}\n"


@contextmanager
def _operator(home: Home) -> Iterator[httpx2.Client]:
    transport = httpx2.HTTPTransport(uds=str(home.state / "controller.sock"))
    with httpx2.Client(transport=transport, base_url="http://homelab", timeout=60, trust_env=False) as client:
        yield client


def _passes(operator: httpx2.Client, count: int) -> Sample:
    """So many passes, one after the other; each until it has ended."""

    def one() -> float:
        time.sleep(_PAUSE)
        return stopwatch(lambda: operator.post("/api/v1/sync", params={"wait": "true"}).raise_for_status())

    return Sample(tuple(one() for _ in range(count)))


def _resident(pid: int) -> float:
    """Megabytes of a process that are in memory."""
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@contextmanager
def _listening(address: str, token: str) -> Iterator[None]:
    """Event streams that are all open and read."""
    host, _, port = address.removeprefix("http://").partition(":")
    head = f"GET /api/v1/events HTTP/1.1\r\nHost: {host}\r\nAccept: text/event-stream\r\nAuthorization: Bearer {token}\r\n\r\n"
    links = [socket.create_connection((host, int(port)), timeout=60) for _ in range(LISTENERS)]
    done = threading.Event()
    watched = selectors.DefaultSelector()
    for link in links:
        link.sendall(head.encode())
    for link in links:
        if not link.recv(65536).startswith(b"HTTP/1.1 200"):
            raise RuntimeError("a listener was refused")
        watched.register(link, selectors.EVENT_READ)

    def read() -> None:
        while not done.is_set():
            for key, _ in watched.select(0.2):
                found: Any = key.fileobj
                if not found.recv(65536):
                    watched.unregister(found)

    reader = threading.Thread(target=read, daemon=True)
    reader.start()
    try:
        yield
        if len(watched.get_map()) < LISTENERS:
            raise RuntimeError("a listener was let go")
    finally:
        done.set()
        reader.join()
        for link in links:
            link.close()


@contextmanager
def _reading(address: str, seconds: int, *, paced: bool) -> Iterator[list[float]]:
    """Readers of `/livez` while the block runs; the list gets the 99th percentile of each round."""
    found: list[float] = []
    done = threading.Event()
    wrk = shutil.which("wrk")
    if wrk is None:
        raise RuntimeError("wrk is missing")
    with tempfile.NamedTemporaryFile("w", suffix=".lua") as script:
        script.write(_PACE if paced else "")
        script.flush()
        command = [wrk, "-t1", f"-c{READERS}", f"-d{seconds}s", "--latency", "-s", script.name, f"{address}/livez"]

        def rounds() -> None:
            while not done.is_set():
                said = subprocess.run(command, capture_output=True, text=True, check=True).stdout
                if "Non-2xx" in said or "Socket errors" in said:
                    raise RuntimeError(said)
                found.append(_percentile(said))

        reader = threading.Thread(target=rounds)
        reader.start()
        try:
            yield found
        finally:
            done.set()
            reader.join()


def _percentile(said: str) -> float:
    match = re.search(r"99%\s+([\d.]+)(us|ms|s)\b", said)
    if match is None:
        raise RuntimeError(said)
    return float(match[1]) * _UNITS[match[2]]
