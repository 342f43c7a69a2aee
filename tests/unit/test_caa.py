"""What CAA records mean: who may issue, for which names, by which proofs."""

from __future__ import annotations

import pytest

from controller.clients.dns.caa import Forbidden, Property, judged

LE = ("letsencrypt.org",)
HTTP = ("http-01", "tls-alpn-01")


def record(tag: str, value: str, flags: int = 0) -> Property:
    return Property(flags, tag, value)


ALLOWED = (
    pytest.param([], False, id="nobody says anything"),
    pytest.param([record("iodef", "mailto:me@home.test")], False, id="a record that is about something else"),
    pytest.param([record("issue", "other.test"), record("issue", "LetsEncrypt.org")], False, id="one of several, in any case"),
    pytest.param([record("issue", "letsencrypt.org; accounturi=https://x/1")], False, id="an account cannot be judged here"),
    pytest.param([record("issue", "letsencrypt.org;validationmethods=http-01")], False, id="by the proof that is used"),
    pytest.param([record("issuewild", ";")], False, id="stars are not this host's business"),
    pytest.param([record("issue", "letsencrypt.org")], True, id="a star falls back on the host's"),
    pytest.param([record("issue", ";"), record("issuewild", "letsencrypt.org")], True, id="a star has its own word"),
    pytest.param([record("issue", "letsencrypt.org"), record("future", "x")], False, id="unknown and not critical"),
    pytest.param([record("iodef", "mailto:me@home.test", 128), record("issue", LE[0])], False, id="known and critical"),
)
"""Records, and whether a star is asked for; reason: the authority may issue."""


@pytest.mark.parametrize(("found", "wildcard"), ALLOWED)
def test_it_may(found: list[Property], wildcard: bool) -> None:
    assert judged("home.test", found, LE, HTTP, wildcard=wildcard) is None


FORBIDDEN = (
    pytest.param([record("issue", "other.test")], False, False, id="another authority"),
    pytest.param([record("issue", ";")], False, False, id="nobody at all"),
    pytest.param([record("issue", "")], False, False, id="nobody, said with nothing"),
    pytest.param([record("issue", "letsencrypt.org; validationmethods=dns-01")], False, False, id="by another proof only"),
    pytest.param([record("issue", "letsencrypt.org"), record("issuewild", ";")], True, False, id="no stars"),
    pytest.param([record("issue", "letsencrypt.org"), record("future", "x", 128)], False, True, id="critical and unknown"),
    pytest.param([record("issue", "letsencrypt.org.evil.test")], False, False, id="a name that only begins like it"),
)
"""Records, whether a star is asked for, and whether the reason is a critical record; reason: the authority must not issue."""


@pytest.mark.parametrize(("found", "wildcard", "critical"), FORBIDDEN)
def test_it_must_not(found: list[Property], wildcard: bool, critical: bool) -> None:
    answer = judged("home.test", found, LE, HTTP, wildcard=wildcard)
    assert isinstance(answer, Forbidden)
    assert (answer.at, answer.critical) == ("home.test", critical)
    assert answer.record in " and ".join(map(str, found)) or critical
