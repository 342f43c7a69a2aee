"""1,000 entities and 100 automations on Home Assistant: an unchanged pass, 100 changes, and the answer to a hand edit."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from itertools import cycle
from typing import Any

from websockets.sync.client import ClientConnection

from benchmarks.fleet import document
from benchmarks.home import Home
from benchmarks.settled import settle
from benchmarks.stage import Stage
from benchmarks.timing import Row, Sample, interleaved, stopwatch
from controller.clients.clock import SystemClock
from controller.core.ports import Audits
from controller.core.run import Entry, Step
from controller.store.sql import SqlStore
from controller.wire import House
from tests.support.homeassistant import NEW, OLD, HomeAssistant

NOOP, CHANGE, ANSWER = 1.5, 1.3, 0.05
_ENTITIES, _AUTOMATIONS, _CHANGED = 1_000, 100, 100
_AT_ONCE = 64
"""Writers of the journal at the same time, as rollouts are."""
_STEPS = (Step.INTENDED, Step.DONE, Step.PASSED)
"""What the journal says of one change."""
_RUNS = 25
"""Among so many latest runs is the one with the changes."""


def measure(stage: Stage) -> Iterator[Row]:
    """Both versions."""
    for which in (OLD, NEW):
        with closing(HomeAssistant(which)) as there, closing(Line(there)) as line, closing(_declared(there, line)) as home:
            with home.house() as house:
                _settle(there, house)
                yield from _unchanged(there, line, house, stage)
                yield _changes(there, line, home, house, stage)
            yield _answer(there, line, home, stage)


class Line:
    """A bare websocket: what a script would use."""

    def __init__(self, there: HomeAssistant, token: str = "") -> None:
        self._socket: ClientConnection = there.socket(token)
        self._number = 0

    def ask(self, commands: Sequence[Mapping[str, Any]]) -> list[Any]:
        """The results of commands that are sent at once."""
        waited = [self.send(command) for command in commands]
        found: dict[int, Any] = {}
        while len(found) < len(waited):
            message = json.loads(self._socket.recv())
            if message["type"] == "result":
                if not message["success"]:
                    raise RuntimeError(f"refused: {message['error']}")
                found[message["id"]] = message["result"]
        return [found[number] for number in waited]

    def send(self, command: Mapping[str, Any]) -> int:
        """Ask without waiting."""
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, **command}))
        return self._number

    def heard(self, entity: str, state: str) -> float:
        """When the event came that an entity is in a state (monotonic seconds)."""
        while True:
            message = json.loads(self._socket.recv())
            data = message.get("event", {}).get("data", {})
            if data.get("entity_id") == entity and data["new_state"]["state"] == state:
                return time.monotonic()

    def close(self) -> None:
        self._socket.close()


def _declared(there: HomeAssistant, line: Line) -> Home:
    """A home in which all of it is declared."""
    line.ask([{"type": "input_boolean/create", "name": _entity(number).partition(".")[2]} for number in range(_ENTITIES)])
    files = {f"{_name(number)}.yaml": _device(number, "off") for number in range(_ENTITIES)}
    files |= {f"automation-{number}.yaml": _automation(number) for number in range(_AUTOMATIONS)}
    home = Home("unix:///nowhere", files)
    home.environment["HOMELAB_WORLD"] = "docker"
    connection = {"type": "homeassistant", "url": there.url, "token": {"ref": "home/token"}}
    home.commit({"homelab.yaml": document("Homelab", "home", {"connections": {"home": connection}})})
    return home


def _settle(there: HomeAssistant, house: House) -> None:
    """Have it so."""
    house.vault.set("home/token", there.token)
    settle(house)
    house.reconciler.reconcile("bench", "bench")
    _quiet(house)


def _unchanged(there: HomeAssistant, line: Line, house: House, stage: Stage) -> Iterator[Row]:
    automations = [each for each in line.ask([{"type": "get_states"}])[0] if each["entity_id"].startswith("automation.")]
    reads = [{"type": "get_states"}, {"type": "config/entity_registry/list"}]
    reads += [{"type": "automation/config", "entity_id": each["entity_id"]} for each in automations]
    jobs = {
        "audited": lambda: _quiet(house, audited=True),
        "resident": lambda: _quiet(house),
        "floor": lambda: stopwatch(lambda: line.ask(reads)),
    }
    found = interleaved(jobs, stage.rounds(15, 3), warm=2)
    name, goal = f"no-op pass over {_ENTITIES:,} entities and {_AUTOMATIONS} automations", f"≤ {NOOP} × the bare reads"
    notes = {"audited": "everything is read anew", "resident": "what nothing was told of is not read"}
    for job, note in notes.items():
        met = found[job].median <= NOOP * found["floor"].median
        floor = found["floor"]
        yield Row(f"{name}, {job}", f"Home Assistant {there.version}", found[job], goal, met, floor, note=note)


def _changes(there: HomeAssistant, line: Line, home: Home, house: House, stage: Stage) -> Row:
    states = cycle(("on", "off"))
    calls = cycle(("on", "off"))
    journal: list[float] = []

    def bare() -> float:
        word = next(calls)
        began = time.perf_counter()
        for number in range(_CHANGED, 2 * _CHANGED):
            line.ask([_call(f"turn_{word}", number)])
        took = time.perf_counter() - began
        _repaired(house)
        journal.append(_journal(home, house))
        return took

    found = interleaved({"ours": lambda: _changed(home, house, next(states)), "floor": bare}, stage.rounds(8, 2), warm=2)
    written = Sample(tuple(journal))
    met = found["ours"].median <= CHANGE * found["floor"].median + written.median
    goal = f"≤ {CHANGE} × the bare calls one by one + the journal's commits"
    allowed = Sample((CHANGE * found["floor"].median + written.median,))
    note = f"from the run's start to its end, each confirmed; goal {allowed}: {CHANGE} × the bare calls, and {written} for the"
    note += f" journal of {_CHANGED} changes by {_AT_ONCE} writers, batched"
    return Row(
        f"{_CHANGED} entities changed", f"Home Assistant {there.version}", found["ours"], goal, met, found["floor"], note=note
    )


def _changed(home: Home, house: House, word: str) -> float:
    home.commit({f"{_name(number)}.yaml": _device(number, word) for number in range(_CHANGED)})
    _quiet(house)
    run = next(run for run in house.store.runs(_RUNS) if len(run.rollouts) == _CHANGED)
    return run.finished - run.started


def _answer(there: HomeAssistant, line: Line, home: Home, stage: Stage) -> Row:
    """A person switches one on; from the event that tells so to the event that it is off again."""
    entity = _entity(_ENTITIES - 1)
    with closing(Line(there, there.person_token)) as person:
        person.ask([{"type": "subscribe_events", "event_type": "state_changed"}])

        def switched(answer: Callable[[], object]) -> float:
            person.send(_call("turn_on", _ENTITIES - 1))
            began = person.heard(entity, "on")
            answer()
            took = person.heard(entity, "off") - began
            time.sleep(1.5)
            return took

        floor = interleaved(
            {"floor": lambda: switched(lambda: line.ask([_call("turn_off", _ENTITIES - 1)]))}, stage.rounds(12, 3)
        )
        with home.controller():
            time.sleep(5.0)
            ours = interleaved({"ours": lambda: switched(lambda: None)}, stage.rounds(12, 3))
    over = ours["ours"].median - floor["floor"].median
    goal = f"≤ {ANSWER * 1000:.0f} ms over a bare answer"
    note = f"over the bare answer: {over * 1000:.0f} ms; floor: a script that hears the event and calls at once"
    name = "changed by hand → put back"
    return Row(name, f"Home Assistant {there.version}", ours["ours"], goal, over <= ANSWER, floor["floor"], note=note)


def _repaired(house: House) -> None:
    """All is as declared again, also what was told late."""
    for _ in range(20):
        time.sleep(0.2)
        house.reconciler.reconcile("bench", "bench")
        report = house.reconciler.survey().report
        if all(each.sync == "Synced" for each in report.statuses):
            return
    raise RuntimeError("what was changed by hand is not put back")


def _quiet(house: House, *, audited: bool = False) -> float:
    if audited:
        for provider in house.connections.providers().values():
            if isinstance(provider, Audits):
                provider.audit()
    seconds = stopwatch(lambda: house.reconciler.reconcile("bench", "bench"))
    report = house.reconciler.last
    if report is None or any(each.sync != "Synced" for each in report.statuses):
        wrong = [f"{each.key}: {each.sync}: {each.why}" for each in report.statuses if each.sync != "Synced"] if report else []
        raise RuntimeError(f"the world is not as declared: {wrong[:3]}")
    return seconds


def _journal(home: Home, house: House) -> float:
    """Seconds in which the journal of the last such run is written once more, to a database of its own on the same disk."""
    run = next(run for run in house.store.runs(_RUNS) if len(run.rollouts) == _CHANGED)
    entries, rows = house.store.entries(run.id), house.store.rows()
    path = home.folder / "journal" / f"{time.monotonic_ns()}.db"
    with closing(SqlStore(f"sqlite:///{path}", SystemClock())) as store, ThreadPoolExecutor(_AT_ONCE) as pool:
        store.claim("bench", 60.0)

        def write(entry: Entry) -> None:
            for step in _STEPS:
                row = rows[entry.change.place] if step is not Step.INTENDED else None
                store.record(entry.moved(step, entry.at), row)

        return stopwatch(lambda: list(pool.map(write, entries)))


def _call(service: str, number: int) -> Mapping[str, Any]:
    target = {"entity_id": _entity(number)}
    return {"type": "call_service", "domain": "input_boolean", "service": service, "target": target}


def _name(number: int) -> str:
    return f"e{number:04}"


def _entity(number: int) -> str:
    return f"input_boolean.e{number:04}"


def _device(number: int, state: str) -> str:
    return document("Device", _name(number), {"entity": _entity(number), "desired": {"state": state}})


def _automation(number: int) -> str:
    body = {
        "alias": f"bench {number}",
        "triggers": [{"trigger": "state", "entity_id": _entity(number), "to": "never"}],
        "actions": [{"action": "input_boolean.turn_on", "target": {"entity_id": _entity(number)}}],
    }
    return document("Automation", f"bench-{number}", body)
