"""The page's own files: style sheets, modules, icons. Each has an address that names the content of them all, so that a browser
keeps it for good and never mixes two versions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from hashlib import sha256
from importlib.resources import files
from importlib.resources.abc import Traversable

from controller.web.call import Call, Face, Operation, Reply, Routes

_MEDIA = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".webmanifest": "application/manifest+json",
}
_FOR_GOOD = {"Cache-Control": "public, max-age=31536000, immutable"}
_WORKER = "worker.js"
_FIRST, _LAST = ("tokens", "base", "layout", "parts"), "print"


@cache
def contents() -> dict[str, bytes]:
    """Every file by its path below `static/`."""
    return dict(sorted(_found(files("controller.web").joinpath("static"), "")))


def _found(folder: Traversable, below: str) -> Iterator[tuple[str, bytes]]:
    for item in folder.iterdir():
        if item.is_dir():
            yield from _found(item, f"{below}{item.name}/")
        elif _ending(item.name) in _MEDIA:
            yield below + item.name, item.read_bytes()


def _ending(name: str) -> str:
    return f".{name.rpartition('.')[2]}"


@cache
def mark() -> str:
    """What the addresses of this version begin with: a digest of all files."""
    whole = sha256()
    for name, content in contents().items():
        whole.update(f"{name} {len(content)} ".encode() + content)
    return whole.hexdigest()[:16]


def address(name: str) -> str:
    """Where a file is served. Raises KeyError when there is none."""
    if name not in contents():
        raise KeyError(name)
    return f"/static/{mark()}/{name}"


@cache
def sheets() -> tuple[str, ...]:
    """The addresses of every style sheet: what the others build on first, then one per view by name, print last."""
    names = [name.removeprefix("css/").removesuffix(".css") for name in contents() if name.startswith("css/")]
    views = [name for name in names if name not in (*_FIRST, _LAST)]
    return tuple(address(f"css/{name}.css") for name in (*_FIRST, *views, _LAST))


def routes() -> Routes:
    """An operation per file; open, because the door needs them and there is no data in them. The service worker keeps one
    address, is asked for anew each time, and may look after the whole page."""
    found = {address(name): _operation(name, _FOR_GOOD) for name in contents() if name != _WORKER}
    return {**found, f"/static/{_WORKER}": _operation(_WORKER, {"Service-Worker-Allowed": "/"})}


def _operation(name: str, headers: dict[str, str]) -> dict[str, Operation]:
    media = _MEDIA[_ending(name)]
    return {"GET": Operation(_file(name, media, headers), f"The page's {name}.", None, media=media, etag=True)}


def _file(name: str, media: str, headers: dict[str, str]) -> Callable[[Face, Call], Reply]:
    content = contents()[name]
    return lambda _face, _call: Reply(content, media=media, headers=headers)
