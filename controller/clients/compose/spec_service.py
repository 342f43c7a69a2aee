"""The shape of a service: what belongs to its container, to a workload (build, ports, healthcheck) and to a service alone."""

from __future__ import annotations

from controller.clients.compose.schema import Check, anything, by_type, entries, items, record, scalar
from controller.clients.compose.spec_container import (
    CONTAINER,
    DEVICE_REQUEST,
    NAME,
    command,
    file_mounts,
    flag,
    hosts,
    integer,
    list_or_map,
    number,
    text,
    text_or_texts,
    texts,
    ulimits,
)

_order = scalar(str, values=("start-first", "stop-first"))
_rollout = record(
    "an update policy",
    {
        "parallelism": integer,
        "delay": text,
        "failure_action": text,
        "monitor": text,
        "max_failure_ratio": number,
        "order": _order,
    },
)
_generic = record(
    "a generic resource",
    {"discrete_resource_spec": record("a discrete resource", {"kind": text, "value": number})},
)
_deploy = record(
    "deploy",
    {
        "mode": text,
        "endpoint_mode": text,
        "replicas": integer,
        "labels": list_or_map,
        "rollback_config": _rollout,
        "update_config": _rollout,
        "resources": record(
            "deploy.resources",
            {
                "limits": record("deploy.resources.limits", {"cpus": number, "memory": text, "pids": integer}),
                "reservations": record(
                    "deploy.resources.reservations",
                    {
                        "cpus": number,
                        "memory": text,
                        "generic_resources": items(_generic),
                        "devices": items(record("a device reservation", DEVICE_REQUEST, required=("capabilities",))),
                    },
                ),
            },
        ),
        "restart_policy": record(
            "deploy.restart_policy", {"condition": text, "delay": text, "max_attempts": integer, "window": text}
        ),
        "placement": record(
            "deploy.placement",
            {
                "constraints": items(text),
                "preferences": items(record("a placement preference", {"spread": text})),
                "max_replicas_per_node": integer,
            },
        ),
    },
)
_hook_fields: dict[str, Check] = {
    "command": command,
    "user": text,
    "privileged": flag,
    "working_dir": text,
    "environment": list_or_map,
}
_hooks = items(record("a hook", _hook_fields, required=("command",)))
_watch = record(
    "a watch rule",
    {
        "ignore": text_or_texts,
        "include": text_or_texts,
        "path": text,
        "action": scalar(str, values=("rebuild", "sync", "restart", "sync+restart", "sync+exec")),
        "target": text,
        "exec": record("a hook", _hook_fields, required=("command",)),
        "initial_sync": scalar(bool),
    },
    required=("path", "action"),
)
_trust = scalar(str, bool)
_build = record(
    "build",
    {
        "context": text,
        "dockerfile": text,
        "dockerfile_inline": text,
        "entitlements": items(text),
        "args": list_or_map,
        "ssh": list_or_map,
        "labels": list_or_map,
        "cache_from": items(text),
        "cache_to": items(text),
        "no_cache": flag,
        "no_cache_filter": text_or_texts,
        "additional_contexts": list_or_map,
        "network": text,
        "provenance": _trust,
        "sbom": _trust,
        "pull": flag,
        "target": text,
        "shm_size": integer,
        "extra_hosts": hosts,
        "isolation": text,
        "privileged": flag,
        "secrets": file_mounts,
        "tags": items(text),
        "ulimits": ulimits,
        "platforms": items(text),
    },
)
_dependency = record(
    "a dependency",
    {
        "restart": flag,
        "required": scalar(bool),
        "condition": scalar(str, values=("service_started", "service_healthy", "service_completed_successfully")),
    },
    required=("condition",),
)
_port = record(
    "a port",
    {
        "name": text,
        "mode": text,
        "host_ip": text,
        "target": integer,
        "published": integer,
        "protocol": text,
        "app_protocol": text,
    },
)

WORKLOAD: dict[str, Check] = {
    "build": by_type({str: anything, dict: _build}),
    "depends_on": by_type({list: texts, dict: entries(_dependency, name=NAME, what="service name")}),
    "healthcheck": record(
        "healthcheck",
        {
            "disable": flag,
            "interval": text,
            "retries": number,
            "test": by_type({str: anything, list: items(text)}),
            "timeout": text,
            "start_period": text,
            "start_interval": text,
        },
    ),
    "ports": items(by_type({int: anything, str: anything, dict: _port}), unique=True),
    "expose": items(scalar(int, str), unique=True),
    "stdin_open": flag,
    "tty": flag,
}

_scalars_or_list = by_type(
    {
        str: anything,
        float: anything,
        bool: anything,
        list: items(scalar(str, float, bool)),
    }
)

SERVICE: dict[str, Check] = {
    **CONTAINER,
    **WORKLOAD,
    "deploy": by_type({type(None): anything, dict: _deploy}),
    "develop": by_type({type(None): anything, dict: record("develop", {"watch": items(_watch)})}),
    "profiles": texts,
    "restart": text,
    "scale": integer,
    "attach": flag,
    "container_name": scalar(str, pattern="[a-zA-Z0-9][a-zA-Z0-9_.-]+"),
    "provider": record("provider", {"type": text, "options": entries(_scalars_or_list)}, required=("type",)),
    "extends": by_type(
        {str: anything, dict: record("extends", {"service": text, "file": text}, required=("service",), extensions=False)}
    ),
    "links": texts,
    "external_links": texts,
    "pre_start": items(record("a pre_start hook", {**CONTAINER, "per_replica": flag})),
    "post_start": _hooks,
    "pre_stop": _hooks,
}
