"""The door to Docker engines: the SDK's low-level client behind one validating, negotiating, translating adapter.

`DockerHost(name, url)` is one engine; `Connection.parse` reads its declaration; `Look` is a resident view of its containers."""

from controller.clients.docker.connection import DEFAULT_URL, Connection, DockerHost, Tls
from controller.clients.docker.containers import Payload
from controller.clients.docker.door import EngineFailed
from controller.clients.docker.events import Happening
from controller.clients.docker.images import LOCAL, Progress, digest_of
from controller.clients.docker.kept import Kept
from controller.clients.docker.logs import Piece
from controller.clients.docker.look import Look, Row, Seen, View
from controller.clients.docker.names import CONTAINER_NAME, ImageName, parse_image

__all__ = [
    "CONTAINER_NAME",
    "DEFAULT_URL",
    "LOCAL",
    "Connection",
    "DockerHost",
    "EngineFailed",
    "Happening",
    "ImageName",
    "Kept",
    "Look",
    "Payload",
    "Piece",
    "Progress",
    "Row",
    "Seen",
    "Tls",
    "View",
    "digest_of",
    "parse_image",
]
