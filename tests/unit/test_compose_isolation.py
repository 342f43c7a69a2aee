"""A compose file sees nothing but what is handed in: no environment, no file of the machine, nothing outside the repository."""

from __future__ import annotations

from typing import Any

import pytest

from controller.clients.compose import ComposeError, Project, canonical_service, load, unsupported


class Repository:
    """Files by path, and the paths that were asked for."""

    def __init__(self, **files: str) -> None:
        self.files = {name.replace("__", "/"): content for name, content in files.items()}
        self.asked: list[str] = []

    def read(self, path: str) -> bytes | None:
        self.asked.append(path)
        content = self.files.get(path)
        return None if content is None else content.encode()


def project(service: dict[str, Any], repository: Repository | None = None, **options: Any) -> Project:
    read = (repository or Repository()).read
    data = {"services": {"a": {"image": "x", **service}}}
    return load({"media/c.yaml": data}, "media/c.yaml", project="p", read=read, **{"variables": {}, **options})


def test_the_environment_of_the_process_is_never_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONTROLLER_TOKEN", "hunter2")
    monkeypatch.setenv("HOME", "/home/secret")
    found = project(
        {"environment": {"A": "${CONTROLLER_TOKEN-none}", "CONTROLLER_TOKEN": None}, "command": ["$CONTROLLER_TOKEN"]}
    )
    assert found.services["a"]["environment"] == {"A": "none", "CONTROLLER_TOKEN": None}
    assert found.services["a"]["command"] == [""]
    assert found.unset == ("CONTROLLER_TOKEN",)
    assert "hunter2" not in str(found)


@pytest.mark.parametrize(
    ("service", "reason"),
    [
        ({"env_file": "/etc/shadow"}, "an absolute path"),
        ({"env_file": "../../etc/shadow"}, "above the repository"),
        ({"env_file": "x/../../../secret.env"}, "above the repository, hidden"),
        ({"env_file": {"path": "/etc/shadow"}}, "not even the right syntax"),
        ({"env_file": [{"path": "/proc/self/environ", "required": False}]}, "an optional file of the machine"),
        ({"env_file": "~/.ssh/id_rsa"}, "a home"),
        ({"label_file": "/etc/shadow"}, "labels from the machine"),
        ({"extends": {"service": "x", "file": "/etc/compose.yaml"}}, "an extended file of the machine"),
        ({"extends": {"service": "x", "file": "../../other/compose.yaml"}}, "an extended file above"),
        ({"extends": {"service": "x", "file": "git@github.com:x/y.git"}}, "an extended file elsewhere"),
        ({"volumes": ["../../../up:/up"]}, "a mount above the repository"),
    ],
)
def test_nothing_outside_the_repository_is_read(service: dict[str, Any], reason: str) -> None:
    repository = Repository()
    with pytest.raises(ComposeError):
        project(service, repository)
    assert set(repository.asked) <= {"media/.env"}, reason


@pytest.mark.parametrize(
    "path", ["oci://docker.io/x/y:latest", "https://github.com/x/y.git", "git@github.com:x/y", "/etc/c.yaml"]
)
def test_nothing_remote_is_included(path: str) -> None:
    repository = Repository()
    data = {"include": [path], "services": {"a": {"image": "x"}}}
    with pytest.raises(ComposeError):
        load({"c.yaml": data}, "c.yaml", project="p", variables={}, read=repository.read)
    assert repository.asked == [".env"]


def test_values_come_from_given_variables_then_from_the_dotenv_beside_the_file() -> None:
    repository = Repository(media__env="", **{"media/.env": "A=file\nB=file\n", ".env": "A=top\nC=top\n"})
    found = project({"environment": {"A": None, "B": None, "C": None}}, repository, variables={"A": "given"})
    assert found.services["a"]["environment"] == {"A": "given", "B": "file", "C": None}
    assert found.variables["COMPOSE_PROJECT_NAME"] == "p"


def test_relative_paths_lead_below_the_root_that_was_given() -> None:
    found = project({"volumes": ["./data:/data", "../shared:/shared", "/abs:/abs"]}, root="/srv/repo")
    assert [mount["source"] for mount in found.services["a"]["volumes"]] == ["/srv/repo/media/data", "/srv/repo/shared", "/abs"]


def test_only_what_active_services_use_is_left() -> None:
    data = {
        "services": {
            "a": {"image": "x", "volumes": ["vol:/v"]},
            "b": {"image": "x", "volumes": ["other:/w"], "profiles": ["p"], "env_file": "missing.env"},
        },
        "volumes": {"vol": None, "other": None, "unused": None},
    }
    found = load({"c.yaml": data}, "c.yaml", project="p", variables={})
    assert (list(found.services), list(found.volumes), found.disabled) == (["a"], ["vol"], {"b": ["p"]})


def test_a_single_service_refers_to_what_is_declared_elsewhere() -> None:
    service = {"image": "x", "volumes": ["data:/data"], "networks": ["web"], "depends_on": ["db"], "secrets": ["token"]}
    found = canonical_service(service, name="app", project="app")
    assert found["volumes"] == [{"type": "volume", "source": "data", "target": "/data", "volume": {}}]
    assert found["networks"] == {"web": None}
    assert found["depends_on"] == {"db": {"condition": "service_started", "required": True}}


def test_a_single_service_reads_files_beside_its_document() -> None:
    repository = Repository(**{"specs/app.env": "A=1\n"})
    service = {"image": "x:$TAG", "env_file": "app.env"}
    found = canonical_service(service, variables={"TAG": "2"}, file="specs/app.yaml", read=repository.read)
    assert (found["image"], found["environment"]) == ("x:2", {"A": "1"})
    assert repository.asked == ["specs/app.env"]


@pytest.mark.parametrize(
    ("service", "path", "reason"),
    [
        ({"build": "."}, ("build",), "nothing is built on the controller"),
        ({"image": "x", "use_api_socket": True}, ("use_api_socket",), "the socket is root on the host"),
        ({"image": "x", "credential_spec": {"file": "x"}}, ("credential_spec",), "Windows only"),
        ({"provider": {"type": "x"}}, ("provider",), "a program on the controller"),
        ({"image": "x", "models": ["m"]}, ("models",), "another kind"),
        ({"image": "x", "post_start": [{"command": "x"}]}, ("post_start",), "no undo"),
        ({"image": "x", "volumes": [{"type": "npipe", "source": "x", "target": "/x"}]}, ("volumes", 0), "Windows only"),
    ],
)
def test_what_is_not_supported_is_named_with_a_reason(service: dict[str, Any], path: tuple[str | int, ...], reason: str) -> None:
    found = unsupported(canonical_service(service))
    assert [problem.path for problem in found] == [path], reason
    assert ": " in found[0].message
    assert found[0].hint
    assert unsupported(canonical_service(service), supported=[str(path[0])]) == []


def test_what_up_ignores_as_well_is_not_refused() -> None:
    service = {"image": "x", "develop": {"watch": [{"path": ".", "action": "rebuild"}]}, "isolation": "default"}
    assert unsupported(canonical_service(service)) == []
