"""Real Home Assistants for tests: two versions, each alone in a `Space` with an MQTT broker, on a port of the machine's loopback.

Nobody onboards them: the storage is written before the first start. Three users live there: the controller (an administrator with
a token of its own), an administrator who edits by hand, and one who may only look and operate."""

from __future__ import annotations

import contextlib
import json
import re
import secrets
import subprocess
import time
import urllib.request
from base64 import urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from hmac import digest
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

from websockets.exceptions import ConnectionClosed
from websockets.sync.client import ClientConnection, connect

from tests.support.mqtt import PORT as BROKER_PORT
from tests.support.mqtt import Broker
from tests.support.ports import free_port
from tests.support.relay import Relay
from tests.support.roots import home_of, root_of
from tests.support.space import Space, wait_until
from tests.support.wheels import VENV

NEW, OLD = "new", "old"
PORT = 8123
START_SECONDS = 180.0
"""How long a start may take: 5 to 12 s on an idle machine, far more beside load."""
TEN_YEARS = 315_360_000

CONFIGURATION = """\
homeassistant:
  name: Home
  latitude: 52.5
  longitude: 13.4
  elevation: 34
  unit_system: metric
  time_zone: Europe/Berlin
  currency: EUR
  country: DE
config:
energy:
history:
logbook:
logger:
  default: warning
recorder:
  commit_interval: 1
automation: !include automations.yaml
scene: !include scenes.yaml
script: !include scripts.yaml
"""
# A restart that is asked for over the API ends the process with this code, and its supervisor is who starts it again.
LOOP = """
while :; do
  "$0" -m homeassistant --skip-pip --config "$1" &
  echo $! >/run/hass.pid
  code=0
  wait $! || code=$?
  [ $code = 100 ] || exit $code
done
"""
HARMLESS = ("ffmpeg", "turbojpeg", "marketplace", "analytics", "homeassistant.components.cloud")


class Refused(RuntimeError):
    """An answer of Home Assistant that is not the one asked for: status or code, and its words."""


@dataclass(frozen=True)
class User:
    """Somebody with an account. `id` is what the context of a change carries."""

    name: str
    group: str
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    key: str = field(default_factory=lambda: secrets.token_hex(64))
    token_id: str = field(default_factory=lambda: secrets.token_hex(16))

    @property
    def token(self) -> str:
        """A long-lived token, good from the first start."""
        now = int(time.time()) - 60
        claims = {"iss": self.token_id, "iat": now, "exp": now + TEN_YEARS}
        parts = [_encoded(json.dumps(each).encode()) for each in ({"alg": "HS256", "typ": "JWT"}, claims)]
        signed = ".".join(parts)
        return f"{signed}.{_encoded(digest(self.key.encode(), signed.encode(), sha256))}"


class HomeAssistant:
    """One Home Assistant that runs. `url` stays the same over its whole life."""

    def __init__(self, which: str) -> None:
        self.which = which
        self.controller = User("Controller", "system-admin")
        self.person = User("Somebody", "system-admin")
        self.plain = User("Guest", "system-users")
        self.token, self.person_token, self.plain_token = (each.token for each in (self.controller, self.person, self.plain))
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self._relay: Relay | None = None
        self._python = f"{VENV}/bin/python"
        self._parts = contextlib.ExitStack()
        self.space = Space(root_of(home_of(which)), f"home-{which}")
        self._parts.callback(self.space.close)
        try:
            self.config = self.space.folder / "config"
            _seed(self.config, (self.controller, self.person, self.plain))
            # Home Assistant looks for devices by multicast, and takes it ill when there is no network for that.
            self.space.call(subprocess.run, ["ip", "route", "add", "224.0.0.0/4", "dev", "lo"])
            self.broker = Broker(self.space)
            self._parts.callback(self.broker.close)
            self.start()
        except BaseException:
            self.close()
            raise
        self.version = str(self.get("/api/config")["version"])

    def start(self) -> None:
        """Start it on the configuration as it stands; returns when it is ready for use."""
        self._server = self.space.start("sh", "-c", LOOP, self._python, str(self.config), log="hass.log", env={"HOME": "/root"})
        self._relay = self._relay or Relay(self.port, self.space.pid, PORT)
        self._await("Home Assistant")

    @property
    def is_up(self) -> bool:
        """Whether it was started and neither killed nor ended."""
        return self._server.poll() is None

    def runs(self) -> bool:
        """Whether it says of itself that it is up, everything loaded."""
        if self._server.poll() is not None:
            raise RuntimeError(f"Home Assistant ended with {self._server.returncode}: {self.log()[-3000:]}")
        try:
            return bool(self.get("/api/config")["state"] == "RUNNING")
        except (OSError, HTTPException, Refused):
            return False

    def _await(self, what: str) -> None:
        try:
            wait_until(self.runs, what, START_SECONDS)
        except TimeoutError as problem:
            raise TimeoutError(f"{problem}: {self.log()[-3000:]}") from None

    def kill(self) -> None:
        """End it at once, as a power cut does. Its port refuses connections until the next `start`."""
        if self._relay:
            self._relay.close()
            self._relay = None
        self.space.signal("/run/hass.pid", "KILL")
        self._server.wait(60)

    def restart(self) -> None:
        """What a person does under Settings: down and up again; returns when it is ready."""
        before = self.space.path("/run/hass.pid").read_text()
        self.call("POST", "/api/services/homeassistant/restart", {}, patient=True)
        wait_until(lambda: self.space.path("/run/hass.pid").read_text() not in {before, ""}, "the restart", START_SECONDS)
        self._await("Home Assistant after a restart")

    def get(self, path: str, token: str = "") -> Any:
        return self.call("GET", path, token=token)

    def call(self, method: str, path: str, body: Any = None, *, token: str = "", patient: bool = False) -> Any:
        """One call of REST, as the controller unless a token says who; what it answers, read as JSON. Raises Refused, OSError.

        With `patient`, an answer that does not come is not missed: it may go down before it answers."""
        headers = {"Authorization": f"Bearer {token or self.token}", "Content-Type": "application/json"}
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except HTTPError as problem:
            with problem:
                raise Refused(f"{problem.code} {problem.read().decode(errors='replace')}") from None
        except (OSError, HTTPException):
            if not patient:
                raise

    def ask(self, command: str, *, token: str = "", **content: Any) -> Any:
        """One command over a websocket of its own, as the controller unless a token says who; its result. Raises Refused."""
        with self.socket(token) as line:
            line.send(json.dumps({"id": 1, "type": command, **content}))
            answer = json.loads(line.recv(60))
        if not answer["success"]:
            raise Refused(f"{answer['error']['code']} {answer['error']['message']}")
        return answer["result"]

    def socket(self, token: str = "") -> ClientConnection:
        """A websocket that is logged in. Raises Refused."""
        line = connect(f"ws://127.0.0.1:{self.port}/api/websocket", max_size=None, compression=None, proxy=None, legacy=True)
        try:
            line.recv(60)
            line.send(json.dumps({"type": "auth", "access_token": token or self.token}))
            answer = json.loads(line.recv(60))
            if answer["type"] != "auth_ok":
                raise Refused(answer["type"])
        except BaseException:
            line.close()
            raise
        return line

    def issue(self, token: str = "") -> str:
        """One more token of the controller, or of whose token it is: one that a test may revoke."""
        name = secrets.token_hex(8)
        return str(self.ask("auth/long_lived_access_token", token=token, client_name=name, lifespan=365))

    def revoke(self, token: str) -> None:
        """A token opens nothing any more; connections that it opened are closed."""
        claims = token.split(".")[1]
        issuer = json.loads(urlsafe_b64decode(f"{claims}=="))["iss"]
        with contextlib.suppress(ConnectionClosed):  # before the answer or after it
            self.ask("auth/delete_refresh_token", token=token, refresh_token_id=issuer)

    def log(self) -> str:
        """Everything that it wrote."""
        return (self.space.folder / "hass.log").read_text(errors="replace")

    def errors(self) -> list[str]:
        """The lines of the log that tell of errors, but for those that come from having no network and no extras."""
        lines = [line for line in self.log().splitlines() if re.search(r" (ERROR|CRITICAL) ", line)]
        return [line for line in lines if not any(word in line.lower() for word in HARMLESS)]

    def close(self) -> None:
        """End everything. May be called twice."""
        if self._relay:
            self._relay.close()
        self._parts.close()


def _seed(config: Path, users: tuple[User, ...]) -> None:
    """Writes a configuration as it is after onboarding, with an MQTT broker."""
    storage = config / ".storage"
    storage.mkdir(parents=True)
    (config / "configuration.yaml").write_text(CONFIGURATION)
    for name, empty in (("automations", "[]\n"), ("scenes", "[]\n"), ("scripts", "{}\n")):
        (config / f"{name}.yaml").write_text(empty)

    def store(key: str, version: int, minor: int, data: Any) -> None:
        content = {"version": version, "minor_version": minor, "key": key, "data": data}
        (storage / key).write_text(json.dumps(content))

    store("onboarding", 4, 1, {"done": ["user", "core_config", "analytics", "integration"]})
    groups = {"system-admin": "Administrators", "system-users": "Users", "system-read-only": "Read Only"}
    auth = {
        "users": [_account(user, is_owner=user is users[0]) for user in users],
        "groups": [{"id": key, "name": name} for key, name in groups.items()],
        "credentials": [],
        "refresh_tokens": [_refresh_token(user) for user in users],
    }
    store("auth", 1, 1, auth)
    store("core.config_entries", 1, 1, {"entries": [_broker_entry()]})


def _account(user: User, *, is_owner: bool) -> dict[str, Any]:
    about = {"id": user.id, "name": user.name, "group_ids": [user.group], "is_owner": is_owner}
    return {**about, "is_active": True, "system_generated": False, "local_only": False}


def _refresh_token(user: User) -> dict[str, Any]:
    kept = {"id": user.token_id, "user_id": user.id, "client_name": user.name, "jwt_key": user.key}
    kept |= {"token": secrets.token_hex(64), "token_type": "long_lived_access_token", "created_at": _now()}
    unset = dict.fromkeys(("client_id", "client_icon", "last_used_at", "last_used_ip", "expire_at", "credential_id", "version"))
    return {**unset, **kept, "access_token_expiration": float(TEN_YEARS)}


def _broker_entry() -> dict[str, Any]:
    data = {"broker": "127.0.0.1", "port": BROKER_PORT, "discovery": True}
    about = {"entry_id": secrets.token_hex(16), "domain": "mqtt", "title": "mqtt", "source": "user", "version": 1}
    return {**about, "data": data, "options": {}, "unique_id": None, "disabled_by": None}


def _now() -> str:
    return datetime.now(UTC).isoformat()


def _encoded(content: bytes) -> str:
    return urlsafe_b64encode(content).rstrip(b"=").decode()


class HomeAssistants:
    """Every Home Assistant of this test process; started on first use."""

    def __init__(self) -> None:
        self._running: dict[str, HomeAssistant] = {}

    def get(self, which: str) -> HomeAssistant:
        """The one of a version, running, shared by all tests of this process."""
        if which not in self._running:
            self._running[which] = HomeAssistant(which)
        found = self._running[which]
        if not found.is_up:
            found.start()
        return found

    def close(self) -> None:
        for each in self._running.values():
            each.close()
