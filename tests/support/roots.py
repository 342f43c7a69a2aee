"""Debian root file systems that hold the servers the tests talk to: built once with mmdebstrap, then only read.

A root lives in `$XDG_CACHE_HOME/homelabhub` (default `~/.cache/homelabhub`) under a name that includes the digest of its recipe,
so a changed recipe builds a new one. Packages come from the Debian mirror that the machine itself is configured for, else from
mmdebstrap's default; Python packages from the index that pip is configured for, each checked against the hash in its lock.
"""

from __future__ import annotations

import concurrent.futures
import fcntl
import hashlib
import os
import re
import shutil
import sys
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from tests.support.wheels import PINS, BuildFailed, install, pinned, run

OPTIONS = (
    "--variant=essential",
    # A mirror may be a frozen snapshot; signatures are checked all the same.
    '--aptopt=Acquire::Check-Valid-Until "false"',
    "--dpkgopt=path-exclude=/usr/share/doc/*",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
    # PostgreSQL's package must not make a cluster of its own.
    "--essential-hook=mkdir -p $1/etc/postgresql-common",
    "--essential-hook=echo create_main_cluster=false >$1/etc/postgresql-common/createcluster.conf",
)


@dataclass(frozen=True)
class Recipe:
    """What goes into one root: a Debian suite, the packages added to its essential ones, options of its own, and Python packages:
    those of the file `lock` in `pins`, for `python` (such as `3.14`)."""

    suite: str
    packages: tuple[str, ...]
    options: tuple[str, ...] = ()
    python: str = ""
    lock: str = ""

    @property
    def name(self) -> str:
        text = "\n".join((self.suite, *self.packages, *OPTIONS, *self.options))
        if self.lock:
            text += f"\n{self.python}\n{(PINS / self.lock).read_text()}"
        return f"{self.suite}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


ENGINE = ("busybox-static", "docker-registry", "docker.io", "iptables", "openssh-server", "openssl")
BOOKWORM = Recipe("bookworm", (*ENGINE, "postgresql"))
FORKY = Recipe("forky", ENGINE)
CADDY = Recipe("bookworm", ("caddy", "pebble"), ("--variant=apt",))  # a user is made, with tools that must be there first
DNS = Recipe(
    "bookworm", ("bind9", "busybox-static", "iproute2", "knot", "pdns-backend-sqlite3", "pdns-server", "sqlite3", "tini")
)
HOME = ("busybox-static", "ca-certificates", "libstdc++6", "mosquitto")
HOME_2026_11 = Recipe("forky", (*HOME, "python3.14", "tini-static"), python="3.14", lock="homeassistant-2026.11.txt")
HOME_2026_2 = Recipe("trixie", (*HOME, "python3.13", "tini"), python="3.13", lock="homeassistant-2026.2.txt")
HOME_2025_4 = Recipe("trixie", (*HOME, "python3.13", "tini"), python="3.13", lock="homeassistant-2025.4.txt")
HOMES = {"new": HOME_2026_11, "old": HOME_2025_4}
SPARE_HOME = HOME_2026_2
"""Takes the place of the one that can no longer be installed: forky's Python moves on, and packages leave the index."""


def cache_folder() -> Path:
    """The folder that survives between test runs."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "homelabhub"


def root_of(recipe: Recipe) -> Path:
    """The root for a recipe, built on first use. Safe against a second process and against being killed half way."""
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    root = cache / recipe.name
    with (cache / f"{recipe.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            unfinished = cache / f"{recipe.name}.unfinished"
            shutil.rmtree(unfinished, ignore_errors=True)
            _build(recipe, unfinished)
            unfinished.rename(root)
    return root


def _build(recipe: Recipe, target: Path) -> None:
    options = [*OPTIONS, *recipe.options, f"--include={','.join(recipe.packages)}"]
    run(["mmdebstrap", *options, recipe.suite, str(target), *debian_mirror()], f"mmdebstrap could not build {recipe.suite}")
    if recipe.lock:
        install(target, recipe.python, recipe.lock)


def debian_mirror(apt: Path = Path("/etc/apt")) -> list[str]:
    """The main Debian mirror in apt's configuration, as a list of none or one: none when the machine is not a Debian one."""
    for file in [apt / "sources.list", *sorted(apt.glob("sources.list.d/*.list"))]:
        if file.is_file():
            for line in file.read_text().splitlines():
                if match := re.match(r"deb\s+(?:\[.*?\]\s+)?(\S+/debian/?)\s", line):
                    return [match[1]]
    for file in sorted(apt.glob("sources.list.d/*.sources")):
        for line in file.read_text().splitlines():
            if match := re.match(r"URIs:\s*(\S+/debian/?)(\s|$)", line):
                return [match[1]]
    return []


def home_of(which: str) -> Recipe:
    """The Home Assistant that is the `new` or the `old` one here: the one meant, unless the last attempt to build it failed."""
    instead = _instead(which)
    if instead.is_file() and instead.read_text() == SPARE_HOME.name:
        return SPARE_HOME
    return HOMES[which]


def build_home(which: str) -> str:
    """Builds the `new` or the `old` Home Assistant, else the spare one; returns a line that says so. Raises BuildFailed."""
    meant, instead = HOMES[which], _instead(which)
    try:
        root_of(meant)
    except BuildFailed as problem:
        root_of(SPARE_HOME)
        instead.write_text(SPARE_HOME.name)
        reason = f", because {problem}"
    else:
        instead.unlink(missing_ok=True)
        reason = ""
    return f"the {which} Home Assistant is {pinned(home_of(which).lock, 'homeassistant')}{reason}"


def _instead(which: str) -> Path:
    return cache_folder() / f"{HOMES[which].name}.instead"


def main() -> int:
    """Builds every root, several at a time. Says in a line each what there is, and what could not be built."""
    works = [partial(build_home, "new"), partial(build_home, "old")]
    works += [partial(_built, recipe) for recipe in (BOOKWORM, FORKY, CADDY, DNS)]
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(3) as builders:
        for work in [builders.submit(each) for each in works]:
            try:
                sys.stderr.write(f"setup: {work.result()}\n")
            except BuildFailed as problem:
                sys.stderr.write(f"setup: {problem}\n")
                bad = 1
    if home_of("new") == home_of("old"):
        sys.stderr.write("setup: the tests need two different Home Assistants, and only one can be installed\n")
        bad = 1
    return bad


def _built(recipe: Recipe) -> str:
    return str(root_of(recipe))


if __name__ == "__main__":
    sys.exit(main())
