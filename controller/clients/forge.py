"""Forgejo, Gitea and GitHub by their REST APIs: pull requests, one comment of ours in each, and the status of a commit.

Sources: docs.github.com/rest (pulls, issues/comments, commits/statuses; API version 2022-11-28), Gitea's and Forgejo's
`/api/swagger` (the same words for what is used here, below `/api/v1`). Of a commit, `author` and `committer` are null where the
address in it is no account's (GitHub "nullable-simple-user"; Gitea services/convert/git_commit.go); GitHub lists the first 250 of
a pull request, Gitea all, the newest first."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

import requests

from controller.clients.tally import asking
from controller.core.errors import Permanent, SettingsError, Transient
from controller.core.forge import Check, PullRequest, Stage, Written

_TIMEOUT = (5.0, 30.0)
_PAGE, _PAGES = 50, 20
_SAID, _WORDS = 256, 140
_NOT_FOUND, _TOO_MANY, _SERVER_FAULT = 404, 429, 500
_WEB = "web-flow"
"""Who commits at GitHub what somebody does on its pages; the author is that somebody."""
_REPOSITORY = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}/[A-Za-z0-9._-]{1,100}")


@dataclass(frozen=True, slots=True)
class Dialect:
    """What differs between forges: where the API is, how the token is shown, and how a page's size is called."""

    root: Callable[[str], str]
    authorization: str
    size: str
    headers: Mapping[str, str]


def _github(url: str) -> str:
    """The API of github.com has a host of its own; an Enterprise server has it below a path."""
    return "https://api.github.com" if url in ("https://github.com", "https://www.github.com") else f"{url}/api/v3"


_GITEA = Dialect(lambda url: f"{url}/api/v1", "token", "limit", {"Accept": "application/json"})
_GITHUB = Dialect(_github, "Bearer", "per_page", {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"})
DIALECTS: Mapping[str, Dialect] = {"forgejo": _GITEA, "gitea": _GITEA, "github": _GITHUB}


class RestForge:
    """core.forge.Forge over one repository (`owner/name`). `token` gives the token each time it is needed (KeyError = none yet).

    Raises SettingsError for an unknown kind or a name that is none."""

    def __init__(self, kind: str, url: str, repository: str, token: Callable[[], str]) -> None:
        if kind not in DIALECTS:
            raise SettingsError(f"{kind!r} is no forge: write one of {', '.join(DIALECTS)}")
        if not _REPOSITORY.fullmatch(repository):
            raise SettingsError(f"{repository!r} is no repository of a forge: write owner/name")
        self._dialect = DIALECTS[kind]
        owner, _, name = repository.partition("/")
        self._owner = owner
        self._repository = repository.lower()
        self._root = self._dialect.root(url.rstrip("/"))
        self._base = f"{self._root}/repos/{quote(owner, safe='')}/{quote(name, safe='')}"
        self._token = token
        self._login = ""
        self._session = requests.Session()
        self._session.trust_env = False  # a proxy of the environment must not see the token

    def pulls(self, base: str) -> tuple[PullRequest, ...]:
        """Every open pull request into a branch, oldest first."""
        found = [self._pull(item) for item in self._pages("/pulls", {"state": "open"})]
        return tuple(sorted((each for each in found if each.base == base), key=lambda each: each.number))

    def pull(self, number: int) -> PullRequest | None:
        """One, open or not."""
        reply = self._send("GET", f"/pulls/{number}", missing=True)
        return None if reply is None else self._pull(reply)

    def commits(self, number: int) -> tuple[Written, ...]:
        """The commits of one, in no order."""
        # Gitea would look up files and signatures of each, GitHub takes no notice.
        return tuple(map(_written, self._pages(f"/pulls/{number}/commits", {"files": "false", "verification": "false"})))

    def find(self, branch: str, base: str) -> PullRequest | None:
        """The newest one from a branch of this repository, open or not."""
        # Only GitHub filters by `head`; it wants the owner with it, and Gitea takes no notice.
        pages = self._pages("/pulls", {"state": "all", "head": f"{self._owner}:{branch}"})
        found = [each for each in map(self._pull, pages) if (each.branch, each.base) == (branch, base)]
        return max(found, key=lambda each: each.number, default=None)

    def open(self, branch: str, base: str, title: str, body: str) -> PullRequest:
        """A new one, or the open one that there is."""
        known = self.find(branch, base)
        if known is not None and known.stage is Stage.OPEN:
            return known
        return self._pull(self._send("POST", "/pulls", {"head": branch, "base": base, "title": title, "body": body}))

    def close(self, number: int) -> None:
        """Close without merging."""
        known = self.pull(number)
        if known is not None and known.stage is Stage.OPEN:
            self._send("PATCH", f"/pulls/{number}", {"state": "closed"})

    def comment(self, number: int, mark: str, text: str) -> None:
        """Write our comment, or change it."""
        hidden = f"<!-- {mark} -->"
        body = {"body": f"{hidden}\n{text}"}
        for item in self._pages(f"/issues/{number}/comments", {}):
            # Anybody may write the mark; only what we wrote is ours to change.
            if str(item.get("body", "")).startswith(hidden) and _login(item.get("user")) == self._me():
                if item["body"] != body["body"]:
                    self._send("PATCH", f"/issues/comments/{int(item['id'])}", body)
                return
        self._send("POST", f"/issues/{number}/comments", body)

    def check(self, tip: str, check: Check, words: str, url: str = "") -> None:
        """Say of a commit how its plan stands."""
        said = {"state": check.value, "context": "homelab/plan", "description": words[:_WORDS]}
        self._send("POST", f"/statuses/{quote(tip, safe='')}", said | ({"target_url": url} if url else {}))

    def close_connections(self) -> None:
        """End the connections."""
        self._session.close()

    def _pull(self, item: Any) -> PullRequest:
        try:
            merged = bool(item.get("merged") or item.get("merged_at"))
            stage = Stage.MERGED if merged else Stage(item["state"])
            head = item["head"]
            # A fork that was deleted leaves no repository behind.
            home = str((head.get("repo") or {}).get("full_name", "")).lower()
            return PullRequest(
                number=int(item["number"]),
                title=str(item["title"] or ""),
                body=str(item.get("body") or ""),
                author=_login(item.get("user")),
                branch=str(head["ref"]) if home == self._repository else "",
                tip=str(head["sha"]),
                base=str(item["base"]["ref"]),
                stage=stage,
                url=str(item.get("html_url") or ""),
                merge=str(item.get("merge_commit_sha") or "") if merged else "",
                by=self._person(item.get("merged_by")) if merged else "",
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise Permanent(f"the forge describes a pull request in words that are not known: {error!r}") from error

    def _person(self, user: Any) -> str:
        """The login of a person: "" for programs, ourselves among them."""
        login = _login(user)
        machine = login.endswith("[bot]") or (isinstance(user, dict) and user.get("type") == "Bot")
        return "" if not login or machine or login == self._me() else login

    def _me(self) -> str:
        """Whose token it is."""
        if not self._login:
            self._login = _login(self._ask("GET", f"{self._root}/user"))
        return self._login

    def _pages(self, path: str, query: Mapping[str, str]) -> Iterator[Any]:
        for page in range(1, _PAGES + 1):
            found = self._send("GET", path, query={**query, "page": str(page), self._dialect.size: str(_PAGE)})
            if not isinstance(found, list):
                raise Permanent("the forge answers a list with something else")
            yield from found
            # A server may give less to a page than it was asked for; the end is where there is nothing.
            if not found:
                return

    def _send(self, method: str, path: str, body: Any = None, **how: Any) -> Any:
        return self._ask(method, self._base + path, body, **how)

    def _ask(
        self, method: str, url: str, body: Any = None, *, query: Mapping[str, str] | None = None, missing: bool = False
    ) -> Any:
        try:
            headers = {**self._dialect.headers, "Authorization": f"{self._dialect.authorization} {self._token()}"}
        except KeyError as error:
            raise Transient("the token of the forge is not in the vault") from error
        try:
            with asking("forge") as ended:
                reply = self._session.request(
                    method, url, params=query, json=body, headers=headers, timeout=_TIMEOUT, allow_redirects=False
                )
                ended(reply.status_code)
        except requests.RequestException as error:
            raise Transient(f"the forge does not answer: {type(error).__name__}") from error
        if missing and reply.status_code == _NOT_FOUND:
            return None
        if reply.ok and not reply.is_redirect:
            try:
                return reply.json() if reply.content else None
            except requests.JSONDecodeError as error:
                raise Permanent("the forge answers with something that is no JSON") from error
        said = f"the forge answers {reply.status_code} to {method} {url.removeprefix(self._root)}: {_said(reply)}"
        if reply.status_code >= _SERVER_FAULT or reply.status_code == _TOO_MANY or "rate limit" in said:
            raise Transient(said)
        raise Permanent(said)


def _login(user: Any) -> str:
    return str(user.get("login") or "") if isinstance(user, dict) else ""


def _written(item: Any) -> Written:
    try:
        git = item["commit"]
        accounts = (_login(item["author"]), _login(item["committer"]))
        by = tuple(dict.fromkeys(each for each in accounts if each != _WEB)) or ("",)
        return Written(
            str(item["sha"]), by, str((git["author"] or {}).get("name", "")), str((git["committer"] or {}).get("email", ""))
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise Permanent(f"the forge describes a commit in words that are not known: {error!r}") from error


def _said(reply: requests.Response) -> str:
    try:
        body = reply.json()
        text = str(body.get("message", "")) if isinstance(body, dict) else ""
    except requests.JSONDecodeError:
        text = ""
    return (text or reply.reason or "")[:_SAID]
