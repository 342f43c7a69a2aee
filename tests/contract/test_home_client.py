"""The client of Home Assistant against the real thing, old and new: commands, the live model, stored configuration, loss."""

from __future__ import annotations

import random
import secrets
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from threading import Event, Thread
from threading import enumerate as every_thread
from typing import Any

import pytest

from controller.clients.clock import SystemClock
from controller.clients.homeassistant import Connection, Happening, Home, Refused, Shown, Unsure
from controller.core.errors import Transient
from tests.contract.home_tap import Tap, server_side
from tests.support.homeassistant import HomeAssistant
from tests.support.space import wait_until

SECONDS = 60.0
NEVER = Event()


def home_at(url: str, token: str | Callable[[], str], **declared: Any) -> Home:
    connection = Connection.parse("home", {"type": "homeassistant", "url": url, "token": {"ref": "the-token"}, **declared})
    return Home(connection, token if callable(token) else lambda: token, SystemClock())


@contextmanager
def opened(url: str, token: str | Callable[[], str], **declared: Any) -> Iterator[Home]:
    home = home_at(url, token, **declared)
    try:
        yield home
    finally:
        home.close()


@pytest.fixture
def home(home_assistant: HomeAssistant) -> Iterator[Home]:
    with opened(home_assistant.url, home_assistant.token) as made:
        yield made


@pytest.fixture
def tap(home_assistant: HomeAssistant) -> Iterator[Tap]:
    made = Tap(home_assistant.port)
    yield made
    made.close()


@pytest.fixture
def name() -> str:
    return f"t_{secrets.token_hex(5)}"


@pytest.fixture
def switch(home_assistant: HomeAssistant, name: str) -> Iterator[str]:
    """The id of an input_boolean."""
    home_assistant.ask("input_boolean/create", name=name)
    yield name
    home_assistant.ask("input_boolean/delete", input_boolean_id=name)


@contextmanager
def listening(home: Home) -> Iterator[list[Happening | None]]:
    """What is heard in the block, after the beginning was."""
    heard: list[Happening | None] = []
    begun, stop = Event(), Event()

    def told(news: Happening | None) -> None:
        heard.append(news)
        begun.set()

    thread = Thread(target=home.listen, args=(told, stop))
    thread.start()
    try:
        assert begun.wait(SECONDS)
        assert heard == [None]
        heard.clear()
        yield heard
    finally:
        stop.set()
        thread.join(SECONDS)
        assert not thread.is_alive()


def code_of(refused: Callable[[], object]) -> str:
    with pytest.raises(Refused) as caught:
        refused()
    assert len(str(caught.value)) <= 256
    return caught.value.code


# ---- commands


def test_who_we_are_and_what_it_is(home: Home, home_assistant: HomeAssistant) -> None:
    assert home.version == home_assistant.version
    assert home.me == home_assistant.controller.id
    assert home.administrator


def test_a_service_does_it_and_says_in_which_context(home: Home, switch: str) -> None:
    entity = f"input_boolean.{switch}"
    context = home.service("input_boolean", "turn_on", {"entity_id": entity}, {})
    shown = home.states()[entity]
    assert (shown.state, shown.context_id, shown.user_id, shown.parent_id) == ("on", context, home.me, "")
    assert shown.changed_at == shown.since


def test_whose_hand_it_was(home: Home, home_assistant: HomeAssistant, switch: str) -> None:
    entity = f"input_boolean.{switch}"
    home_assistant.call("POST", "/api/services/input_boolean/turn_on", {"entity_id": entity}, token=home_assistant.person_token)
    assert home.await_state(entity, lambda shown: shown is not None and shown.state == "on", SECONDS, NEVER)
    assert home.states()[entity].user_id == home_assistant.person.id != home.me


@pytest.mark.parametrize(
    ("command", "code", "reason"),
    [
        ({"type": "no/such"}, "unknown_command", "an internal command may be gone in another version"),
        ({"type": "config/area_registry/create"}, "invalid_format", "a field is missing"),
        ({"type": "config/area_registry/delete", "area_id": "t_never"}, "invalid_info", "HA's word for what is not there"),
        ({"type": "config/entity_registry/get", "entity_id": "light.t_never"}, "not_found", "there is no such entity"),
        ({"type": "call_service", "domain": "t", "service": "never"}, "not_found", "there is no such service"),
        (
            {"type": "call_service", "domain": "input_boolean", "service": "turn_on", "service_data": {"x": 1}},
            "invalid_format",
            "a field that the service does not know",
        ),
    ],
)
def test_a_refusal_has_a_code(home: Home, command: Mapping[str, Any], code: str, reason: str) -> None:
    kind = command["type"]
    assert code_of(lambda: home.call(kind, **{word: value for word, value in command.items() if word != "type"})) == code, reason
    answers = home.calls([command, {"type": "get_config"}])
    assert isinstance(answers[0], Refused), reason
    assert not isinstance(answers[1], Refused), reason
    assert answers[1]["state"] == "RUNNING", reason


def test_a_thousand_commands_at_once(home: Home, switch: str) -> None:
    entity = f"input_boolean.{switch}"
    commands = [
        {"type": "config/entity_registry/get", "entity_id": entity if number % 7 else "light.t_never"} for number in range(1000)
    ]
    answers = home.calls(commands)
    for number, answer in enumerate(answers):
        found = answer.code if isinstance(answer, Refused) else answer["entity_id"]
        assert found == (entity if number % 7 else "not_found")


def test_many_threads_at_once(home: Home, switch: str) -> None:
    entity = f"input_boolean.{switch}"
    found: list[object] = []

    def ask() -> None:
        for _ in range(20):
            found.append(home.call("config/entity_registry/get", entity_id=entity)["entity_id"])
            found.append(entity if entity in home.states() and entity in home.entities() else None)

    threads = [Thread(target=ask) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join(SECONDS)
    assert found == [entity] * 320


# ---- the live model


def test_the_model_is_what_there_is_after_a_storm(home: Home, home_assistant: HomeAssistant, name: str) -> None:
    """Two people paint states while a reader looks and an audit reads everything anew."""
    home.states()
    done = Event()
    flawed: list[str] = []

    def look() -> None:
        while not done.is_set():
            shown = home.states()
            flawed.extend(entity for entity, each in shown.items() if each.entity_id != entity)
            home.audit()

    def paint(hand: int) -> None:
        dice, there = random.Random(hand), set[str]()
        for _ in range(250):
            path = f"/api/states/sensor.{name}_{hand}_{dice.randrange(12)}"
            if path in there and dice.random() < 0.25:
                home_assistant.call("DELETE", path, token=home_assistant.person_token)
                there.remove(path)
            else:
                body = {
                    "state": str(dice.randrange(3)),
                    "attributes": {"a": dice.randrange(3)},
                    "force_update": dice.random() < 0.3,
                }
                home_assistant.call("POST", path, body, token=home_assistant.person_token)
                there.add(path)

    reader = Thread(target=look)
    painters = [Thread(target=paint, args=(hand,)) for hand in range(2)]
    for each in (reader, *painters):
        each.start()
    for each in painters:
        each.join()
    done.set()
    reader.join(SECONDS)
    rows = {row["entity_id"]: row for row in home.call("get_states")}
    model = {entity: shown for entity, shown in home.states().items() if name in entity}
    assert model
    assert {entity: seen(shown) for entity, shown in model.items()} == {
        key: read(row) for key, row in rows.items() if name in key
    }
    assert flawed == []
    for entity in model:
        home_assistant.call("DELETE", f"/api/states/{entity}")
    home.call("ping")
    assert not {entity for entity in home.states() if name in entity}


def seen(shown: Shown) -> tuple[object, ...]:
    return shown.state, shown.attributes, shown.changed_at, shown.since, shown.context_id, shown.user_id, shown.parent_id


def read(row: Mapping[str, Any]) -> tuple[object, ...]:
    """The same of what Home Assistant sends."""
    moments = (datetime.fromisoformat(row[word]).timestamp() for word in ("last_updated", "last_changed"))
    return row["state"], row["attributes"], *moments, *(row["context"][word] or "" for word in ("id", "user_id", "parent_id"))


def test_what_did_not_change_is_the_same_object(home: Home, switch: str) -> None:
    entity = f"input_boolean.{switch}"
    reads: list[Callable[[], Any]] = [
        home.entities,
        home.devices,
        home.areas,
        home.floors,
        home.labels,
        home.services,
        lambda: home.helpers("input_boolean"),
    ]
    before = [look() for look in reads]
    home.audit()
    assert all(look() is old for look, old in zip(reads, before, strict=True))
    shown = home.states()
    home.service("input_boolean", "turn_off", {"entity_id": entity}, {})  # it is off
    home.audit()
    assert home.states()[entity] is shown[entity]
    home.call("config/entity_registry/update", entity_id=entity, icon="mdi:sofa")
    after = home.entities()
    assert after[entity]["icon"] == "mdi:sofa"
    assert [key for key in after if after[key] is not before[0].get(key)] == [entity]


@pytest.mark.parametrize("kind", ["area", "floor", "label"])
def test_a_registry_is_never_stale(home: Home, home_assistant: HomeAssistant, name: str, kind: str) -> None:
    look = {"area": home.areas, "floor": home.floors, "label": home.labels}[kind]
    assert name not in look()
    home.call(f"config/{kind}_registry/create", name=name)
    assert look()[name]["name"] == name
    home_assistant.ask(
        f"config/{kind}_registry/update", token=home_assistant.person_token, **{f"{kind}_id": name, "name": f"{name} x"}
    )
    home.call("ping")  # what was told before has arrived with the answer
    assert look()[name]["name"] == f"{name} x"
    home.call(f"config/{kind}_registry/delete", **{f"{kind}_id": name})
    assert name not in look()


def test_helpers_are_never_stale(home: Home, home_assistant: HomeAssistant, name: str) -> None:
    assert name not in home.helpers("counter")
    home.call("counter/create", name=name, step=2)
    assert home.helpers("counter")[name]["step"] == 2
    assert home.entity_of("counter", name) == f"counter.{name}"
    home_assistant.ask("counter/update", token=home_assistant.person_token, counter_id=name, name=name, step=3)
    home.call("ping")
    assert home.helpers("counter")[name]["step"] == 3
    home.call("counter/delete", counter_id=name)
    assert name not in home.helpers("counter")
    assert f"counter.{name}" not in home.states()
    assert home.entity_of("counter", name) == ""
    assert code_of(lambda: home.helpers("no_such_type")) == "not_found"


def test_services_come_and_go(home: Home, name: str) -> None:
    assert name not in home.services()["script"]
    home.save_config("script", name, {"sequence": []})
    assert home.await_news(lambda: name in home.services()["script"], SECONDS, NEVER)
    home.remove_config("script", name)
    assert home.await_news(lambda: name not in home.services()["script"], SECONDS, NEVER)


def test_waiting_ends_with_what_was_waited_for(home: Home, home_assistant: HomeAssistant, switch: str) -> None:
    entity = f"input_boolean.{switch}"
    answers: list[bool] = []
    thread = Thread(
        target=lambda: answers.append(home.await_state(entity, lambda shown: bool(shown and shown.state == "on"), 600, NEVER))
    )
    thread.start()
    home_assistant.call("POST", "/api/services/input_boolean/turn_on", {"entity_id": entity})
    thread.join(SECONDS)
    assert answers == [True]
    off = Event()
    off.set()
    assert not home.await_state(entity, lambda shown: shown is None, 600, off)
    assert not home.await_state(entity, lambda shown: shown is None, 0, NEVER)
    home_assistant.ask("config/entity_registry/update", entity_id=entity, disabled_by="user")
    assert home.await_state(entity, lambda shown: shown is None, SECONDS, NEVER)


# ---- what is heard


def test_one_word_for_each_thing_that_moved(home: Home, home_assistant: HomeAssistant, name: str, switch: str) -> None:
    entity = f"input_boolean.{switch}"
    state, entry, helper = Happening("state", entity), Happening("entity", entity), Happening("helper", entity)
    home_assistant.ask("config/entity_registry/update", entity_id=entity, icon="mdi:a")  # settled: the new release exposes it now
    with listening(home) as heard:

        def told() -> set[Happening | None]:
            """Everything up to now: words come in order, and this one is the last."""
            mark = f"sensor.{name}_{secrets.token_hex(4)}"
            home_assistant.call("POST", f"/api/states/{mark}", {"state": "1"})
            wait_until(lambda: Happening("state", mark) in heard, "the mark", SECONDS)
            home_assistant.call("DELETE", f"/api/states/{mark}")
            words = [news for news in heard if news is None or entity in news.id]
            assert len(words) == len(set(words))
            heard.clear()
            return set(words)

        home.service("input_boolean", "turn_on", {"entity_id": entity}, {})
        assert told() == {state}
        home.service("input_boolean", "turn_on", {"entity_id": entity}, {})  # it is on
        home.call("config/entity_registry/update", entity_id=entity, icon="mdi:a")  # it has that icon
        assert told() == set()
        home.call("config/entity_registry/update", entity_id=entity, icon="mdi:b")
        assert told() == {entry, state}
        home.call("input_boolean/update", input_boolean_id=switch, name=switch, icon="mdi:c")
        assert told() - {entry} == {helper}  # the icon of the entry hides its own


def test_what_moves_with_an_area(home: Home, home_assistant: HomeAssistant, name: str, switch: str) -> None:
    entity = f"input_boolean.{switch}"
    with listening(home) as heard:
        home.call("config/area_registry/create", name=f"{name}_a")
        wait_until(lambda: Happening("area", f"{name}_a") in heard, "the area", SECONDS)
        home.call("config/entity_registry/update", entity_id=entity, area_id=f"{name}_a")
        heard.clear()
        home.call("config/area_registry/delete", area_id=f"{name}_a")
        wait_until(lambda: {Happening("area", f"{name}_a"), Happening("entity", entity)} <= set(heard), "both", SECONDS)
        home.call("config/entity_registry/update", entity_id=entity, new_entity_id=f"{entity}_new")
        both = {Happening("entity", entity), Happening("entity", f"{entity}_new")}
        wait_until(lambda: both <= set(heard), "both names", SECONDS)


@pytest.mark.parametrize("kind", ["automation", "script", "scene"])
def test_what_moves_with_a_configuration(home: Home, name: str, kind: str) -> None:
    bodies: dict[str, dict[str, Any]] = {
        "automation": {"alias": name, "triggers": [], "actions": []},
        "script": {"alias": name, "sequence": []},
        "scene": {"name": name, "entities": {}},
    }
    body = bodies[kind]
    platform = "homeassistant" if kind == "scene" else kind

    def moved(heard: list[Happening | None]) -> bool:
        return Happening(kind, name) in heard or Happening(kind, "") in heard

    with listening(home) as heard:
        home.save_config(kind, name, body)
        wait_until(lambda: moved(heard), f"{kind} came", SECONDS)
        # What is stored while the one before is still being loaded is not loaded.
        assert home.await_news(lambda: home.entity_of(platform, name) in home.states(), SECONDS, NEVER)
        heard.clear()
        home.save_config(kind, name, {**body, "icon": "mdi:a"} if kind != "automation" else {**body, "description": "a"})
        wait_until(lambda: Happening(kind, name) in heard, f"{kind} changed", SECONDS)
        heard.clear()
        home.remove_config(kind, name)
        wait_until(lambda: Happening(kind, name) in heard, f"{kind} went", SECONDS)


def test_an_automation_that_is_switched_off_moved(home: Home, name: str) -> None:
    home.save_config("automation", name, {"alias": name, "triggers": [], "actions": []})
    assert home.await_news(lambda: home.entity_of("automation", name) in home.states(), SECONDS, NEVER)
    entity = home.entity_of("automation", name)
    with listening(home) as heard:
        home.service("automation", "trigger", {"entity_id": entity}, {})
        wait_until(lambda: Happening("state", entity) in heard, "it ran", SECONDS)
        assert Happening("automation", name) not in heard
        home.service("automation", "turn_off", {"entity_id": entity}, {})
        wait_until(lambda: Happening("automation", name) in heard, "it is off", SECONDS)
    home.remove_config("automation", name)


# ---- stored configuration


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("automation", {"alias": "x", "triggers": [{"trigger": "homeassistant", "event": "start"}], "actions": []}),
        ("script", {"alias": "x", "sequence": [{"delay": "00:00:05"}]}),
        ("scene", {"name": "x", "entities": {"input_boolean.t_never": {"state": "on"}}}),
    ],
)
def test_a_configuration_is_written_read_and_removed(
    home: Home, home_assistant: HomeAssistant, name: str, kind: str, body: dict[str, Any]
) -> None:
    assert home.config(kind, name) is None
    assert home.configs(kind, [name]) == {}
    home.save_config(kind, name, {**body, "id": "t_another"})  # such an id would win over the one in the address
    assert home.config(kind, name) == body
    assert home.config(kind, "t_another") is None
    platform = "homeassistant" if kind == "scene" else kind
    assert home.await_news(lambda: home.entity_of(platform, name) in home.states(), SECONDS, NEVER)
    assert home.configs(kind, [name, "t_never"]) == {name: body}
    assert home.configs(kind, [name])[name] is home.configs(kind, [name])[name]
    word = "alias" if "alias" in body else "name"
    home_assistant.call("POST", f"/api/config/{kind}/config/{name}", {**body, word: "y"}, token=home_assistant.person_token)
    assert home.await_news(lambda: home.configs(kind, [name]) == {name: {**body, word: "y"}}, SECONDS, NEVER)
    home.remove_config(kind, name)
    home.remove_config(kind, name)
    assert home.config(kind, name) is None
    assert home.await_news(lambda: home.configs(kind, [name]) == {}, SECONDS, NEVER)


@pytest.mark.parametrize(
    ("kind", "identifier", "body", "reason"),
    [
        ("automation", "t_never", {"alias": "x"}, "no triggers"),
        ("automation", "t_never", {"triggers": [{"trigger": "no_such"}], "actions": []}, "no such trigger"),
        ("script", "t_never", {"alias": "x"}, "no sequence"),
        ("script", "Not a slug", {"sequence": []}, "the id of a script is a slug"),
        ("scene", "t_never", {"entities": {}}, "no name"),
    ],
)
def test_a_configuration_that_is_refused(home: Home, kind: str, identifier: str, body: dict[str, Any], reason: str) -> None:
    assert code_of(lambda: home.save_config(kind, identifier, body)) == "invalid_format", reason
    assert home.config(kind, identifier) is None, reason


def test_what_is_stored_and_not_loaded_is_there(home: Home, home_assistant: HomeAssistant, name: str) -> None:
    """A file that configuration.yaml does not include: accepted, kept, without an entity."""
    file = home_assistant.config / "configuration.yaml"
    text = file.read_text()
    file.write_text(text.replace("automation: !include automations.yaml", "automation: []"))
    try:
        body = {"alias": name, "triggers": [], "actions": []}
        home.save_config("automation", name, body)
        home.service("automation", "reload", {}, {})
        assert home.entity_of("automation", name) == ""
        assert home.configs("automation", [name]) == {name: body}
        home.remove_config("automation", name)
        assert home.configs("automation", [name]) == {}
    finally:
        file.write_text(text)
        home.service("automation", "reload", {}, {})


# ---- whose token it is


def test_a_plain_user_sees_and_operates_and_changes_nothing(home_assistant: HomeAssistant, name: str, switch: str) -> None:
    entity = f"input_boolean.{switch}"
    with opened(home_assistant.url, home_assistant.plain_token) as home:
        assert not home.administrator
        assert home.me == home_assistant.plain.id
        home.service("input_boolean", "turn_on", {"entity_id": entity}, {})
        assert home.states()[entity].user_id == home_assistant.plain.id
        assert entity in home.entities()
        assert switch in home.helpers("input_boolean")
        assert home.labels() is home.labels()
        assert code_of(lambda: home.call("config/area_registry/create", name=name)) == "unauthorized"
        assert code_of(lambda: home.config("automation", name)) == "unauthorized"
        assert code_of(lambda: home.save_config("scene", name, {"name": name, "entities": {}})) == "unauthorized"
        home_assistant.ask("config/label_registry/create", name=name)
        assert home.await_news(lambda: name in home.labels(), SECONDS, NEVER)
        home_assistant.ask("config/label_registry/delete", label_id=name)


def test_a_wrong_token_is_shown_once(home_assistant: HomeAssistant, tap: Tap) -> None:
    tokens = ["wrong"]
    with opened(tap.url, lambda: tokens[0]) as home:
        for look in (home.states, home.areas, lambda: home.call("ping"), lambda: home.config("automation", "x")) * 3:
            with pytest.raises(Transient, match="homelab secret set the-token") as caught:
                look()
            assert "wrong" not in str(caught.value)
        assert tap.came == 1
        tokens[0] = "wrong too"
        for _ in range(3):
            with pytest.raises(Transient):
                home.states()
        assert tap.came == 2
        tokens[0] = home_assistant.token
        assert home.states()


def test_a_revoked_token_ends_it_and_is_shown_once_more(home_assistant: HomeAssistant, tap: Tap) -> None:
    tokens = [home_assistant.issue()]
    with opened(tap.url, lambda: tokens[0]) as home, listening(home) as heard:
        assert home.states()
        home_assistant.revoke(tokens[0])
        wait_until(lambda: refuses_the_token(home), "it notices", SECONDS)
        for _ in range(5):
            assert refuses_the_token(home)
        assert tap.came == 2
        heard.clear()
        tokens[0] = home_assistant.token
        assert home.states()
        wait_until(lambda: None in heard, "whoever listens hears that it is back", SECONDS)


def refuses_the_token(home: Home) -> bool:
    try:
        home.call("ping")
    except Unsure:  # it was said before the connection ended
        return False
    except Transient as error:
        return "refuses the token" in str(error)
    return False


def test_a_token_that_is_not_there(home_assistant: HomeAssistant) -> None:
    def missing() -> str:
        raise KeyError("the-token")

    with opened(home_assistant.url, missing) as home, pytest.raises(Transient, match="homelab secret set the-token"):
        home.states()


# ---- loss


def test_answers_that_were_lost_are_unsure(home: Home, home_assistant: HomeAssistant, tap: Tap, switch: str) -> None:
    """Fifty commands are out: they were done, and nobody can know."""
    entity = f"input_boolean.{switch}"
    with opened(tap.url, home_assistant.token) as behind:
        behind.states()
        tap.withhold()
        caught: list[BaseException] = []

        def ask() -> None:
            fields = {"domain": "input_boolean", "service": "turn_on", "service_data": {"entity_id": entity}}
            try:
                behind.calls([{"type": "call_service", **fields}] * 50)
            except Transient as error:
                caught.append(error)

        thread = Thread(target=ask)
        thread.start()
        assert home.await_state(entity, lambda shown: bool(shown and shown.state == "on"), SECONDS, NEVER)
        tap.cut()
        thread.join(SECONDS)
        assert [type(error) for error in caught] == [Unsure]
        assert len(str(caught[0])) <= 256
        assert behind.await_state(entity, lambda shown: bool(shown and shown.state == "on"), SECONDS, NEVER)


def test_a_write_whose_answer_was_lost_is_unsure(home: Home, home_assistant: HomeAssistant, tap: Tap, name: str) -> None:
    with opened(tap.url, home_assistant.token) as behind:
        behind.states()
        tap.withhold()
        caught: list[BaseException] = []

        def save() -> None:
            try:
                behind.save_config("script", name, {"sequence": []})
            except Transient as error:
                caught.append(error)

        thread = Thread(target=save)
        thread.start()
        assert home.await_news(lambda: home.entity_of("script", name) != "", SECONDS, NEVER)
        tap.cut()
        thread.join(SECONDS)
        assert [type(error) for error in caught] == [Unsure]
        assert behind.await_news(lambda: behind.config("script", name) == {"sequence": []}, SECONDS, NEVER)
    home.remove_config("script", name)


def test_who_waits_and_who_listens_outlive_a_loss(home_assistant: HomeAssistant, tap: Tap, switch: str) -> None:
    entity = f"input_boolean.{switch}"
    answers: list[bool] = []
    with opened(tap.url, home_assistant.token) as home, listening(home) as heard:
        waiting = Thread(
            target=lambda: answers.append(home.await_state(entity, lambda shown: bool(shown and shown.state == "on"), 600, NEVER))
        )
        waiting.start()
        tap.withhold()
        home_assistant.call("POST", "/api/services/input_boolean/turn_on", {"entity_id": entity})
        tap.cut()  # the word about it is lost
        waiting.join(SECONDS)
        assert answers == [True]
        wait_until(lambda: None in heard, "anything may have happened", SECONDS)
        heard.clear()
        home_assistant.call("POST", "/api/services/input_boolean/turn_off", {"entity_id": entity})
        wait_until(lambda: Happening("state", entity) in heard, "it hears again", SECONDS)


def test_a_certificate_of_a_private_authority(home_assistant: HomeAssistant, tmp_path: Path, name: str) -> None:
    context, authority = server_side(tmp_path)
    _, another = server_side(tmp_path, "another")
    tap = Tap(home_assistant.port, context)
    try:
        with opened(tap.url, home_assistant.token, ca=str(authority)) as home:
            assert home.states()
            home.save_config("script", name, {"sequence": []})
            assert home.config("script", name) == {"sequence": []}
            home.remove_config("script", name)
            assert all(isinstance(each, Mapping) for each in home.calls([{"type": "get_config"}] * 300))
        for declared in ({}, {"ca": str(another)}):
            with opened(tap.url, home_assistant.token, **declared) as home, pytest.raises(Transient, match="certificate"):
                home.states()
        with (
            opened(tap.url, home_assistant.token, ca=str(tmp_path / "none.pem")) as home,
            pytest.raises(Transient, match=r"none\.pem"),
        ):
            home.states()
    finally:
        tap.close()


def test_a_home_that_is_closed_stays_closed(home: Home) -> None:
    home.states()
    assert "home-home" in {each.name for each in every_thread()}
    home.close()
    home.close()
    assert "home-home" not in {each.name for each in every_thread()}
    with pytest.raises(Transient, match="closed"):
        home.states()
    with pytest.raises(Transient, match="closed"):
        home.await_state("light.t_never", lambda shown: shown is None, 0, NEVER)


def test_it_goes_down_breaks_and_comes_back(home: Home, home_assistant: HomeAssistant) -> None:
    file = home_assistant.config / "configuration.yaml"
    text = file.read_text()
    with listening(home) as heard:
        home_assistant.kill()
        try:
            wait_until(lambda: why_not(home) != "", "it notices", 2 * SECONDS)
            assert "does not answer" in why_not(home) or "ended the connection" in why_not(home)
            file.write_text("default_config:\n - broken: [\n")
            home_assistant.start()
            wait_until(lambda: "recovery mode" in why_not(home), "it is in recovery mode", 2 * SECONDS)
            heard.clear()
            home_assistant.kill()
        finally:
            file.write_text(text)
        home_assistant.start()
        wait_until(lambda: why_not(home) == "", "it is back", 2 * SECONDS)
        wait_until(lambda: heard == [None], "whoever listens hears of it once", 2 * SECONDS)
        assert home.version == home_assistant.version
        assert home.me == home_assistant.controller.id


def why_not(home: Home) -> str:
    try:
        home.states()
    except Transient as error:
        return str(error)
    return ""
