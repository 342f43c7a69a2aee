"""The shape of a compose file (the JSON Schema that Compose 5.6 validates with, as checks).

Attributes come in layers, as in the specification: those of a container, of a workload (a container with a build, ports and a
healthcheck) and of a service."""

from __future__ import annotations

from controller.clients.compose.schema import Check, anything, by_type, entries, items, record, scalar

NAME = r"[a-zA-Z0-9._-]+"

text = scalar(str)
flag = scalar(bool, str)
number = scalar(float, str)
integer = scalar(int, str)
_nothing = scalar(type(None))
texts = items(text, unique=True)
text_or_texts = by_type({str: text, list: texts})
_option = scalar(str, float)
_options = entries(_option)
list_or_map = by_type({dict: entries(scalar(str, float, bool, type(None))), list: texts})
command = by_type({type(None): anything, str: anything, list: items(text)})
_hosts = by_type({dict: entries(by_type({str: anything, list: items(text)})), list: texts})
_ulimit = record("a ulimit", {"hard": integer, "soft": integer}, required=("soft", "hard"))
_ulimits = entries(by_type({int: integer, float: integer, str: anything, dict: _ulimit}))
_file_mount = by_type(
    {str: anything, dict: record("a mount of a file", {"source": text, "target": text, "uid": text, "gid": text, "mode": number})}
)
_file_mounts = items(_file_mount)
_devices_fields: dict[str, Check] = {
    "capabilities": texts,
    "count": integer,
    "device_ids": texts,
    "driver": text,
    "options": list_or_map,
}
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
                        "devices": items(record("a device reservation", _devices_fields, required=("capabilities",))),
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
_io_limits = items(record("a device limit", {"path": text, "rate": integer}, extensions=False))
_io_weights = items(record("a device weight", {"path": text, "weight": scalar(int)}, extensions=False))
_mount = record(
    "a mount",
    {
        "type": scalar(str, values=("bind", "volume", "tmpfs", "cluster", "npipe", "image")),
        "source": text,
        "target": text,
        "read_only": flag,
        "consistency": text,
        "bind": record(
            "a bind mount",
            {
                "propagation": text,
                "create_host_path": flag,
                "recursive": scalar(str, values=("enabled", "disabled", "writable", "readonly")),
                "selinux": scalar(str, values=("z", "Z")),
            },
        ),
        "volume": record("a volume mount", {"labels": list_or_map, "nocopy": flag, "subpath": text}),
        "tmpfs": record("a tmpfs mount", {"size": scalar(int, str, low=0), "mode": number}),
        "image": record("an image mount", {"subpath": text}),
    },
    required=("type",),
)
_attachment = record(
    "a network of a service",
    {
        "aliases": texts,
        "interface_name": text,
        "ipv4_address": text,
        "ipv6_address": text,
        "link_local_ips": texts,
        "mac_address": text,
        "driver_opts": _options,
        "priority": scalar(float),
        "gw_priority": scalar(float),
    },
)
_device = record("a device", {"source": text, "target": text, "permissions": text}, required=("source",))
_env_file = by_type(
    {
        str: anything,
        list: items(
            by_type(
                {
                    str: anything,
                    dict: record(
                        "an env_file entry",
                        {"path": text, "format": text, "required": flag},
                        required=("path",),
                        extensions=False,
                    ),
                }
            )
        ),
    }
)
_model_use = by_type({type(None): anything, dict: record("a model of a service", {"endpoint_var": text, "model_var": text})})

CONTAINER: dict[str, Check] = {
    "annotations": list_or_map,
    "blkio_config": record(
        "blkio_config",
        {
            "device_read_bps": _io_limits,
            "device_read_iops": _io_limits,
            "device_write_bps": _io_limits,
            "device_write_iops": _io_limits,
            "weight": scalar(int),
            "weight_device": _io_weights,
        },
        extensions=False,
    ),
    "cap_add": texts,
    "cap_drop": texts,
    "cgroup": scalar(str, values=("host", "private")),
    "cgroup_parent": text,
    "command": command,
    "configs": _file_mounts,
    "cpu_count": scalar(int, str, low=0),
    "cpu_percent": scalar(int, str, low=0, high=100),
    "cpu_shares": number,
    "cpu_quota": number,
    "cpu_period": number,
    "cpu_rt_period": number,
    "cpu_rt_runtime": number,
    "cpus": number,
    "cpuset": text,
    "credential_spec": record("credential_spec", {"config": text, "file": text, "registry": text}),
    "device_cgroup_rules": texts,
    "devices": items(by_type({str: anything, dict: _device})),
    "dns": text_or_texts,
    "dns_opt": texts,
    "dns_search": text_or_texts,
    "domainname": text,
    "entrypoint": command,
    "env_file": _env_file,
    "label_file": by_type({str: anything, list: items(text)}),
    "environment": list_or_map,
    "extra_hosts": _hosts,
    "gpus": by_type({str: scalar(str, values=("all",)), list: items(record("a GPU request", _devices_fields))}),
    "group_add": items(scalar(str, float), unique=True),
    "hostname": text,
    "image": text,
    "init": flag,
    "ipc": text,
    "isolation": text,
    "labels": list_or_map,
    "logging": record("logging", {"driver": text, "options": entries(scalar(str, float, type(None)))}),
    "mac_address": text,
    "mem_limit": number,
    "mem_reservation": integer,
    "mem_swappiness": integer,
    "memswap_limit": number,
    "network_mode": text,
    "models": by_type({list: texts, dict: entries(_model_use, name=NAME)}),
    "networks": by_type({list: texts, dict: entries(by_type({type(None): anything, dict: _attachment}), name=NAME)}),
    "oom_kill_disable": flag,
    "oom_score_adj": scalar(int, str, low=-1000, high=1000),
    "pid": text,
    "pids_limit": number,
    "platform": text,
    "privileged": flag,
    "pull_policy": scalar(
        str, pattern=r"^(always|never|build|if_not_present|missing|refresh|daily|weekly|every_([0-9]+[wdhms])+)$"
    ),
    "pull_refresh_after": text,
    "read_only": flag,
    "runtime": text,
    "security_opt": texts,
    "shm_size": number,
    "secrets": _file_mounts,
    "sysctls": list_or_map,
    "stop_grace_period": text,
    "stop_signal": text,
    "storage_opt": entries(anything),
    "tmpfs": text_or_texts,
    "ulimits": _ulimits,
    "use_api_socket": scalar(bool),
    "user": text,
    "uts": text,
    "userns_mode": text,
    "volumes": items(by_type({str: anything, dict: _mount}), unique=True),
    "volumes_from": texts,
    "working_dir": text,
}

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
        "extra_hosts": _hosts,
        "isolation": text,
        "privileged": flag,
        "secrets": _file_mounts,
        "tags": items(text),
        "ulimits": _ulimits,
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
