"""The spec of a Stack: a compose file of the repository, or the content of one."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from controller.clients.compose.text import text_of
from controller.core.resource import Rollback

COMPOSE_KEYS = ("name", "version", "include", "services", "networks", "volumes", "configs", "secrets", "models")
_Section = dict[str, Any] | None


class SecretVariable(BaseModel):
    """A variable whose value is a secret of the vault."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ref: str = Field(description="Reference of the secret, such as media/db-password.")
    generate: int | None = Field(default=None, ge=16, le=1024, description="Make one of that many characters when there is none.")


class StackSpec(BaseModel):
    """Either `file`, or the keys of a compose file; `files` override it, one after the other."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    file: str | None = Field(default=None, description="Path of the compose file, beside this document.")
    files: tuple[str, ...] = Field(default=(), description="Further compose files that override it, in turn.")
    profiles: tuple[str, ...] = Field(default=(), description="Active profiles; `*` = all.")
    variables: dict[str, str | SecretVariable] = Field(
        default_factory=dict,
        description="Values for ${NAME}: text, or {ref: path/of/secret, generate: 32} for the whole value of a variable.",
    )
    host: str = Field(default="local", description="Connection of homelab.yaml that names the Docker host.")
    rollback: Rollback = Field(
        default=Rollback.ALWAYS, description="When a failed rollout may put its services back: always, if-stateless or never."
    )
    name: str | None = Field(default=None, description="Compose's project name: the first part of Docker's names.")
    version: str | int | float | None = Field(default=None, description="Means nothing any more; accepted as Compose does.")
    include: list[Any] | None = Field(default=None, description="Compose files to include.")
    services: _Section = Field(default=None, description="Compose services.")
    networks: _Section = Field(default=None, description="Compose networks.")
    volumes: _Section = Field(default=None, description="Compose volumes.")
    configs: _Section = Field(default=None, description="Compose configs.")
    secrets: _Section = Field(default=None, description="Compose secrets.")
    models: _Section = Field(default=None, description="Compose models (refused where a service uses one).")

    @property
    def inline(self) -> dict[str, Any] | None:
        """The compose file that stands in the spec itself, or None."""
        content = {key: getattr(self, key) for key in COMPOSE_KEYS if key in self.model_fields_set}
        return content or None

    @model_validator(mode="before")
    @classmethod
    def _without_extensions(cls, data: Any) -> Any:
        # Extensions of a compose file only hold anchors, which the reader has written out.
        return {key: value for key, value in data.items() if not str(key).startswith("x-")} if isinstance(data, dict) else data

    @field_validator("variables", mode="before")
    @classmethod
    def _as_text(cls, data: Any) -> Any:
        if not isinstance(data, dict):
            return data
        return {key: value if isinstance(value, dict | SecretVariable | list) else text_of(value) for key, value in data.items()}

    @model_validator(mode="after")
    def _one_source(self) -> StackSpec:
        inline = self.inline
        if self.file is not None and inline is not None:
            raise ValueError(f"`file` and `{next(iter(inline))}` exclude each other: keep the path or the content")
        if self.file is None and inline is None and not self.files:
            raise ValueError("say `file: compose.yaml`, or write the compose file's content here")
        return self
