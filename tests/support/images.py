"""Tiny images (2 MB, one static busybox) that behave as tests need them, imported through the engine's API."""

from __future__ import annotations

import io
import tarfile
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import docker

APPLETS = (
    "cat chmod chown date dd df echo env false grep head hostname httpd id ip kill ls mkdir nc nslookup printenv ps rm sh sleep "
    "stat sync tail test touch true wget"
)

# Serves "v$VER" on $PORT; /health answers 200 only while HEALTHY=1. Ends at once on TERM.
SERVE = b"""#!/bin/sh
mkdir -p /www; echo "v$VER" >/www/index.html; [ "$HEALTHY" = 1 ] && echo ok >/www/health
trap 'exit 0' TERM INT; httpd -f -p ${PORT:-80} -h /www & wait $!
"""
HEALTH = "HEALTHCHECK --interval=500ms --timeout=5s --retries=3 CMD wget -q -O /dev/null http://127.0.0.1/health || exit 1"


@dataclass(frozen=True)
class Image:
    """One image: its reference and the Dockerfile instructions applied on import."""

    reference: str
    changes: tuple[str, ...]


def web(tag: str, version: int, *, healthy: bool) -> Image:
    """A web server with a health check; `healthy=False` answers but never becomes healthy."""
    return Image(f"lab/web:{tag}", (f"ENV VER={version} HEALTHY={int(healthy)}", 'CMD ["/bin/serve"]', "EXPOSE 80", HEALTH))


IMAGES = (
    web("1", 1, healthy=True),
    web("2", 2, healthy=True),
    web("3", 3, healthy=True),
    web("bad", 9, healthy=False),
    Image("lab/crash:1", ('CMD ["/bin/sh","-c","echo boom >&2; exit 3"]',)),
    Image("lab/once:1", ('CMD ["/bin/sh","-c","echo done"]',)),
    Image("lab/sleep:1", ('CMD ["/bin/sleep","1000000"]',)),
    Image("lab/sleep:2", ('CMD ["/bin/sleep","1000000"]', "ENV VER=2")),
    Image("lab/base:1", ('CMD ["/bin/sh"]', 'VOLUME ["/var/data"]', "WORKDIR /srv", "USER 1000")),
)


@cache
def layer(busybox: Path) -> bytes:
    """The root file system of every image, as a tar archive."""
    sink = io.BytesIO()
    with tarfile.open(fileobj=sink, mode="w") as tar:
        for folder in ("bin", "www", "tmp", "etc", "srv", "var"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if folder == "tmp" else 0o755
            tar.addfile(entry)
        passwd = b"root:x:0:0:root:/:/bin/sh\napp:x:1000:1000:app:/srv:/bin/sh\n"
        for name, content in (("bin/busybox", busybox.read_bytes()), ("bin/serve", SERVE), ("etc/passwd", passwd)):
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode = len(content), 0o755
            tar.addfile(entry, io.BytesIO(content))
        for applet in APPLETS.split():
            entry = tarfile.TarInfo(f"bin/{applet}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(entry)
    return sink.getvalue()


def load(api: docker.APIClient, image: Image, busybox: Path) -> str:
    """Imports one image under its reference and returns its id."""
    repository, tag = image.reference.rsplit(":", 1)
    api.import_image_from_data(layer(busybox), repository=repository, tag=tag, changes=list(image.changes))
    return str(api.inspect_image(image.reference)["Id"])
