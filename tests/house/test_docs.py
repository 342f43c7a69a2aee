"""What is written about the product is true: links lead somewhere, commands work, messages exist, generated pages are fresh."""

from __future__ import annotations

import ast
import configparser
import os
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit
from xml.etree import ElementTree

import click
import pytest
from pydantic import ValidationError

from controller.cli.exits import MEANING
from controller.cli.main import ALIASES, VERBS, Verbs
from controller.clients.yaml import read_yaml
from controller.core.errors import SpecError
from controller.core.policy import PolicySpec
from controller.engine.load import Envelope
from controller.wire import load_kinds
from scripts.docs import pages

ROOT = Path(__file__).resolve().parents[2]
HOMELAB = Path(sys.executable).parent / "homelab"
KINDS = load_kinds()
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LONGEST_DECISION = 40


@cache
def tracked() -> tuple[str, ...]:
    """Every file that is committed, or will be."""
    listed = ["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    found = subprocess.run(listed, check=True, capture_output=True, text=True).stdout
    return tuple(sorted(name for name in found.split("\0") if name and (ROOT / name).is_file()))


def documents() -> list[str]:
    """Every page that people read."""
    return [name for name in tracked() if name.endswith(".md")]


def texts() -> Iterator[tuple[str, str]]:
    """Every committed text file."""
    for name in tracked():
        content = (ROOT / name).read_bytes()
        if b"\0" not in content:
            yield name, content.decode("utf-8", "replace")


def anchors(text: str) -> set[str]:
    """What `#…` may name in a page, as git servers make it from headings."""
    titles = re.findall(r"^#+ (.*)$", FENCE.sub("", text), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


@pytest.mark.parametrize("page", documents())
def test_every_link_leads_somewhere(page: str) -> None:
    text = FENCE.sub("", (ROOT / page).read_text())
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if urlsplit(target).scheme:
            assert target.startswith("https://"), target
            continue
        path, _, anchor = target.partition("#")
        file = (ROOT / page).parent / path if path else ROOT / page
        assert file.exists(), f"{page}: {target}"
        if anchor:
            assert anchor in anchors(file.read_text()), f"{page}: {target}"


@pytest.mark.parametrize("page", documents())
def test_every_path_of_this_repository_that_a_page_names_exists(page: str) -> None:
    text = (ROOT / page).read_text()
    for name in re.findall(r"`((?:controller|compose|scripts|docs|examples|tests|benchmarks)/[\w./-]*)`", text):
        assert (ROOT / name).exists(), f"{page}: {name}"


def test_every_page_can_be_reached_from_the_readme() -> None:
    seen: set[Path] = set()
    waiting = [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        if page in seen or page.suffix != ".md":
            continue
        seen.add(page)
        links = re.findall(r"\]\(([^)\s#]+)", FENCE.sub("", page.read_text()))
        waiting += [(page.parent / link).resolve() for link in links if not urlsplit(link).scheme]
    written = {ROOT / name for name in documents() if name.startswith("docs/") and not name.startswith("docs/decisions/")}
    assert written - seen == set()


def test_generated_pages_are_fresh() -> None:
    stale = [name for name, text in pages().items() if (ROOT / "docs" / name).read_text() != text]
    assert stale == [], "write them with `.venv/bin/python scripts/docs.py`"
    assert {file.name for file in (ROOT / "docs" / "kinds").iterdir()} == {
        name.removeprefix("kinds/") for name in pages() if name.startswith("kinds/")
    }


def test_the_readme_tells_the_published_exit_codes() -> None:
    table = re.findall(r"^\| (\d+) \| (.*) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    assert [(int(code), meaning.replace("`", "")) for code, meaning in table] == list(MEANING.items())


def commands() -> Iterator[Any]:
    """Every `homelab …` line that the pages show, in a block or between back-ticks."""
    for page in documents():
        if page in ("CHANGELOG.md", "docs/command-line.md") or page.startswith("docs/decisions/"):
            continue
        text = (ROOT / page).read_text()
        lines = [line for language, block in FENCE.findall(text) if language == "sh" for line in block.splitlines()]
        lines += re.findall(r"`(homelab [^`]*)`", FENCE.sub("", text))
        for line in lines:
            found = re.search(r"(?:^|[;|]\s*|&& |bin/|\s)homelab ((?:[a-z]+)\b[^#;|&>]*)", line)
            if found and not line.startswith(("docker ", "sudo ", "git ", "mkdir")):
                yield pytest.param(found[1].split(), id=f"{page}: {found[1].strip()}")


@pytest.mark.parametrize("words", list(commands()))
def test_every_command_that_a_page_shows_is_one(words: list[str]) -> None:
    group: click.Command | None = Verbs()
    while isinstance(group, click.Group):
        assert words, "a verb is missing"
        group = group.get_command(click.Context(group), words.pop(0))
    assert group is not None
    known = {option for param in group.params for option in (*param.opts, *param.secondary_opts)}
    assert [word for word in words if word.startswith("-") and word.partition("=")[0] not in known] == []


def test_every_verb_is_explained() -> None:
    told = " ".join((ROOT / page).read_text() for page in documents() if page.startswith(("README", "docs/", "specs/")))
    verbs = [name for section in VERBS.values() for name in section]
    assert [name for name in [*verbs, *ALIASES] if f"homelab {name}" not in told and f"`{name}`" not in told] == []


def quick_start() -> list[str]:
    """The commands of the README's quick start but for those that set up and that never end."""
    text = (ROOT / "README.md").read_text()
    block = next(body for language, body in FENCE.findall(text) if language == "sh" and "homelab init" in body)
    return [line.partition("  #")[0] for line in block.splitlines() if not line.startswith(("make ", "homelab run"))]


def test_the_quick_start_works_as_it_is_written(tmp_path: Path) -> None:
    who = {f"GIT_{role}_{what}": "a@b.example" for role in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    environment = {"HOME": str(tmp_path), "HOMELAB_WORLD": "memory", "PATH": f"{HOMELAB.parent}:{os.environ['PATH']}", **who}
    lines = quick_start()
    assert len(lines) >= 7
    script = "\n".join(["set -eux", *lines, "homelab plan --detailed-exitcode", "homelab history"])
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count("Applied") == 6, "three runs, each told when it ends and in the history"
    assert '"127.0.0.1:8088:80"' in (tmp_path / "home" / "services" / "hello.yaml").read_text(), "rolled back"


@cache
def literals() -> str:
    """Every text of the program, one a line; `…` where something is put in."""
    found = []
    for file in sorted((ROOT / "controller").rglob("*.py")):
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.JoinedStr):
                found.append("".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                found.append(node.value)
    return "\n".join(found)


@pytest.mark.parametrize(
    "message", re.findall(r"^## `(.*)`$", (ROOT / "docs" / "troubleshooting.md").read_text(), re.MULTILINE), ids=str
)
def test_every_message_that_is_explained_is_one_of_ours(message: str) -> None:
    parts = [re.escape(part.strip("'\" ")) for part in message.split("…") if part.strip("'\" ")]
    assert any(re.search(".*".join(parts), line) for line in literals().splitlines()), message


def yaml_blocks() -> Iterator[Any]:
    """Every whole document that a page shows."""
    for page in documents():
        if page.startswith("tests/"):
            continue
        for number, (language, block) in enumerate(FENCE.findall((ROOT / page).read_text())):
            if language == "yaml" and block.startswith(("kind:", "# ")) and "kind:" in block:
                yield pytest.param(block, id=f"{page}: {number}")


@pytest.mark.parametrize("block", list(yaml_blocks()))
def test_every_document_that_a_page_shows_is_valid(block: str) -> None:
    for parsed in read_yaml("page.yaml", block.encode()):
        envelope = Envelope.model_validate(parsed.data)
        kind = envelope.kind.lower()
        if kind == "policy":
            PolicySpec.model_validate(envelope.spec)
        elif kind != "homelab":
            KINDS[kind].model.model_validate(envelope.spec)


def test_a_document_that_is_wrong_would_be_found() -> None:
    with pytest.raises((ValidationError, SpecError)):
        test_every_document_that_a_page_shows_is_valid("kind: Service\nname: x\nspec: {imagge: a}\n")


@pytest.mark.parametrize("decision", [name for name in tracked() if name.startswith("docs/decisions/")])
def test_a_decision_is_short_and_numbered(decision: str) -> None:
    lines = (ROOT / decision).read_text().splitlines()
    assert len(lines) <= LONGEST_DECISION
    number = Path(decision).name[:4]
    assert re.fullmatch(r"\d{4}", number)
    assert re.match(rf"# 0*{int(number)}\b", lines[0])


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_files(kind: str) -> None:
    folder = ROOT / "controller" / "kinds" / kind
    assert [name for name in ("README.md", "example.yaml", "model.py", "__init__.py") if not (folder / name).is_file()] == []
    assert list((folder / "cases").glob("*.yaml"))


def test_the_picture_can_be_seen_and_read_aloud() -> None:
    picture = ElementTree.parse(ROOT / "docs" / "images" / "flow.svg").getroot()
    space = "{http://www.w3.org/2000/svg}"
    assert picture.findtext(f"{space}title")
    assert picture.findtext(f"{space}desc")
    width, height = (float(each) for each in picture.attrib["viewBox"].split()[2:])
    assert [box for box in picture.iter(f"{space}text") if not (0 < float(box.attrib["x"]) < width)] == []
    assert [box for box in picture.iter(f"{space}text") if not (0 < float(box.attrib["y"]) < height)] == []
    ground = next(picture.iter(f"{space}rect"))
    assert (ground.attrib["width"], ground.attrib["height"]) == (f"{width:.0f}", f"{height:.0f}"), "its own ground, light or dark"


def test_the_compose_file_is_hardened_and_names_what_exists() -> None:
    (parsed,) = read_yaml("compose.yaml", (ROOT / "compose" / "compose.yaml").read_bytes())
    (service,) = parsed.data["services"].values()
    build = service["build"]
    assert ((ROOT / "compose" / build["context"]).resolve() / build["dockerfile"]).is_file()
    mounts = dict(mount.removesuffix(":ro").rsplit(":", 1) for mount in service["volumes"])
    assert mounts["/var/lib/homelabhub"] == "/var/lib/homelabhub", "Docker reads files of the state by the same path"
    assert mounts["/var/run/docker.sock"] == "/var/run/docker.sock"
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert not {"privileged", "pid", "network_mode"} & service.keys()


def test_the_container_is_built_from_what_exists_with_hashes() -> None:
    text = re.sub(r"\\\n", " ", (ROOT / "compose" / "Containerfile").read_text())
    copied = [word for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE) for word in line.split()[:-1]]
    assert copied
    assert [name for name in copied if not (ROOT / name).exists()] == []
    assert [
        line for line in re.findall(r"pip install.*", text) if "--no-index" not in line and "--require-hashes" not in line
    ] == []
    script = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert re.search(r'^ENTRYPOINT \["(.*)"\]$', text, re.MULTILINE)[1] in script  # type: ignore[index]
    assert "setuptools==" in (ROOT / "requirements.txt").read_text(), "it is built without a network"


def test_the_unit_is_hardened_and_runs_what_setup_makes() -> None:
    unit = configparser.RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment,method-assign]
    unit.read_string((ROOT / "compose" / "homelabhub.service").read_text())
    service = dict(unit["Service"])
    assert service["ExecStart"].endswith(".venv/bin/homelab run")
    assert service["StateDirectory"] == "homelabhub"
    assert {name: service[name] for name in ("NoNewPrivileges", "CapabilityBoundingSet", "ProtectSystem", "PrivateTmp")} == {
        "NoNewPrivileges": "yes",
        "CapabilityBoundingSet": "",
        "ProtectSystem": "strict",
        "PrivateTmp": "yes",
    }
    assert service["User"] != "root"


def private_indexes() -> set[str]:
    """Hosts of package indexes that this machine uses and the world does not."""
    names = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS", "PIP_TRUSTED_HOST", "UV_INDEX_URL", "UV_DEFAULT_INDEX")
    words = " ".join(os.environ.get(name, "") for name in names)
    asked = subprocess.run([sys.executable, "-m", "pip", "config", "list"], capture_output=True, text=True, check=False)
    hosts = {urlsplit(each).hostname or "" for each in re.findall(r"https?://[^\s'\"]+", words + " " + asked.stdout)}
    return {host for host in hosts if host and not host.endswith(("pypi.org", "pythonhosted.org"))}


def test_nothing_names_the_machine_or_the_registry_that_it_was_made_with() -> None:
    banned = private_indexes() | ({f"{ROOT}/"} if len(ROOT.parts) > 2 else set())
    assert [(name, word) for name, text in texts() for word in banned if word in text] == []
    locks = [name for name in tracked() if name.startswith("requirements") and name.endswith(".txt")]
    assert len(locks) >= 2
    assert [name for name in locks if re.search(r"https?://|--(extra-)?index-url|--find-links", (ROOT / name).read_text())] == []
