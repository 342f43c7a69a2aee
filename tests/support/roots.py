"""Debian root file systems that hold the servers the tests talk to: built once with mmdebstrap, then only read.

A root lives in `$XDG_CACHE_HOME/homelabhub` (default `~/.cache/homelabhub`) under a name that includes the digest of its recipe,
so a changed recipe builds a new one. Packages come from the Debian mirror that the machine itself is configured for, else from
mmdebstrap's default.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

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
    """What goes into one root: a Debian suite, the packages added to its essential ones, and options of its own."""

    suite: str
    packages: tuple[str, ...]
    options: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        text = "\n".join((self.suite, *self.packages, *OPTIONS, *self.options))
        return f"{self.suite}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


ENGINE = ("busybox-static", "docker-registry", "docker.io", "iptables", "openssh-server", "openssl")
BOOKWORM = Recipe("bookworm", (*ENGINE, "postgresql"))
FORKY = Recipe("forky", ENGINE)
CADDY = Recipe("bookworm", ("caddy", "pebble"), ("--variant=apt",))  # a user is made, with tools that must be there first
DNS = Recipe(
    "bookworm", ("bind9", "busybox-static", "iproute2", "knot", "pdns-backend-sqlite3", "pdns-server", "sqlite3", "tini")
)


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
    command = ["mmdebstrap", *options, recipe.suite, str(target), *debian_mirror()]
    done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"mmdebstrap could not build {recipe.suite}:\n{done.stderr[-2000:]}")


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


def main() -> None:
    for recipe in (BOOKWORM, FORKY, CADDY, DNS):
        sys.stderr.write(f"setup: {root_of(recipe)}\n")


if __name__ == "__main__":
    main()
