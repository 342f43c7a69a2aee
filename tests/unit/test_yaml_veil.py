"""What a finding shows of its source line, and what it keeps to itself."""

from __future__ import annotations

import pytest

from controller.core.secret import has_credentials
from controller.core.veil import veiled

CASES = (
    pytest.param("image: nginx:1", "image: nginx:1", id="plain: most lines say nothing secret"),
    pytest.param("  DB_PASSWORD: hunter2", "  DB_PASSWORD: •••", id="value: beside its name"),
    pytest.param("- API_TOKEN=hunter2", "- API_TOKEN=•••", id="item: the other spelling of a variable"),
    pytest.param('{"A": "1", "DB_PASSWORD": "hunter2"}', '{"A": "1", "DB_PASSWORD": •••', id="json: in the middle of a line"),
    pytest.param("DB_PASSWORD: ['hunter2", "DB_PASSWORD: •••", id="broken: YAML that cannot be read"),
    pytest.param("URL: postgres://me:hunter2@db/x", "URL: •••", id="url: with a password"),
    pytest.param("- postgres://me:hunter2@db/x", "- •••", id="url-item: without a name"),
    pytest.param("DB_PASSWORD:\n  - hunter2", "  •••", id="list: below its name"),
    pytest.param("DB_PASSWORD:\n- hunter2", "•••", id="flat-list: as far left as its name"),
    pytest.param("a:\n  DB_PASSWORD: |\n    one\n    hunter2", "    •••", id="block: a text of several lines"),
    pytest.param("DB_PASSWORD: x\nimage: a", "image: a", id="sibling: the next entry is another one"),
    pytest.param("spec: {entity: lock.a, code: 1234}", "spec: {entity: lock.a, code: •••", id="code: of a door"),
    pytest.param(
        "- {trigger: webhook, webhook_id: -x4}", "- {trigger: webhook, webhook_id: •••", id="webhook: who knows it may call"
    ),
    pytest.param("Authorization: Bearer x", "Authorization: •••", id="header: of a call"),
    pytest.param("postcode: 1234", "postcode: 1234", id="word: that only ends so"),
    pytest.param("PASSWORD_FILE: /run/secrets/x", "PASSWORD_FILE: /run/secrets/x", id="path: where a secret stands is none"),
)


@pytest.mark.parametrize(("text", "shown"), CASES)
def test_the_last_line_is_shown_without_secrets(text: str, shown: str) -> None:
    lines = text.split("\n")
    assert veiled(lines, len(lines) - 1) == shown


LONG = ("a", "a:", "a=", "://", "a://b:", " ", "-")


@pytest.mark.parametrize("line", [pytest.param(each * 300_000, id=repr(each)) for each in LONG])
def test_very_long_lines_end(line: str) -> None:
    veiled([line], 0)
    assert not has_credentials(line)
