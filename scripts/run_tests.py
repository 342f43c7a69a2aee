"""Runs the checks, then each test folder in turn; ends with one line of totals.

Succeeds only when the checks are content, every folder ran a test, none failed and none was skipped or expected to fail.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
QUICK = ("unit", "kinds")
FOLDERS = (*QUICK, "contract", "flows", "faces", "house")
SEED = 2026
"""Of the order of tests: the same for everybody here, another one in every run of pytest by hand."""


@dataclass(frozen=True)
class Tally:
    """What one folder came to."""

    folder: str
    passed: int
    failed: int
    skipped: int
    seconds: float
    ended_well: bool

    @property
    def good(self) -> bool:
        return self.ended_well and self.passed > 0 and not self.failed and not self.skipped

    def __str__(self) -> str:
        verdict = "ok  " if self.good else "FAIL"
        skipped = f"  {self.skipped} skipped" if self.skipped else ""
        return (
            f"{verdict}  tests/{self.folder:<9} {self.passed:>5} passed  {self.failed:>3} failed{skipped}  {self.seconds:6.1f} s"
        )


def run_folder(folder: str, results: Path) -> Tally:
    """Runs one folder on as many workers as there are cores (TEST_WORKERS changes that) and counts what pytest reports."""
    report = results / f"{folder}.xml"
    report.unlink(missing_ok=True)
    workers = os.environ.get("TEST_WORKERS") or str(min(4, os.cpu_count() or 1))
    command = [sys.executable, "-m", "pytest", f"tests/{folder}", "-q", "--numprocesses", workers, "--dist", "worksteal"]
    command.append(f"--randomly-seed={SEED}")
    print(f"\n== tests/{folder}", flush=True)
    started = time.monotonic()
    ended = subprocess.run([*command, f"--junitxml={report}"], cwd=ROOT, stdin=subprocess.DEVNULL, check=False)
    seconds = time.monotonic() - started
    if not report.exists():
        return Tally(folder, 0, 0, 0, seconds, ended_well=False)
    suite = ElementTree.parse(report).getroot()[0]
    total, errors, failures, skipped = (int(suite.get(name, "0")) for name in ("tests", "errors", "failures", "skipped"))
    failed = errors + failures
    return Tally(folder, total - failed - skipped, failed, skipped, seconds, ended_well=ended.returncode == 0)


def main(folders: tuple[str, ...], *, with_servers: bool) -> int:
    results = ROOT / ".cache" / "tests"
    results.mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    servers = subprocess.Popen([sys.executable, "-m", "tests.support.roots"], cwd=ROOT) if with_servers else None
    content = subprocess.run([ROOT / "scripts" / "lint"], cwd=ROOT, stdin=subprocess.DEVNULL, check=False).returncode == 0
    if servers and servers.wait():
        return 1
    checked = time.monotonic() - started
    tallies = [run_folder(folder, results) for folder in folders]
    print(f"\n{'ok  ' if content else 'FAIL'}  checks {checked:42.1f} s")
    for tally in tallies:
        print(tally)
    minutes, seconds = divmod(time.monotonic() - started, 60)
    good = content and all(tally.good for tally in tallies)
    print(f"{'ok  ' if good else 'FAIL'}  in {minutes:.0f} min {seconds:02.0f} s")
    print(f"{sum(tally.passed for tally in tallies)} passed, {sum(tally.failed for tally in tallies)} failed")
    return 0 if good else 1


if __name__ == "__main__":
    quick = sys.argv[1:] == ["quick"]
    sys.exit(main(QUICK if quick else FOLDERS, with_servers=not quick))
