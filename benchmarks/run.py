"""`python -m benchmarks.run [MEASURE …]`: measure against the floor and against Compose, print one table and keep it."""

from __future__ import annotations

import argparse
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

from benchmarks.stage import VERSIONS, Stage
from benchmarks.table import render
from benchmarks.timing import Row

MEASURES = {
    "plan": "plan of 10,000 resources on the simulated world",
    "dns": "10,000 DNS records on PowerDNS beside octoDNS",
    "edge": "an unchanged pass over routes and records, and one route more among 1,000",
    "certificate": "from the write of a route to the certificate that is served",
    "smart": "1,000 entities and 100 automations on Home Assistant",
    "people": "200 listeners and 32 readers while passes run",
    "noop": "resident no-op pass, 100 and 500 services",
    "face": "`homelab plan` and `status`, 100 services",
    "idle": "idle controller watching 100 services",
    "killed": "a container killed by hand runs again",
    "change": "one changed service among 100",
    "failure": "a new version that crashes, cannot start or stays unhealthy",
    "lost": "requests that an update behind Caddy loses, and a reload",
    "cold": "cold start of 20 services",
    "stacks": "20 unchanged stacks of two services",
}
ONCE = ("plan", "dns", "edge", "certificate", "smart", "people")
"""Measures that use no engine."""
RESULTS = Path(__file__).with_name("RESULTS.md")


def main() -> int:
    """Run what was asked for; 1 when a measure could not be taken."""
    options = _options()
    rows: list[Row] = []
    broken = 0
    began = time.monotonic()
    for name, take in _jobs(options):
        sys.stderr.write(f"{time.monotonic() - began:6.0f} s  {name}\n")
        try:
            for row in take():
                rows.append(row)
                sys.stderr.write(f"          {row.measure} [{row.engine}]: {row.ours}\n")
        except Exception:  # noqa: BLE001 (one measure that fails must not lose the others)
            traceback.print_exc()
            broken += 1
    text = render(rows, quick=options.quick)
    print(text)
    if not options.measures and not options.quick and not broken:
        RESULTS.write_text(text + "\n")
    elif options.output:
        options.output.write_text(text + "\n")
    return 1 if broken else 0


def _jobs(options: argparse.Namespace) -> Iterator[tuple[str, Callable[[], Iterator[Row]]]]:
    wanted = options.measures or list(MEASURES)
    for name in ONCE:
        if name in wanted:
            with Stage("", options.quick).open() as stage:
                yield name, lambda name=name, stage=stage: _take(name, stage)  # type: ignore[misc]
    rest = [name for name in MEASURES if name in wanted and name not in ONCE]
    for version in options.engine if rest else ():
        with Stage(version, options.quick).open() as stage:
            for name in rest:
                yield f"{name} on {version}", lambda name=name, stage=stage: _take(name, stage)  # type: ignore[misc]


def _take(name: str, stage: Stage) -> Iterator[Row]:
    found: Iterator[Row] = import_module(f"benchmarks.measures.{name}").measure(stage)
    return found


def _options() -> argparse.Namespace:
    listing = "\n".join(f"  {name:11} {text}" for name, text in MEASURES.items())
    parser = argparse.ArgumentParser(
        "python -m benchmarks.run", epilog=f"measures:\n{listing}", formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("measures", nargs="*", metavar="MEASURE", help="only these (default: all)")
    parser.add_argument("--quick", action="store_true", help="fewer repetitions, nothing above 100 containers")
    parser.add_argument("--engine", choices=list(VERSIONS), action="append", help="only this engine (may be repeated)")
    parser.add_argument("--output", type=Path, help="also write the table of a partial run to this file")
    options = parser.parse_args()
    unknown = [name for name in options.measures if name not in MEASURES]
    if unknown:
        parser.error(f"there is no measure {unknown[0]!r}; there are {', '.join(MEASURES)}")
    options.engine = options.engine or list(VERSIONS)
    return options


if __name__ == "__main__":
    sys.exit(main())
