"""What ZoneEdit says, and what is understood: tags that are not XML, and answers that are no tags."""

from __future__ import annotations

import pytest

from controller.clients.zoneedit.replies import (
    BadToken,
    NotDynamic,
    Reply,
    TooSoon,
    Uncertain,
    UnknownCause,
    judge,
    parse,
    shared_out,
    wordless,
)
from controller.core.errors import Permanent, ProviderError, Transient

ZONE, NOW = "example.net", 1000.0


def error(code: str, text: str, *rest: str) -> str:
    return " ".join([f'<ERROR CODE="{code}" TEXT="{text}"', *rest]) + ">"


@pytest.mark.parametrize(
    ("body", "expected", "reason"),
    [
        ('<SUCCESS CODE="200" TEXT="plex.example.net updated to 192.0.2.7" ZONE="example.net">', None, "as captured"),
        ('<SUCCESS CODE="201" TEXT="No records need updating." ZONE="example.net" />', None, "closed, and already so"),
        ('<SUCCESS ZONE = "example.net" TEXT = "Update succeeded." CODE = "200" >', None, "another order, blanks around ="),
        ('<success code="200" text="ok">', None, "small letters"),
        ('  \n<SUCCESS CODE="200" TEXT="a > b">\n', None, "a bracket inside a text ends nothing"),
        (error("701", "Zone is not set up in this account.", 'ZONE="example.net"'), Permanent, "no such zone"),
        (error("702", "Minimum 600 seconds between requests", 'PARAM="600"', 'ZONE="example.net"'), TooSoon, "the limit"),
        (error("702", "zone LOCKED", 'PARAM="10"'), Transient, "locked after a change"),
        (error("702", "Update failed.", 'ZONE="example.net"', 'HOST="plex.example.net"'), UnknownCause, "holds the word Update"),
        (error("703", "No rdata specified", 'ZONE=""'), Permanent, "our own mistake"),
        (error("704", "Zone must be a valid 'dotted' internet name."), Permanent, "our own mistake"),
        (error("705", "Zone cannot be empty"), Permanent, "our own mistake"),
        (error("707", "Duplicate updates for the same host/ip, adjust client settings"), None, "already so"),
        (error("707", "Too frequent updates for the same host, adjust client settings"), TooSoon, "the same code, too often"),
        (error("708", "Failed Login: homelab", 'ZONE="plex.example.net"'), BadToken, "wrong token"),
        (error("709", "Invalid hostname"), NotDynamic, "not a DYN record"),
        (error("799", "Something new SUCCESS"), UnknownCause, "an error that nobody has seen, with a promising word"),
        ('<SUCCESS CODE="702" TEXT="what?">', Uncertain, "a success with a code that is none"),
        ('<SUCCESS TEXT="no code">', Uncertain, "a success without a code"),
        ('<ERROR TEXT="no code">', UnknownCause, "an error without a code"),
    ],
)
def test_a_tag_is_understood(body: str, expected: type[ProviderError] | None, reason: str) -> None:
    (reply,) = parse(body)
    found = judge(reply, ZONE, NOW)
    assert (type(found) if found is not None else None) is expected, reason


@pytest.mark.parametrize(
    ("body", "expected", "reason"),
    [
        ("", Uncertain, "nothing at all"),
        ("<html><body>SUCCESS is near</body></html>", Uncertain, "a page that holds the word"),
        ("UPDATE SUCCESS CODE=200", Uncertain, "the words without a tag"),
        ("<SUCCESS CODE=200 TEXT=ok", Uncertain, "half a tag"),
        ('<SUCCESSFUL CODE="200">', Uncertain, "another tag"),
        ("NOACCESS", BadToken, "the other interface's word for a wrong login"),
        ("<b>NO_AUTH</b>", BadToken, "the same, in bold"),
        ("NOSERVICE", Permanent, "dynamic DNS is not switched on"),
        ("ILLEGAL INPUT", Permanent, "our own mistake"),
        ("TOOSOON", TooSoon, "ten minutes have not passed"),
        ("NOACCESS to the moon", Uncertain, "never a part of a sentence"),
    ],
)
def test_an_answer_without_a_tag_is_never_a_success(body: str, expected: type[ProviderError], reason: str) -> None:
    assert parse(body) == (), reason
    assert type(wordless(body, ZONE, NOW)) is expected, reason


@pytest.mark.parametrize(
    ("body", "until", "zone", "reason"),
    [
        (error("702", "Minimum 600 seconds between requests", 'PARAM="600"', 'ZONE="example.net"'), 1600, True, "names the zone"),
        (
            error("702", "Minimum 600 seconds", 'PARAM="600"', 'ZONE="example.net"', 'HOST="a.b.net"'),
            1600,
            False,
            "the host",
        ),
        (error("702", "Minimum 10 seconds between requests", 'PARAM="10"'), 1010, False, "names neither"),
        (error("702", "Minimum 300 seconds between requests", 'PARAM="10"'), 1300, False, "the longer of two"),
        (error("702", "Minimum 300 seconds between requests"), 1300, False, "without a parameter"),
        (error("702", "come back later", 'PARAM="77"'), 1077, False, "the parameter alone"),
        (error("707", "Too frequent updates for the same host"), 1600, False, "as the limit of dynamic hosts"),
    ],
)
def test_a_limit_says_until_when_and_for_whom(body: str, until: float, zone: bool, reason: str) -> None:
    found = judge(parse(body)[0], ZONE, NOW)
    assert isinstance(found, TooSoon)
    assert (found.not_before, found.zone) == (until, zone), reason


def test_a_lock_is_short() -> None:
    found = judge(parse(error("702", "zone LOCKED", 'PARAM="10"'))[0], ZONE, NOW)
    assert isinstance(found, Transient)
    assert found.retry_after == 10.0


@pytest.mark.parametrize(
    ("replies", "expected", "reason"),
    [
        ('<SUCCESS CODE="200" HOST="b"><ERROR CODE="709" HOST="a">', {"a": [709], "b": [200]}, "by name, in any order"),
        ('<SUCCESS CODE="200" ZONE="z"> <ERROR CODE="709" ZONE="z">', {"a": [200], "b": [709]}, "without names, in order"),
        ('<ERROR CODE="708" ZONE="a">', {"a": [708], "b": [708]}, "one refusal is for all"),
        ('<SUCCESS CODE="200" ZONE="z">', {"a": [], "b": []}, "one success is not: whose is it?"),
        ('<SUCCESS CODE="200" HOST="b">', {"a": [], "b": [200]}, "a named success is that host's alone"),
    ],
)
def test_an_answer_for_several_hosts_is_shared_out(replies: str, expected: dict[str, list[int]], reason: str) -> None:
    found = shared_out(parse(replies), ["a", "b"])
    assert {host: [reply.code for reply in own] for host, own in found.items()} == expected, reason


def test_texts_are_cut() -> None:
    (reply,) = parse(error("702", "x" * 5000))
    assert reply == Reply(False, 702, "x" * 256)
    assert len(str(wordless("y" * 5000, ZONE, NOW))) < 300
