"""Things in a house, for tests: Home Assistant finds them over MQTT, they obey in the way that the test chooses, can be worked by
hand, lose their power, and remember what they were told."""

from __future__ import annotations

import itertools
import json
import threading
from enum import Enum
from types import TracebackType
from typing import Any, ClassVar

from tests.support.homeassistant import HomeAssistant, Refused
from tests.support.space import wait_until

State = dict[str, Any]
_NUMBERS = itertools.count(1)


class Obeys(Enum):
    """What a device does when it is told something."""

    AT_ONCE = "at once"
    LATE = "late"
    """After `delay` seconds, or when the test says `catch_up()`; shows meanwhile that it moves, if such a thing can."""
    PARTLY = "partly"
    """As the class says."""
    NEVER = "never"


class Device:
    """One thing with one entity, in the house as soon as it is made; `with` or `remove()` takes it out again.

    `state` is what the thing itself knows, in its own words; `commands` all that it was told while it had power, in order, as
    (what, text); `missed` what was sent to it while it had none."""

    domain: ClassVar[str]

    def __init__(self, house: HomeAssistant, name: str = "", *, obeys: Obeys = Obeys.AT_ONCE, delay: float | None = None) -> None:
        """`name` must be new in that house and a valid object id; without one it gets a number."""
        self.house = house
        self.name = name or f"{type(self).__name__.lower()}_{next(_NUMBERS)}"
        self.entity_id = f"{self.domain}.{self.name}"
        self.unique_id = f"unique-{self.name}"
        self.obeys, self.delay = obeys, delay
        self.state: State = self.new()
        self.commands: list[tuple[str, str]] = []
        self.missed: list[tuple[str, str]] = []
        self.has_power = True
        self._lock = threading.RLock()
        self._held: list[State] = []
        self._base = f"house/{self.name}"
        self._discovery = f"homeassistant/{self.domain}/{self.name}/config"
        self._broker = house.broker
        self._broker.listen(f"{self._base}/set/#", self._hear)
        self._say_power()
        self._say_state()
        self._broker.publish(self._discovery, json.dumps(self._description()), retain=True)
        self.wait_until_shown()

    # what each kind of thing fills in

    def new(self) -> State:
        """How it is when it is new."""
        raise NotImplementedError

    def description(self) -> State:
        """What discovery says about it, beside what all things say. `~` is the base of its topics."""
        raise NotImplementedError

    def words(self, state: State) -> dict[str, str]:
        """A state as it is published: the end of a topic, and the text."""
        raise NotImplementedError

    def understood(self, what: str, text: str) -> State:
        """The fields of the state that a command wants changed."""
        raise NotImplementedError

    def moving(self, wanted: State) -> State:
        """What it shows while it moves to what is wanted: nothing else than before, unless the thing can."""
        return {}

    def partly(self, wanted: State) -> State:
        """What it comes to when it obeys in part."""
        raise NotImplementedError

    def shown(self, state: State) -> State:
        """What Home Assistant shows for a state: `state` and those attributes that the thing is sure about."""
        raise NotImplementedError

    # what tests do with it

    def by_hand(self, *, wait: bool = True, **fields: Any) -> None:
        """Somebody works the thing itself; returns when Home Assistant shows it."""
        with self._lock:
            self._become(fields)
        if wait:
            self.wait_until_shown()

    def offline(self, *, wait: bool = True) -> None:
        """It loses its power; returns when Home Assistant shows that."""
        self._power(on=False, wait=wait)

    def online(self, *, wait: bool = True) -> None:
        """It is back, as it was before; returns when Home Assistant shows it."""
        self._power(on=True, wait=wait)

    def catch_up(self) -> None:
        """It does what it was told while it obeyed late."""
        with self._lock:
            held, self._held = self._held, []
            for wanted in held:
                self._become(wanted)

    def live(self) -> Any:
        """The entity as Home Assistant has it now: `state`, `attributes`, `context`. Raises Refused when there is none."""
        return self.house.get(f"/api/states/{self.entity_id}")

    def wait_until_shown(self) -> None:
        """Returns when Home Assistant shows what the thing is. Raises TimeoutError."""
        wait_until(self.is_shown, f"{self.entity_id} to be {self._truth()} in Home Assistant")

    def is_shown(self) -> bool:
        """Whether Home Assistant shows what the thing is."""
        try:
            live = self.live()
        except Refused:
            return False
        have = {"state": live["state"], **live["attributes"]}
        return all(have.get(name) == value for name, value in self._truth().items())

    def remove(self) -> None:
        """Take it out of the house: Home Assistant forgets it; returns when it has. May be called twice."""
        self._take_out()

        def gone() -> bool:
            try:
                self.live()
            except Refused:
                return True
            return False

        wait_until(gone, f"{self.entity_id} to be gone")

    def __enter__(self) -> Any:
        return self

    def __exit__(self, kind: type[BaseException] | None, problem: BaseException | None, trace: TracebackType | None) -> None:
        if kind is None:
            self.remove()
        else:
            self._take_out()  # whether Home Assistant notices is no longer the question

    # inside

    def _take_out(self) -> None:
        self._broker.ignore(f"{self._base}/set/#")
        for topic in (self._discovery, f"{self._base}/power", *(f"{self._base}/{end}" for end in self.words(self.new()))):
            self._broker.publish(topic, "", retain=True)

    def _description(self) -> State:
        about = {"~": self._base, "name": None, "unique_id": self.unique_id, "availability_topic": "~/power"}
        device = {"identifiers": [self.unique_id], "name": self.name}
        return {**about, "device": device, **self.description()}

    def _truth(self) -> State:
        return self.shown(self.state) if self.has_power else {"state": "unavailable"}

    def _hear(self, topic: str, text: str) -> None:
        what = topic.rpartition("/set/")[2]
        with self._lock:
            if not self.has_power:
                self.missed.append((what, text))
                return
            self.commands.append((what, text))
            wanted = self.understood(what, text)
            match self.obeys:
                case Obeys.AT_ONCE:
                    self._become(wanted)
                case Obeys.PARTLY:
                    self._become(self.partly(wanted))
                case Obeys.LATE:
                    self._held.append(wanted)
                    self._become(self.moving(wanted))
                    if self.delay is not None:
                        timer = threading.Timer(self.delay, self.catch_up)
                        timer.daemon = True
                        timer.start()
                case Obeys.NEVER:
                    pass

    def _become(self, fields: State) -> None:
        if fields:
            self.state = {**self.state, **fields}
            self._say_state()

    def _power(self, *, on: bool, wait: bool) -> None:
        with self._lock:
            self.has_power = on
            self._held.clear()
        self._say_power()
        if wait:
            self.wait_until_shown()

    def _say_power(self) -> None:
        self._broker.publish(f"{self._base}/power", "online" if self.has_power else "offline", retain=True)

    def _say_state(self) -> None:
        """Without waiting: the thread that hears what the broker says may be waiting for our lock."""
        for end, text in self.words(self.state).items():
            self._broker.publish(f"{self._base}/{end}", text, retain=True, wait=False)


class Switch(Device):
    """`state`: `on`, a bool. In part it clicks and stays as it was."""

    domain = "switch"

    def new(self) -> State:
        return {"on": False}

    def description(self) -> State:
        return {"state_topic": "~/state", "command_topic": "~/set/power"}

    def words(self, state: State) -> dict[str, str]:
        return {"state": "ON" if state["on"] else "OFF"}

    def understood(self, what: str, text: str) -> State:
        return {"on": text == "ON"}

    def partly(self, wanted: State) -> State:
        return {"on": self.state["on"]}

    def shown(self, state: State) -> State:
        return {"state": "on" if state["on"] else "off"}


class Light(Device):
    """`state`: `on`, `brightness` 1-255, `kelvin` 2000-6500. In part it goes on and off, but is half as bright."""

    domain = "light"

    def new(self) -> State:
        return {"on": False, "brightness": 255, "kelvin": 3000}

    def description(self) -> State:
        able = {"brightness": True, "supported_color_modes": ["color_temp"], "color_temp_kelvin": True}
        range_ = {"min_kelvin": 2000, "max_kelvin": 6500}
        return {"schema": "json", "state_topic": "~/state", "command_topic": "~/set/light", **able, **range_}

    def words(self, state: State) -> dict[str, str]:
        said = {"state": "ON" if state["on"] else "OFF", "brightness": state["brightness"]}
        return {"state": json.dumps({**said, "color_mode": "color_temp", "color_temp": state["kelvin"]})}

    def understood(self, what: str, text: str) -> State:
        said = json.loads(text)
        names = {"brightness": "brightness", "color_temp": "kelvin"}
        return {"on": said["state"] == "ON", **{ours: said[theirs] for theirs, ours in names.items() if theirs in said}}

    def partly(self, wanted: State) -> State:
        dim = {"brightness": max(1, wanted["brightness"] // 2)} if "brightness" in wanted else {}
        return {**wanted, **dim}

    def shown(self, state: State) -> State:
        if not state["on"]:
            return {"state": "off"}
        return {"state": "on", "brightness": state["brightness"], "color_temp_kelvin": state["kelvin"]}


class Thermostat(Device):
    """`state`: `mode` (off, heat, auto), `target` 5-30 °C in steps of 0.5, `current`. In part it takes the mode but no target."""

    domain = "climate"

    def new(self) -> State:
        return {"mode": "off", "target": 18.0, "current": 19.0}

    def description(self) -> State:
        topics = {f"{what}_state_topic": f"~/{what}" for what in ("mode", "temperature")}
        topics |= {f"{what}_command_topic": f"~/set/{what}" for what in ("mode", "temperature")}
        able = {"modes": ["off", "heat", "auto"], "min_temp": 5, "max_temp": 30, "temp_step": 0.5, "temperature_unit": "C"}
        return {**topics, "current_temperature_topic": "~/current", "precision": 0.1, **able}

    def words(self, state: State) -> dict[str, str]:
        return {"mode": state["mode"], "temperature": str(state["target"]), "current": str(state["current"])}

    def understood(self, what: str, text: str) -> State:
        return {"mode": text} if what == "mode" else {"target": float(text)}

    def partly(self, wanted: State) -> State:
        return {name: value for name, value in wanted.items() if name == "mode"}

    def shown(self, state: State) -> State:
        return {"state": state["mode"], "temperature": state["target"], "current_temperature": state["current"]}


class Cover(Device):
    """`state`: `position` 0 (closed) to 100, `moving` (opening, closing, or empty). In part it comes half the way."""

    domain = "cover"

    def new(self) -> State:
        return {"position": 0, "moving": ""}

    def description(self) -> State:
        topics = {"state_topic": "~/state", "position_topic": "~/position"}
        return {**topics, "command_topic": "~/set/move", "set_position_topic": "~/set/position", "device_class": "shutter"}

    def words(self, state: State) -> dict[str, str]:
        resting = "open" if state["position"] else "closed"
        return {"position": str(state["position"]), "state": state["moving"] or resting}

    def understood(self, what: str, text: str) -> State:
        ends = {"OPEN": 100, "CLOSE": 0, "STOP": self.state["position"]}
        return {"position": ends[text] if what == "move" else int(text), "moving": ""}

    def moving(self, wanted: State) -> State:
        there = wanted["position"] - self.state["position"]
        return {"moving": "opening" if there > 0 else "closing"} if there else {}

    def partly(self, wanted: State) -> State:
        return {"position": (self.state["position"] + wanted["position"]) // 2, "moving": ""}

    def shown(self, state: State) -> State:
        resting = "open" if state["position"] else "closed"
        return {"state": state["moving"] or resting, "current_position": state["position"]}


class Lock(Device):
    """`state`: `is` (locked, unlocked, locking, unlocking, jammed). In part it jams."""

    domain = "lock"

    def new(self) -> State:
        return {"is": "locked"}

    def description(self) -> State:
        states = {f"state_{name}": name.upper() for name in ("locked", "unlocked", "locking", "unlocking", "jammed")}
        return {"state_topic": "~/state", "command_topic": "~/set/lock", **states}

    def words(self, state: State) -> dict[str, str]:
        return {"state": state["is"].upper()}

    def understood(self, what: str, text: str) -> State:
        return {"is": "locked" if text == "LOCK" else "unlocked"}

    def moving(self, wanted: State) -> State:
        return {"is": "locking" if wanted["is"] == "locked" else "unlocking"}

    def partly(self, wanted: State) -> State:
        return {"is": "jammed"}

    def shown(self, state: State) -> State:
        return {"state": state["is"]}
