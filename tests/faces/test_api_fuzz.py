"""The API against requests that its own document leads to: every answer is documented, none is an error of ours (A37)."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from tests.faces.command import Home
from tests.faces.page_house import demo

SCOPES = ("read", "plan", "propose", "approve", "apply", "admin")
NOT_FOR_US = {
    "ignored_auth": "tries wrong tokens until they are throttled (429); tests/faces/test_web_routes.py proves who may call what",
    "positive_data_acceptance": "what is as the schema says can be wrong for what stands here: a key that was used before, "
    "an edit of what is not there",
}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Home]:
    """A home with a controller that runs on the simulated world."""
    found = demo(tmp_path_factory.mktemp("fuzz"))
    with found.controller():
        yield found


@pytest.mark.parametrize("caller", ["a stranger", "a program that may do everything"])
def test_a37_every_answer_is_documented_and_none_is_our_error(home: Home, tmp_path: Path, caller: str) -> None:
    address = home("token", "url").out.strip().partition("/#")[0]
    document = tmp_path / "openapi.json"
    transport = httpx2.HTTPTransport(uds=str(home.state / "controller.sock"))
    with httpx2.Client(transport=transport, base_url="http://homelab", timeout=60, trust_env=False) as operator:
        document.write_bytes(operator.get("/api/openapi.json").content)
    who: list[str] = []
    if caller != "a stranger":
        allowed = [word for scope in SCOPES for word in ("--scope", scope)]
        who = ["--header", f"Authorization: Bearer {home('token', 'create', 'fuzz', *allowed).out.strip()}"]
    command = [
        *(str(Path(sys.executable).parent / "st"), "run", str(document), "--url", address, *who, "--no-color"),
        *("--checks", "all", "--exclude-checks", ",".join(NOT_FOR_US), "--continue-on-failure"),
        *("--generation-deterministic", "--max-examples", "1", "--phases", "coverage,fuzzing"),
        *("--suppress-health-check", "all", "--request-timeout", "60"),
    ]
    # In a folder and with a home of its own: it keeps notes there.
    done = subprocess.run(command, cwd=tmp_path, env=home.settings(), capture_output=True, text=True, timeout=280, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout
    with httpx2.Client(base_url=address, timeout=60, trust_env=False) as client:
        assert client.get("/livez").status_code == 200
