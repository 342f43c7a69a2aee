"""A person's Caddyfile becomes Routes: nothing in Caddy moves, the first plan is empty, and from then on git decides."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from controller.clients.yaml import read_yaml, write_yaml
from controller.core.errors import Refused
from controller.core.run import Outcome
from controller.usecases.adopting import Adopting
from controller.usecases.importing import Importing
from controller.usecases.importing_caddyfile import CaddyfileImport
from controller.usecases.importing_sketch import Sketch
from tests.flows.test_caddy_house import CaddyHouse
from tests.support.caddy import NEW, OLD, Caddies, Caddy, upstream

CADDYFILE = """
{{
	admin unix/{socket}
	http_port {http}
	https_port {https}
	local_certs
	skip_install_trust
	grace_period 1s
	default_bind 127.0.0.1
}}
app.home.test {{
	encode gzip
	header X-Frame-Options DENY
	header -Server
	reverse_proxy {upstream}
}}
api.home.test {{
	handle_path /v1/* {{
		reverse_proxy {upstream}
	}}
	handle {{
		redir https://app.home.test{{uri}} 308
	}}
}}
www.home.test, old.home.test {{
	redir https://app.home.test{{uri}} permanent
}}
docs.home.test {{
	root * {folder}
	file_server
}}
http://plain.home.test {{
	reverse_proxy {upstream}
}}
locked.home.test {{
	basicauth {{
		me JDJhJDE0JEFBQUFBQUFBQUFBQUFBQUFBQUFBQU8ubmM2RnZNbTl0
	}}
	respond "secret"
}}
"""


@pytest.fixture(params=[OLD, NEW])
def caddy(request: pytest.FixtureRequest, caddies: Caddies) -> Caddy:
    return caddies.clean(request.param)


def importing(home: CaddyHouse) -> Importing:
    house = home.house
    keeper: Any = None  # a Caddyfile's values stay where they are
    return Importing(house.reconciler, house.book, house.store, keeper, house.clock, write_yaml)


def test_a_caddyfile_becomes_routes_and_nothing_moves(caddy: Caddy, tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("a page")
    with upstream() as server:
        words = {"socket": caddy.socket, "http": caddy.http_port, "https": caddy.https_port}
        text = CADDYFILE.format(upstream=server.url.removeprefix("http://"), folder=tmp_path, **words)
        serve(caddy, text)
        before = caddy.document()
        home = CaddyHouse(caddy, mode="coexist")
        home.commit({})
        sketch = CaddyfileImport(importing(home), "").sketch(text)
        assert {item.key: item.reason.partition(":")[0] for item in sketch.left} == {
            "locked.home.test": "no Route can do what the handler authentication does",
            "api.home.test": "it comes to several Routes",
        }
        assert [(item.key, item.reason) for item in sketch.lost] == [("route/app-home-test", "compression (encode)")]
        drafted = {path: content.decode() for path, content in sketch.files.items()}
        assert "tls: internal" in drafted["routes/docs-home-test.yaml"], "its certificate is of Caddy's own authority"
        take(home, sketch)
        assert home.house.plan() == "", "the first plan after an import"
        assert home.house.reconciler.survey().plan.notes == (), "nor is anything strange"
        home.house.reconcile()
        assert (home.tap.writes, caddy.document()) == (0, before)
        assert caddy.get("app.home.test")[0] == 200
        assert caddy.get("docs.home.test")[2] == "a page"
        assert caddy.get("locked.home.test")[0] == 401, "what could not be declared stays"
        home.house.book.commit({"routes/docs-home-test.yaml": None}, "remove", "tester")
        home.house.reconcile()
        assert home.house.plan() == ""
        assert "docs.home.test" not in str(caddy.document()["apps"]["http"]), "what was taken over is ours to remove"
        assert caddy.get("app.home.test")[0] == 200


def serve(caddy: Caddy, text: str) -> None:
    """Load a Caddyfile, and wait until all of it is served."""
    caddy.load(caddy.door.adapt(text)[0])
    for name in ("app", "api", "www", "old", "docs", "locked"):
        caddy.secured(f"{name}.home.test").close()


def take(home: CaddyHouse, sketch: Sketch) -> None:
    """Commit what was drafted, and take over what runs."""
    home.house.book.commit(dict(sketch.files), "import", "tester")
    head = home.house.book.head()
    estate = home.house.reconciler.linker.estate(head, home.house.book.read(head.id))
    adopted, left = Adopting(home.house.reconciler, home.house.store, home.house.clock).adopt(estate, sketch.objects, "tester")
    assert left == ()
    assert len(adopted) == len(sketch.objects)


def test_a_route_that_was_taken_over_changes(caddy: Caddy) -> None:
    with upstream() as one, upstream() as two:
        words = {"socket": caddy.socket, "http": caddy.http_port, "https": caddy.https_port, "folder": "/srv"}
        text = CADDYFILE.format(upstream=one.url.removeprefix("http://"), **words)
        serve(caddy, text)
        home = CaddyHouse(caddy, mode="coexist")
        home.commit({})
        take(home, CaddyfileImport(importing(home), "caddy").sketch(text))
        before = dict(home.house.book.read(home.house.book.head().id).contents)  # type: ignore[attr-defined]
        (parsed,) = read_yaml("x", before["routes/app-home-test.yaml"].encode())
        changed = {**parsed.data, "spec": {**parsed.data["spec"], "to": [two.url]}}
        home.house.book.write({**before, "routes/app-home-test.yaml": write_yaml(changed)})
        home.house.reconcile()
        assert set(home.outcomes()) == {Outcome.APPLIED}
        assert home.house.plan() == ""
        assert f'"port": {two.port}' in caddy.get("app.home.test")[2]
        assert [raw for raw in theirs(caddy) if "app.home.test" in str(raw.get("match"))] == [], "not twice"


def theirs(caddy: Caddy) -> list[dict[str, Any]]:
    return [raw for raw in caddy.document()["apps"]["http"]["servers"]["srv0"]["routes"] if raw.get("@id") != "homelab-root"]


def test_only_a_caddy_can_read_a_caddyfile(caddies: Caddies) -> None:
    home = CaddyHouse(caddies.clean(OLD))
    home.commit({})
    with pytest.raises(Refused, match="there is no Caddy 'nobody'"):
        CaddyfileImport(importing(home), "nobody").sketch("a.test {\n}\n")
