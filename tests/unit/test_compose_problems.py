"""What a person gets to read when a compose file is wrong: everything at once, where it is, and how to fix it."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.clients.compose import ComposeError, Data, Override, Plain, Project, Reset, canonical_service, load
from controller.core.errors import Problem


def problems(services: Data, **files: Data) -> list[Problem]:
    with pytest.raises(ComposeError) as caught:
        load({"c.yaml": {"services": services}, **files}, "c.yaml", project="p", variables={})
    return list(caught.value.problems)


def loaded(files: dict[str, Any], entry: str = "c.yaml", **options: Any) -> Project:
    return load(files, entry, project="p", **{"variables": {}, **options})


def test_every_problem_is_reported_at_once_with_its_place() -> None:
    found = problems(
        {
            "web": {
                "image": "nginx",
                "enviroment": {"A": "1"},
                "ports": ["70000:1", "80:80", "x:y"],
                "user": 1000,
                "healthcheck": {"interval": "5", "timeout": "x"},
                "mem_limit": "1x",
                "networks": ["bck"],
                "depends_on": ["dbb"],
                "environment": {"T": "${TOKEN:?set it}", "U": "${broken"},
            },
            "db": {"image": "x"},
        },
    )
    assert {problem.path for problem in found} == {
        ("services", "web", "enviroment"),
        ("services", "web", "ports", 0),
        ("services", "web", "ports", 2),
        ("services", "web", "user"),
        ("services", "web", "healthcheck", "interval"),
        ("services", "web", "healthcheck", "timeout"),
        ("services", "web", "mem_limit"),
        ("services", "web", "networks", "bck"),
        ("services", "web", "depends_on", "dbb"),
        ("services", "web", "environment", "T"),
        ("services", "web", "environment", "U"),
    }
    assert {problem.file for problem in found} == {"c.yaml"}


@pytest.mark.parametrize(
    ("service", "message", "hint", "reason"),
    [
        ({"imag": "x"}, "unknown key `imag` in a service", "did you mean `image`?", "a typo is the most common fault"),
        ({"image": "x", "user": 5}, "`user` must be text, not a number", "write it in quotes", "an unquoted number"),
        ({"image": "x", "cap_add": "A"}, "`cap_add` must be a list, not text", "put `- ` before it", "a forgotten dash"),
        ({"image": "x", "depends_on": ["webb"]}, "the service `webb` does not exist", "did you mean `web`?", "a wrong name"),
        ({"image": "x", "volumes": ["data:/d"]}, "the volume `data` does not exist", "declare it", "an undeclared volume"),
        ({"image": "x", "ports": ["web:80:80"]}, "`web` is not an IP address", "not to a name", "a name instead of an address"),
        ({"image": "x", "environment": {"A": "$B$"}, "tty": "maybe"}, "neither true nor false", "`true`", "a wrong flag"),
        ({"image": "x", "env_file": "/etc/shadow"}, "outside the repository", "relative path", "a file of the host"),
        ({"image": "x", "env_file": "~/.env"}, "whose home", "absolute path", "a home that means nothing here"),
        ({"image": "x", "env_file": "none.env"}, "does not exist", "required: false", "a missing file"),
        ({"image": "x", "extends": {"service": "q", "file": "https://x/y.yaml"}}, "not in the repository", "copy it", "remote"),
        ({"command": "x"}, "has no image", "say `image:`", "a service without an image"),
    ],
)
def test_a_problem_says_how_to_fix_it(service: Data, message: str, hint: str, reason: str) -> None:
    found = problems({"web": {"image": "x"}, "a": service})
    assert any(message in problem.message and hint in problem.hint for problem in found), (reason, found)


def test_a_circle_is_named() -> None:
    found = problems({"a": {"image": "x", "depends_on": ["b"]}, "b": {"image": "x", "depends_on": ["a"]}})
    assert len(found) == 1
    assert "→" in found[0].message


def test_a_long_chain_of_dependencies_is_no_circle() -> None:
    services = {f"s{number}": {"image": "x", "depends_on": [f"s{number + 1}"]} for number in range(3_000)}
    assert len(loaded({"c.yaml": {"services": {**services, "s3000": {"image": "x"}}}}).services) == 3_001


def test_a_problem_names_the_file_that_it_is_in() -> None:
    found = problems(
        {"a": {"extends": {"service": "q", "file": "sub/base.yaml"}}, "z": {"image": "x", "user": 1}},
        **{"sub/base.yaml": {"services": {"q": {"image": "x", "restrat": "always"}, "unused": {"imag": "x"}}}},
    )
    assert {(problem.file, problem.path) for problem in found} == {
        ("c.yaml", ("services", "z", "user")),
        ("sub/base.yaml", ("services", "q", "restrat")),
    }


def test_a_problem_of_an_override_names_the_override() -> None:
    files = {"c.yaml": {"services": {"a": {"image": "x"}}}, "o.yaml": {"services": {"a": {"comand": "x"}}}}
    with pytest.raises(ComposeError) as caught:
        load(files, ["c.yaml", "o.yaml"], project="p", variables={})
    assert [(problem.file, problem.path) for problem in caught.value.problems] == [("o.yaml", ("services", "a", "comand"))]


def test_a_service_that_stands_alone_has_paths_of_its_own() -> None:
    with pytest.raises(ComposeError) as caught:
        canonical_service({"image": "x", "ports": ["a"], "imge": "y"}, file="specs/web.yaml")
    assert {(problem.file, problem.path) for problem in caught.value.problems} == {("", ("ports", 0)), ("", ("imge",))}


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (None, "an empty file"),
        ([], "a list"),
        ("text", "text"),
        ({"services": 5}, "sections of a wrong type"),
        ({"services": {"a": 5}}, "a service of a wrong type"),
        ({"services": {"a": {"image": "x", "volumes": [None, 5, []]}}}, "entries of wrong types"),
        ({"services": {"a": {"image": ["x"], "build": [], "deploy": "x", "networks": 5, "ulimits": []}}}, "wrong everywhere"),
        ({"services": {"a": {"image": "x", "env_file": [5, {"pth": "x"}], "pre_start": [5], "develop": {"watch": 1}}}}, "deep"),
        ({"services": {"a": {"image": "x", "extends": 5}, "b": {"extends": {"file": "c.yaml"}}}}, "extends of wrong types"),
        ({"include": [5, {"path": 5}, {"path": ["a", 5]}, None], "services": {}}, "includes of wrong types"),
        ({"services": {"a": {"image": "x"}}, "networks": {"n": {"ipam": {"config": ["x"]}}}, "volumes": []}, "resources"),
        ({"services": {"a": {"image": "x"}}, "configs": {"c": 5}, "secrets": {"s": {"external": {"name": 5}}}}, "files"),
        ({"services": {5: {"image": "x"}, None: {}, True: {}}}, "keys that are no text"),
    ],
)
def test_nonsense_is_refused_in_words(data: Data, reason: str) -> None:
    with pytest.raises(ComposeError) as caught:
        load({"c.yaml": data}, "c.yaml", project="p", variables={})
    assert caught.value.problems, reason


def test_nonsense_in_an_override_is_refused_in_words() -> None:
    good = {
        "services": {"a": {"image": "x", "ports": ["1:1"], "networks": ["n"], "logging": {"driver": "d"}, "environment": ["A"]}}
    }
    nets = {"networks": {"n": {"ipam": {"config": [{"subnet": "10.0.0.0/8"}]}}}}
    bad = {"services": {"a": {"ports": 5, "networks": 5, "logging": 5, "environment": [5], "depends_on": [[]]}}}
    worse = {"networks": {"n": {"ipam": {"config": [5]}}}}
    overs: list[Data] = [bad, worse, {"services": []}]
    for over in overs:
        with pytest.raises(ComposeError):
            load({"c.yaml": {**good, **nets}, "o.yaml": over}, ["c.yaml", "o.yaml"], project="p", variables={})


_KEYS = [
    *("services", "networks", "volumes", "configs", "secrets", "include", "models", "name", "a", "b", "image", "extends", "file"),
    *(
        "service",
        "build",
        "deploy",
        "resources",
        "limits",
        "ports",
        "target",
        "volumes",
        "env_file",
        "path",
        "environment",
        "ipam",
    ),
    *("config", "subnet", "labels", "depends_on", "condition", "healthcheck", "test", "ulimits", "soft", "logging", "options"),
    *("develop", "watch", "pre_start", "command", "external", "driver_opts", "o", "device", "driver", "blkio_config", "x-a"),
]
_nonsense = st.recursive(
    st.sampled_from([None, True, 0, 1, -1, 2.5, "", "a", "b", "$A", "${", "80:80", "./a:/a", "local", "bind", "c.yaml", Reset()]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_KEYS), inner, max_size=4) | inner.map(Override),
    max_leaves=25,
)


@settings(max_examples=600, deadline=None, derandomize=True, database=None)
@given(_nonsense, _nonsense, _nonsense, _nonsense)
def test_no_data_makes_the_loader_stumble(service: Data, other: Data, rest: Data, over: Data) -> None:
    base = {"services": {"a": service, "b": other}, **(rest if isinstance(rest, dict) else {"networks": rest})}
    for entries in (["c.yaml"], ["c.yaml", "o.yaml"], ["o.yaml", "c.yaml"]):
        with contextlib.suppress(ComposeError):
            load({"c.yaml": base, "o.yaml": {"services": {"a": over}}}, entries, project="p", variables={"A": "1"})


def test_tags_work_in_data() -> None:
    over: Data = {"services": {"a": {"ports": Reset(), "environment": Override({"B": Plain("010")}), "labels": {"x": Reset()}}}}
    base = {"services": {"a": {"image": "i", "ports": ["1:1"], "environment": {"A": "1"}, "labels": {"x": 1, "y": 2}}}}
    project = load({"c.yaml": base, "o.yaml": over}, ["c.yaml", "o.yaml"], project="p", variables={})
    assert project.services["a"]["environment"] == {"B": "8"}
    assert project.services["a"]["labels"] == {"y": "2"}
    assert "ports" not in project.services["a"]
    assert isinstance(over["services"]["a"]["environment"], Override), "the data that was handed in stays as it was"


def test_unset_variables_are_named_once() -> None:
    project = loaded({"c.yaml": {"services": {"a": {"image": "x:$TAG", "environment": {"A": "$TAG $OTHER ${FINE:-1}"}}}}})
    assert project.unset == ("TAG", "OTHER")
