"""The door to Docker engines: what may leave, what comes back, and what a look costs."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from controller.clients.docker import Connection, DockerHost, Happening, Look, Tls, parse_image
from controller.core.errors import Conflict, Permanent, Rejected, Transient
from tests.support.engines import Engine
from tests.support.space import wait_until

HOSTILE = ("../volumes/x", "x?force=1", "x/../../y", "x#y", "x y", "", "a", "%2e%2e", "x\n", "-rf", "x" * 300, "é" * 4)
CALLS: Mapping[str, Callable[[DockerHost, str], object]] = {
    "inspect": lambda host, text: host.containers.inspect(text),
    "create": lambda host, text: host.containers.create(text, {}),
    "start": lambda host, text: host.containers.start(text),
    "stop": lambda host, text: host.containers.stop(text, 1),
    "update": lambda host, text: host.containers.update(text, {}),
    "rename": lambda host, text: host.containers.rename("good-name", text),
    "remove": lambda host, text: host.containers.remove(text),
    "connect": lambda host, text: host.containers.connect("good-name", text, {}),
    "logs": lambda host, text: host.logs.last(text, 5),
    "network": lambda host, text: host.networks.remove(text),
    "volume": lambda host, text: host.volumes.remove(text),
    "new-volume": lambda host, text: host.volumes.create({"Name": text}),
}


@pytest.fixture
def nobody(tmp_path: Path) -> Iterator[DockerHost]:
    """A host that cannot be reached: what is refused here was refused before anything left."""
    host = DockerHost("nas", f"unix://{tmp_path}/nobody.sock")
    yield host
    host.close()


@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS.keys())
@pytest.mark.parametrize("text", HOSTILE)
def test_a_hostile_name_never_leaves(nobody: DockerHost, call: Callable[[DockerHost, str], object], text: str) -> None:
    with pytest.raises(Permanent):
        call(nobody, text)


def test_a_hostile_image_never_leaves(nobody: DockerHost) -> None:
    for text in ("--x", "a:b:c", "UPPER/case", "a" * 1000, "x@sha256:12", "http://x/y", "a//b", "x:../y", ""):
        with pytest.raises(Permanent):
            nobody.images.inspect(text)


def test_an_honest_name_would_have_left(nobody: DockerHost) -> None:
    with pytest.raises(Transient, match="nas: Docker does not answer"):
        nobody.containers.inspect("good-name")


@pytest.mark.parametrize(
    ("text", "name", "tag", "repository"),
    [
        ("nginx", "nginx", "latest", "nginx"),
        ("docker.io/library/nginx:1.29", "docker.io/library/nginx", "1.29", "nginx"),
        ("ghcr.io/me/app:2.4.1", "ghcr.io/me/app", "2.4.1", "ghcr.io/me/app"),
        ("127.0.0.1:5000/app", "127.0.0.1:5000/app", "latest", "127.0.0.1:5000/app"),
        ("me/app@sha256:" + "a" * 64, "me/app", "", "me/app"),
    ],
)
def test_image_references(text: str, name: str, tag: str, repository: str) -> None:
    found = parse_image(text)
    assert (found.name, found.tag, found.repository) == (name, tag, repository)


@pytest.mark.parametrize(
    ("declared", "said", "reason"),
    [
        ({"url": "tcp://nas:2375"}, "without TLS", "an open port gives root to the whole network"),
        ({"url": "tcp://nas:2376", "tls": {"ca": "/x"}}, "exactly ca, cert and key", "half of the files is no identity"),
        ({"url": "http://nas"}, "is not a Docker host", "plain HTTP is not offered"),
        ({"url": "ssh://-oProxyCommand=x"}, "is not ssh://", "a host must not become an option of ssh"),
        ({"url": "ssh://me:secret@nas"}, "is not ssh://", "a password must not stand in the repository"),
        ({"url": "unix://relative"}, "is not a Docker host", "a socket has an absolute path"),
        ({"socket": "/x"}, "has no field 'socket'", "a misspelt field must not be ignored"),
        ({"data": "relative"}, "absolute path", "a folder of another machine has no working directory"),
    ],
)
def test_a_wrong_connection_is_refused(declared: Mapping[str, Any], said: str, reason: str) -> None:
    with pytest.raises(Rejected, match=said):
        Connection.parse("nas", declared)
    assert reason


@contextmanager
def answering(folder: Path, reply: bytes) -> Iterator[DockerHost]:
    """A host on whose socket something answers every request in the same way."""

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            while self.rfile.readline().strip():
                pass
            self.wfile.write(reply)

    path = folder / "fake.sock"
    with socketserver.ThreadingUnixStreamServer(str(path), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        host = DockerHost("nas", f"unix://{path}")
        try:
            yield host
        finally:
            host.close()
            server.shutdown()


def http(status: str, body: str, headers: str = "Api-Version: 1.41\r\n") -> bytes:
    content = body.encode()
    return f"HTTP/1.1 {status}\r\n{headers}Connection: close\r\nContent-Length: {len(content)}\r\n\r\n".encode() + content


def test_what_is_no_engine_is_said_to_be_none(tmp_path: Path) -> None:
    with answering(tmp_path, http("200 OK", "hello", headers="")) as host, pytest.raises(Permanent, match="not a Docker engine"):
        host.containers.listing()


def test_an_engine_that_is_too_old_is_refused_with_a_sentence(tmp_path: Path) -> None:
    old = http("200 OK", "OK", headers="Api-Version: 1.40\r\n")
    with answering(tmp_path, old) as host, pytest.raises(Permanent, match=r"1\.41 \(Docker 20\.10\) is the oldest supported"):
        host.containers.listing()


def test_a_failing_engine_is_tried_again_and_not_quoted_at_length(tmp_path: Path) -> None:
    reply = http("500 Internal Server Error", json.dumps({"message": "x" * 5000}))
    with answering(tmp_path, reply) as host, pytest.raises(Transient) as caught:
        host.containers.listing()
    assert len(str(caught.value)) < 320


def test_a_reply_that_breaks_off_is_tried_again(tmp_path: Path) -> None:
    torn = http("200 OK", "[" * 500)[:-400]
    with answering(tmp_path, torn) as host, pytest.raises(Transient):
        host.containers.listing()


@pytest.fixture
def host(engine: Engine) -> Iterator[DockerHost]:
    made = DockerHost("local", engine.url)
    yield made
    made.close()


def test_the_version_is_negotiated(engine: Engine, host: DockerHost) -> None:
    assert host.api == ((1, 41) if engine.version.startswith("20.10") else (1, 51))


def test_an_engine_that_refuses_old_clients_is_served(engine_strict: Engine) -> None:
    host = DockerHost("local", engine_strict.url)
    assert host.api == (1, 51)
    assert host.containers.inspect("nobody") is None
    host.close()


def test_errors_in_our_words(engine: Engine, host: DockerHost) -> None:
    made = host.containers.create("first", {"Image": "lab/web:1"})
    with pytest.raises(Conflict):
        host.containers.create("first", {"Image": "lab/web:1"})
    with pytest.raises(Permanent, match="no-such"):
        host.containers.create("second", {"Image": "lab/no-such:1"})
    assert host.containers.inspect("nobody") is None
    assert host.containers.remove(made)
    assert not host.containers.remove(made)


@pytest.mark.parametrize("length", [2, 4, 12], ids=["like `db`", "like `cafe`", "short id"])
def test_the_beginning_of_an_id_is_nobodys_name(host: DockerHost, length: int) -> None:
    container = host.containers.create("first", {"Image": "lab/web:1"})
    network = host.networks.create({"Name": "front"})
    assert host.containers.inspect(container[:length]) is None
    assert host.networks.inspect(network[:length]) is None
    for ref in ("first", container):
        assert (host.containers.inspect(ref) or {})["Id"] == container
    for ref in ("front", network):
        assert (host.networks.inspect(ref) or {})["Id"] == network


def test_it_finds_an_engine_that_came_back(engine: Engine, host: DockerHost) -> None:
    host.containers.listing()
    engine.stop()
    with pytest.raises(Transient):
        host.containers.listing()
    engine.start()
    assert json.loads(host.containers.listing()) == []


def test_two_networks_of_one_name_are_not_made(host: DockerHost) -> None:
    host.networks.create({"Name": "front"})
    with pytest.raises(Conflict):
        host.networks.create({"Name": "front"})


def test_a_log_is_read_with_and_without_a_terminal(host: DockerHost) -> None:
    for tty in (True, False):
        made = host.containers.create("said", {"Image": "lab/once:1", "Tty": tty})
        host.containers.start(made)
        wait_until(lambda: '"exited"' in host.containers.listing().decode(), "it to end")
        assert b"".join(content for _, content in host.logs.last(made, 5)).strip() == b"done"
        host.containers.remove(made)


def test_an_image_is_pulled_by_digest_only(engine: Engine, host: DockerHost) -> None:
    reference = engine.push("lab/web:1", "client:1")
    name = parse_image("127.0.0.1:5000/client:1")
    digest = reference.partition("@")[2]
    engine.api.remove_image("127.0.0.1:5000/client:1")
    assert host.images.there(name) == digest
    told: list[str] = []
    host.images.pull(name, digest, told.append, threading.Event())
    assert told
    assert host.images.inspect(f"127.0.0.1:5000/client@{digest}") is not None
    with pytest.raises(Permanent, match="cannot pull"):
        host.images.pull(name, "sha256:" + "0" * 64, told.append, threading.Event())
    assert host.images.there(parse_image("127.0.0.1:5000/nothing:1")) is None


class Counted:
    """An inspect that counts."""

    def __init__(self, host: DockerHost) -> None:
        self.host, self.seen = host, list[str]()

    def __call__(self, ref: str) -> Mapping[str, Any] | None:
        details = self.host.containers.inspect(ref)
        self.seen.append(details["Name"] if details else "")
        return details


def test_a_look_inspects_only_what_moved(engine: Engine, host: DockerHost) -> None:
    counted = Counted(host)
    look = Look(host.containers, counted, lambda row: not row["Names"][0].endswith("stranger"))
    look.attach(True)
    for name in ("one", "two", "stranger"):
        host.containers.create(name, {"Image": "lab/sleep:1"})
    first = look.read()
    assert sorted(counted.seen) == ["/one", "/two"]
    assert look.read() is first
    assert sorted(counted.seen) == ["/one", "/two"], "nothing moved: one list call and no more"
    host.containers.start("one")
    second = look.read()
    assert counted.seen[2:] == ["/one"], "its row in the list moved"
    two = first.names["two"]
    assert second.containers[two] is first.containers[two]
    host.containers.update("two", {"Memory": 64 << 20, "MemorySwap": -1})
    assert look.read() is second, "the list does not show limits"
    look.mark(two)
    assert look.read().containers[two].details["HostConfig"]["Memory"] == 64 << 20
    assert counted.seen[3:] == ["/two"]
    look.attach(False)
    look.read()
    look.read()
    assert len(counted.seen) == 8, "without the event stream everything is inspected every time"


def test_events_tell_what_the_list_does_not_show(engine: Engine, host: DockerHost) -> None:
    heard: list[Happening] = []
    stop, opened = threading.Event(), threading.Event()
    wanted = {"container": ["update", "start"], "network": ["connect"]}
    thread = threading.Thread(target=host.events.follow, args=(wanted, opened.set, heard.append, stop))
    made = host.containers.create("one", {"Image": "lab/web:1"})
    thread.start()
    opened.wait()
    host.containers.update(made, {"RestartPolicy": {"Name": "always"}})
    network = host.networks.create({"Name": "front"})
    host.containers.connect(made, network, {})
    host.containers.start(made)
    wait_until(lambda: {each.action for each in heard} == {"update", "connect", "start"}, "three events")
    assert made in [each.attributes["container"] for each in heard if each.type == "network"]
    assert all(each.id == made for each in heard if each.type == "container")
    stop.set()
    thread.join()
    assert "exec_create" not in {each.action for each in heard}, "health checks are filtered by the engine"


def test_a_remote_engine_by_ssh(engine_new: Engine) -> None:
    with engine_new.ssh() as far:
        declared = {"url": far.url + "/run/docker.sock", "ssh_config": str(far.config)}
        host = DockerHost.open(Connection.parse("nas", declared))
        assert not host.local
        assert host.api == (1, 51)
        made = host.containers.create("one", {"Image": "lab/web:1"})
        assert engine_new.containers() == {"one": "created"}
        assert host.containers.inspect(made) is not None
        host.close()
        assert json.loads(host.containers.listing())[0]["Id"] == made, "it connects again"
        host.close()


def test_a_remote_engine_that_does_not_let_us_in(engine_new: Engine, tmp_path: Path) -> None:
    with engine_new.ssh() as far:
        strange = tmp_path / "config"
        strange.write_text(far.config.read_text().replace(str(far.key), str(tmp_path / "no-key")))
        host = DockerHost("nas", far.url, ssh_config=str(strange))
        with pytest.raises(Transient, match="Permission denied"):
            host.containers.listing()
        host.close()


def test_a_remote_engine_by_tls(engine_tls: Engine) -> None:
    folder = engine_tls.certificates
    tls = {"ca": str(folder / "ca.pem"), "cert": str(folder / "cert.pem"), "key": str(folder / "key.pem")}
    with engine_tls.forward(2376) as port:
        host = DockerHost.open(Connection.parse("nas", {"url": f"tcp://127.0.0.1:{port}", "tls": tls}))
        assert host.api == (1, 51)
        assert json.loads(host.containers.listing()) == []
        host.close()


def test_a_certificate_that_is_not_there(tmp_path: Path) -> None:
    missing = Tls(*(str(tmp_path / name) for name in ("ca", "cert", "key")))
    with pytest.raises(Rejected, match="tls"):
        DockerHost("nas", "tcp://127.0.0.1:1", missing)
