"""What may stand in a request to an engine: ids, names and image references, checked before anything leaves."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from controller.core.errors import Permanent

CONTAINER_NAME = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_.-]{1,253}")
_ID = re.compile(r"[0-9a-f]{12,64}")
_IMAGE_ID = re.compile(r"(?:sha256:)?[0-9a-f]{12,64}")
_ARCHIVE_PATH = re.compile(r"/[^\x00-\x1f\x7f]{0,4094}")

# The grammar of github.com/distribution/reference.
_HOST = r"(?:[a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9-]*[a-zA-Z0-9])"
_DOMAIN = rf"(?:{_HOST}(?:\.{_HOST})*|\[[0-9a-fA-F:]+\])(?::[0-9]+)?"
_PART = r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?P<name>(?:(?P<domain>{_DOMAIN})/)?{_PART}(?:/{_PART})*)(?::(?P<tag>[\w][\w.-]{{0,127}}))?(?:@(?P<digest>sha256:[0-9a-f]{{64}}))?",
    re.ASCII,
)
_NAME_LIMIT = 255


@dataclass(frozen=True, slots=True)
class ImageName:
    """A parsed image reference. `name` as written (with its registry, if any), `tag` "" when only a digest is given."""

    name: str
    tag: str
    digest: str

    @property
    def repository(self) -> str:
        """The name as engines list it in `RepoDigests`: without `docker.io/` and `library/`."""
        short = self.name
        for prefix in ("index.docker.io/", "docker.io/"):
            short = short.removeprefix(prefix)
        return short.removeprefix("library/")

    @property
    def tagged(self) -> str:
        """Name and tag, for looking up what a tag points to."""
        return f"{self.name}:{self.tag or 'latest'}"

    def pinned(self, digest: str) -> str:
        """The reference that names exactly one content and still shows its tag."""
        return f"{self.name}:{self.tag}@{digest}" if self.tag else f"{self.name}@{digest}"


def parse_image(text: str) -> ImageName:
    """Read an image reference. Raises ValueError with what is wrong."""
    match = _REFERENCE.fullmatch(text)
    if match is None:
        if text.lower() != text and _REFERENCE.fullmatch(text.lower()):
            raise ValueError(f"{text[:80]!r} is not an image reference: the repository name must be lower case")
        raise ValueError(f"{text[:80]!r} is not an image reference; write name:tag or name@sha256:…")
    if len(match["name"]) > _NAME_LIMIT:
        raise ValueError(f"the image name is longer than {_NAME_LIMIT} characters")
    digest = match["digest"] or ""
    tag = match["tag"] or ("" if digest else "latest")
    name = match["name"]
    first = name.partition("/")[0]
    if match["domain"] and not ("." in first or ":" in first or first == "localhost") and first.lower() != first:
        raise ValueError(f"{text[:80]!r} is not an image reference: the repository name must be lower case")
    return ImageName(name, tag, digest)


def container_ref(text: str) -> str:
    """A container's id or name. Raises Permanent for anything else."""
    return _checked(text, "container", _ID, CONTAINER_NAME)


def container_name(text: str) -> str:
    """A name for a container. Raises Permanent for anything else."""
    return _checked(text, "container", CONTAINER_NAME)


def object_ref(text: str, what: str) -> str:
    """The id or name of a network or volume (at least two characters, as engines want it). Raises Permanent for anything else."""
    return _checked(text, what, CONTAINER_NAME)


def image_ref(text: str) -> str:
    """An image reference or id. Raises Permanent for anything else."""
    if _IMAGE_ID.fullmatch(text):
        return text
    try:
        parse_image(text)
    except ValueError as error:
        raise Permanent(str(error)) from None
    return text


def bearer(found: dict[str, Any] | None, ref: str) -> dict[str, Any] | None:
    """What an engine found for a container's or network's id or name, or None when it bears neither: engines take any beginning
    of an id for it, and `db` or `cafe` may begin the id of somebody else."""
    return found if found is not None and ref in (found["Id"], str(found["Name"]).lstrip("/")) else None


def archive_path(text: str) -> str:
    """An absolute path inside a container. Raises Permanent for anything else."""
    return _checked(text, "path", _ARCHIVE_PATH)


def _checked(text: str, what: str, *patterns: re.Pattern[str]) -> str:
    if not any(pattern.fullmatch(text) for pattern in patterns):
        raise Permanent(f"{text[:80]!r} is not a valid {what} name")
    return text
