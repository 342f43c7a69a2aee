"""The harness itself: what other tests take for granted about the engines, the images and the database is true."""

from __future__ import annotations

import contextlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import docker
import docker.errors
import docker.tls
import pytest
import requests
import sqlalchemy

from tests.support import roots
from tests.support.dns import DnsServers, serial
from tests.support.engines import Engine
from tests.support.postgres import Postgres
from tests.support.roots import FORKY, HOMES, SPARE_HOME, Recipe, debian_mirror, root_of
from tests.support.space import Space, wait_until
from tests.support.wheels import PINS, BuildFailed, pinned, uv_settings
from tests.support.wheels import run as run_step


def run(engine: Engine, image: str, name: str, **host: Any) -> None:
    engine.api.create_container(image, name=name, ports=[80], host_config=engine.api.create_host_config(**host))
    engine.api.start(name)


def test_the_engines_are_the_ones_we_promise_to_support(engine_old: Engine, engine_new: Engine, engine_strict: Engine) -> None:
    assert engine_old.version.startswith("20.10.")
    assert engine_old.api.api_version == "1.41"
    assert engine_new.version.startswith("28.")
    assert tuple(map(int, engine_new.api.api_version.split("."))) >= (1, 51)
    with pytest.raises(docker.errors.APIError, match="too old"):
        docker.APIClient(engine_strict.url, version="1.41").version(api_version=True)


def test_a_published_port_answers_and_health_is_found(engine: Engine) -> None:
    run(engine, "lab/web:2", "good", port_bindings={80: ("127.0.0.1", 8080)})
    run(engine, "lab/web:bad", "sick", port_bindings={80: 8081})
    wait_until(lambda: engine.health("good") == "healthy", "good")
    wait_until(lambda: engine.health("sick") == "unhealthy", "sick")
    assert engine.get(8080) == (200, "v2\n")
    assert engine.get(8081)[1] == "v9\n"
    assert engine.get(8081, "/health")[0] == 404
    with engine.forward(8080) as port, socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.0\r\n\r\n")
        with client.makefile() as reply:
            assert reply.read().endswith("v2\n")
    with pytest.raises(OSError, match="refused"):
        engine.get(8082)


def test_the_other_images_end_as_their_names_say(engine: Engine) -> None:
    for image, code in (("lab/crash:1", 3), ("lab/once:1", 0)):
        run(engine, image, "short")
        assert engine.api.wait("short")["StatusCode"] == code
        engine.api.remove_container("short")
    run(engine, "lab/sleep:1", "stubborn")
    engine.api.stop("stubborn", timeout=1)
    assert engine.api.inspect_container("stubborn")["State"]["ExitCode"] == 137
    run(engine, "lab/web:1", "polite")
    wait_until(lambda: engine.health("polite") == "healthy", "polite")
    engine.api.stop("polite", timeout=60)
    assert engine.api.inspect_container("polite")["State"]["ExitCode"] == 0


def test_bind_mounts_below_the_temporary_folder_are_the_same_files(engine: Engine, tmp_path: Path) -> None:
    (tmp_path / "note").write_text("from the test")
    config = engine.api.create_host_config(binds=[f"{tmp_path}:/mnt"])
    engine.api.create_container(
        "lab/sleep:1", ["sh", "-c", "cp /mnt/note /mnt/copy || cat /mnt/note >/mnt/copy"], name="copier", host_config=config
    )
    engine.api.start("copier")
    engine.api.wait("copier")
    assert (tmp_path / "copy").read_text() == "from the test"


def test_containers_find_each_other_by_name(engine: Engine) -> None:
    engine.api.create_network("front", driver="bridge")
    run(engine, "lab/web:1", "server", network_mode="front")
    wait_until(lambda: engine.health("server") == "healthy", "server")
    config = engine.api.create_host_config(network_mode="front")
    engine.api.create_container("lab/base:1", ["wget", "-qO-", "http://server/"], name="client", host_config=config)
    engine.api.start("client")
    assert engine.api.wait("client")["StatusCode"] == 0
    assert engine.api.logs("client") == b"v1\n"


def test_a_registry_keeps_images_and_tells_digests_without_a_pull(engine: Engine) -> None:
    reference = engine.push("lab/web:1", "harness:1")
    engine.api.remove_image("127.0.0.1:5000/harness:1")
    told = engine.api.inspect_distribution("127.0.0.1:5000/harness:1")["Descriptor"]["digest"]
    assert reference == f"127.0.0.1:5000/harness@{told}"
    engine.api.pull("127.0.0.1:5000/harness", tag="1")
    assert engine.api.inspect_image(reference)["RepoDigests"] == [reference]


@pytest.mark.parametrize("name", ["bind", "knot", "powerdns"])
def test_a_name_server_that_comes_back_has_its_zones(name: str, name_servers: DnsServers) -> None:
    server = getattr(name_servers, name)
    zone = server.fresh()
    before = server.dump(zone)
    for _ in range(5):
        server.stop()
        server.start()
        assert serial(zone, server.port)
    assert server.dump(zone) == before


def test_the_daemon_goes_away_and_comes_back_with_its_state(engine: Engine) -> None:
    run(engine, "lab/web:1", "server", restart_policy={"Name": "always"})
    for leave in (engine.kill, engine.stop):
        leave()
        with pytest.raises(OSError, match=r"refused|No such file"), socket.socket(socket.AF_UNIX) as client:
            client.connect(str(engine.socket))
        engine.start()
        wait_until(lambda: engine.containers() == {"server": "running"}, "the server")


def test_cleaning_leaves_nothing_but_the_images_of_the_harness(engine: Engine) -> None:
    before = sorted(tag for image in engine.api.images() for tag in image["RepoTags"])
    run(engine, "lab/base:1", "holder")
    engine.api.create_network("front")
    engine.api.create_volume("data")
    engine.api.tag("lab/web:2", "lab/web", "1", force=True)
    engine.api.tag("lab/web:2", "lab/other", "1")
    engine.api.remove_image("lab/crash:1", force=True)
    engine.stop()
    engine.clean()
    assert engine.containers() == {}
    assert {each["Name"] for each in engine.api.networks()} == {"bridge", "host", "none"}
    assert not engine.api.volumes()["Volumes"]
    assert sorted(tag for image in engine.api.images() for tag in image["RepoTags"]) == before
    run(engine, "lab/web:1", "web", port_bindings={80: 8080})
    wait_until(lambda: engine.health("web") == "healthy", "web")
    assert engine.get(8080) == (200, "v1\n")


def test_ports_and_networks_of_two_engines_never_meet(engine_old: Engine, engine_new: Engine) -> None:
    for engine, image in ((engine_old, "lab/web:1"), (engine_new, "lab/web:2")):
        run(engine, image, "web", port_bindings={80: 8080})
        wait_until(lambda engine=engine: engine.health("web") == "healthy", "web")  # type: ignore[misc]
    assert (engine_old.get(8080), engine_new.get(8080)) == ((200, "v1\n"), (200, "v2\n"))


def test_an_engine_is_reached_by_ssh(engine: Engine) -> None:
    near = engine.space.folder / "near.sock"
    with engine.ssh() as host:
        words = [
            "ssh",
            "-F",
            str(host.config),
            "-nNT",
            "-o",
            "StreamLocalBindUnlink=yes",
            "-L",
            f"{near}:/run/docker.sock",
            "127.0.0.1",
        ]
        with subprocess.Popen(words) as tunnel:
            wait_until(near.exists, "the tunnel")
            with contextlib.closing(docker.APIClient(f"unix://{near}")) as client:
                assert client.info()["ID"] == engine.api.info()["ID"]
            tunnel.kill()


def test_the_tls_port_wants_a_certificate(engine_tls: Engine) -> None:
    folder = engine_tls.certificates
    pair = (str(folder / "cert.pem"), str(folder / "key.pem"))
    with engine_tls.forward(2376) as port:
        for certificate, welcome in ((pair, True), (None, False)):
            tls = docker.tls.TLSConfig(ca_cert=str(folder / "ca.pem"), client_cert=certificate, verify=True)
            client = docker.APIClient(f"tcp://127.0.0.1:{port}", tls=tls, version="1.44")
            client.trust_env = False  # a CA bundle named in the environment would win over the one named here
            if welcome:
                assert client.info()["ID"] == engine_tls.api.info()["ID"]
            else:
                with pytest.raises(requests.RequestException):
                    client.info()
            client.close()


def test_each_postgres_url_is_a_new_database(postgres: Postgres, postgres_url: str) -> None:
    other = postgres.create()
    assert other != postgres_url
    database = sqlalchemy.create_engine(postgres_url)
    with database.begin() as connection:
        connection.execute(sqlalchemy.text("create table t (x int)"))
    database.dispose()
    assert postgres.sql("select count(*) from t", database=postgres_url.partition("@/")[2].partition("?")[0]) == "0"
    assert postgres.sql("select count(*) from pg_tables where tablename = 't'", database="postgres") == "0"


def test_nothing_survives_a_killed_test_run() -> None:
    code = """
        from tests.support.engines import NEW, Engine
        engine = Engine(NEW)
        engine.api.create_container("lab/sleep:1", name="left")
        engine.api.start("left")
        print(engine.space.pid, engine.space.folder, flush=True)
        import signal
        signal.pause()
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        pid, folder = victim.stdout.readline().split()
        victim.send_signal(signal.SIGKILL)
    wait_until(lambda: not Path(f"/proc/{pid}/ns/net").exists(), "the namespaces to end")
    Space(root_of(FORKY), "sweeper").close()
    assert not Path(folder).exists()
    assert not list(Path("/sys/fs/cgroup").glob(f"**/homelabhub-{Path(folder).name}"))


@pytest.mark.parametrize(
    ("file", "text", "found", "reason"),
    [
        ("sources.list", "deb http://one.test/debian bookworm main\n", ["http://one.test/debian"], "the classic file"),
        (
            "sources.list",
            "deb [arch=amd64] http://one.test/debian/ bookworm main",
            ["http://one.test/debian/"],
            "options stand before",
        ),
        ("sources.list", "deb http://one.test/debian-security bookworm main\n", [], "the security archive is not the main one"),
        ("sources.list", "deb http://one.test/ubuntu noble main\n", [], "another distribution's mirror has no Debian suites"),
        (
            "sources.list.d/d.sources",
            "Types: deb\nURIs: http://two.test/debian\n",
            ["http://two.test/debian"],
            "the newer format",
        ),
        ("sources.list.d/d.sources.off", "URIs: http://two.test/debian\n", [], "a file that apt does not read"),
    ],
)
def test_the_mirror_is_the_one_apt_uses(file: str, text: str, found: list[str], reason: str) -> None:
    folder = Path(tempfile.mkdtemp())
    (folder / "sources.list.d").mkdir()
    (folder / file).write_text(text)
    assert debian_mirror(folder) == found, reason
    shutil.rmtree(folder)


@pytest.mark.parametrize(
    ("configuration", "settings", "reason"),
    [
        ([], {}, "nothing told: uv asks whom it always asks"),
        (["global.index-url='http://one.test/simple'"], {"UV_DEFAULT_INDEX": "http://one.test/simple"}, "an index of one's own"),
        (
            [":env:.index-url='http://two.test/simple'", "global.index-url='http://one.test/simple'"],
            {"UV_DEFAULT_INDEX": "http://two.test/simple"},
            "the environment wins over the file",
        ),
        (
            ["global.extra-index-url='http://one.test/simple\\nhttp://two.test/simple'"],
            {"UV_INDEX": "http://one.test/simple http://two.test/simple"},
            "several, a line each",
        ),
        (["global.find-links='/nowhere/wheels /usr /bin'"], {"UV_FIND_LINKS": "/usr,/bin"}, "a missing folder is none to pip"),
        (["global.cert='/etc/passwd'", "global.timeout='60'"], {"SSL_CERT_FILE": "/etc/passwd"}, "what uv has no word for"),
    ],
)
def test_packages_come_from_where_pip_gets_them(configuration: list[str], settings: dict[str, str], reason: str) -> None:
    assert uv_settings(configuration) == {"UV_SYSTEM_CERTS": "1", **settings}, reason


@pytest.mark.parametrize("recipe", [*HOMES.values(), SPARE_HOME], ids=lambda recipe: recipe.lock)
def test_every_package_of_a_home_assistant_is_pinned_with_its_hashes(recipe: Recipe) -> None:
    lock = (PINS / recipe.lock).read_text()
    entries = lock.replace("\\\n", " ").splitlines()
    assert len(entries) > 100
    assert [entry for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []
    assert "://" not in lock
    wanted = (PINS / recipe.lock).with_suffix(".in").read_text()
    assert f"homeassistant=={pinned(recipe.lock, 'homeassistant')}\n" in wanted
    assert f"# Python {recipe.python}." in wanted


def test_the_spare_home_assistant_takes_the_place_of_one_that_cannot_be_built(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    gone = {HOMES["new"].name}

    def build(recipe: Recipe, target: Path) -> None:
        if recipe.name in gone:
            raise BuildFailed("it is gone")
        target.mkdir()

    monkeypatch.setattr(roots, "_build", build)
    said = roots.build_home("new")
    spare = pinned(SPARE_HOME.lock, "homeassistant")
    assert said == f"the new Home Assistant is {spare}, because it is gone"
    assert roots.home_of("new") == SPARE_HOME
    gone.clear()
    assert roots.build_home("new") == f"the new Home Assistant is {pinned(HOMES['new'].lock, 'homeassistant')}"
    assert roots.home_of("new") == HOMES["new"]


def test_what_cannot_be_built_is_told_in_one_line_each(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    def build(recipe: Recipe, target: Path) -> None:
        if recipe == SPARE_HOME:
            target.mkdir()
        else:
            run_step(["sh", "-c", "echo much; echo the reason >&2; exit 1"], f"no {recipe.suite}")

    monkeypatch.setattr(roots, "_build", build)
    assert roots.main() == 1
    lines = capsys.readouterr().err.splitlines()
    assert "setup: no forky: the reason" in lines
    assert all(line.startswith("setup: ") for line in lines)
    assert lines[-1] == "setup: the tests need two different Home Assistants, and only one can be installed"
