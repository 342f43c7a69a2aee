"""The edge network: where the reverse proxy finds a service, whichever of its containers serves."""

from __future__ import annotations

from hashlib import sha256
from ipaddress import IPv4Network

DEFAULT_SUBNET = "10.213.0.0/16"
"""The edge network where nothing else is declared."""
DYNAMIC = 256
"""How many addresses at the start of a subnet are never slots: network, gateway, and those that Docker gives to containers
without an address of their own (it takes the lowest free one)."""


def slots(service: str, subnet: str = DEFAULT_SUBNET) -> tuple[str, str]:
    """The two fixed addresses of a service, by a stable hash of its name: neighbours, never one of the first 256 addresses of the
    subnet nor its last one. Two services may fall on the same pair: that is a claim, and so an error of the specification that
    names both. Raises ValueError for what is not an IPv4 subnet, or for one that is too small."""
    network = IPv4Network(subnet)
    pairs = (network.num_addresses - DYNAMIC) // 2 - 1
    if pairs < 1:
        raise ValueError(f"the subnet {subnet} is too small for the edge network: use a /23 or larger")
    number = int.from_bytes(sha256(service.encode()).digest()[:8], "big") % pairs
    first = network.network_address + DYNAMIC + 2 * number
    return str(first), str(first + 1)
