"""Runs the checks, then each test folder in turn; ends with one line of totals.

Succeeds only when the checks are content, every folder ran a test, none failed and none was skipped or expected to fail. Very few
failures beside real servers are looked at a second time, and told (docs/decisions/0018).
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
import xml.etree.ElementTree as ElementTree
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
QUICK = ("unit", "kinds")
FOLDERS = (*QUICK, "contract", "flows", "faces", "house")
SERVERS = ("contract", "flows", "faces")
"""Those whose tests talk to real servers."""
SECOND_LOOKS = 3
"""Tests of a whole run that may fail once: more are no coincidence."""
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
    unsteady: tuple[str, ...] = ()
    """Tests that failed and then passed; they count as passed."""

    @property
    def good(self) -> bool:
        return self.ended_well and self.passed > 0 and not self.failed and not self.skipped

    def __str__(self) -> str:
        verdict = "ok  " if self.good else "FAIL"
        more = f"  {self.skipped} skipped" if self.skipped else ""
        more += f"  {len(self.unsteady)} unsteady" if self.unsteady else ""
        return f"{verdict}  tests/{self.folder:<9} {self.passed:>5} passed  {self.failed:>3} failed{more}  {self.seconds:6.1f} s"


def run_folder(folder: str, root: Path = ROOT, second_looks: int = 0) -> Tally:
    """Runs one folder on as many workers as there are cores (TEST_WORKERS changes that) and counts what pytest reports. So many
    failed tests, if no more, are run once more, alone and one by one."""
    workers = os.environ.get("TEST_WORKERS") or str(min(4, os.cpu_count() or 1))
    print(f"\n== tests/{folder}", flush=True)
    cache = root / ".cache" / "tests" / folder
    shutil.rmtree(cache, ignore_errors=True)  # it adds up what failed
    first, status = _run(folder, folder, root, "--numprocesses", workers, "--dist", "worksteal")
    failed = _failed(cache)
    if status != pytest.ExitCode.TESTS_FAILED or first.skipped or not failed or max(first.failed, len(failed)) > second_looks:
        return first
    print(f"\n== tests/{folder}: a second look at {len(failed)}", flush=True)
    second, _ = _run(
        folder, f"{folder}-second", root, "--numprocesses", "0", "--last-failed", "--last-failed-no-failures", "none"
    )
    seconds = first.seconds + second.seconds
    if not (second.good and second.passed == len(failed)):
        return replace(first, seconds=seconds)
    return Tally(folder, first.passed + first.failed, 0, 0, seconds, ended_well=True, unsteady=failed)


def _run(folder: str, name: str, root: Path, *how: str) -> tuple[Tally, int]:
    """One run of pytest, whose results get a name, and how it ended."""
    report = root / ".cache" / "tests" / f"{name}.xml"
    report.unlink(missing_ok=True)
    command = [sys.executable, "-m", "pytest", f"tests/{folder}", "-q", *how, f"--randomly-seed={SEED}"]
    command += ["-o", f"cache_dir={root / '.cache' / 'tests' / folder}", f"--junitxml={report}"]
    started = time.monotonic()
    ended = subprocess.run(command, cwd=root, stdin=subprocess.DEVNULL, check=False)
    seconds = time.monotonic() - started
    if not report.exists():
        return Tally(folder, 0, 0, 0, seconds, ended_well=False), ended.returncode
    suite = ElementTree.parse(report).getroot()[0]
    total, errors, failures, skipped = (int(suite.get(name, "0")) for name in ("tests", "errors", "failures", "skipped"))
    failed = errors + failures
    passed = total - failed - skipped
    return Tally(folder, passed, failed, skipped, seconds, ended_well=ended.returncode == 0), ended.returncode


def _failed(cache: Path) -> tuple[str, ...]:
    """The tests that failed, as pytest keeps them for `--last-failed`."""
    kept = cache / "v" / "cache" / "lastfailed"
    return tuple(sorted(json.loads(kept.read_text()))) if kept.exists() else ()


def main(folders: tuple[str, ...], *, with_servers: bool, root: Path = ROOT) -> int:
    (root / ".cache" / "tests").mkdir(parents=True, exist_ok=True)
    started = time.monotonic()
    servers = subprocess.Popen([sys.executable, "-m", "tests.support.roots"], cwd=root) if with_servers else None
    content = subprocess.run([root / "scripts" / "lint"], cwd=root, stdin=subprocess.DEVNULL, check=False).returncode == 0
    if servers and servers.wait():
        return 1
    checked = time.monotonic() - started
    tallies: list[Tally] = []
    unsteady: list[str] = []
    for folder in folders:
        tallies.append(run_folder(folder, root, SECOND_LOOKS - len(unsteady) if folder in SERVERS else 0))
        unsteady += tallies[-1].unsteady
    print(f"\n{'ok  ' if content else 'FAIL'}  checks {checked:42.1f} s")
    for tally in tallies:
        print(tally)
    for name in unsteady:
        print(f"UNSTEADY  {name}")
    minutes, seconds = divmod(time.monotonic() - started, 60)
    good = content and all(tally.good for tally in tallies)
    print(f"{'ok  ' if good else 'FAIL'}  in {minutes:.0f} min {seconds:02.0f} s")
    print(f"{sum(tally.passed for tally in tallies)} passed, {sum(tally.failed for tally in tallies)} failed")
    return 0 if good else 1


if __name__ == "__main__":
    quick = sys.argv[1:] == ["quick"]
    sys.exit(main(QUICK if quick else FOLDERS, with_servers=not quick))
