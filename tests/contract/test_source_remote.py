"""A remote repository as a source: a bare mirror that follows it, addresses that are allowed, passwords that are never shown."""

from __future__ import annotations

import base64
import logging
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.core.errors import SourceError
from controller.core.ports import Source
from controller.source import GitSource
from controller.source.address import Address, looks_remote, parse_address
from tests.contract.git_server import Server, serve
from tests.contract.source_repository import Repository

FILES: dict[str, str | bytes | None] = {"specs/web.yaml": "version: 1\n"}
HERE = ("127.0.0.1",)


@pytest.fixture
def work(tmp_path: Path) -> Repository:
    """Where a person works and pushes from."""
    repository = Repository(tmp_path / "work")
    repository.commit(FILES, "One")
    repository.git("clone", "--quiet", "--bare", str(repository.folder), str(tmp_path / "served/home.git"))
    repository.git("remote", "add", "origin", str(tmp_path / "served/home.git"))
    return repository


@pytest.fixture
def server(work: Repository, tmp_path: Path) -> Iterator[Server]:
    with serve(tmp_path / "served") as running:
        yield running


def source(server: Server, tmp_path: Path, login: str = "", branch: str = "") -> GitSource:
    return GitSource(server.url(login), path="specs", branch=branch, cache_dir=tmp_path / "cache", trusted_hosts=HERE)


def test_a_remote_branch_is_followed(work: Repository, server: Server, tmp_path: Path) -> None:
    git: Source = source(server, tmp_path)
    first = git.head()
    assert first.message == "One"
    assert git.read(first.id).read("web.yaml") == b"version: 1\n"
    second = work.commit({"specs/web.yaml": "version: 2\n"}, "Two")
    work.git("push", "--quiet", "origin", "main")
    assert git.head() == first, "until it is fetched"
    git.fetch()
    assert git.head().id == second
    assert git.read(second).read("web.yaml") == b"version: 2\n"
    assert git.descends(second, first.id)
    assert not list((tmp_path / "cache").rglob("web.yaml")), "never checked out"


def test_the_default_branch_and_another_one(work: Repository, server: Server, tmp_path: Path) -> None:
    work.git("checkout", "--quiet", "-b", "trunk")
    trunk = work.commit({"specs/web.yaml": "version: trunk\n"})
    work.git("push", "--quiet", "origin", "trunk")
    Repository(server.folder / "home.git", make=False).git("symbolic-ref", "HEAD", "refs/heads/trunk")
    git = source(server, tmp_path)
    assert (git.branch, git.head().id) == ("trunk", trunk)
    assert source(server, tmp_path, branch="main").head().message == "One"
    with pytest.raises(SourceError, match="has no branch gone"):
        source(server, tmp_path, branch="gone").head()


def test_what_was_fetched_is_there_without_the_remote(server: Server, tmp_path: Path) -> None:
    first = source(server, tmp_path).head()
    server.wanted = "nobody"
    again = source(server, tmp_path)
    assert again.head() == first
    assert again.read(first.id).read("web.yaml") == b"version: 1\n"
    with pytest.raises(SourceError, match="git ls-remote failed"):
        again.fetch()
    assert again.head() == first


def test_a_first_fetch_that_fails_is_tried_again(server: Server, tmp_path: Path) -> None:
    server.wanted = "nobody"
    git = source(server, tmp_path)
    with pytest.raises(SourceError):
        git.head()
    server.wanted = ""
    assert git.head().message == "One"


def test_a30_what_a_forced_push_threw_away_is_kept(work: Repository, server: Server, tmp_path: Path) -> None:
    git = source(server, tmp_path)
    running = git.head().id
    work.git("checkout", "--quiet", "--orphan", "fresh")
    unrelated = work.commit({"specs/web.yaml": "evil: true\n"})
    work.git("push", "--quiet", "--force", "origin", "fresh:main")
    git.fetch()
    Repository(next((tmp_path / "cache").glob("*.git")), make=False).git("-c", "gc.pruneExpire=never", "gc", "--quiet")
    assert git.head().id == unrelated
    assert not git.descends(unrelated, running)
    again = source(server, tmp_path)
    assert again.read(running).read("web.yaml") == b"version: 1\n"


def test_a09_a_malformed_object_is_not_taken_in(work: Repository, server: Server, tmp_path: Path) -> None:
    git = source(server, tmp_path)
    good = git.head()
    served = Repository(server.folder / "home.git", make=False)
    inner = served.tree(("100644", "config", served.blob(b"[core]\n")))
    served.commit_tree(served.tree(("40000", "specs", served.tree(("40000", ".git", inner)))))
    with pytest.raises(SourceError, match="git fetch failed"):
        git.fetch()
    assert git.head() == good


def test_a_commit_is_pushed(work: Repository, server: Server, tmp_path: Path) -> None:
    git = source(server, tmp_path)
    first = git.head()
    made = git.commit({"web.yaml": b"version: 2\n"}, "Change", "Ada")
    assert git.head() == made
    work.git("fetch", "--quiet", "origin")
    assert work.git("rev-parse", "origin/main") == made.id
    back = git.revert(first.id, "Go back", "Ada")
    git.fetch()
    assert git.head() == back
    assert git.read(back.id).read("web.yaml") == b"version: 1\n"


def test_a_push_that_is_refused_changes_nothing(work: Repository, server: Server, tmp_path: Path) -> None:
    git = source(server, tmp_path)
    first = git.head()
    work.commit({"specs/web.yaml": "version: 2\n"}, "Two")
    work.git("push", "--quiet", "origin", "main")
    with pytest.raises(SourceError, match="did not take the commit: "):
        git.commit({"web.yaml": b"version: 3\n"}, "Change", "Ada")
    assert git.head() == first


@pytest.mark.parametrize(
    ("login", "header", "reason"),
    [
        ("ada:canary-4711@", "ada:canary-4711", "a name and a password"),
        ("canary-4711@", "canary-4711:", "a token alone"),
        ("ada:canary%2D4711%3A@", "ada:canary-4711:", "an escaped password"),
    ],
)
def test_a10_a_password_authenticates_and_is_never_shown(
    server: Server, tmp_path: Path, login: str, header: str, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.wanted = "Basic " + base64.b64encode(header.encode()).decode()
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "git").write_text(
        f'#!/bin/sh\n(echo "$@"; env; cat /proc/$PPID/cmdline) >> {tmp_path}/seen\nexec /usr/bin/git "$@"\n'
    )
    (programs / "git").chmod(0o755)
    git = GitSource(
        server.url(login), cache_dir=tmp_path / "cache", trusted_hosts=HERE, environment={"PATH": f"{programs}:/usr/bin:/bin"}
    )
    assert git.head().message == "One", reason
    server.wanted = "other"
    with pytest.raises(SourceError) as caught:
        git.fetch()
    secrets = ("canary", base64.b64encode(header.encode()).decode())
    stored = b"".join(path.read_bytes() for path in (tmp_path / "cache").rglob("*") if path.is_file())
    said = (
        str(caught.value) + git.name + repr(git) + repr(vars(git)) + caplog.text + (tmp_path / "seen").read_text() + repr(stored)
    )
    assert not [secret for secret in secrets if secret in said], reason


def test_a10_a_redirect_is_not_followed(server: Server, tmp_path: Path) -> None:
    with serve(server.folder) as other:
        server.elsewhere = f"http://127.0.0.1:{other.port}"
        with pytest.raises(SourceError, match="git ls-remote failed"):
            source(server, tmp_path, "ada:secret@").head()
        assert other.seen == [], "nobody else learns the password"


def test_ssh_runs_only_what_git_asks_for(work: Repository, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "ssh").write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\nfor last; do :; done\nexec sh -c "$last"\n')
    (programs / "ssh").chmod(0o755)
    environment = {"PATH": f"{programs}:/usr/bin:/bin"}
    served = tmp_path / "served/home.git"
    for address in (f"ssh://git@git.example.net:2222{served}", f"git@git.example.net:{served}"):
        git = GitSource(address, cache_dir=tmp_path / "cache", environment=environment)
        assert git.head().message == "One"
        assert git.name == address
    asked = (tmp_path / "asked").read_text().splitlines()
    assert all(line.startswith("-oBatchMode=yes -oConnectTimeout=15 -oStrictHostKeyChecking=yes ") for line in asked)
    assert all(line.endswith(f"git@git.example.net git-upload-pack '{served}'") for line in asked)


@pytest.mark.parametrize(
    ("text", "message", "reason"),
    [
        ("ext::sh -c touch% /tmp/x", "this is not the address", "a program"),
        ("ext::ssh://host/x", "this is not the address", "a program behind a scheme"),
        ("fd::17", "this is not the address", "a descriptor"),
        ("file:///etc", "file:// is not allowed .*; for a folder on this machine write its path", "a path in disguise"),
        ("git://host/x", "git:// is not allowed", "nobody can tell who answers"),
        ("ftp://host/x", "ftp:// is not allowed", "old"),
        ("HTTPS://host/x", "this is not the address", "not as people write it"),
        ("http://git.example.net/x", "http:// sends specs and passwords in the clear", "no encryption"),
        ("ssh://-oProxyCommand=id/x", "a host name that is not allowed", "an option for ssh"),
        ("ssh://-oProxyCommand=id@host/x", "the user name in the address is not allowed", "an option for ssh"),
        ("-oProxyCommand=id:x", "a host name that is not allowed", "an option for ssh"),
        ("git@-oProxyCommand=id:x", "a host name that is not allowed", "an option for ssh"),
        ("git@host:-x", "a path that is not allowed", "an option for the other side"),
        ("ssh://host/--upload-pack=id", "a path that is not allowed", "an option for the other side"),
        ("https://host/$(id)", "a path that is not allowed", "a command"),
        ("https://host/a;id", "a path that is not allowed", "a command"),
        ("https://host/a b", "a path that is not allowed", "a blank"),
        ("https://host/../x", "a path that is not allowed", "a way up"),
        ("https://host/x?y=z", "a path that is not allowed", "a query"),
        ("https://host/x#y", "a path that is not allowed", "a fragment"),
        ("https://host", "this is not the address", "no path"),
        ("https:///x", "a host name that is not allowed", "no host"),
        ("https://host/x\nHost: evil", "this is not the address", "another line"),
        ("https://host/\x1b[2J", "this is not the address", "a terminal escape"),
        ("https://höst/x", "this is not the address", "a name that looks like another"),
        ("https://a@b@c/x", "this is not the address", "two logins"),
        ("https://host:0/x", "0 is not a port", "no port"),
        ("https://host:99999/x", "99999 is not a port", "no port"),
        ("https://host:22x/x", "this is not the address", "no port"),
        ("https://a%0ab:c@host/x", "a character that is not allowed", "another line for a credential helper"),
        ("ssh://git:canary-4711@host/x", "ssh takes no password", "it would be shown"),
        ("https://" + "x" * 2000 + "/y", "this is not the address", "too long"),
        ("https://localhost/x", "the host is this machine", "this machine"),
        ("https://LOCALHOST./x", "the host is this machine", "the same"),
        ("https://a.localhost/x", "the host is this machine", "the same"),
        ("https://127.0.0.1/x", "is this machine", "the same"),
        ("https://127.1/x", "is this machine", "the same, short"),
        ("https://2130706433/x", "is this machine", "the same as one number"),
        ("https://0x7f000001/x", "is this machine", "the same in hexadecimal"),
        ("https://0177.0.0.1/x", "is this machine", "the same in octal"),
        ("https://0.0.0.0/x", "is this machine", "any address"),
        ("https://[::1]/x", "is this machine", "the same in IPv6"),
        ("https://[::]/x", "is this machine", "any address in IPv6"),
        ("https://[::ffff:127.0.0.1]/x", "is this machine", "IPv4 in IPv6"),
        ("https://[2002:7f00:1::]/x", "is this machine", "IPv4 in IPv6, another way"),
        ("http://[::ffff:127.0.0.1]/x", "is this machine", "A10 as it is written"),
        ("https://169.254.169.254/x", "a link-local address", "where clouds keep their secrets"),
        ("http://169.254.169.254/x", "a link-local address", "A10 as it is written"),
        ("https://[::ffff:a9fe:a9fe]/x", "a link-local address", "the same in IPv6"),
        ("https://[fe80::1]/x", "a link-local address", "the same in IPv6"),
        ("https://224.0.0.1/x", "not the address of one machine", "everybody"),
        ("git@127.0.0.1:x", "is this machine", "by ssh"),
    ],
)
def test_a10_addresses_that_are_refused(text: str, message: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=message) as caught:
        parse_address(text)
    assert "canary" not in str(caught.value)
    assert str(caught.value).isprintable()
    with pytest.raises(SourceError):
        GitSource(text, cache_dir=tmp_path)
    assert list(tmp_path.iterdir()) == [], reason


@pytest.mark.parametrize(
    ("text", "url", "reason"),
    [
        ("https://github.com/ada/home.git", "https://github.com/ada/home.git", "the usual one"),
        (
            "https://ada:secret@git.example.net:8443/ada/home",
            "https://git.example.net:8443/ada/home",
            "the password is taken out",
        ),
        ("https://192.168.1.5/ada/home.git", "https://192.168.1.5/ada/home.git", "a machine at home"),
        ("https://[fd00::5]:3000/home.git", "https://[fd00::5]:3000/home.git", "a machine at home in IPv6"),
        ("ssh://git@nas.local:2222/~/home.git", "ssh://git@nas.local:2222/~/home.git", "ssh with a port"),
        ("git@github.com:ada/home.git", "git@github.com:ada/home.git", "the short form of ssh"),
        ("nas:home.git", "nas:home.git", "a host of ssh's configuration"),
        ("https://dev.azure.com/org/pro%20ject/_git/x", "https://dev.azure.com/org/pro%20ject/_git/x", "an escape in the path"),
    ],
)
def test_addresses_that_are_good(text: str, url: str, reason: str) -> None:
    assert looks_remote(text)
    address = parse_address(text)
    assert address.url == url, reason
    assert "secret" not in repr(address)


def test_a_trusted_host_may_be_here_and_speak_plainly() -> None:
    assert parse_address("http://127.0.0.1:3000/x", HERE).url == "http://127.0.0.1:3000/x"
    assert parse_address("http://gitea:3000/x", ("gitea",)).url == "http://gitea:3000/x"
    with pytest.raises(SourceError, match="this machine"):
        parse_address("http://127.0.0.2:3000/x", HERE)


@pytest.mark.parametrize(
    ("address", "said", "reason"),
    [
        ("127.0.0.1", "leads to this machine", "a name for this machine"),
        ("169.254.169.254", "leads to a link-local address", "a name for a metadata service"),
        ("::1", "leads to this machine", "in IPv6"),
        ("fe80::1%eth0", "leads to a link-local address", "with a zone"),
        ("192.168.1.5", "", "a machine at home"),
        ("203.0.113.7", "", "a machine elsewhere"),
    ],
)
def test_a_name_that_leads_here_is_refused(address: str, said: str, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def resolve(*_: Any, **__: Any) -> list[tuple[Any, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("203.0.113.8", 443)), (0, 0, 0, "", (address, 443))]

    monkeypatch.setattr(socket, "getaddrinfo", resolve)
    found: Address = parse_address("https://rebound.example.net/x")
    if said:
        with pytest.raises(SourceError, match=said):
            found.resolved()
    else:
        assert [str(each) for each in found.resolved()] == ["203.0.113.8", address], reason


def test_a_remote_needs_a_place_for_its_copy() -> None:
    with pytest.raises(SourceError, match="needs a folder for its copy"):
        GitSource("https://github.com/ada/home.git")


@pytest.mark.parametrize("text", ["--upload-pack=touch x;", "-h", "./a:b", "../a", "~/a:b", "/a:b", "specs"])
def test_what_is_no_address_is_a_path(text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert not looks_remote(text)
    with pytest.raises(SourceError, match="there is no folder"):
        GitSource(text)
