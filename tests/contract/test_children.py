"""Every program that we start, or that a library starts for us, in surroundings that try to steer it (A39)."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from controller.clients.child import OwnGit
from controller.clients.docker.tunnel import Tunnel
from controller.core.child import PASSED, child_environment, steering

CANARY = "canary-4711"
SHELL = "#!/bin/sh\nenv >> {seen}\n{then}\n"
LISTEN = """#!{python} -I
import os, socket, sys
with open({seen!r}, "w") as file:
    file.write("\\n".join(f"{{name}}={{value}}" for name, value in os.environ.items()))
path = sys.argv[sys.argv.index("-L") + 1].partition(":")[0]
with socket.socket(socket.AF_UNIX) as heard:
    heard.bind(path)
    heard.listen()
    while True:
        heard.accept()[0].close()
"""


class Trap:
    """A folder with programs that write down what they were told, a user's hostile settings, and a hostile environment."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.programs, self.seen, self.ran = folder, folder / "bin", folder / "seen", folder / "ran"
        hooks, home = folder / "hooks", folder / "user"
        for each in (self.programs, hooks, home, home / ".docker"):
            each.mkdir()
        for name in ("pre-commit", "prepare-commit-msg", "commit-msg", "post-commit", "reference-transaction"):
            self.program(hooks / name, f"touch {self.ran}")
        evil = f"touch {self.ran}"
        (home / ".gitconfig").write_text(
            f"[core]\n\thooksPath = {hooks}\n\tfsmonitor = {hooks}/pre-commit\n\tpager = {evil}\n\tsshCommand = {evil}\n"
            '[url "https://evil.example/"]\n\tinsteadOf = /\n[user]\n\tname = Ada\n\temail = ada@example.net\n'
        )
        (home / ".docker" / "config.json").write_text('{"credsStore": "spy"}')
        self.hostile = {
            "LD_PRELOAD": "/nonexistent/evil.so",
            "LD_LIBRARY_PATH": "/nonexistent",
            "GIT_SSH_COMMAND": evil,
            "GIT_EXTERNAL_DIFF": evil,
            "GIT_PAGER": evil,
            "PAGER": evil,
            "GIT_EDITOR": evil,
            "EDITOR": evil,
            "GIT_DIR": "/nonexistent",
            "GIT_TRACE": str(self.ran),
            "GIT_CONFIG_COUNT": "1",
            "GIT_CONFIG_KEY_0": "core.hooksPath",
            "GIT_CONFIG_VALUE_0": str(hooks),
            "GIT_PYTHON_GIT_EXECUTABLE": f"{hooks}/pre-commit",
            "SSH_ASKPASS": f"{hooks}/pre-commit",
            "BASH_ENV": f"{hooks}/pre-commit",
            "HOMELAB_SECRET_DOOR": CANARY,
        }
        self.needed = {"PATH": f"{self.programs}:/usr/bin:/bin", "HOME": str(home), "SSH_AUTH_SOCK": "/run/agent"}

    @property
    def environment(self) -> dict[str, str]:
        return {**self.hostile, **self.needed}

    def program(self, path: Path, then: str = "") -> None:
        path.write_text(SHELL.format(seen=self.seen, then=then))
        path.chmod(0o755)

    def told(self) -> dict[str, str]:
        """What the programs saw."""
        return dict(line.partition("=")[::2] for line in self.seen.read_text().splitlines())

    def held(self) -> None:
        """Nothing of the trap was sprung: nothing hostile was seen, and what is needed was."""
        told = self.told()
        assert not self.ran.exists()
        assert {name for name in self.hostile if told.get(name)} == set()
        assert {name: told.get(name) for name in self.needed} == self.needed


@pytest.fixture
def trap(tmp_path: Path) -> Trap:
    return Trap(tmp_path)


def test_a39_ssh_to_a_docker_host(trap: Trap) -> None:
    spy = trap.programs / "ssh"
    spy.write_text(LISTEN.format(python=sys.executable, seen=str(trap.seen)))
    spy.chmod(0o755)
    tunnel = Tunnel("ssh://pi@nas", environment=trap.environment)
    try:
        tunnel.open()
        assert tunnel.alive
    finally:
        tunnel.close()
    trap.held()
    assert set(trap.told()) <= {*PASSED, "LC_ALL", "LC_CTYPE"}


def test_a39_ssh_gets_the_surroundings_of_this_process(trap: Trap, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in trap.environment.items():
        monkeypatch.setenv(name, value)
    trap.program(trap.programs / "ssh", "echo no route; exit 255")
    tunnel = Tunnel("ssh://pi@nas")
    with pytest.raises(OSError, match="no route"):
        tunnel.open()
    tunnel.close()
    trap.held()


def test_a39_a_persons_own_git(trap: Trap) -> None:
    trap.program(trap.programs / "git", 'exec /usr/bin/git "$@"')
    git, folder = OwnGit(trap.environment), trap.folder / "home"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    (folder / "homelab.yaml").write_text("kind: Homelab\n")
    git(folder, "add", "--", "homelab.yaml")
    git(folder, "commit", "--quiet", "--message", "Start", "--", "homelab.yaml")
    assert git(folder, "log", "--format=%an <%ae>").strip() == "Ada <ada@example.net>", "their name and address count"
    trap.held()


def test_a39_what_libraries_start(trap: Trap) -> None:
    """GitPython asks git for its version when it is loaded, Docker's library asks a helper for credentials."""
    trap.program(trap.programs / "git", 'exec /usr/bin/git "$@"')
    trap.program(trap.programs / "docker-credential-spy", 'echo \'{"Username": "ada", "Secret": "x"}\'')
    text = (
        "from controller.settings import disarm\ndisarm()\nimport git, docker.credentials\n"
        "from controller.clients.docker.door import helpers\n"
        "print(docker.credentials.Store('spy', helpers()).get('registry.example')['Username'], git.GIT_OK)\n"
    )
    # The loader of this interpreter must not stumble over the library that is not there: it comes after the start.
    given = {name: value for name, value in trap.environment.items() if not name.startswith("LD_")}
    script = f"import os\nos.environ.update({ {name: v for name, v in trap.hostile.items() if name.startswith('LD_')} })\n{text}"
    done = subprocess.run([sys.executable, "-c", script], env=given, capture_output=True, text=True, check=True, timeout=120)
    assert done.stdout.split() == ["ada", "True"]
    assert not trap.ran.exists()
    runs = trap.seen.read_text()
    assert "LANGUAGE=C\n" in runs, "git was asked, as GitPython asks"
    assert "HOMELAB_SECRET_DOOR=\n" in runs, "the helper was asked, and told no secret"
    steered = set(steering(trap.hostile))
    assert {line for line in runs.splitlines() if line.partition("=")[0] in steered} == set()


def test_the_command_line_is_disarmed_before_anything_else(trap: Trap) -> None:
    text = "import os, sys\nfrom controller.cli.main import main\nmain(['version'])\nprint(sorted(os.environ))"
    given = {name: value for name, value in trap.environment.items() if not name.startswith("LD_")}
    done = subprocess.run([sys.executable, "-c", text], env=given, capture_output=True, text=True, check=True, timeout=120)
    assert [name for name in steering(trap.hostile) if f"'{name}'" in done.stdout] == []
    assert "'HOMELAB_SECRET_DOOR'" in done.stdout, "what specifications name stays"


def test_a_child_has_a_path_even_where_none_was_given() -> None:
    found = child_environment({"HOME": "", "LD_PRELOAD": "x", "LC_ALL": "de_DE"})
    assert sorted(found) == ["HOME", "LC_ALL", "PATH"]
    assert found["LC_ALL"] == "C", "what programs say is read by others"
