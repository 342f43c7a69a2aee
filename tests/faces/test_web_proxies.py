"""A15: what proxies tell counts only from those that a person named."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.core.errors import SettingsError
from controller.usecases.access import TRIES
from controller.web.proxies import Proxies
from tests.support.webhouse import WebHouse

HOUSE = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "localhost", "X-Forwarded-For": "203.0.113.7"}


@pytest.fixture
def behind(tmp_path: Path) -> Iterator[WebHouse]:
    """A house behind a proxy on this machine."""
    web = WebHouse(tmp_path, trusted=["127.0.0.1", "10.0.0.0/8"])
    web.start()
    yield web
    web.end()


def scope(peer: str, **headers: str) -> dict[str, object]:
    given = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http", "client": (peer, 1234), "scheme": "http", "headers": [(b"host", b"inside"), *given]}


@pytest.mark.parametrize(
    ("peer", "told", "expected", "reason"),
    [
        ("192.0.2.9", "203.0.113.7", "192.0.2.9", "nobody named it"),
        ("10.1.2.3", "203.0.113.7", "203.0.113.7", "the visitor"),
        ("10.1.2.3", "198.51.100.1, 203.0.113.7", "203.0.113.7", "what stands further left was written by the visitor"),
        ("10.1.2.3", "203.0.113.7, 10.9.9.9", "203.0.113.7", "through two proxies of ours"),
        ("10.1.2.3", "10.9.9.9, 10.8.8.8", "10.9.9.9", "a visitor in the network of the proxies"),
        ("10.1.2.3", "203.0.113.7, nonsense", "10.1.2.3", "a hop that says nothing ends it"),
        ("10.1.2.3", "203.0.113.7, nonsense, 10.9.9.9", "10.9.9.9", "as far as it can be read"),
        ("10.1.2.3", "203.0.113.7:4711", "203.0.113.7", "with a port"),
        ("10.1.2.3", "[2001:db8::7]:4711", "2001:db8::7", "with a port"),
        ("10.1.2.3", "2001:db8::7", "2001:db8::7", "without"),
        ("::ffff:10.1.2.3", "203.0.113.7", "203.0.113.7", "the same proxy, written otherwise"),
        ("10.1.2.3", "", "10.1.2.3", "the proxy itself"),
    ],
)
def test_a15_the_peer_is_the_last_hop_before_our_own_proxies(peer: str, told: str, expected: str, reason: str) -> None:
    found = Proxies.of(["10.0.0.0/8"]).believed(scope(peer, **({"x_forwarded_for": told} if told else {})))
    assert found["client"][0] == expected, reason


def test_a15_several_lines_are_one_list() -> None:
    asked = scope("10.1.2.3")
    asked["headers"] = [(b"x-forwarded-for", b"198.51.100.1"), (b"x-forwarded-for", b"203.0.113.7")]
    assert Proxies.of(["10.0.0.0/8"]).believed(asked)["client"][0] == "203.0.113.7"


@pytest.mark.parametrize("named", ["proxy.example", "10.0.0.1/8", "10.0.0.0/40", "", "*"])
def test_a_proxy_that_is_no_address_is_named(named: str) -> None:
    with pytest.raises(SettingsError, match="trusted-proxy"):
        Proxies.of([named])


def test_a15_behind_a_trusted_proxy_cookies_are_secure_and_tries_are_the_visitors(behind: WebHouse) -> None:
    page = {"Origin": "https://localhost", "Sec-Fetch-Site": "same-origin"}
    answer = behind.client(**HOUSE, **page).post("/api/v1/session", json={"token": behind.access.invite()})
    assert answer.status_code == 201
    assert answer.headers["set-cookie"].startswith("__Host-homelab-")
    assert "; Secure" in answer.headers["set-cookie"]
    assert "strict-transport-security" in answer.headers
    assert (
        behind.access.sessions(behind.access.session(answer.headers["set-cookie"].partition("=")[2].partition(";")[0]))[  # type: ignore[arg-type]
            0
        ].peer
        == "203.0.113.7"
    )
    plain = {**page, "Origin": "http://localhost"}
    assert behind.client(**HOUSE, **plain).post("/api/v1/session", json={"token": "hlo_x"}).status_code == 403
    one, other = ({**HOUSE, "X-Forwarded-For": f"198.51.100.1, {visitor}"} for visitor in ("203.0.113.7", "203.0.113.8"))
    statuses = [behind.client("hlc_0_0", **one).get("/api/v1/me").status_code for _ in range(TRIES + 1)]
    assert statuses == [401] * TRIES + [429]
    assert behind.client("hlc_0_0", **other).get("/api/v1/me").status_code == 401


@pytest.mark.parametrize(("host", "status"), [("localhost", 200), ("evil.example", 400), ("localhost, evil.example", 400)])
def test_a15_a_trusted_proxy_names_the_host_and_only_one_of_ours_is_answered(behind: WebHouse, host: str, status: int) -> None:
    assert behind.client(**{**HOUSE, "X-Forwarded-Host": host}).get("/livez").status_code == status


def test_a15_a_proxy_cannot_pass_for_the_socket(behind: WebHouse) -> None:
    for told in ("unix", "", "127.0.0.1"):
        assert behind.client(**{**HOUSE, "X-Forwarded-For": told}).post("/api/v1/secrets/exports").status_code == 403
