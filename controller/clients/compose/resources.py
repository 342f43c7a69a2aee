"""Compose's canonical form of what services use: networks, volumes, configs, secrets and models."""

from __future__ import annotations

from collections.abc import Collection

from controller.clients.compose.convert import Convert, Field, as_is, fields, flag, record, text_map, texts, whole
from controller.clients.compose.data import Data
from controller.clients.compose.findings import Findings, Invalid
from controller.clients.compose.shape import each

_text, _flag, _map = Field(as_is), Field(flag), Field(text_map)

_pool = record({"subnet": _text, "gateway": _text, "ip_range": _text, "aux_addresses": _map})
_network = record(
    {
        "name": _text,
        "driver": _text,
        "driver_opts": _map,
        "ipam": Field(record({"driver": _text, "config": Field(each(_pool)), "options": _map}), keep=True),
        "external": _flag,
        "internal": _flag,
        "attachable": _flag,
        "labels": _map,
        "enable_ipv4": Field(flag, keep=True),
        "enable_ipv6": Field(flag, keep=True),
    },
    always={"ipam": {}},
)
_volume = record({"name": _text, "driver": _text, "driver_opts": _map, "external": _flag, "labels": _map})
_file_object = record(
    {
        **fields("name environment file content driver template_driver", _text),
        "external": _flag,
        "labels": _map,
        "driver_opts": _map,
    }
)
_model = record({"name": _text, "model": _text, "context_size": Field(whole), "runtime_flags": Field(texts)})

SECTIONS: dict[str, Convert] = {
    "networks": _network,
    "volumes": _volume,
    "configs": _file_object,
    "secrets": _file_object,
    "models": _model,
}


def canonical_resources(
    file: dict[str, Data], section: str, used: Collection[str], findings: Findings
) -> dict[str, dict[str, Data]]:
    """The canonical form of what is used of one section; entries that cannot be read are findings and are left out."""
    found: dict[str, dict[str, Data]] = {}
    for name, resource in (file.get(section) or {}).items():
        if name not in used:
            continue
        try:
            found[name] = SECTIONS[section](resource or {})
        except Invalid as error:
            findings.add_invalid((section, name), error)
    return found


def check_resources(file: dict[str, Data], findings: Findings) -> None:
    """Rules between the attributes of a resource that its shape cannot express."""
    for section, name, resource in _all(file):
        if resource.get("external") is True and section == "volumes":
            extra = [key for key in resource if key not in ("name", "external") and not key.startswith("x-")]
            if extra:
                findings.add((section, name, extra[0]), f"`{extra[0]}` has no meaning for an external volume", "remove it")
        if section in ("configs", "secrets"):
            sources = ["file", "environment", *(["content"] if section == "configs" else [])]
            given = [key for key in sources if key in resource]
            if len(given) > 1:
                findings.add((section, name), f"{' and '.join(given)} exclude each other", "keep one of them")
            elif not any(resource.get(key) for key in given) and not resource.get("external") and section == "secrets":
                findings.add((section, name), f"the secret `{name}` has no content", "say `file:` or `environment:`")
            elif not given and "external" not in resource:
                findings.add((section, name), f"the config `{name}` has no content", "say `content:`, `file:` or `environment:`")


def _all(file: dict[str, Data]) -> list[tuple[str, str, dict[str, Data]]]:
    return [
        (section, name, resource)
        for section in ("volumes", "configs", "secrets")
        for name, resource in (file.get(section) or {}).items()
        if isinstance(resource, dict)
    ]
