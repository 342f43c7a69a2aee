"""Logs over the API: as text, as text that goes on, for who may have it, and not for ever."""

from __future__ import annotations

from pathlib import Path

import pytest

from controller.usecases.access import Scope
from controller.web import outflow
from tests.faces.speaking import Speaking
from tests.support.space import wait_until
from tests.support.webhouse import WebHouse

PATH = "/api/v1/logs/box/one"


@pytest.fixture
def voice(web: WebHouse) -> Speaking:
    """The voice of the boxes."""
    return Speaking.of(web)


def test_the_last_lines_are_plain_text(web: WebHouse, voice: Speaking) -> None:
    earliest = web.house.clock.now() - 60
    answer = web.operator().get(PATH, params={"lines": 7, "back": 60})
    assert (answer.status_code, answer.text) == (200, "first\nsecond\n")
    assert answer.headers["content-type"] == "text/plain; charset=utf-8"
    ((key, lines, since),) = voice.asked
    assert (key, lines) == ("box/one", 7)
    assert earliest <= since <= web.house.clock.now() - 60


@pytest.mark.parametrize(
    ("path", "status", "code", "reason"),
    [
        ("/api/v1/logs/box/none", 409, "refused", "nobody declares it"),
        ("/api/v1/logs/box/two", 503, "backend-unreachable", "its engine is away"),
        ("/api/v1/logs/box/two?follow=1", 503, "backend-unreachable", "that is known before the first line"),
        ("/api/v1/logs/box/UPPER", 404, "not-found", "no key is written so"),
        (f"{PATH}?lines=0", 422, "invalid-query", "no line is not a log"),
        (f"{PATH}?back=nan", 422, "invalid-query", "no time"),
    ],
)
def test_what_cannot_be_told_says_why(web: WebHouse, voice: Speaking, path: str, status: int, code: str, reason: str) -> None:
    answer = web.operator().get(path)
    assert (answer.status_code, answer.json()["code"]) == (status, code), reason
    assert not voice.stops


def test_a_log_goes_on_until_the_reader_leaves(web: WebHouse, voice: Speaking) -> None:
    with web.client(web.token(Scope.PLAN)).stream("GET", PATH, params={"follow": "1"}) as answer:
        assert answer.status_code == 200
        lines = answer.iter_lines()
        voice.say("one\n", "two\n")
        assert [next(lines), next(lines)] == ["one", "two"]
        voice.say("three\n")
        assert next(lines) == "three"
        assert not voice.stops[0].is_set()
    wait_until(voice.stops[0].is_set, "the reader's leaving to be noticed")


def test_a_reader_whose_token_is_revoked_reads_no_further(tmp_path: Path) -> None:
    web = WebHouse(tmp_path, heartbeat=0.05)
    web.house.commit({"one": {"size": 1}})
    web.reconcile()
    web.start()
    speaking = Speaking.of(web)
    token, about = web.access.issue("reader", (Scope.PLAN,), None, "tester")
    with web.client(token).stream("GET", PATH, params={"follow": "1"}) as answer:
        lines = answer.iter_lines()
        speaking.say("before\n")
        assert next(lines) == "before"
        web.access.revoke(about.id, "tester")
        assert list(lines) == []
    wait_until(speaking.stops[0].is_set, "the flow to end")
    web.end()


def test_there_are_only_so_many_readers(web: WebHouse, voice: Speaking, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outflow, "FLOWS", 1)
    with web.operator().stream("GET", PATH, params={"follow": "1"}) as first:
        voice.say("one\n")
        lines = first.iter_lines()
        assert next(lines) == "one"
        second = web.operator().get(PATH, params={"follow": "1"})
        assert (second.status_code, second.json()["code"]) == (503, "busy")
        assert voice.stops[1].is_set()
    wait_until(voice.stops[0].is_set, "the first reader's leaving to be noticed")
    with web.operator().stream("GET", PATH, params={"follow": "1"}) as third:
        assert next(third.iter_lines()) == "one"


def test_a_controller_that_ends_lets_its_readers_go(web: WebHouse, voice: Speaking) -> None:
    with web.operator().stream("GET", PATH, params={"follow": "1"}) as answer:
        voice.say("one\n")
        lines = answer.iter_lines()
        assert next(lines) == "one"
        web.stop.set()
        assert list(lines) == []
    assert voice.stops[0].is_set()
