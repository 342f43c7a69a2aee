"""Endpoint: one path of the API. Reads the request, asks the gate, does the work in a thread, writes the answer."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, get_origin
from urllib.parse import parse_qsl

from pydantic import BaseModel, ValidationError
from starlette.datastructures import QueryParams
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from controller.usecases.access import Denied, Throttled
from controller.web import lost, page
from controller.web.call import HTML, JSON, Call, Face, Flow, Operation, Stream
from controller.web.gate import actor_of, admit
from controller.web.lanes import Lane, Lanes
from controller.web.outflow import Outflows
from controller.web.problem import PROBLEM, Problem, invalid, of
from controller.web.repeats import Answer, Repeats
from controller.web.trail import recorded

FORM = "application/x-www-form-urlencoded"
LARGEST_BODY = 1 << 20
BODY_SECONDS = 10.0


class Endpoint:
    """All methods of one path, so that `Allow` is right. HEAD is GET without the body."""

    def __init__(
        self, path: str, operations: Mapping[str, Operation], face: Face, lanes: Lanes, outflows: Outflows, repeats: Repeats
    ) -> None:
        self._path, self._operations = path, operations
        self._face, self._lanes, self._repeats = face, lanes, repeats
        self._outflows, self._feed = outflows, outflows.feed
        methods = {*operations, *(["HEAD"] if "GET" in operations else [])}
        self.allow = ", ".join(sorted(methods))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            response = await self._answer(request)
        except ClientDisconnect:
            return
        except Exception as error:  # noqa: BLE001 (every error becomes a problem)
            response = await self._told(request, of(error))
        await response(scope, receive, send)

    async def _told(self, request: Request, problem: Problem) -> Response:
        """A problem, as a page where a page was asked for."""
        operation = self._operations.get("GET" if request.method == "HEAD" else request.method)
        if operation is None:
            return await told_to(request, self._face, self._lanes, problem)
        if operation.media != HTML:
            return problem_response(problem)
        call = replace(call_of(request), actor=getattr(request.state, "actor", None))
        shown = page.problem(self._face, call, problem)
        return Response(shown.body(), shown.status, dict(shown.headers), HTML)

    async def _answer(self, request: Request) -> Any:
        operation = self._operations.get("GET" if request.method == "HEAD" else request.method)
        if operation is None:
            raise Problem(405, "method-not-allowed", f"{self._path} takes {self.allow}", {"Allow": self.allow})
        call = call_of(request)
        user = request.client.host if request.client and call.local else ""
        actor = await self._lanes.run(Lane.QUICK, lambda: self._enter(operation, call, user, request.state))
        call = replace(call, actor=actor, query=_query(operation, request.query_params))
        if request.method not in ("GET", "HEAD"):
            raw = await _read(request)
            call = replace(call, raw=raw, body=_body(operation, call, raw))
        result = await self._lanes.run(operation.lane, lambda: self._work(operation, call))
        if isinstance(result, Stream):
            if request.method == "HEAD":
                return Response(media_type="text/event-stream")
            return self._feed.response(result.after, lambda: self._still(operation, call, user))
        if isinstance(result, Flow):
            if request.method == "HEAD":
                result.stop.set()
                return Response(media_type=result.media)
            return self._outflows.response(result, lambda: self._still(operation, call, user))
        if operation.etag and result.status == 200:
            return _revalidated(result, call)
        return _response(result)

    def _enter(self, operation: Operation, call: Call, user: str, known: Any) -> Any:
        try:
            actor = actor_of(self._face, call, user)
        except (Denied, Throttled):
            if operation.scope is not None:
                raise
            actor = None
        known.actor = actor
        if actor is None:
            admit(self._face, operation, None, call)
            return None
        call = replace(call, actor=actor)
        try:
            admit(self._face, operation, actor, call)
        except Problem:
            with recorded(self._face, operation, call):
                raise
        return actor

    def _still(self, operation: Operation, call: Call, user: str) -> bool:
        """True while a stream's caller may still see it (not signed out, token not revoked)."""
        actor = actor_of(self._face, call, user)
        admit(self._face, operation, actor, call)
        return True

    def _work(self, operation: Operation, call: Call) -> Answer | Stream | Flow:
        key = call.headers.get("idempotency-key")
        if key is None or operation.scope is None or call.method != "POST":
            return self._done(operation, call)
        actor = call.actor
        caller = f"{actor.door} {actor.id} {actor.name}" if actor else ""
        content = sha256(repr((sorted(call.path.items()), call.query)).encode() + call.raw).hexdigest()
        before = self._repeats.begin(caller, self._path, key, content)
        if before is not None:
            return replace(before, headers=(*before.headers, ("Idempotency-Replayed", "true")))
        answer: Answer | None = None
        try:
            done = self._done(operation, call)
            answer = done if isinstance(done, Answer) else None
            return done
        finally:
            self._repeats.end(caller, self._path, key, content, answer)

    def _done(self, operation: Operation, call: Call) -> Answer | Stream | Flow:
        with recorded(self._face, operation, call):
            reply = operation.handle(self._face, call)
        if isinstance(reply, Stream | Flow):
            return reply
        return Answer(reply.status, reply.body(), reply.media, tuple(reply.headers.items()))


def call_of(request: Request) -> Call:
    """The request before anything of it is believed."""
    # Only a unix socket has a server address without a port, and no header can make one.
    server = request.scope.get("server")
    local = server is not None and server[1] is None
    peer = "" if local or request.client is None else request.client.host
    https = request.scope.get("scheme") == "https"
    return Call(request.method, peer, local, request.headers, request.path_params, https)


async def _read(request: Request) -> bytes:
    too_large = Problem(413, "too-large", f"a body has at most {LARGEST_BODY} bytes", {"Connection": "close"})
    declared = request.headers.get("content-length", "0")
    if not declared.isdigit() or int(declared) > LARGEST_BODY:
        raise too_large
    body = bytearray()
    try:
        async with asyncio.timeout(BODY_SECONDS):
            async for chunk in request.stream():
                body += chunk
                if len(body) > LARGEST_BODY:
                    raise too_large
    except TimeoutError:
        raise Problem(408, "too-slow", f"the body did not come within {BODY_SECONDS:.0f} s", {"Connection": "close"}) from None
    return bytes(body)


def _query(operation: Operation, given: QueryParams) -> BaseModel | None:
    pairs = given.multi_items()
    if operation.query is None or len({name for name, _ in pairs}) < len(pairs):
        if pairs:
            raise Problem(422, "invalid-query", "a parameter is unknown here or stands twice")
        return None
    try:
        return operation.query.model_validate(dict(pairs))
    except ValidationError as error:
        raise invalid(error, "query") from None


def _body(operation: Operation, call: Call, raw: bytes) -> BaseModel | None:
    if operation.body is None:
        return None
    if operation.form:
        return _fields(operation.body, call, raw)
    # A form of another site can send text/plain or a form's own types without asking; JSON it cannot.
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != JSON:
        raise Problem(415, "unsupported-media-type", "send application/json")
    try:
        return operation.body.model_validate_json(raw or b"{}")
    except ValidationError as error:
        raise invalid(error, "body") from None


def _fields(wanted: type[BaseModel], call: Call, raw: bytes) -> BaseModel:
    """What a form of the page sends: every field once, but for those that are lists."""
    if call.headers.get("content-type", "").partition(";")[0].strip().lower() != FORM:
        raise Problem(415, "unsupported-media-type", f"send {FORM}")
    found: dict[str, list[str]] = defaultdict(list)
    try:
        for name, text in parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=1000):
            found[name].append(text)
        lists = {name for name, field in wanted.model_fields.items() if get_origin(field.annotation) is list}
        if any(len(texts) > 1 and name not in lists for name, texts in found.items()):
            raise Problem(422, "invalid-body", "a field stands twice")
        data = {name: texts if name in lists else texts[0] for name, texts in found.items()}
        return wanted.model_validate(data, strict=False)
    except ValidationError as error:
        raise invalid(error, "body") from None
    except ValueError:
        raise Problem(400, "malformed", "the body is not a form") from None


def _revalidated(answer: Answer, call: Call) -> Response:
    named = dict(answer.headers).get("ETag", "")
    etag = named or f'"{sha256(answer.body).hexdigest()[:32]}"'
    known = [item.strip().removeprefix("W/") for item in call.headers.get("if-none-match", "").split(",")]
    if etag in known or known == ["*"]:
        return Response(status_code=304, headers={"ETag": etag})
    return _response(answer if named else replace(answer, headers=(*answer.headers, ("ETag", etag))))


def _response(answer: Answer) -> Response:
    media = answer.media if answer.body else None
    return Response(answer.body, answer.status, dict(answer.headers), media)


async def told_to(request: Request, face: Face, lanes: Lanes, problem: Problem) -> Response:
    """A problem of a path or a method that is none: a page for a browser."""
    if not lost.by_browser(request):
        return problem_response(problem)
    call, path = call_of(request), request.url.path
    try:
        shown = await lanes.run(Lane.QUICK, lambda: lost.told(face, call, path, problem))
    except Problem as busy:
        return problem_response(busy)
    return Response(shown.body(), shown.status, dict(shown.headers), HTML)


def problem_response(problem: Problem) -> Response:
    """A problem as it is sent."""
    return Response(problem.body(), problem.status, problem.headers, PROBLEM)
