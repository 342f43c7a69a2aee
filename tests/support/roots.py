"""Debian root file systems that hold the servers the tests talk to: built once with mmdebstrap, then only read.

A root lives in `$XDG_CACHE_HOME/homelabhub` (default `~/.cache/homelabhub`) under a name that includes the digest of its recipe,
so a changed recipe builds a new one. Packages come from the Debian mirror that the machine itself is configured for, else from
mmdebstrap's default; Python packages from the index that pip is configured for, each checked against the hash in its lock.
"""

from __future__ import annotations

import ast
import concurrent.futures
import fcntl
import hashlib
import os
import platform
import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
VENV = "/opt/venv"
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


PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}


@dataclass(frozen=True)
class Recipe:
    """What goes into one root: a Debian suite, the packages added to its essential ones, options of its own, and Python packages:
    `python` (such as `3.14`) with everything in the file `lock` beside this one, in `VENV`."""

    suite: str
    packages: tuple[str, ...]
    options: tuple[str, ...] = ()
    python: str = ""
    lock: str = ""

    @property
    def name(self) -> str:
        text = "\n".join((self.suite, *self.packages, *OPTIONS, *self.options))
        if self.lock:
            text += f"\n{self.python}\n{(HERE / self.lock).read_text()}"
        return f"{self.suite}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"


ENGINE = ("busybox-static", "docker-registry", "docker.io", "iptables", "openssh-server", "openssl")
BOOKWORM = Recipe("bookworm", (*ENGINE, "postgresql"))
FORKY = Recipe("forky", ENGINE)
CADDY = Recipe("bookworm", ("caddy", "pebble"), ("--variant=apt",))  # a user is made, with tools that must be there first
DNS = Recipe(
    "bookworm", ("bind9", "busybox-static", "iproute2", "knot", "pdns-backend-sqlite3", "pdns-server", "sqlite3", "tini")
)
HOME = ("busybox-static", "ca-certificates", "libstdc++6", "mosquitto")
HOME_NEW = Recipe("forky", (*HOME, "python3.14", "tini-static"), python="3.14", lock="homeassistant-2026.11.txt")
HOME_OLD = Recipe("trixie", (*HOME, "python3.13", "tini"), python="3.13", lock="homeassistant-2025.4.txt")


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
    if recipe.lock:
        _install(recipe, target)


def _install(recipe: Recipe, root: Path) -> None:
    """Makes `VENV` inside a root with the locked Python packages, compiled, so that no first start has to. Wheels only: nothing
    is built."""
    python = ["chroot", str(root), f"/usr/bin/python{recipe.python}"]
    _run([*python, "-m", "venv", "--without-pip", VENV], f"no Python {recipe.python} in {recipe.suite}")
    version = _run([*python, "-c", "import platform; print(platform.python_version())"], "Python").strip()
    packages, caught = f"{VENV}/lib/python{recipe.python}/site-packages", f"{root}/var/cache/uv"
    words = [str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet", "--no-config", "--cache-dir", caught]
    words += ["--target", f"{root}{packages}", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    words += ["--python-version", version, "--python-platform", f"{platform.machine()}-manylinux_2_36"]
    words += ["--index-strategy", "unsafe-best-match", "-r", str(HERE / recipe.lock)]
    _run(words, f"uv could not install {recipe.lock}", {**os.environ, **index_settings()})
    shutil.rmtree(caught)
    _run([*python, "-m", "compileall", "-q", "-j", "2", packages], f"Python {recipe.python} could not compile {recipe.lock}")


def _run(words: list[str], failure: str, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        raise RuntimeError(f"{failure}:\n{(done.stdout + done.stderr)[-2000:]}")
    return done.stdout


def index_settings() -> dict[str, str]:
    """Where pip gets its packages on this machine, as the settings of uv, which does not read pip's."""
    told = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=True).stdout
    found: dict[str, str] = {}
    for line in told.splitlines():
        name, _, value = line.partition("=")
        found.setdefault(name.rpartition(".")[2], str(ast.literal_eval(value)))
    settings = {PIP_TO_UV[name]: value for name, value in found.items() if name in PIP_TO_UV}
    return {name: " ".join(value.split()) for name, value in settings.items() if name not in os.environ}


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
    with concurrent.futures.ThreadPoolExecutor(3) as builders:
        for root in builders.map(root_of, (HOME_NEW, HOME_OLD, BOOKWORM, FORKY, CADDY, DNS)):
            sys.stderr.write(f"setup: {root}\n")


if __name__ == "__main__":
    main()
