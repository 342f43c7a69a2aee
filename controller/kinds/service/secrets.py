"""Values that must not be seen: which ones they are, and what stands for them."""

from __future__ import annotations

import re

from controller.core.secret import looks_sensitive

_CREDENTIALS = re.compile(r"[a-z][a-z0-9+.-]*://[^\s/:@]*:[^\s/@]+@", re.IGNORECASE)


def has_credentials(value: str) -> bool:
    """True for a URL that carries a password, such as `postgres://user:password@host/name`."""
    return _CREDENTIALS.search(value) is not None


def is_sensitive(name: str, value: str) -> bool:
    """True when a variable must not be shown. The same question is asked of what is declared and of what runs."""
    return bool(value) and (looks_sensitive(name) or has_credentials(value))
