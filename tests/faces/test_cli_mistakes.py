"""What a person who mistypes gets to read: where it is, what is wrong in plain words, and how to mend it. Everything at once."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faces.command import SERVICE, Home, empty

HEAD = "kind: Service\nname: web\n"
_PYTHON = re.compile(r"Traceback|Error\(|Errno|Input should|Field required|not permitted|valid dictionary")


@pytest.fixture
def home(tmp_path: Path) -> Home:
    """A home with a service that holds a port."""
    made = empty(tmp_path)
    port = "kind: Service\nname: hello\nspec:\n  image: app:1\n  ports: ['127.0.0.1:8088:80']\n"
    made.commit("hello", {"services/hello.yaml": port})
    return made


HELLO = "services/hello.yaml"
MISTAKES = [
    (f"{HEAD}spec:\n\timage: app:1\n", ["4:1 a tab cannot indent YAML | use spaces"], "a tab for an indent"),
    (f"{HEAD}spec:\n  image: app:1\n\tports: []\n", ["5:1 a tab cannot indent YAML | use spaces"], "a tab further down"),
    (
        f"{HEAD}spec:\n  image: app:1\n   ports: []\n",
        ["5:9 a `:` stands where no key may be | check the indentation of this line and the one above"],
        "one space too many",
    ),
    (
        f"{HEAD}spec:\nimage: app:1\nports: []\n",
        [
            "3:1 `spec` must be a map, not nothing | indented with two spaces",
            "4:1 unknown key 'image' | indent it: `image` belongs below `spec:`",
            "5:1 unknown key 'ports' | indent it: `ports` belongs below `spec:`",
        ],
        "no indent at all",
    ),
    (f"{HEAD}spec: app:1\n", ["3:1 `spec` must be a map, not text | write `name: value` lines below it"], "text for a map"),
    (
        f"{HEAD}spec: {{image: 'app:1', ports: '80:80', privileged: maybe}}\n",
        [
            "3:24 `ports` must be a list, not text | put `- ` before it",
            "3:40 `maybe` is neither true nor false | write `true` or `false`",
        ],
        "values of the wrong type",
    ),
    (
        f"{HEAD}spec: {{iamge: 'app:1', restrat: always}}\nneds: []\n",
        [
            "3:8 unknown key 'iamge' | did you mean `image`?",
            "3:24 unknown key 'restrat' | did you mean `restart`?",
            "4:1 unknown key 'neds' | did you mean `needs`?",
        ],
        "mistyped words",
    ),
    (f"{HEAD}spec: {{ports: ['90:90']}}\n", ["3:1 `web` has no image | such as `image: nginx:1.29`"], "no image"),
    (f"{HEAD}spec: {{image: 'app:${{TAG}}'}}\n", ["3:8 the variable TAG is not set | homelab.yaml"], "a variable of a shell"),
    (
        f"{HEAD}spec: {{image: 'app:1', ports: ['8088:80']}}\n",
        ["3:32 port 8088/tcp on local is claimed by service/web and by service/hello (services/hello.yaml:1:1) | change one"],
        "a port that is taken, of every address",
    ),
    (
        f"{HEAD}spec: {{image: 'app:1'}}\nneeds: [service/api]\n---\n"
        + SERVICE.format(name="api", image="a:1")
        + "needs: [service/web]\n",
        ["4:1 needs go in a circle: service/web → service/api → service/web | remove one of these needs"],
        "needs in a circle",
    ),
    (
        f"{HEAD}spec: {{image: 'app:1'}}\nneeds: [service/helo]\n",
        ["4:9 service/web needs service/helo, which is not declared | did you mean `service/hello`?"],
        "a need that is not there",
    ),
    (
        "kind: Servce\nname: web\nspec: {image: 'app:1'}\n",
        ["1:1 unknown kind 'Servce' | did you mean `Service`?"],
        "an unknown kind",
    ),
    ("kind: Mount\nname: nas\nspec: {}\n", ["1:1 kind 'Mount' is not available yet | Service"], "a kind of the future"),
    (
        f"{HEAD}spec:\n  image: app:1\n  image: app:2\n",
        ["5:3 `image` is written twice; the first is on line 4 | remove one of them"],
        "a key twice",
    ),
    (
        "kind: Service\nname: hello\nspec: {image: 'app:1'}\n",
        ["2:1 service/hello is declared twice: also at services/hello.yaml:1:1 | rename one or remove it"],
        "a name twice",
    ),
    (
        f"{HEAD}spec: {{image: 'app:1', mem_limit: 1 gigabyte, stop_grace_period: 10, restart: allways}}\n",
        [
            "3:24 `1 gigabyte` is not a size | such as `512m` or `1.5g`",
            "3:47 `stop_grace_period` must be text, not a number | such as `10s`",
            "3:70 'allways' is not a restart policy | did you mean `always`?",
        ],
        "sizes, durations and policies that cannot be read",
    ),
    (
        f"{HEAD}spec: {{image: 'app:1', environment: {{P: {{ref: web/pw}}}}, secrets: {{K: {{rf: x}}}}}}\n",
        [
            "3:38 secret 'web/pw' does not exist | `homelab secret set web/pw`, or add `generate: 32`",
            "3:71 unknown key 'rf' | did you mean `ref`?",
        ],
        "a secret that is missing, and one that is mistyped",
    ),
    (
        f"{HEAD}spec:\n  <<: *base\n  image: app:1\n",
        ["4:7 *base names no anchor above it | write &base"],
        "an anchor of another file",
    ),
    (
        f"{HEAD}spec: &all\n  image: app:1\n  labels: *all\n",
        ["5:11 *all stands inside the value it names | contain itself"],
        "a loop",
    ),
    ("kind: Service\nspec: {image: 'app:1'}\n", ["1:1 'name' is missing | write `name: …`"], "no name"),
    (
        "kind: Service\nname: My_App\nspec: {image: 'app:1'}\n",
        ["2:1 'My_App' is not a name | for example media-server"],
        "a wrong name",
    ),
    (
        "services: {web: {image: app}}\n",
        ["1:1 this is not a homelab document: it has no `kind` | through a Stack with `spec: {file: web.yaml}`"],
        "a compose file as it is",
    ),
]


@pytest.mark.parametrize(("text", "expected", "reason"), MISTAKES, ids=[reason for _, _, reason in MISTAKES])
def test_a_mistake_is_explained_where_it_is(home: Home, text: str, expected: list[str], reason: str) -> None:
    home.write("services/web.yaml", text)
    said = home("validate", "--worktree", "-o", "json")
    assert said.code == 3, reason
    found = [item for item in said.json["findings"] if item["severity"] == "error"]
    told = [f"{item['line']}:{item['column']} {item['message']} | {item['hint']}" for item in found]
    assert len(told) == len(expected), told
    for line, words in zip(told, expected, strict=True):
        place, _, hint = words.partition(" | ")
        assert line.startswith(f"{place} | "), told
        assert hint in line.partition(" | ")[2], line
    assert all(item["file"] == "services/web.yaml" and item["snippet"] and item["hint"] for item in found)
    text_form = home("validate", "--worktree").out
    assert not _PYTHON.search(text_form), "no word of the machinery"
    assert all(f"  fix: {item['hint']}" in text_form for item in found)


def test_everything_that_is_wrong_is_told_in_one_go(home: Home) -> None:
    broken = {
        "services/web.yaml": (
            "kind: Service\nname: web\nspec:\n  iamge: 'App:1'\n  restart: allways\n  rollback: sometimes\n"
            "  ports: ['127.0.0.1:8088:80']\n  environment: {A: '${TOKEN}', B: {ref: nobody/knows}}\n  mem_limit: plenty\n"
            "  depends_on: [nobody]\nsuspnd: true\n"
        ),
        "stacks/media.yaml": "kind: Stack\nname: media\nspec: {file: compose.yaml, profile: [x]}\n",
        "stacks/compose.yaml": (
            "services:\n  tv: {image: 'tv:${TV}', comand: x}\n  db: {image: 'Bad:Image'}\n"
            "  old: {image: 'old:1', network_mode: 5}\n"
        ),
        "other.yaml": SERVICE.format(name="other", image="app:1") + "needs: [service/web, service/media-tv, service/broken]\n",
        "broken.yaml": "kind: Service\nname: broken\nspec: {image: [\n",
    }
    for path, text in broken.items():
        home.write(path, text)
    found = home("validate", "--worktree", "-o", "json").json["findings"]
    told = {f"{item['file']}:{item['line']} {item['message']}" for item in found}
    assert told == {
        "services/web.yaml:4 unknown key 'iamge'",
        "services/web.yaml:4 'App:1' is not an image reference: the repository name must be lower case",
        "services/web.yaml:5 'allways' is not a restart policy",
        "services/web.yaml:6 `rollback` must be 'always', 'if-stateless' or 'never'",
        f"services/web.yaml:7 port 8088/tcp of 127.0.0.1 on local is claimed by service/web and by service/hello ({HELLO}:1:1)",
        "services/web.yaml:8 the variable TOKEN is not set",
        "services/web.yaml:8 secret 'nobody/knows' does not exist",
        "services/web.yaml:9 `plenty` is not a size",
        "services/web.yaml:10 service/web needs service/nobody, which is not declared",
        "services/web.yaml:11 unknown key 'suspnd'",
        "stacks/media.yaml:3 unknown key 'profile'",
        "stacks/compose.yaml:2 the variable TV is not set",
        "stacks/compose.yaml:2 unknown key `comand` in a service",
        "stacks/compose.yaml:3 'Bad:Image' is not an image reference: the repository name must be lower case",
        "stacks/compose.yaml:4 `network_mode` must be text, not a number",
        "broken.yaml:4 a value is missing here",
    }, "and nothing that only follows from it: what is broken is still known by its name"
    for item in found:
        assert item["snippet"], item


@pytest.mark.parametrize("arguments", [[], ["secret"]])
def test_a_verb_that_is_left_out_shows_what_there_is(home: Home, arguments: list[str]) -> None:
    said = home(*arguments)
    assert said.code == 1
    assert said.err.startswith(f"Usage: {' '.join(['homelab', *arguments])} ")
    assert "\\n" not in said.err


def test_a_key_that_is_mistyped_is_offered(home: Home) -> None:
    assert home("apply").code == 0
    for verb in ("suspend", "show", "logs"):
        said = home(verb, "service/helo")
        assert said.code == 4
        assert "did you mean `service/hello`?" in said.err, verb
        assert "`homelab status` lists what there is" in home(verb, "network/zzz").err


def test_an_empty_secret_says_how_to_give_one(home: Home) -> None:
    said = home("secret", "set", "app/password", stdin="\n")
    assert said.code == 4
    assert "pwgen 40 1 | homelab secret set app/password" in said.err


def test_what_is_the_same_is_shown_once(home: Home) -> None:
    assert home("apply").code == 0
    said = home("show", "service/hello").out
    assert said.count("image: app:1") == 1
    assert "observed\n  the same as desired" in said
