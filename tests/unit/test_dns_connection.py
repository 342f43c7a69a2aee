"""DNS connections as homelab.yaml declares them: what is wrong is told where it is written, nothing connects."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from controller.clients.dns.servers import Server
from controller.core.errors import Problem, Rejected
from controller.core.ports import Adapts, Batches, Clock, Follows, Gates, Watches
from controller.core.state import Target, Unknown
from controller.kinds.record import RecordProvider, authority, open_powerdns, open_rfc2136
from tests.support.clock import HandClock


@dataclass
class Tools:
    """What a provider is given; secrets are references, as in the controller."""

    state: Path
    clock: Clock

    def secret(self, declared: Mapping[str, Any], field: str) -> Callable[[], str]:
        if not isinstance(declared.get(field), Mapping):
            raise Rejected([Problem((field,), f"{field} must be a reference to a secret")])
        return lambda: "c2VjcmV0"


@pytest.fixture
def tools(tmp_path: Path) -> Tools:
    return Tools(tmp_path, HandClock())


REF = {"ref": "dns/key"}
KEY = {"name": "homelab", "secret": REF}
RFC2136 = {"type": "rfc2136", "server": "192.0.2.53"}
POWERDNS = {"type": "powerdns", "url": "http://192.0.2.60:8081", "key": REF}


@pytest.mark.parametrize(
    ("declared", "reason"),
    [
        (RFC2136, "a server that believes addresses"),
        ({**RFC2136, "server": "ns1.example.net:5353", "key": KEY, "transfer": False}, "by name, with a key"),
        (
            {**RFC2136, "key": {**KEY, "algorithm": "hmac-sha512"}, "servers": ["192.0.2.53", "[2001:db8::1]:53"]},
            "several servers",
        ),
        ({**RFC2136, "servers": "delegated", "propagation": 90}, "those of the zone"),
        (POWERDNS, "its interface"),
        ({**POWERDNS, "url": "https://dns.example.net/", "server": "main", "servers": []}, "believed alone"),
        ({**POWERDNS, "public_ip_sources": ["http://127.0.0.1/a", "http://127.0.0.1/b"]}, "sources of its own"),
    ],
)
def test_a_good_connection_opens_without_connecting(declared: Mapping[str, Any], reason: str, tools: Tools) -> None:
    opened = (open_rfc2136 if declared["type"] == "rfc2136" else open_powerdns)("dns", declared, tools)
    provider: object = opened["record"]
    assert isinstance(provider, RecordProvider), reason
    for ability in (Adapts, Batches, Follows, Gates, Watches):
        assert isinstance(provider, ability)
    provider.close()


@pytest.mark.parametrize(
    ("declared", "path", "reason"),
    [
        ({"type": "rfc2136"}, ("server",), "which server?"),
        ({**RFC2136, "server": 53}, ("server",), "a number is no server"),
        ({**RFC2136, "server": "192.0.2.53:99999"}, ("server",), "no such port"),
        ({**RFC2136, "host": "x"}, ("host",), "a field that nobody knows"),
        ({**RFC2136, "key": "c2VjcmV0"}, ("key",), "the secret itself"),
        ({**RFC2136, "key": {"name": "homelab"}}, ("key",), "a key without a secret"),
        ({**RFC2136, "key": {**KEY, "secret": "c2VjcmV0"}}, ("key", "secret"), "the secret in plain text"),
        ({**RFC2136, "key": {**KEY, "algorithm": "rot13"}}, ("key", "algorithm"), "an algorithm that nobody knows"),
        ({**RFC2136, "key": {**KEY, "id": 1}}, ("key", "id"), "a field of the key"),
        ({**RFC2136, "transfer": "yes"}, ("transfer",), "a word for true"),
        ({**RFC2136, "servers": "192.0.2.53"}, ("servers",), "one is a list too"),
        ({**RFC2136, "servers": ["192.0.2.53", "a b"]}, ("servers", 1), "the second is no server"),
        ({**RFC2136, "propagation": 0}, ("propagation",), "no time at all"),
        ({**RFC2136, "propagation": True}, ("propagation",), "true is no time"),
        ({**RFC2136, "public_ip_sources": ["https://a.example"]}, ("public_ip_sources",), "one source cannot agree"),
        ({**RFC2136, "public_ip_sources": ["https://a.example", "ftp://b.example"]}, ("public_ip_sources",), "no web service"),
        ({"type": "powerdns", "key": REF}, ("url",), "where?"),
        ({**POWERDNS, "url": "ftp://192.0.2.60"}, ("url",), "no web address"),
        ({**POWERDNS, "url": "http://me:pass@192.0.2.60"}, ("url",), "a password in an address"),
        ({**POWERDNS, "url": "http://192.0.2.60:x"}, ("url",), "no port"),
        ({**POWERDNS, "key": "plain"}, ("key",), "the key in plain text"),
        ({**POWERDNS, "server": 1}, ("server",), "a number is no name"),
    ],
)
def test_what_is_wrong_is_told_where_it_is_written(
    declared: Mapping[str, Any], path: tuple[str | int, ...], reason: str, tools: Tools
) -> None:
    with pytest.raises(Rejected) as caught:
        (open_rfc2136 if declared["type"] == "rfc2136" else open_powerdns)("dns", declared, tools)
    assert [problem.path for problem in caught.value.problems] == [path], reason
    assert "c2VjcmV0" not in str(caught.value)


def test_the_servers_to_believe_are_the_primary_unless_others_are_named(tools: Tools) -> None:
    primary = ("192.0.2.53", 53)
    alone = authority({}, primary, tools.clock)
    named = authority({"servers": ["192.0.2.54:5353"]}, primary, tools.clock)
    assert alone is not None
    assert named is not None
    assert alone.of("example.net") == (Server("192.0.2.53"),)
    assert named.of("example.net") == (Server("192.0.2.54", 5353),)
    assert authority({"servers": []}, primary, tools.clock) is None


@pytest.mark.parametrize(
    "declared", [{**RFC2136, "server": "127.0.0.1:9", "key": KEY}, {**POWERDNS, "url": "http://127.0.0.1:9"}]
)
def test_a_secret_that_is_gone_makes_everything_unknown(declared: Mapping[str, Any], tools: Tools) -> None:
    def missing() -> str:
        raise KeyError("dns/key")

    tools.secret = lambda declared, field: missing  # type: ignore[method-assign]
    opened = (open_rfc2136 if declared["type"] == "rfc2136" else open_powerdns)(
        "dns", {**declared, "transfer": True} if "server" in declared else declared, tools
    )
    provider = opened["record"]
    from controller.core.dns import RecordPlace, record_key

    targets = [
        Target(record_key(f"n{number}.example.net", "A"), str(RecordPlace(f"n{number}.example.net", "A", "example.net")))
        for number in range(9)
    ]
    snapshot = provider.observe(targets)
    assert not snapshot.complete
    assert "vault" in snapshot.reason
    assert all(isinstance(snapshot.of(target.key), Unknown) for target in targets)
