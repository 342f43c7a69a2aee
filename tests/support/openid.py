"""A small OpenID provider on loopback: discovery, authorization code with PKCE, ID tokens signed by joserfc. It can lie."""

from __future__ import annotations

import base64
import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from joserfc import jwt
from joserfc.jwk import ECKey, RSAKey

CLIENT, SECRET = "homelab", "canary-client-secret"


@dataclass
class Provider:
    """`claims` are what it says of whoever signs in. `token` may make another ID token of the right claims, `about` another
    description, `answer` other words in the browser's way back; `requests` are the paths that were asked for."""

    claims: dict[str, Any] = field(default_factory=lambda: {"sub": "42", "preferred_username": "Anna", "groups": ["family"]})
    token: Callable[[dict[str, Any]], str] | None = None
    about: Callable[[dict[str, Any]], Any] = lambda said: said
    answer: Callable[[dict[str, str]], dict[str, str]] = lambda words: words
    requests: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rsa, self.ec = _keys()
        self.codes: dict[str, dict[str, str]] = {}
        provider = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                provider._get(self)

            def do_POST(self) -> None:
                provider._post(self)

            def log_message(self, *_: Any) -> None:
                """Nothing is told."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.issuer = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop answering."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(60)

    def signed(self, claims: dict[str, Any], alg: str = "RS256", key: Any = None) -> str:
        """An ID token."""
        key = key or (self.ec if alg == "ES256" else self.rsa)
        return jwt.encode({"alg": alg, "kid": key.kid}, claims, key, algorithms=[alg])

    def _get(self, asked: BaseHTTPRequestHandler) -> None:
        parts = urlsplit(asked.path)
        self.requests.append(parts.path)
        if parts.path == "/.well-known/openid-configuration":
            said: dict[str, Any] = {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
            said |= {"authorization_endpoint": f"{self.issuer}/authorize", "token_endpoint": f"{self.issuer}/token"}
            _send(asked, 200, self.about(said))
        elif parts.path == "/keys":
            _send(asked, 200, {"keys": [self.rsa.as_dict(private=False), self.ec.as_dict(private=False)]})
        elif parts.path == "/authorize":
            words = {name: values[0] for name, values in parse_qs(parts.query).items()}
            assert (words["response_type"], words["client_id"]) == ("code", CLIENT)
            assert words["code_challenge_method"] == "S256"
            assert "openid" in words["scope"].split()
            code = secrets.token_urlsafe()
            self.codes[code] = words
            back = self.answer({"code": code, "state": words["state"]})
            asked.send_response(302)
            asked.send_header("Location", f"{words['redirect_uri']}?{urlencode(back)}")
            asked.end_headers()
        else:
            asked.send_response(302)
            asked.send_header("Location", f"{self.issuer}/.well-known/openid-configuration")
            asked.end_headers()

    def _post(self, asked: BaseHTTPRequestHandler) -> None:
        self.requests.append(asked.path)
        form = {k: v[0] for k, v in parse_qs(asked.rfile.read(int(asked.headers["Content-Length"])).decode()).items()}
        expected = "Basic " + base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        words = self.codes.pop(form.get("code", ""), None)
        challenge = base64.urlsafe_b64encode(sha256(form.get("code_verifier", "").encode()).digest()).rstrip(b"=").decode()
        if asked.headers.get("Authorization") != expected:
            _send(asked, 401, {"error": "invalid_client"})
        elif words is None or words["redirect_uri"] != form["redirect_uri"] or words["code_challenge"] != challenge:
            _send(asked, 400, {"error": "invalid_grant"})
        else:
            now = int(time.time())
            claims = {"iss": self.issuer, "aud": CLIENT, "iat": now, "exp": now + 300, "nonce": words["nonce"], **self.claims}
            text = self.token(claims) if self.token else self.signed(claims)
            _send(asked, 200, {"access_token": "x", "token_type": "Bearer", "id_token": text})


@cache
def _keys() -> tuple[RSAKey, ECKey]:
    """The keys of every provider: making one takes longer than a test."""
    return RSAKey.generate_key(2048, {"kid": "rsa"}), ECKey.generate_key("P-256", {"kid": "ec"})


def _send(asked: BaseHTTPRequestHandler, status: int, content: Any) -> None:
    body = json.dumps(content).encode()
    asked.send_response(status)
    asked.send_header("Content-Type", "application/json")
    asked.send_header("Content-Length", str(len(body)))
    asked.end_headers()
    asked.wfile.write(body)
