"""House rules that no linter knows: who may read the environment, tell time, print, wait, and which SDK has which door."""

from __future__ import annotations

import ast
import sys
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "controller"

# Every third-party package that `controller` imports, and the one place that may. A package that is not here may not be used.
DOORS: dict[str, tuple[str, ...]] = {
    "pydantic": ("controller",),
    "pydantic_core": ("controller",),
    "acme": ("controller.clients.acme",),
    "alembic": ("controller.store",),
    "argon2": ("controller.clients.passwords",),
    "authlib": ("controller.clients.oidc",),
    "apprise": ("controller.clients.notifying",),
    "click": ("controller.cli",),
    "cryptography": ("controller.clients.acme", "controller.clients.tls"),
    "dns": ("controller.clients.dns",),
    "docker": ("controller.clients.docker",),
    "git": ("controller.source",),
    "jinja2": ("controller.web",),
    "josepy": ("controller.clients.acme",),
    "joserfc": ("controller.clients.oidc",),
    "prometheus_client": ("controller.web",),
    "octodns": ("controller.clients.octodns",),
    "psycopg2": ("controller.store",),
    "pyrage": ("controller.clients.age",),
    "requests": ("controller.clients",),
    "sqlalchemy": ("controller.store",),
    "starlette": ("controller.web",),
    "urllib3": ("controller.clients.docker", "controller.clients.zoneedit"),
    "uvicorn": ("controller.web",),
    "watchfiles": ("controller.loop",),
    "websockets": ("controller.clients.homeassistant",),
    "yaml": ("controller.clients.yaml",),
}

# Files over 300 lines, each with the reason why it stays whole.
LONG: dict[str, str] = {}

# Modules that are called as what they are about is called by others: Home Assistant's helpers.
SAYING = {"controller.kinds.helper"}

CLOCK = "controller.clients.clock"
TELLING_TIME = {
    *(
        f"time.{name}"
        for name in ("time", "time_ns", "monotonic", "monotonic_ns", "perf_counter", "sleep", "localtime", "gmtime")
    ),
    *(f"datetime.{name}" for name in ("now", "utcnow", "today")),
    *(f"datetime.datetime.{name}" for name in ("now", "utcnow", "today")),
    *("date.today", "datetime.date.today"),
}
ENVIRONMENT = {"os.environ", "os.environb", "os.getenv", "os.getenvb", "os.putenv", "os.unsetenv"}
STARTING = {
    *(f"os.{name}" for name in ("system", "popen", "fork", "forkpty", "posix_spawn", "posix_spawnp", "startfile")),
    *(f"os.{way}{form}" for way in ("exec", "spawn") for form in ("l", "le", "lp", "lpe", "v", "ve", "vp", "vpe")),
    *(
        "asyncio.create_subprocess_exec",
        "asyncio.create_subprocess_shell",
        "pty.spawn",
        "pty.fork",
        "concurrent.futures.ProcessPoolExecutor",
    ),
    *("click.edit", "click.launch", "click.echo_via_pager"),
}
WRITING = {"print", "sys.stdout", "sys.stderr", "sys.__stdout__", "sys.__stderr__", "input"}


def module_name(file: Path) -> str:
    return ".".join(file.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


@cache
def sources() -> dict[str, ast.Module]:
    files = [file for file in PACKAGE.rglob("*.py") if "migrations" not in file.parts]
    return {module_name(file): ast.parse(file.read_text(), str(file)) for file in files}


def within(module: str, *places: str) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def dotted(node: ast.AST) -> str:
    """`a.b.c` for such an expression, else an empty text."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute) and (inner := dotted(node.value)):
        return f"{inner}.{node.attr}"
    return ""


def names_used(tree: ast.Module) -> Iterator[tuple[str, int]]:
    """Every dotted name a module mentions, with names that it imported written in full, and the line."""
    full: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for each in node.names:
                full[each.asname or each.name] = f"{node.module}.{each.name}"
                yield f"{node.module}.{each.name}", node.lineno
        elif isinstance(node, ast.Import):
            for each in node.names:
                if each.asname:
                    full[each.asname] = each.name
    for node in ast.walk(tree):
        if name := dotted(node):
            first, dot, rest = name.partition(".")
            yield full.get(first, first) + dot + rest, node.lineno  # type: ignore[attr-defined]


def imported(tree: ast.Module) -> Iterator[tuple[str, int]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from ((each.name, node.lineno) for each in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield from ((f"{node.module}.{each.name}", node.lineno) for each in node.names)


def offences(allowed: tuple[str, ...], forbidden: Callable[[str], bool]) -> list[str]:
    return sorted(
        {
            f"{module}:{line} {name}"
            for module, tree in sources().items()
            if not within(module, *allowed)
            for name, line in names_used(tree)
            if forbidden(name)
        }
    )


@pytest.mark.parametrize(
    ("names", "allowed", "reason"),
    [
        (ENVIRONMENT, ("controller.settings",), "a setting that two places read has two meanings"),
        (TELLING_TIME, (CLOCK,), "a run that tells its own time cannot be replayed"),
        (WRITING, ("controller.cli",), "only the command line talks to a terminal"),
        (STARTING, (), "a program that is started elsewhere gets an environment that nobody cleaned"),
    ],
    ids=["environment", "time", "terminal", "programs"],
)
def test_only_one_place_may(names: set[str], allowed: tuple[str, ...], reason: str) -> None:
    assert offences(allowed, lambda name: name in names) == [], reason


def test_only_two_doors_start_programs() -> None:
    doors = ("controller.clients.child", "controller.source.command")  # git, which GitPython starts, is ended there
    starting = ("subprocess", "multiprocessing", "pexpect")
    found = [
        f"{module}:{line} {name}"
        for module, tree in sources().items()
        if not within(module, *doors)
        for name, line in imported(tree)
        if name.partition(".")[0] in starting
    ]
    assert found == []


def test_only_the_web_is_asynchronous() -> None:
    kinds = (ast.AsyncFunctionDef, ast.Await, ast.AsyncFor, ast.AsyncWith)
    found = [
        f"{module}:{node.lineno}"
        for module, tree in sources().items()
        if not within(module, "controller.web")
        for node in ast.walk(tree)
        if isinstance(node, kinds)
    ]
    assert found == []


def test_every_sdk_has_one_door() -> None:
    found = set()
    for module, tree in sources().items():
        for name, line in imported(tree):
            top = name.partition(".")[0]
            if top in sys.stdlib_module_names or top == "controller":
                continue
            if not within(module, *DOORS.get(top, ())):
                found.add(f"{module}:{line} {name}")
    assert sorted(found) == []


def test_no_door_stands_unused() -> None:
    used = {name.partition(".")[0] for tree in sources().values() for name, _ in imported(tree)}
    migrations = PACKAGE / "store" / "migrations"
    used |= {name.partition(".")[0] for file in migrations.rglob("*.py") for name, _ in imported(ast.parse(file.read_text()))}
    by_name_only = {"psycopg2"}  # SQLAlchemy loads it when a database URL names PostgreSQL
    assert sorted(set(DOORS) - used - by_name_only) == []


def test_jarvis_can_only_look_and_propose() -> None:
    allowed = ("controller.jarvis", "controller.core", "controller.usecases.look", "controller.usecases.propose")
    found = [
        f"{module}:{line} {name}"
        for module, tree in sources().items()
        if within(module, "controller.jarvis")
        for name, line in imported(tree)
        if name.startswith("controller") and not within(name, *allowed)
    ]
    assert found == []


def test_files_stay_short() -> None:
    lengths = {str(file.relative_to(ROOT)): len(file.read_text().splitlines()) for file in PACKAGE.rglob("*.py")}
    too_long = {name: lines for name, lines in lengths.items() if lines > 300}
    assert {name: lines for name, lines in too_long.items() if name not in LONG} == {}
    assert sorted(set(LONG) - set(too_long)) == [], "an exception that is no longer needed"


def test_functions_stay_short() -> None:
    found = {
        f"{module}:{node.lineno} {node.name}": node.end_lineno - node.lineno + 1
        for module, tree in sources().items()
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.end_lineno and node.end_lineno - node.lineno >= 60
    }
    assert found == {}


def test_everything_public_in_the_core_and_the_engine_says_what_it_is() -> None:
    found = []
    for module, tree in sources().items():
        if not within(module, "controller.core", "controller.engine", "controller.usecases"):
            continue
        public = [
            node for node in tree.body if isinstance(node, (ast.FunctionDef, ast.ClassDef)) and not node.name.startswith("_")
        ]
        found += [f"{module}:{node.lineno} {node.name}" for node in public if not ast.get_docstring(node)]
        if not ast.get_docstring(tree) and tree.body:
            found.append(f"{module} (the module itself)")
    assert found == []


@pytest.mark.parametrize("word", ["Manager", "Helper", "Utils", "Util"])
def test_no_class_has_a_name_that_says_nothing(word: str) -> None:
    classes = [node.name for tree in sources().values() for node in ast.walk(tree) if isinstance(node, ast.ClassDef)]
    assert [name for name in classes if name.endswith(word)] == []
    named = [module for module in sources() if module.rpartition(".")[2] in (word.lower(), f"{word.lower()}s")]
    assert [module for module in named if module not in SAYING] == []


@pytest.mark.parametrize(
    ("text", "found", "reason"),
    [
        ("import os\nos.environ['A']", "os.environ", "the plain way"),
        ("from os import environ", "os.environ", "the name alone"),
        ("import os as o\no.getenv('A')", "os.getenv", "under another name"),
        ("from time import sleep\nsleep(1)", "time.sleep", "a function alone"),
        ("from datetime import datetime as d\nd.now()", "datetime.datetime.now", "a class under another name"),
        ("print(1)", "print", "a builtin"),
    ],
)
def test_the_rules_see_through_imports(text: str, found: str, reason: str) -> None:
    assert found in {name for name, _ in names_used(ast.parse(text))}, reason
