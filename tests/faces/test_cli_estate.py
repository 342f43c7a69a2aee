"""Hosts, what hangs on what, and two revisions against each other on the command line, alone and through a controller."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.faces.command import SERVICE, Home, empty
from tests.support.hosts import SPECS
from tests.support.space import wait_until

CANARY = "canary-5f1d77aa"
HOSTILE = "\x1b]0;owned\x07\u202e\x9b2J"
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")

DOMAINS = """\
HOST                RECORDS  ADDRESS       CERTIFICATE   ROUTE  SERVICE                                            EXPOSURE
*.example.net       ok       198.51.100.7
admin.example.net   ok       198.51.100.7  ok, internal  ok     192.0.2.9:8080                                     vpn
direct.example.net  ok       192.0.2.5     ok, internal  ok     redirects to https://web.example.net{http.request.uri}  private
web.example.net     ok       198.51.100.7  ok, acme      ok     service/web                                        public
"""

TREE = """\
zone/example.net
├─ holds record/direct-example-net-a  Synced Healthy
│  └─ is secured by certificate/direct-example-net  Synced Healthy
│     └─ secures route/old  Synced Healthy
├─ holds record/example-net-txt  Synced Healthy
└─ holds record/wildcard-example-net-a  Synced Healthy
   ├─ is secured by certificate/admin-example-net  Synced Healthy
   │  └─ secures route/admin  Synced Healthy
   └─ is secured by certificate/web-example-net  Synced Healthy
      └─ secures route/web-example-net  Synced Healthy
         └─ leads to service/web  Synced Healthy
            ├─ needs service/base  Synced Healthy
            ├─ keeps data in volume/kept  Synced Healthy
            └─ keeps data in volume/web_pictures
"""

COMPARED = """\
from <revision>  <time>  hosts
to   <revision>  <time>  bigger

~ service/base  changed, base.yaml:1:1
    image: base:1 → base:2

~ base.yaml

1 key and 1 file differ; --patch shows the lines
"""

PATCH = """\
--- a/base.yaml
+++ b/base.yaml
@@ -1,3 +1,3 @@
 kind: Service
 name: base
-spec: {image: 'base:1'}
+spec: {image: 'base:2'}
"""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    """Two revisions, the second one applied; nobody changes it."""
    found = empty(tmp_path_factory.mktemp("hosts"))
    found.commit("hosts", SPECS)
    found.commit("bigger", {"base.yaml": SPECS["base.yaml"].replace("base:1", "base:2")})
    said = found("apply")
    assert said.code == 0, said.err + said.out
    return found


def test_every_host_and_all_that_hangs_on_it(home: Home) -> None:
    assert re.sub(" +", " ", home("status", "--domains").out) == re.sub(" +", " ", DOMAINS)
    assert home("status", "--tree").out == TREE
    assert [item["host"] for item in home("status", "--domains", "-o", "json").json["hosts"]] == re.findall(
        r"^\S+\.net", DOMAINS, re.MULTILINE
    )
    assert home("status", "--tree", "-o", "json").json["edges"][0]["word"] == "secures"


def test_two_revisions_are_compared(home: Home) -> None:
    assert home("show", "HEAD~1..HEAD").text == COMPARED
    assert home("show", "HEAD~1..").text == COMPARED
    assert home("show", "HEAD~1..", "--patch").out == PATCH
    assert "nothing differs" in home("show", "..").out, "what is deployed is the newest"
    assert home("show", "HEAD~1..", "-o", "json").json["keys"][0]["fields"] == [
        {"path": "image", "old": "base:1", "new": "base:2"}
    ]
    assert [item["subject"] for item in home("history", "--commits", "-o", "json").json["commits"]] == [
        "bigger",
        "hosts",
        "start",
    ]
    assert "bigger" in home("history", "--commits", "--limit", "1").out
    assert "hosts" not in home("history", "--commits", "--limit", "1").out


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["show", "nothing..HEAD"], "is not a revision"),
        (["show", "-x..HEAD"], ""),
        (["show", "HEAD~1...HEAD"], ""),
        (["show", "HEAD", "--patch"], "write OLD..NEW"),
        (["show", "--output=x..HEAD"], ""),
    ],
)
def test_what_cannot_be_compared_is_refused(home: Home, words: list[str], said: str) -> None:
    answer = home(*words)
    assert answer.code in (1, 4)
    assert said in answer.err


def test_a_running_controller_says_the_same(home: Home) -> None:
    asked = (
        "status --domains",
        "status --tree",
        "status --decisions",
        "show HEAD~1..HEAD",
        "show HEAD~1.. --patch",
        "history --commits",
    )
    alone = {name: home(*name.split()).text for name in asked}
    with home.controller():
        wait_until(lambda: "Synced" in home("status", "--tree").out, "the first pass")
        through = {name: home(*name.split()).text for name in asked}
        refused = home("show", "nothing..HEAD")
    assert through == alone
    assert (refused.code, "is not a revision" in refused.err) == (1, True)


def test_no_secret_and_nothing_that_acts_on_a_terminal_is_printed(tmp_path: Path) -> None:
    home = empty(tmp_path)
    assert home("secret", "set", "web/token", stdin=CANARY + "1\n").code == 0
    spec = {"image": "web:1", "environment": {"API_KEY": CANARY + "2", "TITLE": HOSTILE}, "labels": {"note": CANARY + "1"}}
    old = {"web.yaml": f"kind: Service\nname: web\nspec: {json.dumps(spec)}\n", "note.txt": f"{HOSTILE} {CANARY}1\n"}
    home.commit(f"subject {HOSTILE}", old, author="Evil \x1b[31m <e@e>")
    spec["environment"] = {"API_KEY": CANARY + "3", "TITLE": "calm"}
    home.commit("calm", {"web.yaml": f"kind: Service\nname: web\nspec: {json.dumps(spec)}\n", "note.txt": "calm\n"})
    answers = [
        home(*words)
        for words in (
            ["show", "HEAD~1..HEAD"],
            ["show", "HEAD~1..HEAD", "--patch"],
            ["show", "HEAD~2..HEAD~1", "-o", "json"],
            ["history", "--commits"],
            ["status", "--tree"],
            ["show", f"{HOSTILE}..HEAD"],
        )
    ]
    everything = "".join(answer.out + answer.err for answer in answers)
    assert CANARY not in everything
    assert not CONTROLS.search(everything)
    assert "secret literal" in answers[0].out, "that it differs is told"
    assert "\\e]0;owned" in answers[1].out, "it is shown, but as text"


def test_what_waits_failed_or_is_left_alone_is_listed(tmp_path: Path) -> None:
    home = empty(tmp_path)
    assert "nothing waits for a word" in home("status", "--decisions").out
    home.service("app:1")
    assert home("apply").code == 0
    assert home("suspend", "service/web", "--reason", "the disk is full").code == 0
    rule = "kind: Policy\nname: house\nspec: {rules: [{name: ask, match: {names: [other]}, verdict: hold}]}\n"
    home.commit("rule", {"policy/house.yaml": rule, "services/other.yaml": SERVICE.format(name="other", image="app:1")})
    said = home("status", "--decisions").text
    assert re.search(r"held +[0-9a-f]{12} +service/other +ask", said)
    assert re.search(r"suspended +service/web +<time> +\S+: the disk is full", said)
    found = home("status", "--decisions", "-o", "json").json
    assert [item["verdict"] for item in found["open"]] == ["hold"]
    assert [item["key"] for item in found["suspended"]] == ["service/web"]
