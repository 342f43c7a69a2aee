"""What the authoritative servers of a zone say, each asked directly: no cache in between, none filled by asking."""

from __future__ import annotations

import socket
from collections.abc import Collection, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING

from controller.clients.dns.servers import Server
from controller.clients.dns.values import shown

if TYPE_CHECKING:
    import dns.message
    import dns.rdata

TIMEOUT = 2.0
"""Seconds for one answer; a silent server is asked twice."""
_TRIES = 2
_GIVE_UP = 2
_WORKERS = 16
_PAYLOAD = 1232

Question = tuple[str, str]
"""Full name and record type."""


class Verdict(StrEnum):
    """How one server answers: with the records, without any of this type, with no such name, with an alias; or it does not serve
    the zone, refuses, is silent, or cannot be reached."""

    OK = "ok"
    NODATA = "nodata"
    NXDOMAIN = "nxdomain"
    CNAME = "cname"
    LAME = "lame"
    RCODE = "rcode"
    TIMEOUT = "timeout"
    UNREACHABLE = "unreachable"

    @property
    def tells(self) -> bool:
        """True when the server says what is in the zone."""
        return self in (Verdict.OK, Verdict.NODATA, Verdict.NXDOMAIN, Verdict.CNAME)


@dataclass(frozen=True, slots=True)
class Answer:
    """One server's answer to one question. `values` are canonical and sorted, `said` explains all but `ok`; `wildcard` names the
    wildcard record that holds the very same, so that the name itself may not exist."""

    verdict: Verdict
    values: tuple[str, ...] = ()
    ttl: int = 0
    said: str = ""
    wildcard: str = ""


@dataclass(frozen=True, slots=True)
class Agreed:
    """Every server that tells says the same (no values = not there). `trouble` names servers that do not tell."""

    values: tuple[str, ...]
    ttl: int
    trouble: tuple[str, ...] = ()
    wildcard: str = ""


@dataclass(frozen=True, slots=True)
class Disagreed:
    """Two servers say different things: a change is on its way, or one is stale."""

    why: str


@dataclass(frozen=True, slots=True)
class Untold:
    """No server tells."""

    why: str


Said = Agreed | Disagreed | Untold


def ask(servers: Collection[Server], questions: Iterable[Question], zone: str = "") -> dict[Question, dict[Server, Answer]]:
    """Every server's answer to every question, in parallel. With `zone`, the wildcards of that zone are asked too, for each name
    that has an answer: see `Answer.wildcard`. Never raises."""
    asked = dict.fromkeys(questions)
    found = _round(servers, asked)
    if not zone:
        return found
    above = {question: list(_wildcards(question, zone)) for question in asked if _has_answer(found[question])}
    stars = _round(servers, {star for several in above.values() for star in several} - found.keys())
    stars.update({question: answers for question, answers in found.items() if question[0].startswith("*.")})
    for question, several in above.items():
        for server, answer in found[question].items():
            # The one furthest up is the one that exists: those below it are answered from it too.
            same = [
                star for star, _ in several if (star, question[1]) in stars and _equal(stars[star, question[1]][server], answer)
            ]
            found[question][server] = replace(answer, wildcard=same[-1] if same else "")
    return found


def folded(answers: Mapping[Server, Answer]) -> Said:
    """What all answers come to."""
    telling = {server: answer for server, answer in answers.items() if answer.verdict.tells}
    trouble = tuple(f"{server}: {answer.said}" for server, answer in answers.items() if not answer.verdict.tells)
    if not telling:
        return Untold("; ".join(trouble) or "the zone has no servers")
    if len({answer.values for answer in telling.values()}) > 1:
        return Disagreed("; ".join(f"{server} says {', '.join(each.values) or each.said}" for server, each in telling.items()))
    answers_of_all = list(telling.values())
    wildcard = next((each.wildcard for each in answers_of_all if each.wildcard), "")
    return Agreed(answers_of_all[0].values, min(each.ttl for each in answers_of_all), trouble, wildcard)


def _round(servers: Collection[Server], questions: Iterable[Question]) -> dict[Question, dict[Server, Answer]]:
    questions = list(questions)
    lines = {server: _Line(server) for server in servers}
    jobs = [(question, server) for question in questions for server in servers]
    found: dict[Question, dict[Server, Answer]] = {question: {} for question in questions}
    if len(jobs) <= 1:
        for question, server in jobs:
            found[question][server] = lines[server].ask(question)
        return found
    with ThreadPoolExecutor(max_workers=min(_WORKERS, len(jobs)), thread_name_prefix="dns") as pool:
        for (question, server), answer in zip(jobs, pool.map(lambda job: lines[job[1]].ask(job[0]), jobs), strict=True):
            found[question][server] = answer
    return found


class _Line:
    """One server during one round: once it was silent twice it is not waited for again."""

    def __init__(self, server: Server) -> None:
        self._server = server
        self._silent = 0

    def ask(self, question: Question) -> Answer:
        if self._silent >= _GIVE_UP:
            return Answer(Verdict.TIMEOUT, said="does not answer")
        answer = _one(self._server, question)
        if answer.verdict is Verdict.TIMEOUT:
            self._silent += 1
        return answer


def _one(server: Server, question: Question) -> Answer:
    import dns.exception
    import dns.flags
    import dns.message
    import dns.name
    import dns.query

    query = dns.message.make_query(dns.name.from_text(question[0]), question[1], use_edns=0, payload=_PAYLOAD)
    query.flags &= ~dns.flags.RD
    for _ in range(_TRIES):
        try:
            with _socket(server) as line:
                reply, _ = dns.query.udp_with_fallback(query, server.address, TIMEOUT, server.port, udp_sock=line)
        except dns.exception.Timeout:
            continue
        except OSError as error:
            return Answer(Verdict.UNREACHABLE, said=f"cannot be reached: {error.strerror or error}")
        except dns.exception.DNSException as error:
            return Answer(Verdict.RCODE, said=f"answers nonsense: {error}")
        return _read(reply, question)
    return Answer(Verdict.TIMEOUT, said="does not answer")


def _socket(server: Server) -> socket.socket:
    """A connected one: it hears from no other server, and at once when nothing listens there."""
    line = socket.socket(socket.AF_INET6 if ":" in server.address else socket.AF_INET, socket.SOCK_DGRAM)
    try:
        line.setblocking(False)
        line.connect((server.address, server.port))
    except OSError:
        line.close()
        raise
    return line


def _read(reply: dns.message.Message, question: Question) -> Answer:
    import dns.flags
    import dns.name
    import dns.rcode
    import dns.rdataclass
    import dns.rdatatype

    name, kind = dns.name.from_text(question[0]), dns.rdatatype.from_text(question[1])
    code = reply.rcode()
    if code not in (dns.rcode.NOERROR, dns.rcode.NXDOMAIN):
        return Answer(Verdict.RCODE, said=f"answers {dns.rcode.to_text(code)}")
    section = reply.answer
    if not reply.flags & dns.flags.AA:
        if kind != dns.rdatatype.NS or reply.answer:
            return Answer(Verdict.LAME, said="does not serve the zone, or refers to another server")
        section = reply.authority  # the delegation itself is only ever shown as a referral
    found = next((each for each in section if each.name == name and each.rdtype == kind), None)
    if found is not None:
        return Answer(Verdict.OK, canonical_set(question[1], found), int(found.ttl))
    if section is reply.authority:
        return Answer(Verdict.LAME, said="refers to another server")
    alias = next((each for each in reply.answer if each.name == name and each.rdtype == dns.rdatatype.CNAME), None)
    if alias is not None:
        return Answer(Verdict.CNAME, said=f"it is an alias of {alias[0].to_text()}")
    if code == dns.rcode.NXDOMAIN:
        return Answer(Verdict.NXDOMAIN, said="there is no such name")
    return Answer(Verdict.NODATA, said=f"there is no {question[1]} of this name")


def canonical_set(record_type: str, rdatas: Iterable[dns.rdata.Rdata]) -> tuple[str, ...]:
    """The canonical values of a set of the library's records, sorted."""
    return tuple(sorted(shown(record_type, rdata.to_text()) for rdata in rdatas))


def _wildcards(question: Question, zone: str) -> Iterable[Question]:
    """The literal wildcards that could stand for a name, nearest first."""
    name = question[0]
    while name != zone and "." in name:
        name = name.partition(".")[2]
        if f"*.{name}" != question[0]:
            yield f"*.{name}", question[1]


def _has_answer(answers: Mapping[Server, Answer]) -> bool:
    return any(answer.verdict is Verdict.OK for answer in answers.values())


def _equal(one: Answer, other: Answer) -> bool:
    return one.verdict is Verdict.OK and one.values == other.values and one.ttl == other.ttl
