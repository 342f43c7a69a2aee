"""The door to the Compose Specification: compose data in, Compose's own canonical form out.

Everything here is pure: no file, no network, no environment of this process. A caller hands in what may be read and which
variables may be seen. The canonical form has the keys and the types of values that `docker compose config --format json` of
Compose 5.6 prints (with a single `$` where that prints `$$`); the differential tests in `tests/contract/compose` hold it to that.

- `load` turns a whole compose file (with its overrides, includes and extended files) into a `Project`.
- `canonical_service` does the same for one `services:` entry that stands alone.
- `unsupported` says what of a canonical service this product cannot honour, and why; it is apart so that a canonical form exists
  for every valid file.
- `ComposeError` carries every problem at once; paths lead from the top of the file that a problem names.
- A YAML reader constructs `Reset`, `Override` and `Plain` (see `data`)."""

from __future__ import annotations

from controller.clients.compose.data import Data, Override, Plain, Reset
from controller.clients.compose.durations import format_duration, parse_duration
from controller.clients.compose.findings import ComposeError
from controller.clients.compose.load import canonical_service, load
from controller.clients.compose.ports import parse_port
from controller.clients.compose.project import Project
from controller.clients.compose.sizes import parse_bytes
from controller.clients.compose.support import unsupported
from controller.clients.compose.unset import unset_hint, unset_references
from controller.clients.compose.words import split_words

__all__ = [
    "ComposeError",
    "Data",
    "Override",
    "Plain",
    "Project",
    "Reset",
    "canonical_service",
    "format_duration",
    "load",
    "parse_bytes",
    "parse_duration",
    "parse_port",
    "split_words",
    "unset_hint",
    "unset_references",
    "unsupported",
]
