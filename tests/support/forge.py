"""A forge at the wire, as Gitea, Forgejo and GitHub answer, over a real bare repository: a merge there is a merge by git.

Shapes as docs.github.com/rest tells (pulls, comments, statuses) and Gitea's swagger: no forge can be installed here."""

from __future__ import annotations

import json
import re
import subprocess
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

OWNER, NAME, BOT = "home", "specs", "homelab-bot"
REPOSITORY = f"{OWNER}/{NAME}"
Answer = tuple[int, Any]


class Refusal(Exception):
    """An answer that is no success."""

    def __init__(self, status: int, message: str) -> None:
        self.status, self.message = status, message
        super().__init__(message)


@dataclass
class FakeForge:
    """One forge with one repository; the bare git repository at `git` is what it serves. People act by `by_hand`, `merge` and
    `shut`; tests look at `comments` (by pull request) and `statuses` (by commit). `failing` is a status of all its answers."""

    kind: str
    git: Path
    token: str = "forge-token"
    failing: int = 0
    silenced: bool = False
    """No comment is taken."""
    most: int = 50
    """As many to a page at most, whatever it is asked for."""
    pulls: dict[int, dict[str, Any]] = field(default_factory=dict)
    comments: dict[int, list[dict[str, Any]]] = field(default_factory=dict)
    statuses: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    calls: list[str] = field(default_factory=list)
    accounts: dict[str, str] = field(default_factory=lambda: {"ada@example.net": "ada", "bo@example.net": "bo"})
    """Logins by address: what a commit names is an account's by its address alone, at all three."""

    def __post_init__(self) -> None:
        forge = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_words: Any) -> None:
                pass

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                status, found = forge.answer(self.command, self.path, dict(self.headers.items()), body)
                text = b"" if found is None else json.dumps(found).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_GET = do_POST = do_PATCH = _serve  # noqa: N815 (the names that http.server calls)

        self._lock = threading.RLock()
        self._numbers = iter(range(1, 10_000))
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    # What people do there

    def by_hand(self, branch: str, title: str, author: str = "ada", body: str = "") -> int:
        """A person opens a pull request from a branch that is there."""
        with self._lock:
            found = self._open({"head": branch, "base": "main", "title": title, "body": body}, author)
            return int(found["number"])

    def merge(self, number: int, by: str) -> str:
        """A person presses the button: a merge commit on the base."""
        with self._lock:
            item = self.pulls[number]
            base, head = self._tip(item["base"]["ref"]), self._tip(item["head"]["ref"])
            tree = self._run("merge-tree", "--write-tree", base, head).splitlines()[0]
            message = f"Merge pull request '{item['title']}' (#{number})"
            commit = self._run("commit-tree", "-p", base, "-p", head, "-m", message, tree, author=by)
            self._run("update-ref", f"refs/heads/{item['base']['ref']}", commit, base)
            item |= {
                "state": "closed",
                "merged": True,
                "merged_at": "2026-11-23T00:00:00Z",
                "merge_commit_sha": commit,
                "merged_by": {"login": by},
            }
            return commit

    def shut(self, number: int) -> None:
        """A person closes it without merging."""
        with self._lock:
            self.pulls[number]["state"] = "closed"

    # The wire

    def answer(self, method: str, path: str, headers: dict[str, str], body: bytes) -> Answer:
        with self._lock:
            parts = urlsplit(path)
            self.calls.append(f"{method} {parts.path}")
            if self.failing:
                return self.failing, {"message": "the forge is not well"}
            try:
                return self._routed(method, parts.path, dict(parse_qsl(parts.query)), headers, json.loads(body or b"null"))
            except Refusal as refusal:
                return refusal.status, {"message": refusal.message}

    def _routed(self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: Any) -> Answer:
        root, word = ("/api/v3", "Bearer") if self.kind == "github" else ("/api/v1", "token")
        if headers.get("Authorization") != f"{word} {self.token}":
            raise Refusal(401, "Bad credentials")
        if self.kind == "github" and headers.get("X-GitHub-Api-Version") != "2022-11-28":
            raise Refusal(400, "no such version of the API")
        if (method, path) == ("GET", f"{root}/user"):
            return 200, {"login": BOT}
        inside = re.fullmatch(rf"{root}/repos/{OWNER}/{NAME}(/.*)", path)
        if inside is None:
            raise Refusal(404, "Not Found")
        routes: tuple[tuple[str, str, Callable[..., Answer]], ...] = (
            ("GET", r"/pulls", lambda: self._page(self._listed(query), query)),
            ("POST", r"/pulls", lambda: (201, self._open(body, BOT))),
            ("GET", r"/pulls/(\d+)", lambda number: (200, self._shown(int(number)))),
            ("GET", r"/pulls/(\d+)/commits", lambda number: self._page(self._commits(int(number)), query)),
            ("PATCH", r"/pulls/(\d+)", lambda number: self._changed(int(number), body)),
            ("GET", r"/issues/(\d+)/comments", lambda number: self._page(self.comments.get(int(number), []), query)),
            ("POST", r"/issues/(\d+)/comments", lambda number: (201, self.say(int(number), BOT, body["body"]))),
            ("PATCH", r"/issues/comments/(\d+)", lambda number: self._reworded(int(number), body)),
            ("POST", r"/statuses/([0-9a-f]+)", lambda tip: self._stated(tip, body)),
        )
        if self.silenced and method in ("POST", "PATCH") and inside[1].endswith("/comments"):
            raise Refusal(422, "Body is too long")
        for verb, pattern, handle in routes:
            found = re.fullmatch(pattern, inside[1])
            if found and verb == method:
                return handle(*found.groups())
        raise Refusal(404, "Not Found")

    def say(self, number: int, author: str, body: str) -> dict[str, Any]:
        """A comment."""
        with self._lock:
            self._known(number)
            comment = {"id": 1000 + next(self._numbers), "body": body, "user": {"login": author}}
            self.comments.setdefault(number, []).append(comment)
            return comment

    def _page(self, items: list[Any], query: dict[str, str]) -> Answer:
        size = min(int(query.get("per_page" if self.kind == "github" else "limit", 30)), self.most)
        first = (int(query.get("page", 1)) - 1) * size
        return 200, items[first : first + size]

    def _listed(self, query: dict[str, str]) -> list[Any]:
        state = query.get("state", "open")
        shown = [self._shown(number) for number in sorted(self.pulls, reverse=True)]
        found = [item for item in shown if state == "all" or item["state"] == state]
        if self.kind == "github" and "head" in query:
            found = [item for item in found if f"{OWNER}:{item['head']['ref']}" == query["head"]]
        # A list of GitHub says neither `merged` nor who did it.
        return (
            [{k: v for k, v in i.items() if k not in ("merged", "merged_by")} for i in found] if self.kind == "github" else found
        )

    def _open(self, body: dict[str, Any], author: str) -> dict[str, Any]:
        head, base = self._tip(body["head"]), self._tip(body["base"])
        if not head or not base:
            raise Refusal(404 if self.kind != "github" else 422, "head or base does not exist")
        if not self._run("rev-list", "--max-count=1", head, f"^{base}"):
            raise Refusal(422, "No commits between them")
        if any(i["state"] == "open" and i["head"]["ref"] == body["head"] for i in self.pulls.values()):
            raise Refusal(422 if self.kind == "github" else 409, "pull request already exists for these targets")
        number = next(self._numbers)
        self.pulls[number] = {
            "number": number,
            "title": body["title"],
            "body": body.get("body", ""),
            "user": {"login": author},
            "state": "open",
            "merged": False,
            "merged_at": None,
            "merged_by": None,
            "merge_commit_sha": None,
            "html_url": f"{self.url}/{REPOSITORY}/pulls/{number}",
            "head": {"ref": body["head"], "sha": head, "repo": {"full_name": REPOSITORY}},
            "base": {"ref": body["base"], "sha": base, "repo": {"full_name": REPOSITORY}},
        }
        return self.pulls[number]

    def _shown(self, number: int) -> dict[str, Any]:
        item = self._known(number)
        if item["state"] == "open":
            item["head"]["sha"] = self._tip(item["head"]["ref"]) or item["head"]["sha"]
        return item

    def _commits(self, number: int) -> list[Any]:
        """GitHub: the first 250, oldest first. Gitea: all, newest first (routers/api/v1/repo/pull.go, GetPullRequestCommits)."""
        item = self._shown(number)
        form = "--format=%H%x00%an%x00%ae%x00%cn%x00%ce"
        shown = self._run("log", form, item["head"]["sha"], f"^{item['base']['sha']}").splitlines()
        found = [self._commit(*line.split("\0")) for line in shown]
        return found[::-1][:250] if self.kind == "github" else found

    def _commit(self, sha: str, author: str, author_email: str, committer: str, committer_email: str) -> dict[str, Any]:
        def account(email: str) -> dict[str, str] | None:
            if self.kind == "github" and email == "noreply@github.com":
                return {"login": "web-flow"}
            return {"login": self.accounts[email]} if email in self.accounts else None

        said = {"name": author, "email": author_email}, {"name": committer, "email": committer_email}
        return {
            "sha": sha,
            "commit": {"author": said[0], "committer": said[1]},
            "author": account(author_email),
            "committer": account(committer_email),
        }

    def _changed(self, number: int, body: dict[str, Any]) -> Answer:
        item = self._known(number)
        if item["merged"]:
            raise Refusal(422, "it is merged")
        item |= {name: value for name, value in body.items() if name in ("state", "title", "body")}
        return 201 if self.kind != "github" else 200, item

    def _reworded(self, number: int, body: dict[str, Any]) -> Answer:
        comment = next((each for some in self.comments.values() for each in some if each["id"] == number), None)
        if comment is None:
            raise Refusal(404, "Not Found")
        if comment["user"]["login"] != BOT:
            raise Refusal(403, "not yours")
        comment["body"] = body["body"]
        return 200, comment

    def _stated(self, tip: str, body: dict[str, Any]) -> Answer:
        if body["state"] not in ("pending", "success", "failure", "error") or len(body["description"]) > 140:
            raise Refusal(422, "Validation Failed")
        if subprocess.run(["git", "-C", self.git, "cat-file", "-e", tip], capture_output=True, check=False).returncode:
            raise Refusal(422, "No commit found for SHA")
        self.statuses.setdefault(tip, []).append(body)
        return 201, body

    def _known(self, number: int) -> dict[str, Any]:
        if number not in self.pulls:
            raise Refusal(404, "Not Found")
        return self.pulls[number]

    def _tip(self, branch: str) -> str:
        done = subprocess.run(
            ["git", "-C", self.git, "rev-parse", "--verify", "-q", f"refs/heads/{branch}"],
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stdout.strip()

    def _run(self, *words: str, author: str = "nobody") -> str:
        who = {
            f"GIT_{role}_{part}": value
            for role in ("AUTHOR", "COMMITTER")
            for part, value in (("NAME", author), ("EMAIL", "x@y"))
        }
        done = subprocess.run(
            ["git", "-C", self.git, *words], env={"PATH": "/usr/bin:/bin", **who}, capture_output=True, text=True, check=True
        )
        return done.stdout.strip()
