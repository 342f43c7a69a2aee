"""`homelab import zone`: the records of a real zone become a Domain, and the first plan after it is empty."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.contract.dns_yard import BRIDGED, WORLDS, bridged, declared, server_of
from tests.faces.command import Home, empty
from tests.support import dns
from tests.support.dns import DnsServers, NameServer

HOMELAB = "kind: Homelab\nname: home\nspec:\n  connections:\n    dns: {connection}\n"


def home_with(server: NameServer, folder: Path, bridge_to: str = "") -> Home:
    """A home that knows a server and its key, and a Docker engine that is not there. `bridge_to` is a zone behind octoDNS."""
    home = empty(folder)
    home.environment.update(HOMELAB_WORLD="docker", DOCKER_HOST=f"unix://{folder}/none.sock")
    assert home("secret", "set", "dns/key", stdin=dns.API_KEY if server.web else dns.SECRET).code == 0
    connection = bridged(server, bridge_to) if bridge_to else declared(server)
    if bridge_to:
        connection["options"]["api_key" if server.web else "key_secret"] = {"ref": "dns/key"}
    elif server.web:
        connection["key"] = {"ref": "dns/key"}
    else:
        connection["key"]["secret"] = {"ref": "dns/key"}
    home.commit("dns", {"homelab.yaml": HOMELAB.format(connection=json.dumps(connection))})
    return home


@pytest.mark.parametrize("world", [*WORLDS, *BRIDGED])
def test_a_zone_is_taken_over_as_it_is(world: str, name_servers: DnsServers, tmp_path: Path) -> None:
    server = server_of(name_servers, world)
    zone = server.fresh()
    server.edit(zone, f"_sip._tcp.{zone}", "SRV", f"0 5 5060 mail.{zone}.", ttl=60)
    server.edit(zone, zone, "CAA", '0 issue ";"')
    server.edit(zone, f"long.{zone}", "TXT", f'"{"x" * 255}" "{"y" * 60}"')
    before = server.dump(zone)
    home = home_with(server, tmp_path, zone if world in BRIDGED else "")
    dry = home("import", "zone", zone, "--via", "dns", "--dry-run")
    assert dry.code == 0, dry.err
    assert home.git("status", "--short") == ""
    said = home("import", "zone", zone, "--via", "dns")
    assert said.code == 0, said.err + said.out
    assert "no changes" in said.out, said.out
    assert home("plan", "--detailed-exitcode").code == 0
    assert server.dump(zone) == before
    stands = {item["key"]: item["sync"] for item in home("status", "-o", "json").json["items"]}
    assert set(stands.values()) == {"Synced"}
    lossy = [f"theirs.{zone} TXT"] if world in BRIDGED else []
    assert len(stands) == 11 - len(lossy), "every set of records that can be declared"
    assert [each for each in lossy if each not in said.err] == []
    text = home.git("show", f"HEAD:domains/{zone.replace('.', '-')}.yaml")
    assert "v=spf1" in text
    assert "SSHFP" in said.err, "what cannot be declared is told"
    assert "SSHFP" not in text
    again = home("import", "zone", zone, "--via", "dns")
    assert again.code != 0
    assert "exists already" in again.err


def test_a_zone_file_becomes_a_domain_of_its_records(name_servers: DnsServers, tmp_path: Path) -> None:
    server = name_servers.bind
    zone = server.fresh()
    home = home_with(server, tmp_path)
    file = tmp_path / "zone.txt"
    file.write_text((server.space.folder / "dns" / "bind" / zone).read_text())
    said = home("import", "zone", zone, "--via", "dns", "--file", str(file))
    assert said.code == 0, said.err + said.out
    assert home("plan", "--detailed-exitcode").code == 0, home("plan").out


@pytest.mark.parametrize(
    ("text", "said", "reason"),
    [
        ("$INCLUDE /etc/passwd\n", "not a zone file", "no other file is read"),
        ("a A 192.0.2.256\n", "not a zone file", "no address"),
        ("\x00\x01", "not a zone file", "bytes"),
    ],
)
def test_a_hostile_zone_file_is_refused(text: str, said: str, reason: str, name_servers: DnsServers, tmp_path: Path) -> None:
    home = home_with(name_servers.bind, tmp_path)
    file = tmp_path / "zone.txt"
    file.write_text(text)
    done = home("import", "zone", "example.net", "--via", "dns", "--file", str(file))
    assert done.code != 0, reason
    assert said in done.err
    assert "root:" not in done.out + done.err


@pytest.mark.parametrize(("via", "said"), [("nothing", "no connection"), ("local", "no connection")])
def test_a_connection_that_holds_no_zone_is_refused(via: str, said: str, name_servers: DnsServers, tmp_path: Path) -> None:
    home = home_with(name_servers.bind, tmp_path)
    done = home("import", "zone", "example.net", "--via", via)
    assert done.code != 0
    assert said in done.err
