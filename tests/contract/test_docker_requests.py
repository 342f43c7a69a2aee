"""How many requests each step of a service costs its engine: reads are paid for by every service of a home."""

from __future__ import annotations

import re
import threading
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from controller.clients.docker.door import Door
from controller.core.state import Health, Target
from tests.contract.yard import NO, Yard, docker_yard
from tests.support.engines import Engine
from tests.support.space import wait_until

WORDS = (
    (r"GET /containers/json", "list"),
    (r"GET /containers/[^/]+/json", "inspect"),
    (r"GET /images/.+/json", "image"),
    (r"GET /networks", "networks"),
    (r"POST /containers/create", "create"),
    (r"POST /containers/[^/]+/(\w+)", r"\1"),
)
PLAIN: Mapping[str, Any] = {"image": "lab/web:1", "restart": "unless-stopped", "stop_grace_period": "1s"}
CONNECTED: Mapping[str, Any] = {**PLAIN, "networks": {"front": {"external": True}}}


class Sent:
    """The requests since the last look, by what they are; those of the event stream do not count."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: Counter[str] = Counter()

    def add(self, method: str, path: str) -> None:
        if path != "/events":
            with self._lock:
                self._found[self._word(f"{method} {path}")] += 1

    def since(self) -> dict[str, int]:
        with self._lock:
            found, self._found = self._found, Counter()
        return dict(found)

    @staticmethod
    def _word(text: str) -> str:
        found = [match.expand(word) for pattern, word in WORDS if (match := re.fullmatch(pattern, text))]
        return found[0] if found else text


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    made, send = Sent(), Door._send

    def counted(self: Door, method: str, path: str, *more: Any, **named: Any) -> Any:
        made.add(method, path)
        return send(self, method, path, *more, **named)

    monkeypatch.setattr(Door, "_send", counted)
    return made


@pytest.fixture
def yard(engine: Engine, tmp_path: Path) -> Iterator[Yard]:
    engine.api.create_network("front")
    with docker_yard("service", engine, tmp_path) as made:
        yield made


def test_a_new_service(yard: Yard, sent: Sent) -> None:
    change = yard.change(CONNECTED)
    sent.since()
    receipt = yard.provider.apply(change, NO)
    looks = {"inspect": 6, "image": 2}  # who bears the three names, before and after; what tag and id mean
    assert sent.since() == {**looks, "networks": 1, "create": 1, "start": 1}
    provider: Any = yard.provider
    assert provider.health(Target(yard.key, yard.address, receipt.handle))[0] is not Health.MISSING
    assert sent.since() == {"inspect": 1}
    yard.commit(change, receipt)
    assert sent.since() == {"inspect": 4, "update": 1, "rename": 1}
    yard.commit(change, receipt)
    assert sent.since() == {"inspect": 3}, "nothing is left to be done"


def test_the_next_version(yard: Yard, sent: Sent) -> None:
    yard.make(CONNECTED)
    change = yard.change({**CONNECTED, "image": "lab/web:2"})
    sent.since()
    receipt = yard.provider.apply(change, NO)
    park = {"inspect": 7, "stop": 1, "update": 1, "rename": 1}  # the one that is stopped says how long it may take
    assert sent.since() == {**park, "networks": 1, "image": 2, "create": 1, "start": 1}
    yard.commit(change, receipt)
    assert sent.since() == {"inspect": 4, "update": 1, "rename": 1}


def test_networks_are_read_once_while_the_engine_would_tell(yard: Yard, sent: Sent, engine: Engine) -> None:
    engine.api.create_network("spare")
    provider: Any = yard.provider
    moved: list[object] = []
    stop = threading.Event()
    thread = threading.Thread(target=provider.watch, args=(moved.append, stop))
    thread.start()
    try:
        wait_until(lambda: moved, "the stream to stand")
        for number, lists in enumerate((1, 0, 0)):
            change = yard.change({**CONNECTED, "environment": {"N": str(number)}})
            sent.since()
            yard.commit(change, provider.apply(change, NO))
            assert sent.since().get("networks", 0) == lists
        engine.api.create_network("back")
        change = yard.change({**PLAIN, "image": "lab/web:2", "networks": {"back": {"external": True}}})
        provider.apply(change, NO)
        assert set(engine.api.inspect_container("it.next")["NetworkSettings"]["Networks"]) == {"back"}
        engine.api.remove_network("spare")
        wait_until(lambda: "spare" not in [each["Name"] for each in provider._networks.get()], "the removal to be heard")
        wait_until(lambda: settled(yard, sent), "looks that cost one call, as nobody touches anything")
    finally:
        stop.set()
        thread.join()


def settled(yard: Yard, sent: Sent) -> bool:
    """True when a look read the list and nothing else: it found nothing that had moved."""
    sent.since()
    yard.look()
    return sent.since() == {"list": 1}
