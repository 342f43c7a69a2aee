"""The numbers by which Caddy finds the container that serves, in one place. Measured: docs/decisions/0011-slots.md.

A service has two slots, and both answer while nothing happens. During a swap one of them may be empty, and then nobody refuses: a
request must find out fast (`DIAL_SLOT`), be tried again until the swap is over (`RETRY`), and give the slot another chance soon,
because the next container comes to the same two."""

RETRY = "30s"
"""How long a request is tried again: longer than a swap of containers."""
RETRY_EVERY = "100ms"
DIAL_SLOT = "300ms"
DIAL = "3s"
FAIL_FOR = "500ms"
"""How long a target that failed is passed over."""
RETRY_PLAIN = "5s"
"""For declared addresses: a restart of one of them."""
STREAM_CLOSE_DELAY = "1h"
"""How long open websockets survive a new configuration, where Caddy can do that (2.7 and newer)."""
BAD = (502, 503, 504)
"""Answers that say that nothing stands behind a route."""
