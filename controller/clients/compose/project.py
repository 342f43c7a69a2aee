"""A loaded compose project."""

from __future__ import annotations

from dataclasses import dataclass, field

from controller.clients.compose.data import Data


@dataclass(frozen=True)
class Project:
    """Everything that a compose file asks for, in Compose's canonical form.

    `services` holds only those of active profiles, the other sections only what these services use; `disabled` names the
    services that are out, with their profiles. `variables` are the
    values that interpolation saw (secrets and configs with `environment:` take theirs from there), `unset` the names that it
    looked for in vain, in the order of their first use: Compose warns about them and takes empty text."""

    name: str
    services: dict[str, dict[str, Data]]
    networks: dict[str, dict[str, Data]] = field(default_factory=dict)
    volumes: dict[str, dict[str, Data]] = field(default_factory=dict)
    configs: dict[str, dict[str, Data]] = field(default_factory=dict)
    secrets: dict[str, dict[str, Data]] = field(default_factory=dict)
    models: dict[str, dict[str, Data]] = field(default_factory=dict)
    extensions: dict[str, Data] = field(default_factory=dict)
    disabled: dict[str, list[str]] = field(default_factory=dict)
    variables: dict[str, str] = field(default_factory=dict)
    unset: tuple[str, ...] = ()

    def data(self) -> dict[str, Data]:
        """The project as Compose prints it: without empty sections and models, with extensions at the top."""
        sections = {"networks": self.networks, "volumes": self.volumes, "configs": self.configs, "secrets": self.secrets}
        shown = {name: section for name, section in sections.items() if section}
        return {"name": self.name, "services": self.services, **shown, **self.extensions}
