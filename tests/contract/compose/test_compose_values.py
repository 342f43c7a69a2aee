"""Every way to write one attribute, one snippet at a time: read with the same value as Compose, or refused as Compose does."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import Any

import pytest

from tests.contract.compose.judge import Scenario, Verdict, compose, differences, ours

CASES = sorted((Path(__file__).parent / "cases").glob("*.txt"))

# What snippets may refer to.
AROUND = """
services: {b: {image: y}, c: {image: z}, d: {image: z}, e: {image: z}, f: {image: z}, g: {image: z}}
networks: {n: , m: }
volumes: {v: , w: , data: }
secrets: {s: {file: ./s}, t: {environment: T}}
configs: {k: {file: ./k}, l: {content: text}}
models: {llm: {model: ai/x}}
"""
FILES = {"around.yaml": AROUND, "e.env": "E=1\nSHARED=file\n", "f.env": "F=$E\n", "l.labels": "a=1\n"}
VARIABLES = {"SET": "value", "EMPTY": "", "NUMBER": "5", "SWITCH": "true"}


def service(name: str, snippet: str) -> str:
    image = "" if snippet.startswith("image:") else "    image: x\n"
    return f"  {name}:\n{image}{textwrap.indent(snippet.rstrip(chr(10)), '    ')}\n"


def case(snippets: dict[str, str], reason: str) -> Scenario:
    text = "services:\n" + "".join(service(name, snippet) for name, snippet in snippets.items())
    return Scenario(reason, {"compose.yaml": text, **FILES}, ["around.yaml", "compose.yaml"], variables=VARIABLES)


def accepted_by_compose(snippets: dict[str, str], reason: str, folder: Path) -> dict[str, Any]:
    """Compose's services for the snippets that it accepts; one call when it accepts all of them."""
    verdict = compose(case(snippets, reason), folder)
    if not verdict.refusal:
        return {name: verdict.project["services"][name] for name in snippets}
    if len(snippets) == 1:
        return {}
    names = list(snippets)
    half = len(names) // 2
    halves = ({name: snippets[name] for name in part} for part in (names[:half], names[half:]))
    return {name: found for part in halves for name, found in accepted_by_compose(part, reason, folder).items()}


@pytest.mark.parametrize("file", CASES, ids=[file.stem for file in CASES])
def test_values(file: Path, tmp_path: Path) -> None:
    reason, *written = file.read_text().strip().split("\n\n")
    snippets = {f"s{number}": snippet for number, snippet in enumerate(written)}
    mine = {name: ours(case({name: snippet}, reason), tmp_path) for name, snippet in snippets.items()}
    welcome = {name: snippets[name] for name, verdict in mine.items() if not verdict.refusal}
    theirs = accepted_by_compose(welcome, reason, tmp_path)
    found = [line for name in welcome for line in _compared(mine[name], name, snippets[name], theirs)]
    found += [
        f"only we refuse {snippets[name]!r}: {mine[name].refusal}"
        for name in snippets.keys() - welcome.keys()
        if not compose(case({name: snippets[name]}, reason), tmp_path).refusal
    ]
    assert found == [], reason


def _compared(verdict: Verdict, name: str, snippet: str, theirs: dict[str, Any]) -> list[str]:
    if name not in theirs:
        return [f"only we accept {snippet!r}"]
    return [f"{snippet!r} {line}" for line in differences(verdict.project["services"][name], theirs[name])]
