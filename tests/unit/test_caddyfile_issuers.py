"""Who issues the certificates of an imported site: what its Route says is what Caddy does already."""

from __future__ import annotations

from typing import Any

import pytest

from controller.kinds.route.sites import sites

INTERNAL: list[dict[str, Any]] = [{"module": "internal"}]
ACME: list[dict[str, Any]] = [{"module": "acme", "ca": "https://ca.home.test/dir"}]


@pytest.mark.parametrize(
    ("hosts", "policies", "tls", "reason"),
    [
        (["a.example.net"], [], None, "Caddy asks a public authority when nobody says otherwise, and so does a public Route"),
        (["a.example.net"], [{"issuers": INTERNAL}], "internal", "`local_certs`"),
        (["a.example.net"], [{"subjects": ["a.example.net"], "issuers": INTERNAL}], "internal", "`tls internal` of the site"),
        (["b.example.net"], [{"subjects": ["a.example.net"], "issuers": INTERNAL}], None, "`tls internal` of another site"),
        (["b.example.net"], [{"subjects": ["*.example.net"], "issuers": INTERNAL}], "internal", "a wildcard stands for it"),
        (
            ["a.example.net"],
            [{"subjects": ["a.example.net"], "issuers": ACME}, {"issuers": INTERNAL}],
            None,
            "the first one counts",
        ),
        (["a.example.net"], [{"issuers": [*ACME, *INTERNAL]}], None, "its own is only the last resort"),
        (["a.example.net"], [{"key_type": "p256"}], None, "a policy that says nothing about who issues"),
        (["a.example.net", "b.example.net"], [{"subjects": ["a.example.net"], "issuers": INTERNAL}], None, "only one of two"),
        (["nas.local"], [], "internal", "no public authority knows such a name"),
        (["local.example.net"], [], None, "only the end of a name is special"),
    ],
)
def test_a_route_is_issued_as_it_was(hosts: list[str], policies: list[dict[str, Any]], tls: str | None, reason: str) -> None:
    route = {"match": [{"host": hosts}], "handle": [{"handler": "reverse_proxy", "upstreams": [{"dial": "127.0.0.1:9"}]}]}
    server = {"listen": [":443"], "routes": [route]}
    document = {"apps": {"http": {"servers": {"srv0": server}}, "tls": {"automation": {"policies": policies}}}}
    ((_, (draft,), unsayable),) = sites(document)
    assert (draft.spec.get("tls"), unsayable) == (tls, ""), reason
