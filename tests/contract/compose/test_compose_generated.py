"""Generated services, overrides and spellings, read exactly as Compose reads them. The examples are the same in every run."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.contract.compose.generate import VARIABLES, Values, attributes, file, of, scenario_of
from tests.contract.compose.judge import Scenario, assert_alike, compose, differences, ours

steady = settings(
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large, HealthCheck.large_base_example],
)
whole = settings(steady, max_examples=120)
batches = settings(steady, max_examples=12)


def assert_same(case: Scenario) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name).resolve()
        assert_alike(ours(case, folder), compose(case, folder))


@whole
@given(attributes(4), of((), ["p"], ["*"]))
def test_a_service(service: dict[str, Any], profiles: list[str]) -> None:
    assert_same(scenario_of({"compose.yaml": json.dumps(file({"a": {"image": "x", **service}}))}, profiles))


@whole
@given(attributes(3), attributes(3), st.booleans())
def test_an_override(service: dict[str, Any], over: dict[str, Any], again: bool) -> None:
    files = {
        "compose.yaml": json.dumps(file({"a": {"image": "x", **service}})),
        "over.yaml": json.dumps({"services": {"a": {**(service if again else {}), **over}}}),
    }
    assert_same(scenario_of(files))


@settings(steady, max_examples=60)
@given(attributes(3), attributes(3))
def test_an_extended_service(base: dict[str, Any], service: dict[str, Any]) -> None:
    services = {"base": {"image": "x", **base}, "a": {**service, "extends": {"service": "base"}}}
    assert_same(scenario_of({"compose.yaml": json.dumps(file(services))}))


def words(alphabet: str, most: int = 10) -> Values:
    """Text out of pieces that are separated by spaces in `alphabet`; `␠` is a space, `␤` a line end."""
    pieces = [piece.replace("␠", " ").replace("␤", "\n").replace("␉", "\t") for piece in alphabet.split(" ")]
    return st.lists(st.sampled_from(pieces), max_size=most).map("".join)


SPELLINGS: dict[str, Values] = {
    "command": words("a b ␠ ␠␠ \" ' \\ \\n ` ( ) $$( | ; & > < ␉ é 2> = $$ -", 12),
    "stop_grace_period": words("1 0 5 . s m h ms us d w - + ns 10 µs 1h30m", 5),
    "mem_limit": words("1 0 5 . k m g b i KB - ␠ G t p 10 e3 _", 4),
}
LISTED: dict[str, Values] = {
    "ports": words("80 8080 1 - : / tcp udp 127.0.0.1 [::1] ::1 0 90-92 8000-8002 65535 x : :", 6),
    "volumes": words("/a /b . ./ v ~ / ro rw : : : , z nocopy c C: \\ rshared // x/y", 7),
    "devices": words("/dev/a /b : : r rwm x=y", 6),
    "extra_hosts": words("a b.c : = 1.2.3.4 ::1 [::1] , host-gateway", 5),
    "environment": words("A B = x␠y == # $$ ␠", 6),
    "env_file_text": words('A B = = = ␤ ␤ ␤ ␠ " \' # ␠# $A ${B} ${C:-d} \\ \\n \\" export␠ x 1 : ␉ $ $$ \\$A é - . [0]', 14),
}
TEMPLATE = words("$ $$ { } ${SET ${EMPTY:- ${UNSET- ${UNSET:+ ${SET? ${SET:?m} UNSET SET a : - + ? } } ␠ _ 1 % ␤", 9)


@st.composite
def services(draw: st.DrawFn) -> dict[str, Any]:
    """Services that each spell one value in an odd way."""
    found: dict[str, Any] = {}
    for number in range(40):
        name = draw(of(*SPELLINGS, *LISTED, "labels"))
        if name in SPELLINGS:
            value = draw(SPELLINGS[name])
        elif name == "labels":
            value = {"label": draw(TEMPLATE)}
        else:
            value = [draw(LISTED[name])]
        found[f"s{number}"] = {"image": "x", name: value}
    return found


@batches
@given(services())
def test_odd_spellings(written: dict[str, Any]) -> None:
    files = {}
    for name, service in written.items():
        if text := service.pop("env_file_text", None):
            files[f"{name}.env"] = f"Z={text[0]}\n"
            service["env_file"] = f"{name}.env"
    with tempfile.TemporaryDirectory() as folder:
        welcome = {name: service for name, service in written.items() if not _refused({name: service}, files, Path(folder))}
        mine = ours(_project(welcome, files), Path(folder))
        assert not mine.refusal
        found = _accepted(welcome, files, Path(folder))
        assert sorted(found) == sorted(welcome), [written[name] for name in welcome.keys() - found.keys()]
        assert differences(mine.project["services"], found) == []
        refused = [name for name in written if name not in welcome][:8]
        wrong = [written[name] for name in refused if _accepted({name: written[name]}, files, Path(folder))]
        assert wrong == [], "only we refuse these"


def _project(services: dict[str, Any], files: dict[str, str]) -> Scenario:
    volumes = dict.fromkeys(["v", "c", "cv", "vc", "vv", "cc", "x", "z", "ro", "rw"])
    text = json.dumps({"services": services, "volumes": volumes}, ensure_ascii=False)
    return Scenario("odd spellings", {"compose.yaml": text, **files}, ["compose.yaml"], variables=VARIABLES)


def _refused(services: dict[str, Any], files: dict[str, str], folder: Path) -> bool:
    return bool(ours(_project(services, files), folder).refusal)


def _accepted(services: dict[str, Any], files: dict[str, str], folder: Path) -> dict[str, Any]:
    """Compose's services for those that it accepts."""
    verdict = compose(_project(services, files), folder)
    if not verdict.refusal:
        return dict(verdict.project["services"])
    if len(services) <= 1:
        return {}
    names = list(services)
    half = len(names) // 2
    parts = ({name: services[name] for name in chosen} for chosen in (names[:half], names[half:]))
    return {name: found for chosen in parts for name, found in _accepted(chosen, files, folder).items()}
