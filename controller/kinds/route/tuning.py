"""The numbers by which Caddy finds the container that serves, in one place.

A service has two slots and at most one of them answers. A request that meets the empty one must find out fast (`DIAL_SLOT`) and
be tried again until a swap is over (`RETRY`); the slot is passed over for a moment (`FAIL_FOR`) and then given another chance."""

RETRY = "30s"
"""How long a request is tried again: longer than a swap of containers."""
RETRY_EVERY = "100ms"
DIAL_SLOT = "300ms"
DIAL = "3s"
FAIL_FOR = "2s"
"""How long a target that failed is passed over."""
RETRY_PLAIN = "5s"
"""For declared addresses: a restart of one of them."""
STREAM_CLOSE_DELAY = "1h"
"""How long open websockets survive a new configuration, where Caddy can do that (2.7 and newer)."""
BAD = (502, 503, 504)
"""Answers that say that nothing stands behind a route."""
