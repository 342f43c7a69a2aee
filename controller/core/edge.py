"""The edge: two networks on which the reverse proxy finds a service, whichever of its containers serves.

Both are halves of one subnet. A service has a slot, a fixed address, in each."""

from __future__ import annotations

from hashlib import sha256
from ipaddress import IPv4Network

DEFAULT_SUBNET = "10.213.0.0/16"
"""The subnet of the edge where nothing else is declared."""
DYNAMIC = 256
"""How many addresses at the start of a half are never slots: network, gateway, and those that Docker gives to containers without
an address of their own."""


def halves(subnet: str = DEFAULT_SUBNET) -> tuple[str, str]:
    """The subnets of the two edge networks. Raises ValueError for what is not an IPv4 subnet, or for one that is too small."""
    network = IPv4Network(subnet)
    if network.num_addresses // 2 < 2 * DYNAMIC:
        raise ValueError(f"the subnet {subnet} is too small for the edge: use a /22 or larger")
    lower, upper = network.subnets()
    return str(lower), str(upper)


def slots(service: str, subnet: str = DEFAULT_SUBNET, choice: int = 1) -> tuple[str, str]:
    """The two fixed addresses of a service, by a stable hash of its name: the same place in both halves, never one of the first
    256 addresses nor the last one. Two services may fall on the same pair: that is a claim, and so an error of the specification
    that names both; a person then gives one of them another `choice`. Raises ValueError as `halves` does."""
    lower, upper = (IPv4Network(half) for half in halves(subnet))
    places = lower.num_addresses - DYNAMIC - 1
    name = service if choice == 1 else f"{service}/{choice}"
    place = DYNAMIC + int.from_bytes(sha256(name.encode()).digest()[:8], "big") % places
    return str(lower.network_address + place), str(upper.network_address + place)
