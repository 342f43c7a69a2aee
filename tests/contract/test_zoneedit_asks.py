"""Which changes at ZoneEdit are made, which are asked of a person, and that the guide says the same."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from controller.clients.dns.values import declared
from controller.core.change import Change
from controller.core.errors import ProviderError
from controller.core.limit import Ask, Limit, Never, Wait, Yes
from tests.contract.zoneedit_site import TOKEN, Site
from tests.support.clock import HandClock
from tests.support.dns import DnsServers
from tests.support.zoneedit import FakeZoneEdit, Published

GUIDE = Path(__file__).resolve().parents[2] / "docs" / "guides" / "zoneedit.md"
OUTCOMES: dict[str, type[Limit]] = {"done": Yes, "waits": Wait, "ask": Ask, "refused": Never}
VALUES = {
    "A": ("192.0.2.1", "192.0.2.2"),
    "AAAA": ("2001:db8::1", "2001:db8::2"),
    "CNAME": ("one.example.org.", "two.example.org."),
    "MX": ("10 mail.example.org.", "20 mx.example.org."),
    "SRV": ("0 5 5060 sip.example.org.", "0 5 5061 sip.example.org."),
    "CAA": ('0 issue "letsencrypt.org"', '0 issue "example.org"'),
    "NS": ("ns1.example.org.", "ns2.example.org."),
    "TXT": ('"one"', '"two"'),
}
ENTERED = {
    "A": ("DYN records", "Host x, IP address 192.0.2.2"),
    "AAAA": ("AAAA records", "Host x, IPv6 address 2001:db8::2"),
    "CNAME": ("CNAME records", "Host x, Points to two.example.org"),
    "MX": ("MX records", "Host x, Priority 20, Mail server mx.example.org"),
    "SRV": ("SRV records", "Host x, Priority 0, Weight 5, Port 5061, Target sip.example.org"),
    "CAA": ("CAA records", 'Host x, Flags 0, Tag issue, Value "example.org"'),
    "NS": ("NS records", "Host x, Name server ns2.example.org"),
}


@pytest.fixture
def site(name_servers: DnsServers, tmp_path: Path) -> Iterator[Site]:
    clock, published = HandClock(), Published(name_servers.bind)
    fake = FakeZoneEdit(published, clock, {published.zone: TOKEN}, {f"x.{published.zone}"})
    published.put(f"x.{published.zone}", "A", "192.0.2.1")
    with fake.serving():
        yield Site(fake, tmp_path, published.servers, clock, published.zone)


def table() -> list[tuple[str, str, str]]:
    """The guide's rows: record, change, outcome."""
    section = GUIDE.read_text().partition("## Which changes")[2].partition("\n## ")[0]
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in section.splitlines() if line.startswith("|")]
    return [(each[0], each[1], each[2]) for each in rows[2:]]


def change_of(site: Site, record: str, verb: str) -> Change:
    """The change that a row of the guide is about, on a site that is made to be so."""
    if record == "any, in a zone without a token":
        site.account.connection = type(site.account.connection)("edge", "homelab", {}, site.fake.url)
        return site.text("x", None, ["one"])
    if record == "any, in a zone whose token was refused":
        site.restart(1, "wrong")
        assert isinstance(site.refused(site.text("x", None, ["one"])), ProviderError)
        return site.text("x", None, ["one"])
    if record == "A of a DYN record whose limit has not passed":
        site.apply(site.update("x", *VALUES["A"]))
        return site.update("x", *reversed(VALUES["A"]))
    if record == "A that ZoneEdit said is no DYN record":
        site.fake.dynamic.clear()
        site.refused(site.update("x", *VALUES["A"]))
        return site.update("x", *VALUES["A"])
    if record == "A with several addresses":
        return site.change("x", VALUES["A"], ["192.0.2.9"])
    if record.startswith("TXT over"):
        return site.change("x", None, [f'"{"a" * 255}" "b"'], "TXT")
    if record == "TXT with a value that somebody added":
        return site.text("x", ["one", "two"], ["one"], drift=True)
    kind = record.split()[0]
    old, new = VALUES[kind]
    sides = {"new": (None, [new]), "another value": ([old], [new]), "another address": ([old], [new]), "removed": ([old], None)}
    return site.change("x", *sides[verb], kind)


@pytest.mark.parametrize(("record", "verb", "outcome"), table(), ids=lambda each: re.sub(r"\W+", "-", str(each))[:40])
def test_the_guide_says_what_happens(site: Site, record: str, verb: str, outcome: str) -> None:
    change = change_of(site, record, verb)
    found = site.limit(change)
    assert isinstance(found, OUTCOMES[outcome]), found
    if isinstance(found, Ask):
        lines = found.instructions.splitlines()
        assert lines[0].startswith("At ZoneEdit, ")
        assert change.address.split()[0] in lines[0]
        for state in (change.before, change.after):
            for value in state["values"] if state is not None else ():
                if state is change.after or change.after is None:
                    assert value in lines[0], "in full, to be copied"


def test_the_guide_leaves_no_type_and_no_verb_out() -> None:
    found = {(record.split()[0].strip(","), verb) for record, verb, _ in table()}
    wanted = {(kind, verb) for kind in VALUES if kind != "A" for verb in ("new", "another value", "removed")}
    wanted |= {("A", "new"), ("A", "another address"), ("A", "removed")}
    assert wanted <= found


@pytest.mark.parametrize("kind", sorted(ENTERED))
def test_an_ask_says_where_to_click_and_what_to_enter(site: Site, kind: str) -> None:
    found = site.limit(site.change("x", None, [VALUES[kind][1]], kind))
    assert isinstance(found, Ask)
    where, what = ENTERED[kind]
    assert f"{site.zone}, DNS settings, the wrench beside {where}" in found.instructions
    assert f"Enter: {what}\n" in found.instructions


def test_an_ask_names_the_top_of_the_zone_as_the_panel_does(site: Site) -> None:
    found = site.limit(site.change("", ["10 old.example.org."], ["10 new.example.org."], "MX"))
    assert isinstance(found, Ask)
    assert "Remove: Host @, Priority 10, Mail server old.example.org" in found.instructions
    assert "Enter: Host @, Priority 10, Mail server new.example.org" in found.instructions


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("a" * 256, "longer than one string"),
        ('say "hi"', "quotes"),
        ("back\\slash", "a backslash"),
        ("grün", "a letter beyond ASCII"),
        ("", "nothing at all"),
    ],
)
def test_texts_that_may_not_come_through_are_asked_for(site: Site, value: str, reason: str) -> None:
    written = declared("TXT", value or '""')
    assert isinstance(site.limit(site.change("x", None, [written], "TXT")), Ask), reason
