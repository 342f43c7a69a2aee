"""Names and values of DNS records in their canonical form."""

from __future__ import annotations

import dns.rdata
import dns.rdtypes.ANY.TXT
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from controller.clients.dns.names import Unwritable, host_name, owner_name
from controller.clients.dns.values import declared, joined, same_values, shown, strings
from controller.core.dns import RECORD_TYPES, RecordPlace, record_claims, record_key

GOOD = [
    ("A", " 192.0.2.7 ", "192.0.2.7", "blanks around a value mean nothing"),
    ("AAAA", "2001:DB8:0:0::7", "2001:db8::7", "an IPv6 address has one shortest spelling"),
    ("CNAME", "Server.Example.NET", "server.example.net.", "case and the last dot mean nothing"),
    ("CNAME", "server.example.net.", "server.example.net.", "the last dot may be written"),
    ("CNAME", "_x.dkim.example.net", "_x.dkim.example.net.", "an alias may point to a name with underscores"),
    ("CNAME", "bücher.example", "xn--bcher-kva.example.", "an international name is its punycode"),
    ("MX", "010  mail.example.net", "10 mail.example.net.", "a number has one spelling"),
    ("MX", "0 .", "0 .", "a name may say that it takes no mail"),
    ("SRV", "0 5 5060 sip.example.net", "0 5 5060 sip.example.net.", "priority, weight, port, host"),
    ("SRV", "0 0 0 .", "0 0 0 .", "a service may be said not to exist"),
    ("CAA", "0 Issue letsencrypt.org", '0 issue "letsencrypt.org"', "tag in small letters, value quoted"),
    ("CAA", '0 issue ";"', '0 issue ";"', "nobody may issue"),
    ("CAA", '128 iodef "mailto:a@b.example"', '128 iodef "mailto:a@b.example"', "a critical flag"),
    ("TXT", "v=spf1 a; ~all", '"v=spf1 a; ~all"', "a semicolon starts no comment"),
    ("TXT", 'say "hi"', '"say \\"hi\\""', "quotes inside are escaped"),
    ("TXT", "back\\slash \\; end", '"back\\\\slash \\\\; end"', "a backslash is itself"),
    ("TXT", "grün", '"gr\\195\\188n"', "text beyond ASCII is UTF-8"),
    ("TXT", "", '""', "an empty text is a value"),
    ("TXT", "  two  blanks ", '"  two  blanks "', "blanks of a text count"),
    ("TXT", "x" * 256, f'"{"x" * 255}" "x"', "a string has at most 255 bytes"),
    ("TXT", '"one" "t\\"wo" "gr\\195\\188n"', '"one" "t\\"wo" "gr\\195\\188n"', "quoted strings are taken as they are split"),
    ("TXT", '"ü"', '"\\195\\188"', "also quoted text is UTF-8"),
]
BAD = [
    ("A", "192.0.2.256", "an IPv4 address", "not a number of an address"),
    ("A", "192.0.2.010", "an IPv4 address", "leading zeros are octal to some"),
    ("A", "2001:db8::1", "an IPv4 address", "the other family"),
    ("A", "192.0.2.7 192.0.2.8", "an IPv4 address", "two values in one"),
    ("AAAA", "fe80::1%eth0", "zone index", "an address of one interface"),
    ("AAAA", "::ffff:192.0.2.7", "in disguise", "some servers refuse it, others spell it anew"),
    ("CNAME", "www", "not a full name", "below which zone?"),
    ("CNAME", "*.example.net", "not a domain name", "nothing points to a wildcard"),
    ("CNAME", "a b.example.net", "not a domain name", "a blank"),
    ("CNAME", "a..example.net", "not a domain name", "an empty label"),
    ("CNAME", "-a.example.net", "not a domain name", "a dash in front"),
    ("CNAME", "a\\.b.example.net", "not a domain name", "an escape"),
    ("CNAME", f"{'x' * 64}.example.net", "64 characters", "a label of 64"),
    ("CNAME", ".".join(["x" * 49] * 5) + ".abcd", "254 characters", "a name of 254"),
    ("MX", "mail.example.net", "priority and host", "no priority"),
    ("MX", "65536 mail.example.net", "number from 0 to 65535", "a priority that does not fit"),
    ("MX", "-1 mail.example.net", "number from 0 to 65535", "a negative one"),
    ("MX", "10 my_mail.example.net", "underscore", "servers refuse it"),
    ("SRV", "0 5 sip.example.net", "priority", "a port is missing"),
    ("CAA", "256 issue x", "number from 0 to 255", "a flag that does not fit"),
    ("CAA", "0 issue two words", "flags", "a value with a blank must be quoted"),
    ("CAA", "0 issue grün", "plain ASCII", "names of authorities are ASCII"),
    ("TXT", 'x"\nevil 60 IN A 192.0.2.66', "line break", "a second record in a value"),
    ("TXT", "a\rb", "line break", "a carriage return"),
    ("TXT", "a\x00b", "control character", "a zero byte"),
    ("TXT", '"a\\010b"', "line break", "a line break in disguise"),
    ("TXT", '"open', "quoted strings", "a string without an end"),
    ("TXT", '"a" b', "quoted strings", "half quoted"),
    ("TXT", f'"{"x" * 256}"', "255 bytes", "a string that does not fit"),
    ("TXT", '"\\999"', "not a byte", "an escape of no byte"),
    ("A", "192.0.2.7\n", "line break", "a line break behind"),
]


@pytest.mark.parametrize(("kind", "text", "wanted", "reason"), GOOD)
def test_a_value_has_one_form(kind: str, text: str, wanted: str, reason: str) -> None:
    assert declared(kind, text) == wanted, reason
    assert declared(kind, wanted) == wanted, "the form is its own form"
    assert shown(kind, wanted) == wanted, "servers say the same"
    assert dns.rdata.from_text("IN", kind, wanted).to_text() == wanted, "and so does the library"


@pytest.mark.parametrize(("kind", "text", "said", "reason"), BAD)
def test_what_is_no_value_is_refused_with_the_way_out(kind: str, text: str, said: str, reason: str) -> None:
    with pytest.raises(Unwritable, match=said) as caught:
        declared(kind, text)
    assert "\n" not in str(caught.value), reason


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"]), max_size=900))
@example("\\")
@example('a"b')
@example("; \\; \\\\")
@settings(derandomize=True, deadline=None, database=None)
def test_a_text_comes_back_as_it_was_written(text: str) -> None:
    value = declared("TXT", text if not text.startswith('"') else f" {text}")
    rdata = dns.rdata.from_text("IN", "TXT", value)
    assert isinstance(rdata, dns.rdtypes.ANY.TXT.TXT)
    assert b"".join(rdata.strings).decode().lstrip() == text.lstrip()
    assert joined(value) == b"".join(rdata.strings)
    assert value == rdata.to_text() == shown("TXT", rdata.to_text())


@given(st.lists(st.binary(max_size=255), min_size=1, max_size=4))
@settings(derandomize=True, deadline=None, database=None)
def test_any_bytes_of_somebody_else_are_read(parts: list[bytes]) -> None:
    rdata = dns.rdata.from_text("IN", "TXT", " ".join('"' + "".join(f"\\{byte:03}" for byte in part) + '"' for part in parts))
    assert isinstance(rdata, dns.rdtypes.ANY.TXT.TXT)
    value = shown("TXT", rdata.to_text())
    assert strings(value, strict=False) == rdata.strings
    assert dns.rdata.from_text("IN", "TXT", value) == rdata


@given(st.text(max_size=80), st.sampled_from([*RECORD_TYPES, "SSHFP", "HTTPS", "TYPE65280"]))
@settings(derandomize=True, deadline=None, database=None, max_examples=200)
def test_whatever_a_server_says_is_read(text: str, kind: str) -> None:
    value = shown(kind, text)
    assert same_values([value], [value])
    assert shown(kind, value) == value


@given(st.text(max_size=80), st.sampled_from(RECORD_TYPES))
@settings(derandomize=True, deadline=None, database=None, max_examples=300)
def test_no_text_becomes_more_than_one_record(text: str, kind: str) -> None:
    """Whatever is accepted is one line, one record, and what the library reads it as."""
    try:
        value = declared(kind, text)
    except Unwritable:
        return
    assert value.isprintable()
    assert value.isascii()
    assert dns.rdata.from_text("IN", kind, value).to_text() == value


@pytest.mark.parametrize(
    ("one", "other", "same", "reason"),
    [
        (['"ab"'], ['"a" "b"'], True, "the split of a text means nothing"),
        (['"a"', '"b"'], ['"a" "b"'], False, "two texts are not one"),
        (["192.0.2.1"], ["192.0.2.2"], False, "another address"),
        (['"a" "b"', '"x"'], ['"x"', '"ab"'], True, "the order means nothing"),
        (['"x"'], [], False, "nothing is not something"),
        (['"x"'], ['"x\\010"'], False, "what nobody could declare is compared too"),
        (['"x"'], ['"x'], False, "so is what nobody can read"),
    ],
)
def test_sets_of_values_are_compared_by_meaning(one: list[str], other: list[str], same: bool, reason: str) -> None:
    assert same_values(one, other) is same, reason


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Plex.Example.NET.", "plex.example.net"),
        ("*.example.net", "*.example.net"),
        ("_dmarc.example.net", "_dmarc.example.net"),
        ("münchen.example.net", "xn--mnchen-3ya.example.net"),
        ("*.büro.example", "*.xn--bro-hoa.example"),
        ("xn--bro-hoa.example", "xn--bro-hoa.example"),
    ],
)
def test_a_name_has_one_form(text: str, wanted: str) -> None:
    assert owner_name(text) == owner_name(wanted) == wanted


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "nothing"),
        (".", "the root"),
        ("*", "every name of the world"),
        ("a.*.example.net", "a wildcard in the middle"),
        ("a*.example.net", "a wildcard that is none"),
        ("a b.example.net", "a blank"),
        ("a\nb.example.net", "a line break"),
        ("a/b.example.net", "a slash"),
        ("a@b.example.net", "a mail address"),
        ("$ORIGIN.example.net", "a directive of zone files"),
        ("a;b.example.net", "a comment"),
        ("(a.example.net", "a bracket"),
        ("\\097.example.net", "an escape"),
        ("a..b", "an empty label"),
        (".a.b", "a dot in front"),
        ("a.b..", "two dots behind"),
        ("é" * 70 + ".example", "an international label that does not fit"),
        ("\u2028.example", "a separator"),
    ],
)
def test_what_is_no_name_is_refused(text: str, reason: str) -> None:
    with pytest.raises(Unwritable):
        owner_name(text)
    with pytest.raises(Unwritable):
        host_name(text)


@given(
    st.lists(
        st.from_regex(r"(\*\.)?([a-z0-9_]([a-z0-9_-]{0,5}[a-z0-9_])?\.){1,3}example", fullmatch=True), min_size=2, unique=True
    )
)
@example(["a-b.example", "a.b.example"])
@example(["*.a.example", "wildcard.a.example"])
@example(["_a.example", "a.example"])
@example(["a--b.example", "a-b.example"])
@settings(derandomize=True, deadline=None, database=None)
def test_different_names_have_different_keys(names: list[str]) -> None:
    keys = [record_key(owner_name(name), kind) for name in names for kind in ("A", "AAAA")]
    assert len(set(keys)) == len(keys)
    assert all(len(key.name) <= 63 and str(key) == f"record/{key.name}" for key in keys)
    assert [type(key).parse(str(key)) for key in keys] == keys


def test_a_key_reads_like_the_name() -> None:
    assert str(record_key("plex.example.net", "A")) == "record/plex-example-net-a"
    assert str(record_key("home-assistant.example.net", "AAAA")) == "record/home--assistant-example-net-aaaa"
    assert str(record_key("*.example.net", "A")) == "record/wildcard-example-net-a"
    assert len(record_key(".".join(["x" * 49] * 5), "TXT").name) <= 63


def test_an_alias_claims_its_name_for_every_type() -> None:
    alias = set(record_claims("a.example", "CNAME"))
    assert all(alias & set(record_claims("a.example", kind)) for kind in RECORD_TYPES)
    assert not set(record_claims("a.example", "A")) & set(record_claims("a.example", "AAAA"))
    assert not alias & set(record_claims("b.example", "A"))


def test_a_place_is_read_as_it_is_written() -> None:
    place = RecordPlace("plex.example.net", "A", "example.net")
    assert RecordPlace.parse(str(place)) == place
    for text in ("plex.example.net A", "plex.example.net PTR in example.net", "plex.example.net A of example.net"):
        with pytest.raises(ValueError, match="not the address"):
            RecordPlace.parse(text)
