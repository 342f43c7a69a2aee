"""octoDNS in a process of its own: plan and apply of a zone on PowerDNS. Runs in an environment that holds octoDNS, not in ours.

`python octodns_peer.py HOST PORT KEY ZONE COUNT` prints seconds and megabytes as JSON."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def resident() -> float:
    """Megabytes in memory now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def main(host: str, port: str, key: str, name: str, count: int) -> None:
    """Build the desired zone, plan, apply, plan again."""
    from octodns.record import Record
    from octodns.zone import Zone
    from octodns_powerdns import PowerDnsProvider

    provider = PowerDnsProvider("bench", host=host, port=int(port), api_key=key)
    wanted = json.load(sys.stdin)
    base = resident()
    began = time.perf_counter()
    zone = Zone(f"{name}.", [])
    zone.add_record(Record.new(zone, "", {"type": "NS", "ttl": 3600, "values": [f"ns1.{name}.", f"ns2.{name}."]}))
    for label, kind, value in wanted[:count]:
        text = value.replace(";", "\\;") if kind == "TXT" else f"{value}." if kind == "CNAME" else value
        zone.add_record(Record.new(zone, label, {"type": kind, "ttl": 300, "value": text}))
    zone.validate()
    built = time.perf_counter()
    plan = provider.plan(zone)
    planned = time.perf_counter()
    plan.delete_pcent_threshold = 1.0
    provider.apply(plan)
    done = time.perf_counter()
    if provider.plan(zone) is not None:
        raise SystemExit("the second plan is not empty")
    again = time.perf_counter()
    found = {"build": built - began, "plan": planned - built, "apply": done - planned, "again": again - done}
    print(json.dumps({**found, "memory": resident() - base}))


if __name__ == "__main__":
    main(*sys.argv[1:5], int(sys.argv[5]))  # type: ignore[call-arg, arg-type]
