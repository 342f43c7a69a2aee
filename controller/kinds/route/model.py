"""What may be written under `spec` of a Route."""

from __future__ import annotations

from enum import StrEnum
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator


class Exposure(StrEnum):
    """Who may use a route: everybody, those in the VPN, or those at home."""

    PUBLIC = "public"
    VPN = "vpn"
    PRIVATE = "private"


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", coerce_numbers_to_str=True)


class Redirect(_Part):
    """Sends visitors elsewhere."""

    to: str = Field(description="Address to send to, such as https://example.net; the path of the request is kept.")
    code: Literal[301, 302, 303, 307, 308] = Field(default=308, description="Status of the answer.")
    path: Literal["keep", "drop"] = Field(default="keep", description="keep = append path and query of the request.")


class HeaderChange(_Part):
    """What happens to the headers of one direction."""

    set: dict[str, str] = Field(default_factory=dict, description="Headers to set; {http.…} placeholders of Caddy may be used.")
    remove: list[str] = Field(default_factory=list, description="Headers to remove.")


class Headers(_Part):
    """Headers that are changed on the way."""

    request: HeaderChange = Field(default_factory=HeaderChange, description="On the way to the target.")
    response: HeaderChange = Field(default_factory=HeaderChange, description="On the way back.")


class HealthCheck(_Part):
    """How Caddy itself finds out which targets can serve."""

    uri: str = Field(description="Path that a healthy target answers with 2xx or 3xx, such as /health.")
    interval: str = Field(default="2s", description="How often it is asked.")
    timeout: str = Field(default="2s", description="How long an answer may take.")
    status: int | None = Field(default=None, ge=100, le=599, description="The only status that counts as healthy.")


class Timeouts(_Part):
    """How long Caddy waits for a target. Without a word there is no limit but that for connecting."""

    connect: str = Field(default="", description="Until the connection stands (default 300ms for a service, 3s otherwise).")
    response: str = Field(default="", description="Until the first byte of an answer.")
    read: str = Field(default="", description="Between two reads.")
    write: str = Field(default="", description="Between two writes.")


class CertificateFiles(_Part):
    """A certificate of one's own, as files on Caddy's machine."""

    certificate: str = Field(description="PEM file with the certificate and its chain.")
    key: str = Field(description="PEM file with the private key.")


class RouteSpec(_Part):
    """A host name, and where its requests go: a service, addresses, another place, or a folder."""

    via: str = Field(default="", description="Connection of homelab.yaml that names the Caddy (default: the only one there is).")
    host: str = Field(default="", description="Host name, such as plex.example.net; *.example.net is every name below.")
    hosts: list[str] = Field(default_factory=list, description="Further host names.")
    path: list[str] = Field(default_factory=list, description="Only paths at or below these, such as /api (one, or a list).")
    strip: bool = Field(default=False, description="Take the path away before the request goes on.")
    service: str = Field(default="", description="Service that answers.")
    port: int | None = Field(default=None, ge=1, le=65_535, description="Port on which the service listens in its container.")
    to: list[str] = Field(default_factory=list, description="Addresses that answer, such as http://192.168.1.20:8123.")
    insecure: bool = Field(default=False, description="Trust any certificate of an https:// address in `to`.")
    redirect: Redirect | None = Field(default=None, description="Send visitors elsewhere: an address, or {to, code, path}.")
    files: str = Field(default="", description="Folder with static files on Caddy's machine.")
    fallback: bool = Field(default=False, description="For a wildcard host: it serves what no other route names.")
    headers: Headers = Field(default_factory=Headers, description="Headers that are changed on the way.")
    health: HealthCheck | None = Field(default=None, description="How Caddy finds out which targets can serve.")
    timeouts: Timeouts = Field(default_factory=Timeouts, description="How long Caddy waits for a target.")
    exposure: Exposure = Field(default=Exposure.PRIVATE, description="Who may use it; everybody else gets 403.")
    tls: Literal["", "acme", "dns", "internal", "off"] | CertificateFiles = Field(
        default="",
        description="Who issues the certificate (default: acme for public, else internal); dns = a public one by a proof in the "
        "DNS (wildcards, no open port 80); off = plain HTTP.",
    )
    dns: Literal["auto", "off"] = Field(default="auto", description="auto = the record of each host is made as well.")
    timeout: float = Field(default=90.0, gt=0, le=3600, description="Seconds until a change must work through Caddy.")

    @field_validator("path", "to", mode="before")
    @classmethod
    def _one_or_many(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value

    @field_validator("redirect", mode="before")
    @classmethod
    def _plain_redirect(cls, value: Any) -> Any:
        return {"to": value} if isinstance(value, str) else value

    @field_validator("health", mode="before")
    @classmethod
    def _plain_health(cls, value: Any) -> Any:
        return {"uri": value} if isinstance(value, str) else value

    def issuer(self) -> str:
        """Who issues the certificate: acme, dns, internal, files or off."""
        if isinstance(self.tls, CertificateFiles):
            return "files"
        return self.tls or ("acme" if self.exposure is Exposure.PUBLIC else "internal")

    def names(self) -> list[tuple[tuple[str | int, ...], str]]:
        """Every host name with its path below the spec."""
        first: list[tuple[tuple[str | int, ...], str]] = [(("host",), self.host)] if self.host else []
        return first + [(("hosts", index), name) for index, name in enumerate(self.hosts)]
