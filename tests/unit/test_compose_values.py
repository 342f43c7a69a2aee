"""The small parsers of Compose's values, and laws that hold for every one of them."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.clients.compose import canonical_service, format_duration, parse_bytes, parse_duration, parse_port, split_words
from controller.clients.compose.data import plain_value
from controller.clients.compose.findings import Invalid
from controller.clients.compose.text import text_of

SECOND = 1_000_000_000


@pytest.mark.parametrize(
    ("text", "nanoseconds", "shown", "reason"),
    [
        ("90s", 90 * SECOND, "1m30s", "seconds become minutes"),
        ("1.5m", 90 * SECOND, "1m30s", "fractions"),
        ("1h", 3600 * SECOND, "1h0m0s", "Go always shows the smaller units"),
        ("1d", 86400 * SECOND, "24h0m0s", "days are Compose's own"),
        ("2w", 14 * 86400 * SECOND, "336h0m0s", "weeks too"),
        ("250ms", SECOND // 4, "250ms", "below a second"),
        ("1500ms", 3 * SECOND // 2, "1.5s", "a fraction of a second"),
        ("10us", 10_000, "10µs", "micro"),
        ("0", 0, "0s", "the only number without a unit"),
        ("-5s", -5 * SECOND, "-5s", "a sign"),
        ("1h30m5.25s", 5405 * SECOND + SECOND // 4, "1h30m5.25s", "several units"),
    ],
)
def test_durations(text: str, nanoseconds: int, shown: str, reason: str) -> None:
    assert parse_duration(text) == nanoseconds, reason
    assert format_duration(nanoseconds) == shown, reason


@pytest.mark.parametrize("text", ["", "5", " 5s", "5 s", "s", ".", "1x", "5s ", "--5s", "9999999999w"])
def test_broken_durations(text: str) -> None:
    with pytest.raises(Invalid):
        parse_duration(text)


@given(st.integers(min_value=-(2**62), max_value=2**62))
def test_a_duration_reads_back(nanoseconds: int) -> None:
    assert parse_duration(format_duration(nanoseconds)) == nanoseconds


@pytest.mark.parametrize(
    ("text", "size", "reason"),
    [
        ("1k", 1024, "units are binary"),
        ("1KB", 1024, "whatever they look like"),
        ("1 KiB", 1024, "a space"),
        ("1.5g", 3 * 2**29, "fractions"),
        ("1024", 1024, "plain bytes"),
        ("7b", 7, "bytes"),
        ("-1", -1, "unlimited"),
        (5, 5, "a number"),
    ],
)
def test_sizes(text: str | int, size: int, reason: str) -> None:
    assert parse_bytes(text) == size, reason


@pytest.mark.parametrize("text", ["", "g", "1x", "1,5g", "-2", "1kib2", "1_000", " 1", "1mbb"])
def test_broken_sizes(text: str) -> None:
    with pytest.raises(Invalid):
        parse_bytes(text)


@pytest.mark.parametrize(
    ("spec", "ports", "reason"),
    [
        ("80", [("", 80, "", "tcp")], "any free port of the host"),
        ("8080:80/udp", [("", 80, "8080", "udp")], "a protocol"),
        ("127.0.0.1:8080:80", [("127.0.0.1", 80, "8080", "tcp")], "an address"),
        ("[::1]:1:2", [("::1", 2, "1", "tcp")], "an address in brackets"),
        ("127.0.0.1::80", [("127.0.0.1", 80, "", "tcp")], "an address and any port"),
        ("8000-8001:90-91", [("", 90, "8000", "tcp"), ("", 91, "8001", "tcp")], "two ranges of one length"),
        ("8000-8001:90", [("", 90, "8000-8001", "tcp")], "one of several ports of the host"),
        ("98-101", [("", 100, "", "tcp"), ("", 101, "", "tcp"), ("", 98, "", "tcp"), ("", 99, "", "tcp")], "sorted as text"),
    ],
)
def test_ports(spec: str, ports: list[tuple[str, int, str, str]], reason: str) -> None:
    found = [(port.get("host_ip", ""), port["target"], port.get("published", ""), port["protocol"]) for port in parse_port(spec)]
    assert found == ports, reason


@pytest.mark.parametrize(
    "spec", ["", ":", "a", "80:a", "1-3:1-2", "3-1", "70000", "0", "80/xyz", "host:1:2", "+80", "1:2/tcp/udp"]
)
def test_broken_ports(spec: str) -> None:
    with pytest.raises(Invalid):
        parse_port(spec)


@pytest.mark.parametrize(
    ("line", "words", "reason"),
    [
        ("a  'b c' \"d e\"", ["a", "b c", "d e"], "quotes group"),
        ("a\\ b 'c\\d'", ["a b", "c\\d"], "a backslash outside single quotes"),
        ("sh -c 'x && y'", ["sh", "-c", "x && y"], "operators in quotes are text"),
        ("a && b", ["a"], "operators end the command, as in Compose"),
        ("run $(x y) `z w`", ["run", "$(x y)", "`z w`"], "substitutions stay text"),
        ("'' \"\"", ["", ""], "empty words"),
        ("", [], "nothing"),
    ],
)
def test_words(line: str, words: list[str], reason: str) -> None:
    assert split_words(line) == words, reason


@given(st.lists(st.text("ab \"'\\$;|&<>()`\t-é", max_size=6), max_size=5))
def test_quoted_words_come_back(words: list[str]) -> None:
    line = " ".join("'" + word.replace("'", "'\\''") + "'" for word in words)
    assert split_words(line) == words


@pytest.mark.parametrize(
    ("written", "value", "reason"),
    [
        ("0777", 511, "a leading zero means octal"),
        ("-010", -8, "with a sign"),
        ("0o17", 15, "the new way to say octal"),
        ("0x1F", 31, "hexadecimal"),
        ("0b11", 3, "binary"),
        ("1_000", 1000, "separators"),
        ("09", 9.0, "not octal, but a number"),
        ("012.5", 12.5, "a fraction"),
        ("2026-11-22", "2026-11-22 00:00:00 +0000 UTC", "a date as Go prints it"),
        ("2026-11-22T10:00:00.50+02:00", "2026-11-22 10:00:00.5 +0200 +0200", "a moment with a zone"),
        ("22:22", "22:22", "a port mapping, not a number to the base of 60"),
        ("1.2.3", "1.2.3", "a version"),
    ],
)
def test_plain_spellings_are_read_as_compose_reads_them(written: str, value: object, reason: str) -> None:
    assert plain_value(written) == value, reason


@pytest.mark.parametrize(
    ("value", "text", "reason"),
    [
        (1.0, "1", "whole"),
        (1.10, "1.1", "trailing zeros are gone"),
        (100000.0, "100000", "below a million"),
        (1000000.0, "1e+06", "from a million on"),
        (12345678.9, "1.23456789e+07", "with digits"),
        (0.0001, "0.0001", "small"),
        (0.00001, "1e-05", "smaller"),
        (2**64, "1.8446744073709552e+19", "too large for an integer"),
        (-5, "-5", "a sign"),
        (True, "true", "a flag"),
        (None, "", "nothing"),
    ],
)
def test_numbers_become_text_as_in_go(value: object, text: str, reason: str) -> None:
    assert text_of(value) == text, reason


_SERVICES: list[dict[str, Any]] = [
    {"image": "x", "command": "a 'b c'", "ports": ["80:80", "1-2:3-4/udp"], "environment": ["A", "B=$$x"], "labels": ["l=1"]},
    {"image": "x", "volumes": ["./a:/a:ro", "v:/v", "/x:/y:z,rslave"], "ulimits": {"n": 5, "m": {"soft": 1, "hard": 2}}},
    {
        "image": "x",
        "healthcheck": {"test": "x", "interval": "1d"},
        "mem_limit": "1g",
        "cpus": "0.5",
        "tmpfs": "/t",
        "dns": "1.1.1.1",
    },
    {
        "image": "x",
        "deploy": {"resources": {"reservations": {"devices": [{"capabilities": ["gpu"]}]}}},
        "gpus": "all",
        "scale": 2,
    },
    {
        "image": "x",
        "secrets": ["s", {"source": "t", "mode": 288}],
        "configs": ["c"],
        "extra_hosts": {"a": "::1"},
        "devices": ["/d"],
    },
]


@pytest.mark.parametrize("service", _SERVICES)
def test_the_canonical_form_is_its_own_canonical_form(service: dict[str, Any]) -> None:
    once = canonical_service(service)
    written = json.loads(json.dumps(once).replace("$", "$$"))
    assert canonical_service({key: value for key, value in written.items() if value is not None}) == once
