"""The API document: complete, and true of what the endpoint really answers."""

from __future__ import annotations

import re
from typing import Any

import httpx2
import pytest

from controller.web.openapi import programs
from controller.web.routes import routes
from tests.support.webhouse import WebHouse

TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "array": (list,),
    "object": (dict,),
    "null": (type(None),),
}


def differences(value: Any, schema: Any, document: dict[str, Any], where: str = "$") -> list[str]:
    """Where a value is not as a schema of the document says; names that the schema does not know are differences too."""
    if schema is True or schema == {}:
        return []
    if "$ref" in schema:
        return differences(value, document["components"]["schemas"][schema["$ref"].rpartition("/")[2]], document, where)
    if "anyOf" in schema:
        tried = [differences(value, each, document, where) for each in schema["anyOf"]]
        return min(tried, key=len)
    kind = schema.get("type")
    if kind and (not isinstance(value, TYPES[kind]) or (isinstance(value, bool) and kind != "boolean")):
        return [f"{where}: {value!r} is no {kind}"]
    found = [f"{where}: {value!r} is not one of {schema['enum']}"] if "enum" in schema and value not in schema["enum"] else []
    if isinstance(value, list):
        each = schema.get("prefixItems") or [schema.get("items", {})] * len(value)
        found += [item for at, part in enumerate(value) for item in differences(part, each[at], document, f"{where}[{at}]")]
    if isinstance(value, dict):
        known, rest = schema.get("properties", {}), schema.get("additionalProperties", "properties" not in schema)
        found += [f"{where}: {name} is missing" for name in schema.get("required", ()) if name not in value]
        for name, part in value.items():
            if name in known or isinstance(rest, dict):
                found += differences(part, known.get(name, rest), document, f"{where}.{name}")
            elif rest is not True:
                found.append(f"{where}: {name} is not documented")
    return found


@pytest.fixture
def document(web: WebHouse) -> dict[str, Any]:
    found: dict[str, Any] = web.operator().get("/api/openapi.json").json()
    return found


def check(document: dict[str, Any], method: str, path: str, answer: httpx2.Response) -> None:
    """An answer is documented, and as its schema says."""
    said = document["paths"][path][method.lower()]["responses"]
    assert str(answer.status_code) in said, (method, path, answer.status_code, answer.text)
    content = said[str(answer.status_code)].get("content")
    if content is None:
        assert answer.content == b""
        return
    media = answer.headers["content-type"].partition(";")[0]
    assert media in content, (method, path, media)
    if media.endswith("json"):
        schema = content[media]["schema"]
        # A problem may have members of its own; everything else says exactly what is documented.
        loose = {**schema, "additionalProperties": True} if media.startswith("application/problem") else schema
        if "$ref" in loose and media.startswith("application/problem"):
            loose = {**document["components"]["schemas"]["Problem"], "additionalProperties": True}
        assert differences(answer.json(), loose, document) == [], (method, path)


def test_every_route_is_documented(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    documented = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert documented == {(m, path) for path, methods in programs(routes()).items() for m in methods}
    left_out = {path for path in routes() if path not in document["paths"]}
    assert not any(path.startswith(("/api/", "/livez", "/readyz", "/metrics", "/hooks/")) for path in left_out)
    assert {"/", "/settings"} < left_out, "the page is for people"
    names = [item["operationId"] for methods in document["paths"].values() for item in methods.values()]
    assert len(names) == len(set(names))


def test_every_reference_leads_somewhere(document: dict[str, Any]) -> None:
    schemas = document["components"]["schemas"]
    assert set(re.findall(r"#/components/schemas/([^\"']+)", str(document))) <= set(schemas)
    for path, methods in document["paths"].items():
        for item in methods.values():
            named = {parameter["name"] for parameter in item["parameters"] if parameter["in"] == "path"}
            assert named == set(re.findall(r"\{(\w+)\}", path))
            for parameter in item["parameters"]:
                assert parameter["schema"].get("type"), (path, parameter)


STORY: list[tuple[str, str, str, Any]] = [
    ("GET", "/livez", "", None),
    ("GET", "/readyz", "", None),
    ("GET", "/metrics", "", None),
    ("GET", "/api/openapi.json", "", None),
    ("GET", "/api/v1/me", "", None),
    ("GET", "/api/v1/status", "", None),
    ("GET", "/api/v1/plan", "", None),
    ("GET", "/api/v1/plan", "?worktree=1", None),
    ("GET", "/api/v1/plan", "?colour=red", None),
    ("GET", "/api/v1/history", "?limit=1", None),
    ("GET", "/api/v1/history", "?limit=0", None),
    ("GET", "/api/v1/history/days", "", None),
    ("GET", "/api/v1/history/days", "?days=2", None),
    ("GET", "/api/v1/history/days", "?days=401", None),
    ("GET", "/api/v1/uptime", "?kind=box", None),
    ("GET", "/api/v1/uptime", "?kind=UPPER", None),
    ("GET", "/api/v1/uptime/box/one", "?days=3", None),
    ("GET", "/api/v1/uptime/box/nothing", "", None),
    ("GET", "/api/v1/uptime/box/UPPER", "", None),
    ("GET", "/api/v1/runs/{run}", "", None),
    ("GET", "/api/v1/runs/nothing", "", None),
    ("GET", "/api/v1/domains", "", None),
    ("GET", "/api/v1/topology", "", None),
    ("GET", "/api/v1/decisions", "", None),
    ("GET", "/api/v1/revisions", "?limit=1", None),
    ("GET", "/api/v1/revisions", "?limit=0", None),
    ("GET", "/api/v1/compare", "", None),
    ("GET", "/api/v1/compare", "?from=nothing", None),
    ("GET", "/api/v1/compare", "?from=--x", None),
    ("GET", "/api/v1/compare/patch", "?to=nothing", None),
    ("GET", "/api/v1/compare/patch", "", None),
    ("GET", "/api/v1/resources/box/one", "", None),
    ("GET", "/api/v1/resources/box/nothing", "", None),
    ("GET", "/api/v1/logs/box/one", "?lines=5", None),
    ("GET", "/api/v1/events", "?after=0", None),
    ("GET", "/api/v1/energy", "?days=2", None),
    ("GET", "/badge/box/one.svg", "", None),
    ("GET", "/badge/box/nothing.svg", "", None),
    ("GET", "/api/v1/summary", "", None),
    ("GET", "/api/v1/notifications", "", None),
    ("POST", "/api/v1/notifications/test", "", {}),
    ("POST", "/api/v1/notifications/test", "", {"name": "nobody"}),
    ("POST", "/api/v1/notifications/test", "", {"name": "UPPER"}),
    ("POST", "/api/v1/sync", "", None),
    ("POST", "/api/v1/sync", "?wait=1", None),
    ("POST", "/api/v1/approvals", "", {"digests": ["{held}"], "reason": "yes"}),
    ("POST", "/api/v1/rejections", "", {"digests": ["{held}"]}),
    ("POST", "/api/v1/rejections", "", {"digests": ["nothing"]}),
    ("POST", "/api/v1/approvals", "", {"digests": ["0" * 64]}),
    ("POST", "/api/v1/retry", "", {"target": "box/four"}),
    ("POST", "/api/v1/retry", "", {"target": "all"}),
    ("POST", "/api/v1/renewals", "", {"key": "box/one"}),
    ("POST", "/api/v1/renewals", "", {"key": "box"}),
    ("POST", "/api/v1/suspensions", "", {"key": "box/one"}),
    ("DELETE", "/api/v1/suspensions/box/one", "", None),
    ("DELETE", "/api/v1/suspensions/box/one", "", None),
    ("DELETE", "/api/v1/suspensions/box/UPPER", "", None),
    ("GET", "/api/v1/rollback", "", None),
    ("GET", "/api/v1/rollback", "?target=nothing", None),
    ("POST", "/api/v1/rollback", "?wait=1", {}),
    ("POST", "/api/v1/rollback", "", {"target": "{first}"}),
    ("POST", "/api/v1/detach", "", {"keys": ["box/one"]}),
    ("POST", "/api/v1/detach", "", {}),
    ("POST", "/api/v1/adoptions", "", {"objects": [{"key": "box/one"}, {"key": "box/nine"}]}),
    ("POST", "/api/v1/secrets", "", {"ref": "a/b", "value": "c"}),
    ("POST", "/api/v1/secrets", "", {"ref": "../b", "value": "c"}),
    ("GET", "/api/v1/secrets", "", None),
    ("POST", "/api/v1/secrets/rotations", "", {"ref": "a/b", "length": 20}),
    ("POST", "/api/v1/secrets/rotations", "", {"ref": "no/such"}),
    ("POST", "/api/v1/secrets/rotations", "", {"ref": "a/b", "length": 1}),
    ("POST", "/api/v1/secrets/exports", "", None),
    ("GET", "/api/v1/webhook", "", None),
    ("POST", "/api/v1/webhook", "", None),
    ("POST", "/hooks/git", "", {}),
    ("POST", "/api/v1/invitations", "", {}),
    ("POST", "/api/v1/session", "", {"token": "{link}"}),
    ("POST", "/api/v1/session", "", {"token": "hlo_wrong"}),
    ("DELETE", "/api/v1/session", "", None),
    ("POST", "/api/v1/tokens", "", {"name": "ci", "scopes": ["read"]}),
    ("POST", "/api/v1/tokens", "", {"name": "ci", "scopes": []}),
    ("GET", "/api/v1/tokens", "", None),
    ("DELETE", "/api/v1/tokens/nothing", "", None),
    ("DELETE", "/api/v1/tokens/{token}", "", None),
    ("GET", "/api/v1/proposals", "", None),
    ("GET", "/api/v1/proposals", "?standing=any", None),
    ("POST", "/api/v1/proposals", "", {"title": "Two", "files": {"a.yaml": "a"}}),
    ("POST", "/api/v1/proposals", "", {"title": ""}),
    ("GET", "/api/v1/proposals/gabodi", "", None),
    ("POST", "/api/v1/proposals/gabodi/revisions", "", {"files": {"a.yaml": None}}),
    ("POST", "/api/v1/proposals/gabodi/approval", "", {"tip": "0" * 40, "digests": []}),
    ("POST", "/api/v1/proposals/gabodi/approval", "", {"tip": "main", "digests": []}),
    ("POST", "/api/v1/proposals/gabodi/rejection", "", {}),
    ("POST", "/api/v1/proposals/gabodi/change-requests", "", {"reason": "no"}),
    ("POST", "/api/v1/session/provider", "", None),
    ("GET", "/api/v1/people", "", None),
    ("POST", "/api/v1/people", "", {"name": "anna", "password": "correct horse battery"}),
    ("POST", "/api/v1/people", "", {"name": "anna"}),
    ("POST", "/api/v1/people", "", {"name": "Anna"}),
    ("POST", "/api/v1/session", "", {"name": "anna", "password": "correct horse battery"}),
    ("POST", "/api/v1/session", "", {"name": "anna"}),
    ("GET", "/api/v1/people/anna", "", None),
    ("GET", "/api/v1/people/nobody", "", None),
    ("POST", "/api/v1/people/anna/scopes", "", {"scopes": ["approve"]}),
    ("POST", "/api/v1/people/nobody/scopes", "", {"scopes": ["approve"]}),
    ("POST", "/api/v1/people/anna/password", "", {"password": "staple battery horse"}),
    ("POST", "/api/v1/people/nobody/password", "", {"password": "staple battery horse"}),
    ("POST", "/api/v1/people/anna/password", "", {"password": "short"}),
    ("POST", "/api/v1/me/password", "", {"password": "staple battery horse"}),
    ("GET", "/api/v1/sessions", "", None),
    ("DELETE", "/api/v1/sessions/nothing", "", None),
    ("DELETE", "/api/v1/sessions", "", None),
    ("DELETE", "/api/v1/people/anna/sessions", "", None),
    ("DELETE", "/api/v1/people/nobody/sessions", "", None),
    ("DELETE", "/api/v1/people/anna/scopes", "", None),
    ("DELETE", "/api/v1/people/nobody/scopes", "", None),
    ("DELETE", "/api/v1/people/anna", "", None),
    ("DELETE", "/api/v1/people/anna", "", None),
    ("GET", "/api/v1/audit", "?limit=2", None),
    ("GET", "/api/v1/audit", "?cursor=3", None),
    ("GET", "/api/v1/audit", "?cursor=0", None),
    ("GET", "/api/v1/audit/proof", "", None),
    ("GET", "/api/v1/audit/proof", "?noted=x", None),
]


_PEOPLE = (
    ("sessions/[^/]+", "sessions/{id}"),
    *((f"people/[^/]+{end}", f"people/{{name}}{end}") for end in ("", "/scopes", "/password", "/sessions")),
)


def template(path: str) -> str:
    for pattern, general in (("runs/[^/]+", "runs/{id}"), ("tokens/[^/]+", "tokens/{id}"), *_PEOPLE):
        path = re.sub(f"/api/v1/{pattern}$", f"/api/v1/{general}", path)
    path = re.sub(r"^/api/v1/proposals/[^/]+", "/api/v1/proposals/{id}", path)
    path = re.sub(r"^/badge/[^/]+/[^/]+\.svg$", "/badge/{kind}/{name}.svg", path)
    return re.sub(r"/(resources|suspensions|logs|uptime)/[^/]+/[^/]+$", r"/\1/{kind}/{name}", path)


def test_every_answer_is_as_documented(web: WebHouse, document: dict[str, Any]) -> None:
    rule = "kind: Policy\nname: house\nspec: {rules: [{name: ask, match: {names: [three]}, verdict: hold}]}\n"
    files = {f"{name}.yaml": f"kind: Box\nname: {name}\nspec: {{}}\n" for name in ("one", "two", "three")}
    first = web.house.book.tip
    web.house.book.write({**files, "policy/house.yaml": rule, "four.yaml": "kind: Box\nname: four\nspec: {image: 'box:bad'}\n"})
    report = web.reconcile()
    words = {
        "held": next(status.rollout for status in report.statuses if status.key.name == "three"),
        "run": web.store.runs()[0].id,
        "first": first,
        "link": web.access.invite(),
        "token": web.access.issue("x", ["read"], None, "tester")[1].id,  # type: ignore[list-item]
    }
    operator, stranger = web.operator(), web.client()
    done: set[tuple[str, str]] = set()
    statuses: list[int] = []
    for method, path, query, body in STORY:
        concrete = path.format(**words)
        sent = None if body is None else _filled(body, words)
        answer = operator.request(method, concrete + query, json=sent)
        check(document, method, template(concrete), answer)
        check(document, method, template(concrete), stranger.request(method, concrete + query, json=sent))
        done.add((method, template(concrete)))
        statuses.append(answer.status_code)
    assert done == {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    assert {200, 201, 202, 204, 401, 404, 409, 422} == set(statuses)


def _filled(body: Any, words: dict[str, str]) -> Any:
    if isinstance(body, str):
        return body.format(**words)
    if isinstance(body, list):
        return [_filled(item, words) for item in body]
    return {name: _filled(item, words) for name, item in body.items()} if isinstance(body, dict) else body


@pytest.mark.parametrize(
    ("value", "schema", "reason"),
    [
        ({"a": 1}, {"type": "object", "properties": {}}, "an unknown name"),
        ({}, {"type": "object", "properties": {"a": {}}, "required": ["a"]}, "a missing name"),
        ([1, "x"], {"type": "array", "items": {"type": "integer"}}, "a wrong item"),
        (True, {"type": "integer"}, "true is no number"),
        ("c", {"type": "string", "enum": ["a", "b"]}, "another word"),
        (None, {"anyOf": [{"type": "string"}, {"type": "integer"}]}, "nothing"),
    ],
)
def test_the_check_sees_differences(value: Any, schema: Any, reason: str) -> None:
    assert differences(value, schema, {}), reason
