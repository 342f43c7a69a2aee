"""What may be written under `spec` of a Network: Compose's words for one."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field


class Pool(BaseModel):
    """A range of addresses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    subnet: str = Field(default="", description="Such as 172.28.0.0/16.")
    ip_range: str = Field(default="", description="Part of the subnet that containers get addresses from.")
    gateway: str = Field(default="", description="Address of the host in it.")
    aux_addresses: dict[str, str] = Field(default_factory=dict, description="Addresses that no container gets, by name.")


class Ipam(BaseModel):
    """How addresses are given."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    driver: str = Field(default="", description="Address manager (default: the engine's).")
    config: tuple[Pool, ...] = Field(default=(), description="Ranges of addresses.")
    options: dict[str, str] = Field(default_factory=dict, description="Options of the address manager.")


class NetworkSpec(BaseModel):
    """A network that services share."""

    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)

    host: str = Field(default="local", description="Connection of homelab.yaml that names the Docker host.")
    name: str = Field(default="", description="Name on the engine (default: the document's name).")
    external: bool = Field(default=False, description="It exists and is somebody else's: checked, never changed.")
    driver: str = Field(default="", description="Driver, such as bridge or macvlan (default bridge).")
    driver_opts: dict[str, str] = Field(default_factory=dict, description="Options of the driver.")
    attachable: bool = Field(default=False, description="For swarm networks: single containers may join.")
    internal: bool = Field(default=False, description="No way out of it.")
    enable_ipv4: bool | None = Field(default=None, description="IPv4 addresses (Docker 28 and newer can do without).")
    enable_ipv6: bool | None = Field(default=None, description="IPv6 addresses.")
    ipam: Ipam = Field(default_factory=Ipam, description="Addresses.")
    labels: dict[str, Any] | list[str] = Field(default_factory=dict, description="Labels.")
