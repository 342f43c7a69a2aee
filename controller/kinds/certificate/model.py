"""What may be written under `spec` of a Certificate."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class CertificateSpec(BaseModel):
    """The certificate that visitors of a host get. Caddy orders and renews it, and this says what is expected; or, with
    `challenge: dns`, the controller orders it with a proof in the DNS and hands it to Caddy."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    host: str = Field(min_length=1, description="Host name, such as plex.example.net; *.example.net is every name below.")
    issuer: Literal["acme", "internal", "any"] = Field(
        default="acme", description="acme = a public authority, internal = Caddy's own, any = files of one's own."
    )
    challenge: Literal["caddy", "dns"] = Field(
        default="caddy", description="dns = ordered by the controller: for wildcards, and where port 80 is closed."
    )
    names: list[str] = Field(default_factory=list, description="Further names in the same certificate (challenge: dns).")
    via: str = Field(default="", description="Connection of homelab.yaml that names the Caddy (default: the only one there is).")
    timeout: float = Field(default=180.0, gt=0, le=3600, description="Seconds until it must be served after a change.")
