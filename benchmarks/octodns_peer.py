"""octoDNS in a process of its own: a zone from its file to PowerDNS. Runs in an environment that holds octoDNS, not in ours.

`python octodns_peer.py HOST PORT KEY ZONE FOLDER` prints seconds and megabytes as JSON; FOLDER holds `ZONE.yaml`."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path


def resident() -> float:
    """The most megabytes in memory so far."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM"):
            return int(line.split()[1]) / 1024
    return 0.0


def main(host: str, port: str, key: str, name: str, folder: str) -> None:
    """Read the zone, plan, apply; read and plan again."""
    from octodns.provider.yaml import YamlProvider
    from octodns.zone import Zone
    from octodns_powerdns import PowerDnsProvider

    source = YamlProvider("files", folder, default_ttl=300, enforce_order=False)
    provider = PowerDnsProvider("bench", host=host, port=int(port), api_key=key)
    base = resident()
    began = time.perf_counter()
    zone = Zone(f"{name}.", [])
    source.populate(zone)
    read = time.perf_counter()
    plan = provider.plan(zone)
    planned = time.perf_counter()
    plan.delete_pcent_threshold = 1.0
    provider.apply(plan)
    done = time.perf_counter()
    if provider.plan(zone) is not None:
        raise SystemExit("the second plan is not empty")
    again = time.perf_counter()
    found = {"read": read - began, "plan": planned - read, "apply": done - planned, "again": again - done}
    print(json.dumps({**found, "memory": resident() - base}))


if __name__ == "__main__":
    main(*sys.argv[1:])
