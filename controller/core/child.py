"""Child processes: what a program that we start may know of the environment that we were started in."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

PASSED = (
    "PATH", "HOME", "SSH_AUTH_SOCK", "SSL_CERT_FILE", "SSL_CERT_DIR", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY",
)  # fmt: skip
"""Every variable that goes on to a child: where programs, keys, the SSH agent, proxies and CA files are."""
AUTHORS = ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL")
"""As whom a person's own git commits."""
SETTINGS = ("XDG_CONFIG_HOME", "GNUPGHOME", "GPG_TTY")
"""Where a person's own git finds their settings and signs."""
_ALWAYS = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/nonexistent",
    "LC_ALL": "C",
}
_STEERING = ("LD_", "GIT_", "GLIBC_")
_STEERING_NAMES = {"BASH_ENV", "EDITOR", "ENV", "LESSOPEN", "PAGER", "SSH_ASKPASS", "SSH_ASKPASS_REQUIRE", "VISUAL"}


def child_environment(given: Mapping[str, str], *more: str) -> dict[str, str]:
    """The whole environment of a child, out of the one that was given: `PASSED` and the names `more`, and nothing else."""
    return {**_ALWAYS, **{name: given[name] for name in (*PASSED, *more) if given.get(name)}}


def steering(names: Iterable[str]) -> list[str]:
    """Which variables make a program load a library, run another program or act on another repository. They must be gone before
    an SDK starts a program by itself (GitPython asks git for its version, Docker's asks credential helpers)."""
    return [name for name in names if name not in AUTHORS and (name.startswith(_STEERING) or name in _STEERING_NAMES)]
