"""The whole list of places where this product means something else than Compose, each with its reason.

Everything that is not in this list is a fault of ours."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.compose.judge import Verdict, compose, differences, ours, scenario


@dataclass(frozen=True)
class Difference:
    """A project in the notation of the scenarios, and a part of what each side says about it."""

    text: str
    here: str
    there: str


def service(body: str) -> str:
    return f"-- compose.yaml --\nservices: {{a: {{image: x, {body}}}}}\n"


ACCEPTED = "accepted"
TABLE = {
    "a relative path that leaves the repository means nothing on the machine that runs the containers": Difference(
        service("volumes: ['../../../../../../x:/x']"), "leads out of the repository", ACCEPTED
    ),
    "a limit written as a fraction of a byte is silently dropped by Compose": Difference(
        service("mem_limit: 1.5"), "is not a size", ACCEPTED
    ),
    "a port without a number cannot be published": Difference(
        service("ports: [{target: 0}]"), "a port without a target", ACCEPTED
    ),
    "a secret from an empty path would be the folder of the file": Difference(
        service("secrets: [s]") + "secrets: {s: {file: ''}}\n", "has no content", ACCEPTED
    ),
    "an include that names no file is silently dropped by Compose": Difference(
        "-- compose.yaml --\ninclude: [{pth: b.yaml}]\nservices: {a: {image: x}}\n", "an include without a path", ACCEPTED
    ),
    "jobs are not started by `up`, and are silently left out of Compose's canonical form": Difference(
        "-- compose.yaml --\nservices: {a: {image: x}}\njobs: {j: {image: x, triggers: {manual: true}}}\n",
        "`jobs` are not supported",
        ACCEPTED,
    ),
    "one port twice, with its number as text and as a number, is one port": Difference(
        service("ports: ['80:80', {target: 80, published: 80}]"),
        "[{'mode': 'ingress', 'protocol': 'tcp', 'target': 80, 'published': '80'}]",
        "[{'mode': 'ingress', 'target': 80, 'published': '80', 'protocol': 'tcp'}, {'mode'",
    ),
    "labels from a file are part of the labels, so the path of that file is not kept": Difference(
        service("label_file: l.labels") + "-- l.labels --\na=1\n", "label_file: ours '·'", "Compose ['"
    ),
    "a last line of an env file without a value and a line end is a name, as any other line": Difference(
        service("env_file: e.env") + "-- e.env --\nA=1\nB\\\n", "environment/: ours '·'", "Compose 'B'"
    ),
    "a config from a variable works in an included file too": Difference(
        "-- compose.yaml --\ninclude: [b.yaml]\nservices: {a: {image: x}}\n"
        "-- b.yaml --\nservices: {b: {image: x, configs: [c]}}\nconfigs: {c: {environment: T}}\n-- .env --\nT=1\n",
        ACCEPTED,
        "mutually exclusive",
    ),
    "a variable whose name starts like an extension is a variable": Difference(
        service("environment: {x-a: 1}"), "environment/x-a: ours '1'", "#extensions: ours '·', Compose 'map[x-a:1]'"
    ),
    "`develop` under its old name is an extension: `up` ignores both": Difference(
        service("x-develop: {watch: [{path: ., action: rebuild}]}"), "develop: ours '·'", "Compose {'watch'"
    ),
}


@pytest.mark.parametrize(("reason", "difference"), TABLE.items(), ids=TABLE.keys())
def test_a_deliberate_difference(reason: str, difference: Difference, tmp_path: Path) -> None:
    case = scenario(f"{reason}\n{difference.text}")
    mine, theirs = ours(case, tmp_path), compose(case, tmp_path)
    if mine.refusal or theirs.refusal:
        assert _verdict(mine, difference.here), mine.refusal
        assert _verdict(theirs, difference.there), theirs.refusal
    else:
        found = "\n".join(differences(mine.project, theirs.project))
        assert difference.here in found
        assert difference.there in found


def _verdict(verdict: Verdict, expected: str) -> bool:
    return not verdict.refusal if expected == ACCEPTED else expected in verdict.refusal
