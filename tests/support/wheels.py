"""Python packages for a root file system: those of a lock, each checked against its hash, from the index that pip would ask."""

from __future__ import annotations

import ast
import os
import platform
import re
import shutil
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

PINS = Path(__file__).resolve().parent / "pins"
VENV = "/opt/venv"
UV_SEPARATORS = {"UV_FIND_LINKS": ","}
PIP_TO_UV = {
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "trusted-host": "UV_INSECURE_HOST",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}


class BuildFailed(RuntimeError):
    """A root could not be built; one line that says which step and why."""


def pinned(lock: str, package: str) -> str:
    """The version of a package in a lock, such as `homeassistant` in `homeassistant-2025.4.txt`."""
    lines = (PINS / lock).read_text().splitlines()
    return next(line.removeprefix(f"{package}==").split()[0] for line in lines if line.startswith(f"{package}=="))


def install(root: Path, python: str, lock: str) -> None:
    """Makes `VENV` inside a root with the packages of a lock, compiled, so that no first start has to. `python` is the one in
    the root, such as `3.14`. Nothing is built: wheels only. Raises BuildFailed."""
    program = ["chroot", str(root), f"/usr/bin/python{python}"]
    run([*program, "-m", "venv", "--without-pip", VENV], f"no Python {python} in {root.name}")
    exact = run([*program, "-c", "import platform; print(platform.python_version())"], f"Python {python}").strip()
    packages, caught = f"{VENV}/lib/python{python}/site-packages", root / "var" / "cache" / "uv"
    words = [str(Path(sys.executable).parent / "uv"), "pip", "install", "--quiet", "--no-config", "--cache-dir", str(caught)]
    words += ["--target", f"{root}{packages}", "--no-deps", "--require-hashes", "--only-binary", ":all:"]
    words += ["--python-version", exact, "--python-platform", f"{platform.machine()}-manylinux_2_36"]
    words += ["--index-strategy", "unsafe-best-match", "-r", str(PINS / lock)]
    run(words, f"uv could not install {lock}", {**uv_settings(pip_configuration()), **os.environ})
    shutil.rmtree(caught)
    run([*program, "-m", "compileall", "-q", "-j", "2", packages], f"Python {python} could not compile {lock}")


def pip_configuration() -> list[str]:
    """What pip itself says about its configuration on this machine: `global.index-url='...'`, ..."""
    return run([sys.executable, "-m", "pip", "config", "list"], "pip does not tell its configuration").splitlines()


def uv_settings(configuration: Iterable[str]) -> dict[str, str]:
    """pip's configuration as the environment of uv, which does not read it. Of several places the environment wins, as in pip."""
    settings = {"UV_SYSTEM_CERTS": "1"}
    for line in sorted(configuration, key=lambda line: line.startswith(":env:")):
        name, _, value = line.partition("=")
        if setting := PIP_TO_UV.get(name.rpartition(".")[2]):
            words = [word for word in str(ast.literal_eval(value)).split() if not word.startswith("/") or Path(word).exists()]
            settings[setting] = UV_SEPARATORS.get(setting, " ").join(words)
    return {name: value for name, value in settings.items() if value}


def run(words: list[str], failure: str, environment: dict[str, str] | None = None) -> str:
    """What a command writes. Raises BuildFailed with the error that it told, else with the last line of what it wrote."""
    done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False, env=environment)
    if done.returncode:
        told = [line.strip() for line in f"{done.stdout}\n{done.stderr}".splitlines() if line.strip()]
        errors = [line for line in told if re.match("e:|error|cause", line, re.IGNORECASE)] or told[-1:]
        raise BuildFailed(f"{failure}: {' '.join(errors)[:500] or f'exit {done.returncode}'}")
    return done.stdout
