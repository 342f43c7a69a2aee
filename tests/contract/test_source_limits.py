"""A hostile or careless remote: what it may take of disk, memory and names is limited, and its name leads where it led when it
was looked up. What was deployed stays readable."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.core.errors import SourceError
from controller.source import GitSource, address, mirror
from controller.source.address import Address
from controller.source.command import MEBIBYTE
from controller.source.mirror import Mirror
from tests.contract.git_server import Server, serve
from tests.contract.source_repository import Repository

NAME = "git.example.test"
REBOUND = "169.254.169.254"


@pytest.fixture
def served(tmp_path: Path) -> Repository:
    """The repository on the server."""
    repository = Repository(tmp_path / "served/home.git", "--bare")
    publish(repository, "version: 1\n")
    return repository


@pytest.fixture
def server(served: Repository) -> Iterator[Server]:
    with serve(served.folder.parent) as running:
        yield running


@pytest.fixture
def git(server: Server, tmp_path: Path) -> GitSource:
    return GitSource(server.url(), path="specs", cache_dir=tmp_path / "cache", trusted_hosts=("127.0.0.1",))


def publish(repository: Repository, text: str) -> str:
    """A commit on top of main, as a push makes it."""
    specs = repository.tree(("100644", "web.yaml", repository.blob(text.encode())))
    return followed_by(repository, repository.tree(("40000", "specs", specs)))


def followed_by(repository: Repository, tree: str) -> str:
    """A commit of a tree on top of main."""
    tip = repository.git("rev-parse", "--verify", "--quiet", "refs/heads/main") if _has_main(repository) else ""
    commit = repository.git("commit-tree", tree, "-m", "Change", *(["-p", tip] if tip else []))
    repository.git("update-ref", "refs/heads/main", commit)
    return commit


def _has_main(repository: Repository) -> bool:
    return "refs/heads/main" in repository.git("for-each-ref", "--format=%(refname)")


def size(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())


def large_blob(served: Repository) -> None:
    """More than a fetch may write into one file, and nothing that could be pressed together."""
    blob = served.blob(os.urandom(5 * MEBIBYTE))
    followed_by(served, served.tree(("100644", "large.bin", blob)))


def many_blobs(served: Repository) -> None:
    """The same in small pieces."""
    pieces = [served.blob(os.urandom(MEBIBYTE // 2)) for _ in range(10)]
    followed_by(served, served.tree(*(("100644", f"{number}.bin", blob) for number, blob in enumerate(pieces))))


def bomb(served: Repository) -> None:
    """An object that is little on the wire and a lot in memory."""
    tree, tip = served.git("rev-parse", "refs/heads/main^{tree}"), served.git("rev-parse", "refs/heads/main")
    commit = served.git("commit-tree", tree, "-p", tip, "-F", "-", stdin=b"a" * (100 * MEBIBYTE))
    served.git("update-ref", "refs/heads/main", commit)


def many_names(served: Repository) -> None:
    """Branches without end."""
    tip = served.git("rev-parse", "refs/heads/main")
    lines = "".join(f"{tip} refs/heads/b{number:05}\n" for number in range(mirror.MOST_REFERENCES + 1))
    (served.folder / "packed-refs").write_text(f"# pack-refs with: peeled fully-peeled sorted \n{lines}")


@pytest.mark.parametrize(
    ("attack", "message", "reason"),
    [
        (large_blob, "git fetch failed: .*", "a file of a gigabyte"),
        (many_blobs, "git fetch failed: .*", "a huge pack"),
        (bomb, "git fetch failed: .*", "a commit that says the same 100 million times"),
        (many_names, "it has more than 10,000 branches and tags", "a million branches"),
    ],
)
def test_a09_what_a_remote_may_take_is_limited(
    served: Repository,
    git: GitSource,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    attack: Callable[[Repository], None],
    message: str,
    reason: str,
) -> None:
    monkeypatch.setattr(mirror, "LARGEST_FETCH", 2 * MEBIBYTE)
    monkeypatch.setattr(mirror, "_MEMORY", 100 * MEBIBYTE)
    good = git.head()
    before = size(tmp_path / "cache")
    attack(served)
    with pytest.raises(SourceError, match=message) as caught:
        git.fetch()
    assert str(caught.value).isprintable()
    assert git.head() == good, reason
    assert git.read(good.id).read("web.yaml") == b"version: 1\n"
    assert size(tmp_path / "cache") - before < MEBIBYTE // 4, "nothing of it stays"


def test_a_copy_that_has_grown_too_large_is_told(served: Repository, git: GitSource, monkeypatch: pytest.MonkeyPatch) -> None:
    good = git.head()
    monkeypatch.setattr(mirror, "LARGEST_COPY", 100)
    publish(served, "version: 2\n")
    with pytest.raises(SourceError, match=r"has grown to 0 MiB, more than specs need: move /.*\.git away to begin anew"):
        git.fetch()
    assert git.head() == good


def test_many_fetches_become_one_file_and_nothing_is_lost(
    served: Repository, git: GitSource, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "_PACKS", 3)
    first = git.head().id
    thrown = publish(served, "version: thrown away\n")
    git.fetch()
    served.git("update-ref", "refs/heads/main", first)
    commits = []
    for number in range(6):
        commits.append(publish(served, f"version: {number}\n"))
        git.fetch()
    assert git.head().id == commits[-1]
    assert len(list((tmp_path / "cache").rglob("*.pack"))) <= 3
    for commit in (first, thrown, *commits):
        assert git.read(commit).read("web.yaml")


def test_a_remote_that_has_not_moved_is_asked_once(served: Repository, server: Server, git: GitSource) -> None:
    git.head()
    git.fetch()
    server.seen.clear()
    git.fetch()
    asked = len(server.seen)
    publish(served, "version: 2\n")
    git.fetch()
    assert 0 < asked < len(server.seen) - asked


def test_branches_come_and_go(served: Repository, git: GitSource) -> None:
    tip = git.head().id
    served.git("update-ref", "refs/heads/side", tip)
    served.git("update-ref", "refs/tags/v1", tip)
    git.fetch()
    assert git.revision("side").id == git.revision("v1").id == tip
    served.git("update-ref", "-d", "refs/heads/side")
    served.git("update-ref", "refs/heads/side/deep", tip)
    git.fetch()
    assert git.revision("side/deep").id == tip
    with pytest.raises(SourceError):
        git.revision("side")


# Where the name of the host leads


@pytest.fixture
def named(server: Server, monkeypatch: pytest.MonkeyPatch) -> tuple[Address, dict[str, list[str]]]:
    """The server under a name that only we can look up, and what the name leads to."""
    leads: dict[str, list[str]] = {NAME: ["127.0.0.1"]}

    def resolve(host: str, port: int, *_: Any, **__: Any) -> list[tuple[Any, ...]]:
        if host not in leads:
            raise socket.gaierror(host)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, port)) for each in leads[host]]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    forbidden = address._forbidden
    monkeypatch.setattr(address, "_forbidden", lambda found: "" if str(found) == "127.0.0.1" else forbidden(found))
    return Address(f"http://{NAME}:{server.port}/home.git", "http", NAME, server.port, trusted=False), leads


def test_a12_git_connects_where_the_name_led_when_it_was_judged(
    named: tuple[Address, dict[str, list[str]]], server: Server, tmp_path: Path
) -> None:
    remote, leads = named
    followed = Mirror(remote, tmp_path / "cache", {})
    followed.fetch()  # the resolver of the machine does not know the name
    assert server.seen
    server.seen.clear()
    leads[NAME] = ["127.0.0.1", REBOUND]
    with pytest.raises(SourceError, match="leads to a link-local address"):
        followed.fetch()
    with pytest.raises(SourceError, match="leads to a link-local address"):
        followed.push("0" * 40, "refs/heads/main", "")
    del leads[NAME]
    with pytest.raises(SourceError, match=f"the host {NAME} cannot be found"):
        followed.fetch()
    assert server.seen == []


def test_a_git_that_cannot_be_kept_to_an_address_is_refused(
    named: tuple[Address, dict[str, list[str]]], server: Server, tmp_path: Path
) -> None:
    (tmp_path / "git").write_text(
        '#!/bin/sh\ncase "$*" in *version) echo git version 2.34.1;; *) exec /usr/bin/git "$@";; esac\n'
    )
    (tmp_path / "git").chmod(0o755)
    with pytest.raises(SourceError, match=r"git 2\.37 or newer is needed"):
        Mirror(named[0], tmp_path / "cache", {"PATH": f"{tmp_path}:/usr/bin:/bin"}).fetch()
    assert server.seen == []


def test_an_address_of_the_newer_kind_is_written_as_curl_reads_it() -> None:
    found = address.parse_address("https://git.example.net:8443/x")
    both = [address._address("203.0.113.7"), address._address("2001:db8::7")]
    assert found.pin([each for each in both if each]) == "git.example.net:8443:203.0.113.7,[2001:db8::7]"
