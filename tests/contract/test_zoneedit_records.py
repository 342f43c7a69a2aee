"""Records at ZoneEdit: its interface, its limits and its faults, on a fake that publishes through a real name server."""

from __future__ import annotations

import json
import stat
from base64 import b64encode
from collections.abc import Iterator, Mapping
from pathlib import Path
from threading import Event as Flag

import pytest

from controller.clients.zoneedit import BadToken, NotSent, Uncertain
from controller.clients.zoneedit.door import Door
from controller.core.errors import Conflict, Deferred, Interrupted, Permanent, Transient
from controller.core.limit import YES, Ask, Never, Wait
from controller.core.state import ABSENT, Absent, Health, Present, Unknown
from tests.contract.zoneedit_site import TOKEN, Site
from tests.support.clock import HandClock
from tests.support.dns import HOST, DnsServers
from tests.support.space import wait_until
from tests.support.zoneedit import FakeZoneEdit, Fault, Published

OLD, NEW, OTHER = "192.0.2.1", "192.0.2.2", "192.0.2.3"


@pytest.fixture
def site(name_servers: DnsServers, tmp_path: Path) -> Iterator[Site]:
    """A zone with three DYN records (apex, plex, wildcard) and an A record that is none (plain)."""
    clock, published = HandClock(), Published(name_servers.bind)
    zone = published.zone
    dynamic = {zone, f"plex.{zone}", f"*.{zone}", f"a.b.{zone}"}
    for name in (*dynamic, f"plain.{zone}"):
        published.put(name, "A", OLD)
    fake = FakeZoneEdit(published, clock, {zone: TOKEN}, dynamic)
    with fake.serving():
        yield Site(fake, tmp_path, published.servers, clock, zone)


def test_an_address_moves(site: Site) -> None:
    assert site.values("plex") == [OLD]
    change = site.update("plex", OLD, NEW)
    assert site.limit(change) == YES
    receipt = site.apply(change)
    assert receipt.state == change.after
    assert site.values("plex") == [NEW]
    assert site.health("plex") == (Health.HEALTHY, "")
    assert site.apply(change).state == change.after, "what is asked twice is done once"
    assert site.fake.said == [f"update {site.name('plex')} {NEW}"]


@pytest.mark.parametrize(
    ("label", "host", "zone_named", "reason"),
    [
        ("", "{zone}", False, "the zone's own name"),
        ("*", "*.{zone}", False, "a wildcard"),
        ("a.b", "a.b.{zone}", True, "deeper than one label, the zone cannot be guessed"),
    ],
)
def test_hosts_are_named_as_zoneedit_wants_them(site: Site, label: str, host: str, zone_named: bool, reason: str) -> None:
    site.apply(site.update(label, OLD, NEW))
    (request,) = site.fake.requests
    assert request.parameters["host"] == host.format(zone=site.zone)
    assert request.parameters.get("zone") == (site.zone if zone_named else None), reason
    assert site.values(label) == [NEW]


def test_a_host_is_not_sent_twice_in_ten_minutes(site: Site) -> None:
    site.apply(site.update("plex", OLD, NEW))
    start = site.clock.now()
    back = site.update("plex", NEW, OLD)
    limit = site.limit(back)
    assert isinstance(limit, Wait)
    assert limit.until == pytest.approx(start + 600, abs=1)
    error = site.refused(back)
    assert isinstance(error, Deferred)
    assert error.not_before == limit.until
    assert len(site.fake.requests) == 1
    site.restart()
    assert isinstance(site.limit(back), Wait), "another process knows it too"
    site.clock.advance(600)
    assert site.limit(back) == YES
    site.apply(back)
    assert site.values("plex") == [OLD]
    assert [request.at - start for request in site.fake.requests] == [0.0, pytest.approx(600, abs=1)]


def test_a_limit_counts_from_when_the_request_arrived(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    at_once = site.fake.answer

    def late(path: str, parameters: Mapping[str, str], authorization: str) -> tuple[int, str | bytes | None]:
        site.clock.advance(3)
        return at_once(path, parameters, authorization)

    monkeypatch.setattr(site.fake, "answer", late)
    site.apply(site.update("plex", OLD, NEW))
    limit = site.limit(site.update("plex", NEW, OLD))
    assert isinstance(limit, Wait)
    monkeypatch.setattr(site.fake, "answer", at_once)
    site.clock.advance(limit.until - site.clock.now())
    site.apply(site.update("plex", NEW, OLD))
    assert site.values("plex") == [OLD]
    assert not [request.answer for request in site.fake.requests if "ERROR" in request.answer]


class Killed(BaseException):
    """The end of the process."""


@pytest.mark.parametrize(
    ("shared", "label", "reason"),
    [
        (False, "plex", "the host's own limit"),
        (True, "", "the zone's, when it is known to be one"),
    ],
)
def test_a_limit_is_written_down_before_anything_is_sent(
    site: Site, monkeypatch: pytest.MonkeyPatch, shared: bool, label: str, reason: str
) -> None:
    if shared:
        site.fake.faults = [Fault.TOO_FREQUENT]
        site.refused(site.update("", OLD, NEW))
        site.clock.advance(600)

    def end(*_words: object) -> str:
        raise Killed

    monkeypatch.setattr(site.account._door, "get", end)
    with pytest.raises(Killed):
        site.apply(site.update("plex", OLD, NEW))
    site.restart()
    assert isinstance(site.look("plex"), Unknown)
    limit = site.limit(site.update(label, OLD, NEW))
    assert isinstance(limit, Wait), reason
    assert limit.until == pytest.approx(site.clock.now() + 600, abs=1)


def test_the_environment_leads_no_request_elsewhere(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("no_proxy", "NO_PROXY"):
        monkeypatch.delenv(name, raising=False)
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    site.apply(site.update("plex", OLD, NEW))
    assert site.values("plex") == [NEW]


def test_other_hosts_have_their_own_limit(site: Site) -> None:
    site.apply(site.update("plex", OLD, NEW))
    assert site.limit(site.update("", OLD, NEW)) == YES
    site.apply(site.update("", OLD, NEW))
    assert site.values("") == [NEW]


def test_a_limit_that_turns_out_to_be_the_zones_is_kept_for_the_zone(site: Site) -> None:
    site.fake.per_zone = True
    site.apply(site.update("plex", OLD, NEW))
    site.clock.advance(100)
    error = site.refused(site.update("", OLD, NEW))
    assert isinstance(error, Deferred)
    for label in ("", "*"):
        assert isinstance(site.limit(site.update(label, OLD, NEW)), Wait), "the answer named the zone"
    site.clock.advance(error.not_before - site.clock.now())
    site.apply(site.update("", OLD, NEW))
    site.restart()
    assert isinstance(site.limit(site.update("*", OLD, NEW)), Wait), "from now on every host counts for all"
    assert len(site.fake.requests) == 3


def test_hosts_of_a_zone_share_one_request(site: Site) -> None:
    site.fake.per_zone = True
    labels = ["", "plex", "*"]
    results = site.provider.apply_many([site.update(label, OLD, NEW) for label in labels], Flag())
    assert [getattr(each, "state", each) for each in results] == [site.state(label, "A", [NEW]) for label in labels]
    assert [site.values(label) for label in labels] == [[NEW]] * 3
    assert site.fake.said == [f"update {','.join(site.name(label) for label in labels)} {NEW}"]


def test_one_host_of_a_request_that_is_refused_does_not_hold_up_the_others(site: Site) -> None:
    changes = [site.update(label, OLD, NEW) for label in ("plex", "plain", "")]
    plex, plain, apex = site.provider.apply_many(changes, Flag())
    assert isinstance(plain, Transient)
    assert (site.values("plex"), site.values("plain"), site.values("")) == ([NEW], [OLD], [NEW])
    assert not isinstance(plex, Exception)
    assert not isinstance(apex, Exception)


def test_a_host_that_is_no_dyn_record_is_asked_for_until_somebody_was_there(site: Site) -> None:
    change = site.update("plain", OLD, NEW)
    assert site.limit(change) == YES
    error = site.refused(change)
    assert type(error) is Transient, "the revision is not at fault"
    site.restart()
    limit = site.limit(change)
    assert isinstance(limit, Ask)
    assert "DYN record" in limit.instructions
    assert NEW in limit.instructions
    site.fake.published.set_address(site.name("plain"), NEW)
    assert site.values("plain") == [NEW], "entered by hand, it is there without another word"
    site.clock.advance(600)
    site.fake.dynamic.add(site.name("plain"))
    back = site.update("plain", NEW, OLD)
    assert site.limit(back) == YES, "it has changed since: somebody was there, and it is tried again"
    site.apply(back)
    assert site.values("plain") == [OLD]
    site.clock.advance(600)
    assert site.limit(change) == YES, "what could be updated is no longer asked for"


def test_the_world_has_moved(site: Site) -> None:
    assert isinstance(site.refused(site.update("plex", OTHER, NEW)), Conflict)
    assert site.fake.requests == []


def test_text_values_come_and_go_ten_seconds_apart(site: Site) -> None:
    start = site.clock.now()
    create = site.text("_acme", None, ["one two; three", "four"])
    assert site.limit(create) == YES
    site.apply(create)
    assert site.values("_acme", "TXT") == ['"four"', '"one two; three"']
    update = site.text("_acme", ["one two; three", "four"], ["four", "five"])
    site.apply(update)
    assert site.values("_acme", "TXT") == ['"five"', '"four"']
    site.apply(update.inverse())
    assert site.values("_acme", "TXT") == ['"four"', '"one two; three"']
    site.apply(create.inverse())
    assert site.look("_acme", "TXT") == ABSENT
    times = [request.at - start for request in site.fake.requests]
    assert times == pytest.approx([10 * number for number in range(8)], abs=1)
    assert not any("ERROR" in request.answer for request in site.fake.requests)


def test_text_at_the_top_of_a_zone(site: Site) -> None:
    site.apply(site.text("", None, ["v=spf1 -all"]))
    assert site.values("", "TXT") == ['"v=spf1 -all"']
    assert site.fake.requests[0].parameters["host"] == f"@.{site.zone}"


def test_text_values_of_others_stay(site: Site) -> None:
    site.apply(site.text("t", None, ["ours"]))
    site.fake.published.add_text(site.name("t"), b"theirs")
    site.apply(site.text("t", ["ours"], ["ours too"]))
    assert site.values("t", "TXT") == ['"ours too"', '"theirs"']
    drift = site.text("t", ["ours too", "theirs"], ["ours too"], drift=True)
    limit = site.limit(drift)
    assert isinstance(limit, Ask), "nobody's value is removed because it is not declared"
    assert "theirs" in limit.instructions
    site.apply(site.text("t", ["ours too"], None))
    assert site.values("t", "TXT") == ['"theirs"']


def test_a_text_name_that_was_to_be_free_must_be(site: Site) -> None:
    site.fake.published.add_text(site.name("t"), b"theirs")
    assert isinstance(site.refused(site.text("t", None, ["ours"])), Conflict)
    assert isinstance(site.refused(site.text("t", ["gone", "theirs"], ["new"])), Conflict)
    assert site.fake.requests == []


def test_a_text_change_cut_in_half_goes_on_in_both_directions(site: Site) -> None:
    change = site.text("t", ["a", "b"], ["c", "d"])
    for live, then, reason in (
        (["a", "b", "c"], change, "one had come"),
        (["b", "c", "d"], change, "one had gone"),
        (["a", "b", "c"], change.inverse(), "taken back after one had come"),
        (["b", "c", "d"], change.inverse(), "taken back after one had gone"),
    ):
        site.fake.published.put(site.name("t"), "TXT", *[f'"{each}"' for each in live])
        site.clock.advance(600)
        site.restart()
        site.apply(then)
        assert then.after is not None
        assert site.values("t", "TXT") == list(then.after["values"]), reason


def test_a_called_off_wait_says_whether_something_was_written(site: Site) -> None:
    stop = Flag()
    stop.set()
    site.apply(site.text("t", None, ["a"]))
    with pytest.raises(Interrupted):
        site.apply(site.text("t", ["a"], ["a", "b"]), stop)
    site.clock.advance(10)
    with pytest.raises(Transient):
        site.apply(site.text("t", ["a"], ["a", "b", "c"]), stop)
    assert site.values("t", "TXT") == ['"a"', '"b"']


def test_a_short_lock_is_waited_for(site: Site) -> None:
    site.fake.faults = [Fault.LOCKED, Fault.LOCKED]
    start = site.clock.now()
    site.apply(site.update("plex", OLD, NEW))
    assert site.values("plex") == [NEW]
    assert [request.at - start for request in site.fake.requests] == pytest.approx([0, 10, 20], abs=1)
    site.fake.faults = [Fault.LOCKED]
    site.apply(site.text("t", None, ["a"]))
    assert site.values("t", "TXT") == ['"a"']


def test_a_lock_that_does_not_end_is_left_to_the_next_pass(site: Site) -> None:
    site.fake.faults = [Fault.LOCKED] * 10
    error = site.refused(site.update("plex", OLD, NEW))
    assert isinstance(error, Transient)
    assert error.retry_after == 10
    assert len(site.fake.requests) == 4
    assert site.values("plex") == [OLD]


def test_already_so_at_zoneedit_is_done(site: Site) -> None:
    site.fake.delayed = True
    site.apply(site.update("plex", OLD, NEW))
    site.clock.advance(600)
    site.fake.faults = [Fault.DUPLICATE]
    assert site.health("plex")[0] is Health.DEGRADED
    site.apply(site.update("plex", OLD, NEW))
    assert "707" in site.fake.requests[-1].answer
    assert isinstance(site.look("plex"), Unknown), "its word is no proof"
    site.fake.publish()
    assert site.values("plex") == [NEW]


def test_too_frequent_is_a_limit_whatever_its_code(site: Site) -> None:
    site.fake.faults = [Fault.TOO_FREQUENT]
    error = site.refused(site.update("plex", OLD, NEW))
    assert isinstance(error, Deferred)
    assert error.not_before == pytest.approx(site.clock.now() + 600, abs=1)
    assert site.values("plex") == [OLD], "it was refused: nothing is on its way"


def test_a_refusal_without_a_cause_is_tried_three_times(site: Site) -> None:
    site.fake.faults = [Fault.UPDATE_FAILED] * 4
    found = []
    for _ in range(4):
        found.append(type(site.refused(site.update("plex", OLD, NEW))) is Permanent)
        site.clock.advance(600)
        site.restart()
    assert found == [False, False, True, False]
    site.apply(site.update("plex", OLD, NEW))
    assert site.values("plex") == [NEW]
    site.clock.advance(600)
    site.fake.faults = [Fault.UPDATE_FAILED] * 2
    for _ in range(2):
        assert type(site.refused(site.update("plex", NEW, OLD))) is not Permanent, "only failures in a row count"
        site.clock.advance(600)


@pytest.mark.parametrize(
    ("fault", "applied", "reason"),
    [
        (Fault.EMPTY, True, "an empty answer"),
        (Fault.HTML, True, "a page that holds the word SUCCESS"),
        (Fault.BROKEN, True, "HTTP 500"),
        (Fault.TIMEOUT, True, "no answer after it was done"),
        (Fault.TIMEOUT_BEFORE, False, "no answer and nothing done"),
        (Fault.UNREADABLE, True, "no text"),
    ],
)
@pytest.mark.parametrize("what", ["address", "text"])
def test_an_answer_that_says_nothing_is_decided_by_the_name_servers(
    site: Site, what: str, fault: Fault, applied: bool, reason: str
) -> None:
    label, record_type = ("plex", "A") if what == "address" else ("t", "TXT")
    change = site.update("plex", OLD, NEW) if what == "address" else site.text("t", None, ["ours"])
    site.fake.delayed = True
    site.fake.faults = [fault]
    if fault in (Fault.TIMEOUT, Fault.TIMEOUT_BEFORE):
        site.settings = {"timeout": 0.5}
        site.restart()
    assert isinstance(site.refused(change), Uncertain), reason
    wait_until(lambda: site.fake.requests, "the request to have come, which nobody waited for")
    site.settings = {}
    site.restart()
    found = site.look(label, record_type)
    assert isinstance(found, Unknown), "it may have been carried out"
    assert "the authoritative servers do not show it yet" in found.reason
    assert site.apply(change).state == change.after, "asked again it is on its way, and is not sent again"
    assert len(site.fake.requests) == 1
    site.fake.publish()
    if applied:
        assert site.apply(change).state == change.after
        assert site.look(label, record_type).state["values"] == list((change.after or {})["values"])  # type: ignore[union-attr]
        assert len(site.fake.requests) == 1
        return
    site.clock.advance(600)
    found = site.look(label, record_type)
    assert found == ABSENT or (isinstance(found, Present) and found.health is Health.DEGRADED)
    site.apply(change)
    site.fake.publish()
    assert site.look(label, record_type).state["values"] == list((change.after or {})["values"])  # type: ignore[union-attr]
    assert len(site.fake.requests) == 2


class Impatient(HandClock):
    """Two minutes pass between two looks at the clock."""

    def monotonic(self) -> float:
        self.advance(120)
        return super().monotonic()


def test_an_answer_that_never_ends_is_not_waited_for(site: Site) -> None:
    site.fake.faults = [Fault.DRIP]
    door = Door(site.fake.url, 60.0, Impatient())
    with pytest.raises(Uncertain, match="too long"):
        door.get("auth/dynamic.html", {"host": site.name("plex"), "dnsto": NEW}, "homelab", TOKEN)


def test_a_success_without_effect_never_gets_healthy(site: Site) -> None:
    site.fake.faults = [Fault.NO_EFFECT]
    change = site.update("plex", OLD, NEW)
    site.apply(change)
    health, why = site.health("plex")
    assert health is Health.PROGRESSING
    assert "do not show it yet" in why
    undo = site.refused(change.inverse())
    assert isinstance(undo, Deferred), "it may still show: taking it back waits"
    site.clock.advance(undo.not_before - site.clock.now())
    health, why = site.health("plex")
    assert health is Health.DEGRADED
    assert "never showed" in why
    assert site.apply(change.inverse()).state == change.before
    assert site.health("plex") == (Health.HEALTHY, ""), "taken back, it is as before"
    assert len(site.fake.requests) == 1


def test_what_was_published_late_is_taken_back_late(site: Site) -> None:
    site.fake.delayed = True
    change = site.update("plex", OLD, NEW)
    site.apply(change)
    site.clock.advance(300)
    site.fake.publish()
    assert site.values("plex") == [NEW]
    undo = site.refused(change.inverse())
    assert isinstance(undo, Deferred)
    site.clock.advance(undo.not_before - site.clock.now())
    site.apply(change.inverse())
    assert isinstance(site.look("plex"), Unknown)
    assert site.apply(change.inverse()).state == change.before
    assert len(site.fake.requests) == 2
    site.fake.publish()
    assert site.values("plex") == [OLD]


def test_a_text_that_never_showed_is_taken_back_blindly(site: Site) -> None:
    site.fake.delayed = True
    create = site.text("t", None, ["ours"])
    site.apply(create)
    site.apply(create.inverse())
    assert site.fake.said == [f"add {site.name('t')} ours", f"remove {site.name('t')} ours"]
    assert isinstance(site.look("t", "TXT"), Unknown), "that it does not show proves nothing yet"
    site.fake.publish()
    site.clock.advance(600)
    assert isinstance(site.look("t", "TXT"), Absent)


def test_nobody_answers(site: Site) -> None:
    closed = Site(site.fake, site.folder / "closed", site.servers, site.clock, site.zone, url="http://127.0.0.1:9")
    assert isinstance(closed.refused(closed.update("plex", OLD, NEW)), NotSent)
    assert closed.limit(closed.update("plex", OLD, NEW)) == YES, "nothing was sent: no limit has begun"
    assert closed.values("plex") == [OLD], "and nothing can be on its way"


def test_a_wrong_token_is_not_sent_again(site: Site) -> None:
    site.restart(1, "wrong")
    assert isinstance(site.refused(site.update("plex", OLD, NEW)), BadToken)
    site.clock.advance(601)
    assert isinstance(site.refused(site.update("plex", OLD, NEW)), BadToken)
    assert len(site.fake.requests) == 1
    limit = site.limit(site.update("plex", OLD, NEW))
    assert isinstance(limit, Never)
    assert "homelab secret set" in limit.why
    site.restart(2)
    assert site.limit(site.update("plex", OLD, NEW)) == YES
    site.apply(site.update("plex", OLD, NEW))
    assert site.values("plex") == [NEW]


def test_a_zone_that_is_not_in_the_account(site: Site) -> None:
    site.fake.zones = {"elsewhere.net": TOKEN}
    error = site.refused(site.text("t", None, ["a"]))
    assert type(error) is Permanent
    assert "not set up in this account" in str(error)


def test_a_redirect_is_not_followed(site: Site) -> None:
    site.fake.faults = [Fault.MOVED]
    assert type(site.refused(site.update("plex", OLD, NEW))) is Permanent
    assert site.values("plex") == [OLD]


def test_the_token_stands_nowhere(site: Site) -> None:
    site.fake.faults = [Fault.TOKEN_BACK]
    error = site.refused(site.update("plex", OLD, NEW))
    assert "x" * 200 in str(error), "what ZoneEdit said is told"
    chain: list[BaseException | None] = [error, error.__cause__, error.__context__]
    said = " ".join(f"{each} {each!r}" for each in chain)
    header = b64encode(f"homelab:{TOKEN}".encode()).decode()
    assert not [part for part in (TOKEN, TOKEN[:12], header, header[:16]) if part in said]
    assert len(str(error)) < 400
    for file in site.folder.iterdir():
        assert TOKEN not in file.read_text(errors="replace")
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_damaged_memory_sends_nothing(site: Site) -> None:
    site.apply(site.update("plex", OLD, NEW))
    site.file.write_text(site.file.read_text()[:-3])
    site.restart()
    error = site.refused(site.update("", OLD, NEW))
    assert type(error) is Permanent
    assert "damaged" in str(error)
    found = site.look("plex")
    assert isinstance(found, Unknown)
    assert "damaged" in found.reason
    assert len(site.fake.requests) == 1


def test_a_memory_that_cannot_be_written_sends_nothing(site: Site) -> None:
    (site.folder / "edge-zoneedit.json.new").mkdir()
    assert isinstance(site.refused(site.update("plex", OLD, NEW)), Transient)
    assert site.fake.requests == []


def test_a_clock_that_was_put_back_closes_nothing(site: Site) -> None:
    site.apply(site.update("plex", OLD, NEW))
    site.clock.advance(700)
    books = json.loads(site.file.read_text())
    for book in books["names"].values():
        book["closed"] = {"start": site.clock.now() + 10**8, "end": site.clock.now() + 10**8 + 600}
    site.file.write_text(json.dumps(books))
    assert site.limit(site.update("plex", NEW, OLD)) == YES


def test_servers_that_disagree_are_not_believed(site: Site, name_servers: DnsServers) -> None:
    stale = name_servers.powerdns
    records = f"@ 60 IN SOA ns1 admin 1 3600 600 86400 60\n@ 60 IN NS ns1\nplex 60 IN A {OLD}\n"
    stale.api("POST", "/zones", {"name": f"{site.zone}.", "kind": "Native", "zone": f"$ORIGIN {site.zone}.\n{records}"})
    site.servers = [*site.servers, (HOST, stale.port)]
    site.restart()
    assert site.values("plex") == [OLD]
    site.apply(site.update("plex", OLD, NEW))
    found = site.look("plex")
    assert isinstance(found, Unknown)
    assert "disagree" in found.reason
    assert site.health("plex")[0] is Health.PROGRESSING
    stale.edit(site.zone, site.name("plex"), "A", NEW)
    assert site.values("plex") == [NEW]
    assert site.health("plex") == (Health.HEALTHY, "")
