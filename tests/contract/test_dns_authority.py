"""What authoritative servers say, told apart: real servers, and one on loopback that answers as it is told."""

from __future__ import annotations

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Thread

import dns.flags
import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest

from controller.clients.clock import SystemClock
from controller.clients.dns import authority
from controller.clients.dns.authority import Agreed, Answer, Disagreed, Untold, Verdict, ask, folded
from controller.clients.dns.servers import Server, Servers, read_server
from controller.core.errors import Transient
from tests.support.clock import HandClock
from tests.support.dns import HOST, DnsServers, free_port

Reply = Callable[[dns.message.Message], dns.message.Message | None]


@contextmanager
def answering(reply: Reply) -> Iterator[tuple[Server, list[str]]]:
    """A server that answers as a function does (None = not at all), and the questions it heard."""
    heard: list[str] = []
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.bind((HOST, 0))

        def serve() -> None:
            while True:
                content, client = line.recvfrom(4096)
                if not content:
                    return
                query = dns.message.from_wire(content)
                assert not query.flags & dns.flags.RD, "nothing may be looked up for us"
                heard.append(query.question[0].to_text())
                answer = reply(query)
                if answer is not None:
                    line.sendto(answer.to_wire(), client)

        thread = Thread(target=serve, daemon=True)
        thread.start()
        yield Server(HOST, line.getsockname()[1]), heard
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
            end.sendto(b"", line.getsockname())
        thread.join(60)


def says(*records: str, aa: bool = True, code: dns.rcode.Rcode = dns.rcode.NOERROR) -> Reply:
    """An answer with records, as text."""

    def reply(query: dns.message.Message) -> dns.message.Message:
        found = dns.message.make_response(query)
        found.flags |= dns.flags.AA if aa else 0
        found.set_rcode(code)
        for record in records:
            name, ttl, kind, value = record.split(" ", 3)
            found.answer.append(dns.rrset.from_text(name, int(ttl), "IN", kind, value))
        return found

    return reply


ANSWERS = [
    (says("a.test. 60 A 192.0.2.1"), Verdict.OK, ("192.0.2.1",), "an answer"),
    (says("A.TEST. 60 A 192.0.2.1"), Verdict.OK, ("192.0.2.1",), "the case of a name means nothing"),
    (says(), Verdict.NODATA, (), "the name has other types"),
    (says(code=dns.rcode.NXDOMAIN), Verdict.NXDOMAIN, (), "no such name"),
    (says("a.test. 60 CNAME b.test."), Verdict.CNAME, (), "an alias is not an address"),
    (says("a.test. 60 CNAME b.test.", "b.test. 60 A 192.0.2.1"), Verdict.CNAME, (), "also with what it points to"),
    (says("a.test. 60 A 192.0.2.1", aa=False), Verdict.LAME, (), "a cache is not asked"),
    (says(aa=False), Verdict.LAME, (), "a server that knows nothing of the zone"),
    (says(code=dns.rcode.REFUSED, aa=False), Verdict.RCODE, (), "refused"),
    (says(code=dns.rcode.SERVFAIL), Verdict.RCODE, (), "failed"),
    (lambda query: None, Verdict.TIMEOUT, (), "silence"),
]


@pytest.mark.parametrize(("reply", "verdict", "values", "reason"), ANSWERS, ids=[each[3] for each in ANSWERS])
def test_answers_are_told_apart(
    reply: Reply, verdict: Verdict, values: tuple[str, ...], reason: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if verdict is Verdict.TIMEOUT:
        monkeypatch.setattr(authority, "TIMEOUT", 0.2)
    with answering(reply) as (server, _):
        found = ask([server], [("a.test", "A")])["a.test", "A"][server]
    assert (found.verdict, found.values) == (verdict, values), reason
    assert found.said or verdict is Verdict.OK


def test_a_port_where_nothing_listens_is_unreachable_at_once() -> None:
    server = Server(HOST, free_port())
    assert ask([server], [("a.test", "A")])["a.test", "A"][server].verdict is Verdict.UNREACHABLE


def test_a_silent_server_is_not_waited_for_again_and_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(authority, "TIMEOUT", 0.2)
    questions = [(f"n{number}.test", "A") for number in range(40)]
    with answering(lambda query: None) as (server, heard):
        found = ask([server], questions)
    assert {each[server].verdict for each in found.values()} == {Verdict.TIMEOUT}
    assert len(set(heard)) < len(questions), "most were not asked any more"


def test_an_answer_that_is_too_long_comes_over_tcp(name_servers: DnsServers) -> None:
    server = name_servers.bind
    zone = server.fresh()
    values = tuple(f"192.0.2.{number}" for number in range(90))
    server.edit(zone, f"many.{zone}", "A", *values)
    place = Server(HOST, server.port)
    found = ask([place], [(f"many.{zone}", "A")])[f"many.{zone}", "A"][place]
    assert found.verdict is Verdict.OK
    assert set(found.values) == set(values)


def test_literal_wildcards_are_asked_and_told_from_names(name_servers: DnsServers) -> None:
    server = name_servers.knot
    zone = server.fresh()
    server.edit(zone, f"own.wild.{zone}", "A", "192.0.2.5")
    place = Server(HOST, server.port)
    names = [f"*.wild.{zone}", f"any.wild.{zone}", f"deep.any.wild.{zone}", f"own.wild.{zone}", f"mail.{zone}"]
    found = ask([place], [(name, "A") for name in names], zone)
    star = f"*.wild.{zone}"
    assert {name: found[name, "A"][place].wildcard for name in names} == dict.fromkeys(names, "") | {
        names[1]: star,
        names[2]: star,
    }
    assert found[star, "A"][place].values == ("192.0.2.99",)


ONE, TWO, THREE = (Server(HOST, port) for port in (1, 2, 3))
OK, OTHER = Answer(Verdict.OK, ("192.0.2.1",), 60), Answer(Verdict.OK, ("192.0.2.2",), 30)
GONE, SILENT = Answer(Verdict.NXDOMAIN, said="there is no such name"), Answer(Verdict.TIMEOUT, said="does not answer")
LAME = Answer(Verdict.LAME, said="does not serve the zone")
FOLDS = [
    ({ONE: OK, TWO: OK}, Agreed(("192.0.2.1",), 60), "all say the same"),
    ({ONE: OK, TWO: SILENT}, Agreed(("192.0.2.1",), 60, (f"{TWO}: does not answer",)), "a silent one does not hold it up"),
    (
        {ONE: OK, TWO: LAME},
        Agreed(("192.0.2.1",), 60, (f"{TWO}: does not serve the zone",)),
        "a lame one is a finding of its own",
    ),
    ({ONE: GONE, TWO: GONE}, Agreed((), 0), "all say that there is none"),
    ({ONE: OK, TWO: OTHER}, Disagreed(f"{ONE} says 192.0.2.1; {TWO} says 192.0.2.2"), "a change is on its way"),
    ({ONE: OK, TWO: GONE}, Disagreed(f"{ONE} says 192.0.2.1; {TWO} says there is no such name"), "so it is here"),
    ({ONE: SILENT, TWO: LAME}, Untold(f"{ONE}: does not answer; {TWO}: does not serve the zone"), "nobody tells"),
    ({}, Untold("the zone has no servers"), "nobody to ask"),
]


@pytest.mark.parametrize(("answers", "wanted", "reason"), FOLDS, ids=[each[2] for each in FOLDS])
def test_what_all_answers_come_to(answers: dict[Server, Answer], wanted: object, reason: str) -> None:
    assert folded(answers) == wanted, reason


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5353", ("192.0.2.1", 5353)),
        ("2001:db8::1", ("2001:db8::1", 53)),
        ("[2001:db8::1]:5353", ("2001:db8::1", 5353)),
        ("ns1.example.net", ("ns1.example.net", 53)),
        ("ns1.example.net:5353", ("ns1.example.net", 5353)),
    ],
)
def test_a_server_is_read_as_people_write_it(text: str, wanted: tuple[str, int]) -> None:
    assert read_server(text) == wanted


@pytest.mark.parametrize("text", ["", "192.0.2.1:0", "192.0.2.1:70000", "a b", "[::1", "http://192.0.2.1/"])
def test_what_is_no_server_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="not a server"):
        read_server(text)


def test_the_servers_of_a_zone_are_those_that_it_names(name_servers: DnsServers, monkeypatch: pytest.MonkeyPatch) -> None:
    server = name_servers.bind
    zone, clock = server.fresh(), HandClock()

    class Lab(dns.resolver.Resolver):
        """A machine whose resolver is our server."""

        def __init__(self) -> None:
            super().__init__(configure=False)
            self.nameservers = [HOST]
            self.port = server.port

    monkeypatch.setattr(dns.resolver, "Resolver", Lab)
    servers = Servers(clock)
    found = (Server("192.0.2.1", 53, f"ns1.{zone}"), Server("192.0.2.2", 53, f"ns2.{zone}"))
    assert servers.of(zone) == found
    server.edit(zone, f"ns2.{zone}", "A", "192.0.2.3")
    assert servers.of(zone) == found, "kept for a while"
    clock.advance(700)
    assert servers.of(zone)[1].address == "192.0.2.3"
    with pytest.raises(Transient, match="cannot be found"):
        servers.of("nowhere.test")


def test_a_server_whose_name_has_no_address_is_told() -> None:
    with pytest.raises(Transient, match="of the name server nowhere"):
        Servers(SystemClock(), [("nowhere.invalid", 53)]).of("example.net")
