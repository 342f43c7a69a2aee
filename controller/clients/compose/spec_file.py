"""The shape of a compose file outside its services: networks, volumes, configs, secrets, models and include."""

from __future__ import annotations

from controller.clients.compose.schema import Check, anything, by_type, entries, items, record, scalar
from controller.clients.compose.spec_container import NAME, flag, list_or_map, text, text_or_texts
from controller.clients.compose.spec_service import SERVICE

_nothing = type(None)
_options = entries(scalar(str, float))
_external = by_type({bool: anything, str: anything, dict: record("external", {"name": text})})
_pool = record("an address pool", {"subnet": text, "ip_range": text, "gateway": text, "aux_addresses": entries(text)})
_network = record(
    "a network",
    {
        "name": text,
        "driver": text,
        "driver_opts": _options,
        "ipam": record("ipam", {"driver": text, "config": items(_pool), "options": entries(text)}),
        "external": _external,
        "internal": flag,
        "enable_ipv4": flag,
        "enable_ipv6": flag,
        "attachable": flag,
        "labels": list_or_map,
    },
)
_volume = record(
    "a volume", {"name": text, "driver": text, "driver_opts": _options, "external": _external, "labels": list_or_map}
)
_secret = record(
    "a secret",
    {
        "name": text,
        "environment": text,
        "file": text,
        "external": _external,
        "labels": list_or_map,
        "driver": text,
        "driver_opts": _options,
        "template_driver": text,
    },
)
_config = record(
    "a config",
    {
        "name": text,
        "content": text,
        "environment": text,
        "file": text,
        "external": _external,
        "labels": list_or_map,
        "template_driver": text,
    },
)
_model = record(
    "a model",
    {"name": text, "model": text, "context_size": scalar(int), "runtime_flags": items(text)},
    required=("model",),
)
_include = by_type(
    {
        str: anything,
        dict: record(
            "include",
            {"path": text_or_texts, "env_file": text_or_texts, "project_directory": text},
            extensions=False,
        ),
    }
)

service: Check = record("a service", SERVICE)


def _named(check: Check, what: str) -> Check:
    return entries(check, name=NAME, what=f"{what} name")


compose_file: Check = record(
    "a compose file",
    {
        "version": text,
        "name": text,
        "include": items(_include),
        "services": _named(service, "service"),
        "models": _named(_model, "model"),
        "networks": _named(by_type({_nothing: anything, dict: _network}), "network"),
        "volumes": _named(by_type({_nothing: anything, dict: _volume}), "volume"),
        "secrets": _named(_secret, "secret"),
        "configs": _named(_config, "config"),
        "jobs": anything,
    },
)
