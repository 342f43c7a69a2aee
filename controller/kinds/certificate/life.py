"""The life of a certificate: when it is to be renewed, when it is a fault that it was not, and how people are told."""

from __future__ import annotations

from datetime import UTC, datetime

LEFT = 1 / 3
"""Share of its life that is left when a certificate is renewed, as Caddy does it."""
_OVERDUE = 1 / 6
"""Share that is left when it is a fault that it was not renewed."""
FRESH = 300.0
"""Seconds for which a good answer counts: certificates live for days."""
AT_ONCE = 16
"""Handshakes at the same time."""


def told(seconds: float) -> str:
    """A time as people read it; `seconds` since the epoch."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%d %H:%M UTC")


def out_of_date(host: str, since: float, until: float, now: float) -> str:
    """What is wrong with the age of a certificate that is valid from `since` until `until`; "" = nothing."""
    if now < since:
        return f"the certificate of {host} is not valid before {told(since)}"
    if now >= until:
        return f"the certificate of {host} expired on {told(until)} and was not renewed"
    if until - now < (until - since) * _OVERDUE:
        return f"the certificate of {host} expires on {told(until)} and was not renewed"
    return ""
